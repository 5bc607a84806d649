"""Bounds: floor, ceiling and pause of one component at one moment, and who set them.

The rule, key by key, later ones win: the fleet file's own setting; the schedules whose windows
hold, in the order of the file; the overrides that hold, in the order of the file. Over all that
lies what workflows have laid on (`ModelConfig.overlays`): an overlay can only tighten, so of
several the highest floor and the lowest ceiling count, and none lowers a floor or raises a ceiling.
A floor is never above the ceiling. A single-model variant has one instance at least, whatever of
that says less (only endpoints that host inference components can scale to zero instances).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

from icscaler.entities import EndpointConfig, ModelConfig, Override
from icscaler.learned import Promise
from icscaler.reasons import Reason
from icscaler.schedules.windows import Schedule, holds

# A copy's start-up time until it is learned: instance, download and loading of a large model.
START_UP_PRIOR_S = 600

Key = Literal["min_copies", "max_copies"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A number of copies, and the reason code and name of who set it."""

    copies: int
    reason: Reason
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The fewest and the most copies a component may have; floor <= ceiling."""

    floor: Bound
    ceiling: Bound


def bounds_at(
    config: EndpointConfig, model: ModelConfig, at_s: int, start_up_s: int = START_UP_PRIOR_S
) -> Bounds:
    """What holds at `at_s`. Windows with `ready_by_start` begin `start_up_s` earlier."""
    stated = _within_gpus(model, _stated_bounds(config, model, at_s, start_up_s))
    if model.kind == "component" or stated.floor.copies >= 1:
        return stated
    least = Bound(1, Reason.ONE_INSTANCE)
    return Bounds(least, stated.ceiling if stated.ceiling.copies >= 1 else least)


def by_the_clock(model: ModelConfig) -> bool:
    """Whether there is anything that holds at some hours only."""
    return bool(model.schedules or model.overrides or model.overlays)


def _within_gpus(model: ModelConfig, stated: Bounds) -> Bounds:
    """The model's ceiling in GPUs, which no schedule, override or overlay lifts."""
    if model.max_gpus is None or not model.resources.gpus:
        return stated
    most = Bound(model.max_gpus // model.resources.gpus, Reason.MAX_GPUS)
    if stated.ceiling.copies <= most.copies:
        return stated
    return Bounds(stated.floor if stated.floor.copies <= most.copies else most, most)


def _stated_bounds(
    config: EndpointConfig, model: ModelConfig, at_s: int, start_up_s: int
) -> Bounds:
    """What people and workflows ask for."""
    if not by_the_clock(model):
        return _constant(model.min_copies, model.max_copies)
    scheduled = tuple(schedules_at(config, model, at_s, start_up_s))
    most = _stated(model, "max_copies", Reason.MAX_COPIES, scheduled, at_s)
    least = _stated(model, "min_copies", Reason.MIN_COPIES, scheduled, at_s)
    for one in _holding(model.overlays, at_s):
        if one.max_copies is not None and one.max_copies < most.copies:
            most = Bound(one.max_copies, Reason.OVERLAY, one.reason)
        if one.min_copies is not None and one.min_copies > least.copies:
            least = Bound(one.min_copies, Reason.OVERLAY, one.reason)
    return Bounds(least if least.copies <= most.copies else most, most)


# Every look asks for every model, most models have no other bounds, and values are shared freely.
@lru_cache(maxsize=1000)
def _constant(min_copies: int, max_copies: int) -> Bounds:
    most = Bound(max_copies, Reason.MAX_COPIES)
    least = Bound(min_copies, Reason.MIN_COPIES)
    return Bounds(least if least.copies <= most.copies else most, most)


def schedules_at(
    config: EndpointConfig, model: ModelConfig, at_s: int, start_up_s: int
) -> Iterator[Schedule]:
    """The schedules of a component whose windows hold, in the order of the file."""
    for name in model.schedules:
        schedule = config.schedules[name]
        if holds(schedule, config.zones[schedule.zone], at_s, start_up_s):
            yield schedule


def request_worth_at(
    config: EndpointConfig, model: ModelConfig, at_s: int, start_up_s: int
) -> float:
    """What one of its requests is worth to the objective, against 1 for an ordinary one."""
    worth = 1.0
    if not model.schedules:
        return worth
    for schedule in schedules_at(config, model, at_s, start_up_s):
        worth = worth if schedule.request_worth is None else schedule.request_worth
    return worth


def promise_at(
    config: EndpointConfig, model: ModelConfig, at_s: int, start_up_s: int = 0
) -> Promise | None:
    """The objective that holds at `at_s`, by the same rule; None: nothing is promised."""
    objective = model.objective
    if objective is None:
        return None
    fraction, deadline_s = objective.in_time_fraction, objective.deadline_s
    if model.schedules:
        for schedule in schedules_at(config, model, at_s, start_up_s):
            if schedule.in_time_fraction is not None:
                fraction = schedule.in_time_fraction
            if schedule.deadline_s is not None:
                deadline_s = schedule.deadline_s
    return None if fraction is None else Promise(fraction, deadline_s)


def promises(config: EndpointConfig, model: ModelConfig) -> frozenset[Promise]:
    """Every objective that some overlap of the model's windows may bring."""
    objective = model.objective
    if objective is None:
        return frozenset()
    scheduled = [config.schedules[name] for name in model.schedules]
    fractions = [objective.in_time_fraction, *(one.in_time_fraction for one in scheduled)]
    deadlines = [objective.deadline_s, *(one.deadline_s for one in scheduled)]
    pairs = product(fractions, deadlines)
    return frozenset(Promise(share, within_s) for share, within_s in pairs if share and within_s)


def _stated(
    model: ModelConfig, key: Key, reason: Reason, scheduled: Iterable[Schedule], at_s: int
) -> Bound:
    """The file's word: the setting, over it schedules, over them overrides."""
    found = Bound(getattr(model, key), reason)
    for schedule in scheduled:
        copies: int | None = getattr(schedule, key)
        if copies is not None:
            found = Bound(copies, Reason.SCHEDULE, schedule.name)
    for override in _holding(model.overrides, at_s):
        copies = getattr(override, key)
        if copies is not None:
            found = Bound(copies, Reason.OVERRIDE)
    return found


def paused(model: ModelConfig, at_s: int) -> bool:
    """Whether the fleet file, an override or an overlay pauses it."""
    if model.paused or not (model.overrides or model.overlays):
        return model.paused
    temporary = (*model.overrides, *model.overlays)
    return any(one.paused for one in _holding(temporary, at_s))


def _holding(entries: Iterable[Override], at_s: int) -> Iterator[Override]:
    return (one for one in entries if one.from_s <= at_s < one.until_s)
