"""Application Auto Scaling: target tracking, and step scaling from zero.

Published (Application Auto Scaling User Guide, "Target tracking scaling policies", "Step scaling
policies"): two alarms per policy, scale out proportional and at once, scale in only below a
threshold "usually more than 10 % lower", rounding that keeps more capacity, missing data means no
action in either direction, cooldowns of 300 s for SageMaker. The alarms' shapes are reported by
users: above the target in 3 of 3 periods, below 0.9 x target in 15 of 15 (90 of 90 of 10 s).

Where AWS leaves room we take the choice that favours it: a loaded copy's silence reads as zero
(else nothing would ever scale in), and the step policy only wakes from zero instead of adding a
copy for every alarm period in which requests are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Literal, NamedTuple

from icscaler_sim.baselines.api import Facts, Level, Minute, Observation, copies_for, newest_refused

Metric = Literal["concurrency", "invocations"]
Adjustment = Literal["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]
Values = tuple[float | None, ...]

# Data this much older than a period has stopped coming: INSUFFICIENT_DATA.
_STALE_PERIODS = 3
_LAG_S = 90


class Step(NamedTuple):
    """One step adjustment: [lower, upper) above the threshold, (lower, upper] below; None: open."""

    lower: float | None
    upper: float | None
    adjustment: float


def adjust(cur: int, kind: Adjustment, adjustment: float, min_magnitude: int = 0) -> int:
    """The capacity after one adjustment, bounds apart.

    A percentage is rounded toward zero, but to one copy at least; `min_magnitude` comes after.
    """
    if kind == "ExactCapacity":
        return int(adjustment)
    if kind == "ChangeInCapacity":
        return cur + int(adjustment)
    change = cur * adjustment / 100
    size = max(1, floor(abs(change) + 1e-9)) if change else 0
    size = max(size, min_magnitude) if size else 0
    return cur + size if change > 0 else cur - size


def pick_step(steps: Sequence[Step], metric: float, threshold: float) -> Step | None:
    """The step that holds `metric - threshold`; None outside all of them."""
    over = metric - threshold
    for step in steps:
        low = -inf if step.lower is None else step.lower
        high = inf if step.upper is None else step.upper
        inside = low <= over < high if low >= 0 else low < over <= high
        if inside:
            return step
    return None


def tracked(cur: int, metric: float, target: float) -> int:
    """Copies that bring the metric of `cur` copies to the target, rounded up."""
    return copies_for(cur * metric, target)


def above(values: Values, points: int, target: float) -> bool:
    """AlarmHigh: the last `points` values are all there and above the target."""
    return len(values) >= points and all(
        value is not None and value > target for value in reversed(values[-points:])
    )


def below(values: Values, points: int, target: float, margin: float) -> bool:
    """AlarmLow: the last `points` values are all there and below (1 - margin) x target."""
    limit = (1 - margin) * target
    return len(values) >= points and all(
        value is not None and value < limit for value in reversed(values[-points:])
    )


class Tracking(NamedTuple):
    """`values` per copy and period, newest last (started at `newest_s`); `copies` reported it.

    `requested` is what was seen last; changes of it start the cooldowns.
    """

    newest_s: int
    values: Values
    copies: int
    requested: int | None
    out_s: float = -inf
    out_from: int = 0
    in_s: float = -inf
    refused_s: int = -1
    woken_s: float = -inf


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """Target tracking on a metric per copy, with the step policy that leaves zero.

    `target_fraction` is the target as a share of a copy's slots; for `invocations` a load test
    turns it into requests a minute. `wake_at_refusals` 2 is the documented alarm `> 1`.
    """

    facts: Facts
    target_fraction: float = 0.7
    metric: Metric = "concurrency"
    period_s: int = 60
    high_points: int = 3
    low_points: int = 15
    low_margin: float = 0.1
    scale_out_cooldown_s: int = 300
    scale_in_cooldown_s: int = 300
    gradual_in: bool = False
    wake_at_refusals: int = 1
    wake_cooldown_s: int = 60

    @property
    def target(self) -> float:
        """In the metric's unit, per copy."""
        in_flight = self.target_fraction * self.facts.slots
        return in_flight if self.metric == "concurrency" else 60 * in_flight / self.facts.service_s

    def begin(self, at_s: int) -> Tracking:
        return Tracking(at_s, (), 0, None)

    def step(self, at_s: int, seen: Observation, state: Tracking) -> tuple[int, Tracking, str]:
        state = self._followed(at_s, seen.requested, self._read(seen, state))
        cur = seen.requested
        refused_s = newest_refused(seen.minutes, state.refused_s, self.wake_at_refusals)
        if refused_s is not None:
            state = state._replace(refused_s=refused_s)
            if cur == 0 and at_s - state.woken_s >= self.wake_cooldown_s:
                return 1, state._replace(woken_s=at_s), "StepFromZero"
        stale_s = _STALE_PERIODS * self.period_s + _LAG_S
        if not state.values or at_s - state.newest_s > stale_s:
            return cur, state, "InsufficientData"
        if above(state.values, self.high_points, self.target):
            return self._out(at_s, cur, state), state, "AlarmHigh"
        fewer = self._in(at_s, cur, state)
        # The alarm is asked for only where it would change something: it is the dearer question.
        if fewer < cur and below(state.values, self.low_points, self.target, self.low_margin):
            return fewer, state, "AlarmLow"
        return cur, state, "Ok"

    def rests_until(self, state: Tracking) -> float:
        return inf

    def _out(self, at_s: int, cur: int, state: Tracking) -> int:
        wanted = tracked(state.copies, state.values[-1] or 0.0, self.target)
        if at_s - state.out_s < self.scale_out_cooldown_s:
            wanted = state.out_from + wanted - state.copies  # what was added counts already
        return max(wanted, cur)

    def _in(self, at_s: int, cur: int, state: Tracking) -> int:
        if at_s - state.in_s < self.scale_in_cooldown_s:
            return cur
        wanted = min(cur, tracked(state.copies, state.values[-1] or 0.0, self.target))
        if self.gradual_in:
            wanted = max(wanted, cur - max(1, floor(0.1 * cur)))
        return wanted

    def _followed(self, at_s: int, requested: int, state: Tracking) -> Tracking:
        """Cooldowns begin with what was done, not with what was wished."""
        before = state.requested
        if before == requested:
            return state
        state = state._replace(requested=requested)
        if before is None:
            return state
        if requested < before:
            return state._replace(in_s=at_s)
        return state._replace(out_s=at_s, out_from=before, in_s=-inf)

    def _read(self, seen: Observation, state: Tracking) -> Tracking:
        points = seen.levels if self.metric == "concurrency" else seen.minutes
        values, newest_s, copies = state.values, state.newest_s, state.copies
        for point in points:
            if not point.copies:
                continue
            value = self._value(point)
            place = (point.at_s - newest_s) // self.period_s if values else 1
            if place > 0:
                gap = (None,) * min(place - 1, self.low_points)
                values = (*values, *gap, value)[-self.low_points :]
                newest_s, copies = point.at_s, point.copies
            elif -place < len(values):  # the minute filled up
                values = (*values[: place - 1], value, *values[len(values) + place :])
        if values is state.values:
            return state
        return state._replace(newest_s=newest_s, values=values, copies=copies)

    def _value(self, point: Level | Minute) -> float:
        load = point.in_flight
        if self.metric == "invocations" and isinstance(point, Minute):
            load = point.invocations
        return load / point.copies


def high_points_per(period_s: int) -> tuple[int, int]:
    """Points of (AlarmHigh, AlarmLow) by the metric's period: 3, and 15 minutes' worth."""
    return 3, ceil(15 * 60 / period_s)
