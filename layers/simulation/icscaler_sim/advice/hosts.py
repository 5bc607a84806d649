"""Instance types a model could have to itself, how fast it serves there, and what that costs.

A smaller GPU is cheaper and slower. Generating text is bound by memory bandwidth, so a type's speed
against the reference is the ratio of theirs, until somebody has measured it (`HostRules.speeds`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from icscaler_sim.pricing import InstanceType, PriceTable
from icscaler_sim.traces import CopyShape

FILL = 0
"""As many workers on an instance as its GPUs hold."""
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class HostRules:
    """What is allowed. `reference`: the type that the model's service profile holds for.

    `types`: names to choose from; empty: all of the price table. `slowest`: least speed against
    the reference that its callers put up with. `speeds`: measured ones. `workers`: of one instance
    of an own endpoint, each as much as a copy; `FILL`: as many as there is room for.
    """

    reference: InstanceType
    types: Sequence[str] = ()
    slowest: float = 0.5
    speeds: Mapping[str, float] = field(default_factory=dict)
    workers: int = FILL


@dataclass(frozen=True, slots=True)
class Host:
    """A type for one model: `workers` on each instance, each `speed` times a copy's rate."""

    kind: InstanceType
    workers: int
    speed: float

    @property
    def copies(self) -> float:
        """Copies on the reference type that one instance replaces."""
        return self.workers * self.speed


def hosts_for(shape: CopyShape, prices: PriceTable, rules: HostRules) -> list[Host]:
    """Every allowed type that could host a copy and is fast enough, cheapest instance first."""
    found = []
    for kind in prices.fitting(shape.gpus, shape.gpu_memory_gb):
        speed = speed_of(kind, rules)
        allowed = not rules.types or kind.name in rules.types
        if allowed and speed is not None and speed >= rules.slowest:
            most = kind.copies(shape.gpus)
            found.append(Host(kind, min(rules.workers, most) if rules.workers else most, speed))
    return found


def speed_of(kind: InstanceType, rules: HostRules) -> float | None:
    """Times the reference type's rate; None where nothing tells it."""
    if kind.name in rules.speeds:
        return rules.speeds[kind.name]
    if kind.name == rules.reference.name:
        return 1.0
    mine, theirs = kind.memory_bandwidth_gb_per_s, rules.reference.memory_bandwidth_gb_per_s
    return mine / theirs if mine and theirs else None


def cheapest_own(
    held: Sequence[float], step_s: int, hosts: Sequence[Host]
) -> tuple[Host, float] | None:
    """The type on which these copies over time cost least, and its dollars; None: no type fits.

    One instance runs all the time. An estimate: instances follow the copies at once.
    """
    priced = [(own_dollars(held, step_s, host), host.kind.name, host) for host in hosts]
    if not priced:
        return None
    dollars, _, host = min(priced, key=lambda one: one[:2])
    return host, dollars


def own_dollars(held: Sequence[float], step_s: int, host: Host) -> float:
    """Of an endpoint of its own that does the work of these copies."""
    instances = sum(max(1, math.ceil(copies / host.copies - 1e-9)) for copies in held)
    return instances * step_s / _HOUR_S * host.kind.usd_per_hour


def scaled(shape: CopyShape, speed: float) -> CopyShape:
    """The same copy where everything it computes takes 1/`speed` as long."""
    profile = shape.profile
    return replace(
        shape,
        profile=replace(
            profile,
            base_s=profile.base_s / speed,
            prefill_tokens_per_s=profile.prefill_tokens_per_s * speed,
            output_token_s=profile.output_token_s / speed,
        ),
    )


def own_shape(shape: CopyShape, host: Host) -> CopyShape:
    """One instance of an endpoint of its own as a copy: all its GPUs, its workers' slots."""
    faster = scaled(shape, host.speed)
    slots = shape.profile.slots_per_copy * host.workers
    return replace(
        faster,
        gpus=host.kind.gpus,
        profile=replace(faster.profile, slots_per_copy=slots),
    )
