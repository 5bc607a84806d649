"""Start-up time, learned by phase from what SageMaker's APIs reveal of it.

    decision   first sign of demand at zero copies -> accepted write
    instance   order -> the variant has more instances in service; 0 when it had to launch none
    copy       order, or instance there -> all ordered copies in service, three cases apart:
               cached    no instance launched, and the component had been on this variant before
               cold      no instance launched, its first start on these instances
               launched  on instances that had just come

What AWS does not reveal: where image, weights and engine divide a copy's start (no API and no
classic CloudWatch metric tells), on which instance a copy lands, and what an instance has cached.
So `cached` means "could be": how much the image takes shows in `cold` and `launched` against
`cached`. A launch counts for every copy that is starting meanwhile, unless the copy was in service
before the instance came or too soon after it. The ends of phases are known to within one look,
that of the last one exactly where `LastModifiedTime` moves with it. The decision's begin is the
middle of the first minute with a refused request, or the wake request; copies 2 and up see demand
by the same metrics in the same looks, so the same figure is charged for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from icscaler.entities import ComponentView, MetricMinute, VariantView
from icscaler.learned import FinishedStart, StartTimes, Underway

CACHED, COLD, LAUNCHED = "cached", "cold", "launched"
# Start-ups differ by what an instance has cached and by luck: a mean would be late half the time.
CHARGED_QUANTILE = 0.85
KEPT = 12
# Before there are three starts to learn from, these stand in for the missing ones: containers of
# 18 GB with 15 GB of weights were in service after 258 s cached and 525 s cold (AWS on container
# caching, 2026); a refused request was answered by a write after 67 to 102 s.
PRIOR_TOTAL_S = 300
PRIOR_DECISION_S = 120
_PRIOR_STARTS = 3
# One start that took ten times as long is an accident, not the time to reckon with.
_OUTLIER = 3.0
# What has not ended by now is no start any more, and a sign this old was not acted on for a reason.
GIVEN_UP_S = 3600
DECISION_GIVEN_UP_S = 900
# No container serves this soon after its instance came: it did not wait for it.
_TOO_SOON_S = 30
DRIFT_RECENT = 4
DRIFT_BEFORE = 4
DRIFT_FACTOR = 1.5
DRIFT_LEAST_S = 30


@dataclass(frozen=True, slots=True)
class Drift:
    """A phase whose latest starts took much longer, or shorter, than those before (medians)."""

    phase: str
    recent_s: int
    before_s: int


@dataclass(slots=True)
class Charged:
    """The late quantiles that decisions reckon with, in seconds."""

    decision_s: int
    total_s: int

    @property
    def all_s(self) -> int:
        """From the first sign of demand to a copy in service."""
        return self.decision_s + self.total_s


def order(starts: StartTimes, at_s: int, copies: int, variant: VariantView | None) -> StartTimes:
    """A write that raises the copies to `copies` was accepted at `at_s`."""
    instances = variant.current_instances if variant is not None else 0
    waited_s = at_s - starts.demand_s
    known = starts.demand_s and 0 <= waited_s <= DECISION_GIVEN_UP_S
    decision_s = waited_s if known else None
    return replace(starts, underway=Underway(at_s, copies, instances, None, decision_s), demand_s=0)


def follow(
    starts: StartTimes,
    view: ComponentView,
    variant: VariantView | None,
    at_s: int,
    last_look_s: int | None,
) -> StartTimes:
    """The start times after this look; the same object when nothing happened."""
    if starts.underway is not None:
        starts = _watch(starts, starts.underway, view, variant, at_s, last_look_s)
    gone = variant is not None and variant.current_instances == 0
    loaded = view.current_copies > 0 and starts.underway is None
    been_there = not gone and (starts.been_there or loaded)
    if been_there != starts.been_there:
        starts = replace(starts, been_there=been_there)
    return starts


def _watch(
    starts: StartTimes,
    underway: Underway,
    view: ComponentView,
    variant: VariantView | None,
    at_s: int,
    last_look_s: int | None,
) -> StartTimes:
    waited_s = at_s - underway.ordered_s
    if view.desired_copies < underway.copies or view.status == "Failed" or waited_s > GIVEN_UP_S:
        return replace(starts, underway=None)
    if view.current_copies >= underway.copies and view.status == "InService":
        # LastModifiedTime is believed only where it moved since the last look saw the start.
        changed_s = view.last_modified_s
        exact = max(underway.ordered_s, last_look_s or at_s) < changed_s <= at_s
        ended_s = changed_s if exact else at_s
        return _finish(starts, underway, view.name, ended_s - underway.ordered_s, at_s)
    came = variant is not None and variant.current_instances > underway.instances
    if came and underway.instance_s is None:
        return replace(starts, underway=replace(underway, instance_s=waited_s))
    return starts


def _finish(
    starts: StartTimes, underway: Underway, name: str, total_s: int, at_s: int
) -> StartTimes:
    instance_s = underway.instance_s or 0
    if total_s - instance_s < _TOO_SOON_S:
        instance_s = 0
    phase = LAUNCHED if instance_s else CACHED if starts.been_there else COLD
    copy_s = total_s - instance_s
    ordered_s, decided_s = underway.ordered_s, underway.decision_s
    return replace(
        starts,
        total_s=latest(starts.total_s, total_s),
        cached_s=latest(starts.cached_s, copy_s if phase == CACHED else None),
        cold_s=latest(starts.cold_s, copy_s if phase == COLD else None),
        launched_s=latest(starts.launched_s, copy_s if phase == LAUNCHED else None),
        underway=None,
        last=FinishedStart(name, phase, ordered_s, at_s, total_s, instance_s, decided_s),
    )


def note_demand(
    starts: StartTimes, minutes: Iterable[MetricMinute], wake_s: int | None
) -> StartTimes:
    """The first sign of demand of a component that is at zero copies, kept until it is ordered."""
    if starts.demand_s:
        return starts
    signs = [minute.at_s + 30 for minute in minutes if (minute.refused or 0) > 0]
    if wake_s is not None:
        signs.append(wake_s)
    return replace(starts, demand_s=min(signs)) if signs else starts


def latest(values: tuple[int, ...], *new: int | None) -> tuple[int, ...]:
    """The newest `KEPT` values with the new ones, as far as they are known."""
    known = [value for value in new if value is not None]
    return (*values, *known)[-KEPT:] if known else values


def charged(starts: StartTimes, decisions_s: Sequence[int]) -> Charged:
    """What a copy that is wanted now must be reckoned to take."""
    return Charged(late(decisions_s, PRIOR_DECISION_S), late(starts.total_s, PRIOR_TOTAL_S))


def late(values: Sequence[int], prior_s: int | None = None) -> int:
    """The late quantile of a phase, outliers cut to three times the median.

    `prior_s` stands in for starts that are still missing; without it values must not be empty.
    """
    return _late(tuple(values), prior_s)


# Every look asks for every model, and the few values it asks with seldom change.
@lru_cache(maxsize=10_000)
def _late(values: tuple[int, ...], prior_s: int | None) -> int:
    known = list(values)
    if prior_s is not None:
        known += [prior_s] * (_PRIOR_STARTS - len(known))
    most = _OUTLIER * _median(known)
    ordered = sorted(min(float(value), most) for value in known)
    place = CHARGED_QUANTILE * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def drift(phase: str, values: Sequence[int]) -> Drift | None:
    """Whether the latest starts of a phase differ much from those before; needs eight of them."""
    if len(values) < DRIFT_RECENT + DRIFT_BEFORE:
        return None
    recent_s, before_s = _median(values[-DRIFT_RECENT:]), _median(values[:-DRIFT_RECENT])
    apart = abs(recent_s - before_s) >= DRIFT_LEAST_S
    if apart and not before_s / DRIFT_FACTOR < recent_s < before_s * DRIFT_FACTOR:
        return Drift(phase, recent_s, before_s)
    return None


def drifts(starts: StartTimes) -> list[Drift]:
    """The phases of a component's copies that changed."""
    if len(starts.total_s) < DRIFT_RECENT + DRIFT_BEFORE:
        return []  # as many as of all phases together
    phases = ((CACHED, starts.cached_s), (COLD, starts.cold_s), (LAUNCHED, starts.launched_s))
    return [found for phase, values in phases if (found := drift(phase, values)) is not None]


def _median(values: Sequence[int]) -> int:
    """The middle one; of two in the middle the higher one."""
    return sorted(values)[len(values) // 2]
