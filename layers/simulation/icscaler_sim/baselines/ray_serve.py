"""Ray Serve's replica autoscaling.

Source of formulas and defaults: ray-project/ray `python/ray/serve/autoscaling_policy.py`,
`serve/config.py`. Delays are wall-clock time, as since PR 62331.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

from icscaler_sim.baselines.api import Facts, Level, Minute, Observation

_ROUNDING = 1e-9


def desired(
    cur: int, requests: float, target: float, up_factor: float = 1.0, down_factor: float = 1.0
) -> int:
    """Replicas for `requests` (queued and running); factors above or below 1 smooth the step."""
    wanted = requests / target
    factor = up_factor if wanted > cur else down_factor
    scaled = ceil(cur + factor * (wanted - cur) - _ROUNDING)
    if ceil(wanted - _ROUNDING) < cur and scaled == cur:
        scaled -= 1  # a factor below 1 must not get stuck
    return scaled


class Delayed(NamedTuple):
    """`points`: (at_s, in flight) of the look-back. A direction must last before it is followed."""

    points: tuple[tuple[int, float], ...]
    direction: int
    since_s: int


@dataclass(frozen=True, slots=True)
class RayServe:
    """`target_fraction` keeps Ray's default proportion, 2 ongoing of at most 5 per replica."""

    facts: Facts
    target_fraction: float = 0.4
    look_back_s: int = 30
    upscale_delay_s: int = 30
    downscale_delay_s: int = 600
    to_zero_delay_s: int | None = None
    up_factor: float = 1.0
    down_factor: float = 1.0

    def begin(self, at_s: int) -> Delayed:
        return Delayed((), 0, at_s)

    def step(self, at_s: int, seen: Observation, state: Delayed) -> tuple[int, Delayed, str]:
        target, cur = self.target_fraction * self.facts.slots, seen.requested
        if cur == 0:
            waiting = seen.held or any(minute.refused for minute in seen.minutes)
            fresh = Delayed((), 0, at_s)
            return (max(1, ceil(self.up_factor)) if waiting else 0), fresh, "Handle"
        points = self._points(seen.levels, state.points)
        if not points:
            return cur, state._replace(points=points), "NoData"
        load = sum(value for _, value in points) / len(points)
        wish = desired(cur, load, target, self.up_factor, self.down_factor)
        if wish <= 0 and cur > 1:
            wish = 1  # never from many to none in one step
        direction = (wish > cur) - (wish < cur)
        since_s = state.since_s if direction == state.direction else at_s
        after = Delayed(points, direction, since_s)
        if direction == 0 or at_s - since_s < self._delay_s(direction, wish):
            return cur, after, "Delay" if direction else "Keep"
        return max(0, wish), Delayed(points, 0, at_s), "ScaleOut" if direction > 0 else "ScaleIn"

    def rests_until(self, state: Delayed) -> float:
        return inf

    def _delay_s(self, direction: int, wish: int) -> int:
        if direction > 0:
            return self.upscale_delay_s
        if wish <= 0 and self.to_zero_delay_s is not None:
            return self.to_zero_delay_s
        return self.downscale_delay_s

    def _points(
        self, levels: Sequence[Level | Minute], before: tuple[tuple[int, float], ...]
    ) -> tuple[tuple[int, float], ...]:
        """At least the newest point: metrics are coarser than the look-back on 60 s periods."""
        if not levels:
            return before
        points = before + tuple((level.at_s, level.in_flight) for level in levels)
        since_s = points[-1][0] - self.look_back_s
        return tuple(point for point in points if point[0] > since_s)
