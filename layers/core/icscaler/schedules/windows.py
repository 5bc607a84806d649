"""Windows: when a schedule holds.

A window begins at each minute that `begins` names and ends at the next that `ends` names, or
`lasts_s` later; without `begins` it is the whole range from `from_s` to `until_s`, which also cuts
windows off. All by the wall clock of the zone:

* A time that the clock skips (spring) counts as the moment it skips to.
* A time that comes twice (autumn): windows begin at the first and at the second, and end at the
  second. So no window is shorter than it was meant.
* Whether a window is skipped (holidays) is decided by the day on which it begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from icscaler.schedules import cron, zones
from icscaler.schedules.cron import DAY_S, Cron
from icscaler.schedules.zones import Zone

# How far back the beginning of a window is looked for.
HORIZON_S = cron.LONGEST_GAP_DAYS * DAY_S


@dataclass(frozen=True, slots=True)
class Schedule:
    """Bounds that hold during windows. Days count from 1970-01-01 on the zone's wall clock.

    `not_on`: windows that begin on these days are left out; `only_on`: all others are (None: no
    such rule). `request_worth`: of one request to a model with an objective, against 1 for an
    ordinary one. `in_time_fraction`, `deadline_s`: the objective meanwhile. `ready_by_start`: what
    holds begins a start-up time earlier.
    """

    name: str
    zone: str
    begins: Cron | None = None
    ends: Cron | None = None
    lasts_s: int | None = None
    from_s: int | None = None
    until_s: int | None = None
    not_on: tuple[int, ...] = ()
    only_on: tuple[int, ...] | None = None
    min_copies: int | None = None
    max_copies: int | None = None
    request_worth: float | None = None
    ready_by_start: bool = False
    in_time_fraction: float | None = None
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """from_s <= time < until_s; None: for ever."""

    from_s: int
    until_s: int | None


def holds(schedule: Schedule, zone: Zone, at_s: int, start_up_s: int = 0) -> bool:
    """Whether the schedule is to be obeyed at `at_s`.

    With `ready_by_start` also when a window begins within `start_up_s` from then.
    """
    if _open(schedule, zone, at_s):
        return True
    if not schedule.ready_by_start or start_up_s <= 0:
        return False
    soon_s = at_s + start_up_s
    if _open(schedule, zone, soon_s):
        return True
    # A window so short that it will have ended by then begins all the same.
    in_range_s = soon_s if schedule.until_s is None else min(soon_s, schedule.until_s - 1)
    return _begun(schedule, zone, in_range_s, max(at_s + 1, schedule.from_s or 0)) is not None


def _begun(schedule: Schedule, zone: Zone, at_s: int, since_s: int) -> int | None:
    """When the latest window began that did so in since_s..at_s."""
    if schedule.begins is None:
        return None
    found = _last(schedule.begins, zone, at_s, since_s)
    while found is not None and not _counts(schedule, zone, found):
        found = _last(schedule.begins, zone, found - 1, since_s)
    return found


def _open(schedule: Schedule, zone: Zone, at_s: int) -> bool:
    """Whether a window holds at `at_s`, start-up time aside."""
    if schedule.from_s is not None and at_s < schedule.from_s:
        return False
    if schedule.until_s is not None and at_s >= schedule.until_s:
        return False
    if schedule.begins is None:
        return True
    earliest_s = at_s - HORIZON_S
    if schedule.ends is not None:
        ended_s = _last(schedule.ends, zone, at_s, earliest_s, final=True)
        earliest_s = earliest_s if ended_s is None else ended_s + 1
    elif schedule.lasts_s is not None:
        earliest_s = at_s - schedule.lasts_s + 1
    return _begun(schedule, zone, at_s, earliest_s) is not None


def _counts(schedule: Schedule, zone: Zone, begin_s: int) -> bool:
    if not schedule.not_on and schedule.only_on is None:
        return True
    day = zones.wall_s(zone, begin_s) // DAY_S
    return day not in schedule.not_on and (schedule.only_on is None or day in schedule.only_on)


def _last(
    expression: Cron, zone: Zone, at_s: int, since_s: int, *, final: bool = False
) -> int | None:
    """The latest second of UTC in since_s..at_s at which `expression` is due on the wall clock.

    `final`: a time that comes twice counts when it comes for the second time only.
    """
    for span in zones.spans_back(zone, at_s):
        latest_s = at_s if span.until_s is None else min(at_s, span.until_s - 1)
        if final and span.until_s is not None and span.repeated_s:
            latest_s = min(latest_s, span.until_s - span.repeated_s - 1)
        begins_s = since_s if span.from_s is None else max(span.from_s, since_s)
        if latest_s >= begins_s:
            shown = cron.last(expression, latest_s + span.offset_s, begins_s + span.offset_s)
            if shown is not None:
                return shown - span.offset_s
        if span.from_s is None or span.from_s < since_s:
            return None
        if span.skipped_s and span.from_s <= at_s:
            end = span.from_s + span.offset_s - 1
            if cron.last(expression, end, end - span.skipped_s + 1) is not None:
                return span.from_s
    return None


def windows(schedule: Schedule, zone: Zone, from_s: int, until_s: int) -> Iterator[Window]:
    """The windows that hold at some time of from_s..until_s, one after the other, joined up.

    Start-up times are not in them. Both are given whole minutes of UTC.
    """
    opened: int | None = None
    for at_s in _edges(schedule, zone, from_s, until_s):
        now = _open(schedule, zone, at_s)
        if now and opened is None:
            opened = at_s
        elif not now and opened is not None:
            yield Window(opened, at_s)
            opened = None
    if opened is not None:
        yield Window(opened, None)


def _edges(schedule: Schedule, zone: Zone, from_s: int, until_s: int) -> list[int]:
    """Every second at which it may begin or cease to hold, ascending, `from_s` included."""
    found = {from_s}
    for edge in (schedule.from_s, schedule.until_s):
        if edge is not None and from_s <= edge < until_s:
            found.add(edge)
    lasts_s = schedule.lasts_s
    for expression, final in ((schedule.begins, False), (schedule.ends, True)):
        at_s = until_s - 1
        earliest_s = from_s - (lasts_s or 0)
        while expression is not None:
            due_s = _last(expression, zone, at_s, earliest_s, final=final)
            if due_s is None:
                break
            found.add(due_s)
            if lasts_s is not None:
                found.add(due_s + lasts_s)
            at_s = due_s - 1
    return sorted(edge for edge in found if from_s <= edge < until_s)


def comes(schedule: Schedule, zone: Zone, from_s: int, until_s: int) -> bool:
    """Whether a window holds at some time of from_s..until_s. Cheaper than to list them."""
    if _open(schedule, zone, from_s):
        return True
    if schedule.begins is None:
        return schedule.from_s is not None and from_s <= schedule.from_s < until_s
    if schedule.from_s is not None and schedule.from_s >= from_s:
        if _open(schedule, zone, schedule.from_s):
            return True
        from_s = schedule.from_s
    if schedule.until_s is not None:
        until_s = min(until_s, schedule.until_s)
    return _begun(schedule, zone, until_s - 1, from_s) is not None
