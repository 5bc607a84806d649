"""Kubernetes Horizontal Pod Autoscaler, v2 with behaviors.

Source of formulas and defaults: kubernetes/kubernetes `pkg/controller/podautoscaler/`
(`replica_calculator.go`, `horizontal.go`) and `pkg/apis/autoscaling/v2/defaults.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf
from typing import NamedTuple

from icscaler_sim.baselines.api import Facts, Observation, Peaks, copies_for, highest, push_peak

SYNC_S = 15


class RatePolicy(NamedTuple):
    """At most so many pods, or such a share, per period."""

    pods: int | None
    percent: int | None
    period_s: int = SYNC_S


SCALE_OUT: tuple[RatePolicy, ...] = (RatePolicy(4, None), RatePolicy(None, 100))
SCALE_IN: tuple[RatePolicy, ...] = (RatePolicy(None, 100),)


def by_ratio(ratio: float, ready: int, tolerance: float = 0.1) -> int:
    """Replicas for a metric at `ratio` of its target, all pods ready and reporting.

    |1 - 1.1| is a little above 0.1 in binary, so a ratio of 1.1 does scale, as it does upstream.
    """
    return ready if abs(1 - ratio) <= tolerance else ceil(ratio * ready)


def with_unready(
    total: float, target: float, ready: int, unready: int, tolerance: float = 0.1
) -> int:
    """The same when some pods still start: they count as idle when scaling out.

    `total` is the metric summed over the ready pods. Kept where the direction would flip.
    """
    everybody = ready + unready
    if ready == 0:
        return everybody
    ratio = total / (target * ready)
    if unready == 0:
        return by_ratio(ratio, ready, tolerance)
    if ratio <= 1:
        # Scaling in looks at the ready pods alone.
        return everybody if 1 - ratio <= tolerance else ceil(ratio * ready)
    again = total / (target * everybody)
    if again <= 1 + tolerance:
        return everybody
    return ceil(again * everybody)


def by_total(value: float, target: float, cur: int, tolerance: float = 0.1) -> int:
    """An external metric with a target per pod; from zero whenever there is anything."""
    if cur and abs(1 - value / (target * cur)) <= tolerance:
        return cur
    return copies_for(value, target)


def out_limit(cur: int, added: int, policies: tuple[RatePolicy, ...] = SCALE_OUT) -> int:
    """The most replicas now, `added` of which came within the period; the most generous counts."""
    start = cur - added
    limits = [
        start + policy.pods
        if policy.pods is not None
        else ceil(start * (1 + (policy.percent or 0) / 100))
        for policy in policies
    ]
    return max(cur, *limits)


def in_limit(cur: int, removed: int, policies: tuple[RatePolicy, ...] = SCALE_IN) -> int:
    """The fewest replicas now, `removed` of which left within the period."""
    start = cur + removed
    limits = [
        start - policy.pods
        if policy.pods is not None
        else floor(start * (1 - (policy.percent or 0) / 100))
        for policy in policies
    ]
    return min(cur, *limits)


class Scaling(NamedTuple):
    """`wishes`: sliding maximum of recommendations. `load`: newest metric, all pods together."""

    wishes: Peaks
    load: float
    stepped_s: int
    called_s: int


@dataclass(frozen=True, slots=True)
class HorizontalPodAutoscaler:
    """HPA on requests in flight per pod, `target_fraction` of a copy's slots.

    Scale to zero (alpha for long, beta for external metrics since 1.37) is on when `least` is 0.
    A look syncs as often as HPA would have since the last one, on the same metric.
    """

    facts: Facts
    target_fraction: float = 0.7
    tolerance: float = 0.1
    downscale_stabilization_s: int = 300
    least: int = 1

    def begin(self, at_s: int) -> Scaling:
        return Scaling((), 0.0, at_s, 0)

    def step(self, at_s: int, seen: Observation, state: Scaling) -> tuple[int, Scaling, str]:
        target, cur = self.target_fraction * self.facts.slots, seen.requested
        load = seen.levels[-1].in_flight if seen.levels else state.load
        called_s = max((m.at_s for m in seen.minutes if m.refused), default=state.called_s)
        asked = called_s > state.called_s
        syncs = max(1, (at_s - state.stepped_s) // SYNC_S)
        if cur == 0:
            wish = max(
                (copies_for(m.offered, target) for m in seen.minutes if m.refused), default=0
            )
            wish = max(wish, 1) if asked else 0
        else:
            ready = min(seen.ready, cur)
            wish = with_unready(load, target, ready, cur - ready, self.tolerance)
        wish = max(wish, self.least)
        wishes = push_peak(state.wishes, at_s, wish, self.downscale_stabilization_s)
        after = Scaling(wishes, load, at_s, called_s)
        if wish >= cur:
            return self._limited(cur, wish, syncs), after, "ScaleOut" if wish > cur else "Keep"
        kept = int(highest(wishes, at_s - self.downscale_stabilization_s))
        if kept >= cur:
            return cur, after, "ScaleDownStabilized"
        return max(kept, in_limit(cur, 0)), after, "ScaleIn"

    def rests_until(self, state: Scaling) -> float:
        return inf

    @staticmethod
    def _limited(cur: int, wish: int, syncs: int) -> int:
        """The rate limit of every sync since the last look, each 15 s a period of its own."""
        most = cur
        for _ in range(syncs):
            most = out_limit(most, 0)
            if most >= wish:
                return wish
        return most
