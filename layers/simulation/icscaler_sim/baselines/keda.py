"""KEDA: activation between zero and one, HPA on an external metric above.

Source: kedacore/keda `pkg/scaling/executor/scale_scaledobjects.go`, documentation of ScaledObject.
Poll every 30 s; active: to max(1, min); inactive for the cooldown: to zero at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from icscaler_sim.baselines.api import (
    Facts,
    Observation,
    Peaks,
    highest,
    push_peak,
    used,
)
from icscaler_sim.baselines.hpa import HorizontalPodAutoscaler, by_total, in_limit


class Activation(NamedTuple):
    """`active_s`: when a trigger was last active. `load` and `wishes` as for HPA."""

    active_s: int
    load: float
    wishes: Peaks
    stepped_s: int


@dataclass(frozen=True, slots=True)
class Keda:
    """Triggers: requests in flight, and refused requests at zero copies."""

    facts: Facts
    target_fraction: float = 0.7
    cooldown_s: int = 300
    downscale_stabilization_s: int = 300
    tolerance: float = 0.1

    def begin(self, at_s: int) -> Activation:
        return Activation(at_s, 0.0, (), at_s)

    def step(self, at_s: int, seen: Observation, state: Activation) -> tuple[int, Activation, str]:
        target, cur = self.target_fraction * self.facts.slots, seen.requested
        load = seen.levels[-1].in_flight if seen.levels else state.load
        active_s, wish = state.active_s, 0
        for minute in seen.minutes:
            if used(minute) or minute.in_flight > 0:
                active_s = max(active_s, minute.at_s + 60)
            if minute.refused and cur == 0:
                wish = max(wish, 1, by_total(minute.offered, target, 0))
        if any(level.in_flight > 0 for level in seen.levels):
            active_s = max(active_s, seen.levels[-1].at_s)
        if cur > 0:
            wish = by_total(load, target, cur, self.tolerance)
        wishes = push_peak(state.wishes, at_s, wish, self.downscale_stabilization_s)
        after = Activation(active_s, load, wishes, at_s)
        if cur == 0:
            return min(wish, 1), after, "Activated" if wish else "Inactive"
        if at_s - active_s >= self.cooldown_s:
            return 0, after, "Cooldown"
        if wish > cur:
            syncs = max(1, (at_s - state.stepped_s) // 15)
            return HorizontalPodAutoscaler._limited(cur, wish, syncs), after, "ScaleOut"
        kept = int(highest(wishes, at_s - self.downscale_stabilization_s))
        return max(1, min(cur, max(kept, in_limit(cur, 0)))), after, "Hpa"

    def rests_until(self, state: Activation) -> float:
        return inf
