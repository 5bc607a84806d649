"""What a peer's rule sees and answers: the same for all of them.

A rule is a pure function `step(at_s, seen, state) -> (copies, state, reason)`: time is an input
and never a loop counter, the state is an immutable value, and nothing else is remembered. A rule
wishes; floors, ceilings and changes in flight are the business of whoever runs it, so a rule reads
from `Observation.requested` what became of its last wish.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple, Protocol, TypeVar

MINUTE_S = 60
_ROUNDING = 1e-9


class Facts(NamedTuple):
    """What an operator knows of a model when setting its rule up, from a load test.

    `slots`: requests one copy serves at once. `service_s`: mean service time. `start_s`: a late
    (90 %) start-up time. `min_copies` and `max_copies` bind afterwards whatever is wished.
    """

    slots: int
    service_s: float
    start_s: float
    min_copies: int
    max_copies: int


class Minute(NamedTuple):
    """One metric minute [at_s, at_s + 60) of one model, as published by the moment of the step.

    `invocations` (accepted) and `refused` (at zero copies) are sums. `in_flight`: mean requests in
    flight of all copies, those that wait in a copy's queue included; `copies` reported it.
    `offered`: accepted concurrency + refused requests x service time / 60 s, in slots. A minute is
    handed over when it is first readable and once more when it is complete (`settled`).
    """

    at_s: int
    invocations: int
    refused: int
    in_flight: float
    copies: int
    offered: float
    settled: bool


class Level(NamedTuple):
    """Requests in flight over one metric period: mean of all copies together, and who reported."""

    at_s: int
    in_flight: float
    copies: int


class Observation(NamedTuple):
    """What a rule sees of its model, through the metrics' period, lag and silence.

    `ready` and `requested` are current and desired copies. `minutes` and `levels` (one per metric
    period of the run, 60 s or 10 s) are those not handed over before, oldest first. `held` are
    requests that wait in the peer's own proxy now; only peers with a proxy ever see any.
    """

    ready: int
    requested: int
    minutes: Sequence[Minute] = ()
    levels: Sequence[Level | Minute] = ()
    held: int = 0


State = TypeVar("State")


class Rule(Protocol[State]):
    """One model's rule, set up with its knobs and facts."""

    def begin(self, at_s: int) -> State:
        """The state before the first step."""

    def step(self, at_s: int, seen: Observation, state: State) -> tuple[int, State, str]:
        """Copies wished for, the next state, and why in one word."""

    def rests_until(self, state: State) -> float:
        """At zero copies and with nothing new to see, no step before this time wishes for one."""


def copies_for(load: float, per_copy: float) -> int:
    """Whole copies for a load, rounded up; sums of floats that are 4.000000001 copies are 4."""
    return ceil(load / per_copy - _ROUNDING)


def used(minute: Minute) -> bool:
    """Whether anybody called the model in that minute."""
    return minute.invocations > 0 or minute.refused > 0


Peaks = tuple[tuple[int, float], ...]


def push_peak(peaks: Peaks, at_s: int, value: float, window_s: int) -> Peaks:
    """A sliding maximum: only values that can still become it, oldest (and highest) first."""
    since_s = at_s - window_s
    return (
        *(peak for peak in peaks if peak[1] > value and peak[0] > since_s),
        (at_s, value),
    )


def highest(peaks: Peaks, since_s: float) -> float:
    """The highest value later than `since_s`; 0 without any."""
    for at_s, value in peaks:
        if at_s > since_s:
            return value
    return 0.0


def newest_refused(minutes: Iterable[Minute], after_s: int, at_least: int) -> int | None:
    """Start of the newest minute later than `after_s` with that many requests refused."""
    found = [m.at_s for m in minutes if m.at_s > after_s and m.refused >= at_least]
    return max(found, default=None)
