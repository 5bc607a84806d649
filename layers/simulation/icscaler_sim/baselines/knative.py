"""Knative Pod Autoscaler: stable and panic windows on concurrency, a proxy that holds requests.

Source of formulas and constants: knative/serving `pkg/autoscaler/scaling/autoscaler.go`,
`.../aggregation/bucketing.go`, `pkg/reconciler/autoscaling/kpa/scaler.go`,
`config/core/configmaps/autoscaler.yaml`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import NamedTuple

from icscaler_sim.baselines.api import Facts, Level, Minute, Observation, Peaks, highest, push_peak

LEAST_TARGET = 0.01
_ROUNDING = 1e-9


class Windows(NamedTuple):
    """One tick's outcome: `panic_s` is when panic was last justified (None: not panicking)."""

    copies: int
    panic_s: float | None
    max_panic: int


def weight_of_newest(buckets: int) -> float:
    """Share of the newest bucket in the weighted mode: the whole window weighs 0.9999."""
    return max(0.2, 1.0 - math.pow(1.0 - 0.9999, 1.0 / buckets))


def weighted_mean(values: Sequence[float], newest: float) -> float:
    """Sum of values with weights c (1 - c)^i, the newest (last) one first."""
    return math.fsum(
        newest * (1.0 - newest) ** age * value for age, value in enumerate(reversed(values))
    )


def excess_burst(ready: int, per_pod: float, burst: float, panic: float) -> int:
    """Spare burst capacity; below 0 the proxy stays in the path and holds what is too much."""
    if burst < 0:
        return -1
    if burst == 0:
        return 0
    return floor(ready * per_pod - burst - panic)


def tick(
    at_s: float,
    ready: int,
    stable: float,
    panic: float,
    target: float,
    before: Windows,
    *,
    reachable: bool = True,
    max_up: float = 1000.0,
    max_down: float = 2.0,
    panic_threshold: float = 2.0,
    stable_window_s: int = 60,
    activation: int = 1,
) -> Windows:
    """One decision on the mean concurrency of both windows."""
    some = max(1, ready)
    most = ceil(max_up * some)
    least = floor(some / max_down) if reachable else 0
    wish_stable = ceil(stable / target - _ROUNDING)
    wish_panic = ceil(panic / target - _ROUNDING)
    slow = min(max(wish_stable, least), most)
    fast = min(max(wish_panic, least), most)
    if activation > 1:
        slow = max(slow, activation) if wish_stable else slow
        fast = max(fast, activation) if wish_panic else fast
    panic_s, max_panic = before.panic_s, before.max_panic
    if wish_panic / some >= panic_threshold:
        panic_s = at_s
    elif panic_s is not None and at_s - panic_s > stable_window_s:
        panic_s, max_panic = None, 0
    if panic_s is None:
        return Windows(slow, None, 0)
    max_panic = max(max_panic, slow, fast)
    return Windows(max_panic, panic_s, max_panic)


class Kpa(NamedTuple):
    """`points`: (at_s, in flight) of the stable window. `idle_s`: since when nothing is wished."""

    points: tuple[tuple[int, float], ...]
    windows: Windows
    delayed: Peaks
    active_s: float
    idle_s: float | None


@dataclass(frozen=True, slots=True)
class KnativePodAutoscaler:
    """KPA with concurrency as its metric and the activator's held requests counted in.

    `utilization` of a copy's slots is the target. On 60 s metrics both windows see the same minute.
    """

    facts: Facts
    utilization: float = 0.7
    stable_window_s: int = 60
    panic_window_fraction: float = 0.1
    panic_threshold: float = 2.0
    max_down: float = 2.0
    scale_down_delay_s: int = 0
    grace_s: int = 30
    retention_s: int = 0
    weighted: bool = False
    period_s: int = 10

    def begin(self, at_s: int) -> Kpa:
        return Kpa((), Windows(0, None, 0), (), at_s, None)

    def step(self, at_s: int, seen: Observation, state: Kpa) -> tuple[int, Kpa, str]:
        cur = seen.requested
        points = self._points(seen.levels, state.points)
        if not points and not seen.held:
            return cur, state, "NoData"
        stable, panic = self._means(points, seen.held)
        windows = tick(
            at_s,
            seen.ready,
            stable,
            panic,
            max(LEAST_TARGET, self.utilization * self.facts.slots),
            state.windows,
            reachable=cur > 0,
            panic_threshold=self.panic_threshold,
            max_down=self.max_down,
            stable_window_s=self.stable_window_s,
        )
        delayed = push_peak(state.delayed, at_s, windows.copies, self.scale_down_delay_s)
        wish = int(highest(delayed, at_s - self.scale_down_delay_s - 1))
        active_s = at_s if cur == 0 and wish else state.active_s
        idle_s = None if wish else (at_s if state.idle_s is None else state.idle_s)
        after = Kpa(points if cur or wish else (), windows, delayed, active_s, idle_s)
        if wish or cur == 0:
            return wish, after, "Panic" if windows.panic_s is not None else "Stable"
        return self._to_zero(at_s, cur, after), after, "ToZero"

    def rests_until(self, state: Kpa) -> float:
        return inf

    def _to_zero(self, at_s: int, cur: int, state: Kpa) -> int:
        """Zero only after a whole stable window of life, and the grace (or retention) idle."""
        idle_s = at_s - (at_s if state.idle_s is None else state.idle_s)
        if at_s - state.active_s < self.stable_window_s:
            return 1
        if idle_s < max(self.grace_s, self.retention_s):
            return min(cur, 1)
        return 0

    def _points(
        self, levels: Sequence[Level | Minute], before: tuple[tuple[int, float], ...]
    ) -> tuple[tuple[int, float], ...]:
        if not levels:
            return before
        points = before + tuple((level.at_s, level.in_flight) for level in levels)
        kept = max(1, self.stable_window_s // self.period_s)
        since_s = points[-1][0] - self.stable_window_s
        return tuple(point for point in points[-kept:] if point[0] > since_s)

    def _means(self, points: tuple[tuple[int, float], ...], held: int) -> tuple[float, float]:
        """Windows are partial while they fill up; what is held counts in full at once."""
        if not points:
            return float(held), float(held)
        loads = [load for _, load in points]
        stable = sum(loads) / len(loads)
        if self.weighted:
            stable = weighted_mean(loads, weight_of_newest(len(loads)))
        newest = max(1, round(self.panic_window_fraction * self.stable_window_s / self.period_s))
        last = loads[-newest:]
        return stable + held, sum(last) / len(last) + held
