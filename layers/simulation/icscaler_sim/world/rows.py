"""Rows of the world's metric tables: what a minute left behind, before it is a CloudWatch point."""

from __future__ import annotations

from typing import NamedTuple

from icscaler_sim.world.waiting import WaitPart


class MinuteRow(NamedTuple):
    """One component's minute. Counts are whole requests; the first two items rule visibility."""

    at_s: int
    visible_at_s: float
    settled_at_s: float
    """From here on nothing is missing any more."""
    accepted: int
    """Requests that reached the component while a copy was ready."""
    per_copy: float
    """The same, each divided by the ready copies it met."""
    copies: int
    """Ready copies at most in this minute; 0: AWS is silent but for refusals."""
    busy_fraction: float
    """Mean share of the copies' request slots in use."""
    gpus: float
    """GPUs of the ready copies, mean over the minute."""
    no_capacity: int
    """Requests refused because no copy was ready."""
    gave_up: int
    errors: int
    served: int
    """Requests whose service began."""
    service_s: float
    """Their mean service time."""
    waits: tuple[WaitPart, ...]
    """How long those waited that had to; everybody else did not."""
    in_flight_low: int
    in_flight_high: int


class InFlightRow(NamedTuple):
    """Requests in flight per copy over 10 seconds."""

    at_s: int
    visible_at_s: float
    low: int
    high: int
    copies: int


class FleetRow(NamedTuple):
    """One variant's minute: instances in service and what is reserved on them."""

    at_s: int
    visible_at_s: float
    instances: int
    gpus: int
    gpus_reserved: int
    cpus: float
    cpus_reserved: float
    memory_mb: float
    memory_reserved_mb: float
