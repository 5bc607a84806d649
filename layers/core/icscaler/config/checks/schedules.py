"""Schedules: whom they are for, when their windows come, what they make of floors and ceilings."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from icscaler.config.checks import overrides
from icscaler.config.checks.case import Case
from icscaler.config.checks.references import known
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import OBJECTIVE, Resolved, selected
from icscaler.config.timing import edge_s, schedule
from icscaler.config.when import OBJECTIVE_CHANGES, RAISES, ScheduleEntry
from icscaler.config.zones import zone
from icscaler.schedules.windows import comes

_CHANGES = ("min_copies", "max_copies", *OBJECTIVE_CHANGES)
# A window that does not come within this time is probably a mistake.
_SOON_S = 400 * 86_400


def check(case: Case) -> Iterator[Problem]:
    """Everything about schedules and calendars."""
    first: dict[str, Path] = {}
    for index, entry in case.parts.schedules.items():
        path: Path = ("schedules", index)
        if entry.name in first:
            line = case.document.place(first[entry.name]).line
            yield case.problem(
                (*path, "name"),
                f"{entry.name!r} is there twice, first in line {line}",
                "decisions are explained by the name: give each schedule its own",
            )
        first.setdefault(entry.name, (*path, "name"))
        chosen = [m for m in case.scaled if selected(m, entry.select)]
        yield from _effect(case, path, entry)
        yield from _objective(case, path, entry, chosen)
        mistakes = [*_shape(case, path, entry), *_calendars(case, path, entry)]
        yield from mistakes
        if not mistakes:
            yield from _time(case, path, entry)
        yield from overrides.selection(case, (*path, "select"), entry)
        yield from overrides.bounds(case, path, entry, chosen)
        yield from overrides.floors(case, path, entry, chosen)
    yield from _unused(case)


def _effect(case: Case, path: Path, entry: ScheduleEntry) -> Iterator[Problem]:
    if entry.model_fields_set.isdisjoint(_CHANGES):
        yield case.problem(path, "changes nothing", f"add one of {', '.join(_CHANGES)}")
    raises = any(getattr(entry, key) is not None for key in RAISES)
    if entry.ready_by_start and not raises:
        yield case.problem(
            (*path, "ready_by_start"),
            "there is nothing to be ready",
            f"add one of {', '.join(RAISES)}, or take ready_by_start out",
        )


def _objective(
    case: Case, path: Path, entry: ScheduleEntry, chosen: Sequence[Resolved]
) -> Iterator[Problem]:
    tracking = [m.name for m in chosen if m.policy_kind != OBJECTIVE]
    if tracking and len(tracking) == len(chosen):
        for key in OBJECTIVE_CHANGES:
            if getattr(entry, key) is not None:
                yield case.problem(
                    (*path, key),
                    f"no selected model has the policy objective (like {tracking[0]!r})",
                    "their policy is target_tracking: use min_copies, or give them the policy "
                    "objective",
                    warning=True,
                )
    elif entry.deadline_s is not None and not any(_promised(case, m) for m in chosen):
        yield case.problem(
            (*path, "deadline_s"),
            "nothing is promised within it: no selected model has an in_time_fraction",
            "add in_time_fraction here or to the policy of the models",
            warning=True,
        )


def _promised(case: Case, model: Resolved) -> bool:
    """Whether its policy or a schedule gives it a share of requests to be in time."""
    return model.get(*OBJECTIVE, "in_time_fraction") is not None or any(
        one.in_time_fraction is not None and selected(model, one.select)
        for one in case.parts.schedules.values()
    )


def _shape(case: Case, path: Path, entry: ScheduleEntry) -> Iterator[Problem]:
    """Keys that need or exclude each other."""
    if entry.start is None:
        for key in ("end", "lasts_s", "not_on", "only_on"):
            if getattr(entry, key) is not None:
                yield case.problem((*path, key), "needs `start`", "add start, or take it out")
        if entry.from_ is None and entry.until is None:
            yield case.problem(
                path,
                "says no time",
                "add `start` with `end` or `lasts_s`, or `from` and `until`; what always holds is "
                "a setting of the models",
            )
    elif entry.end is None and entry.lasts_s is None:
        yield case.problem((*path, "start"), "windows would never end", "add `end` or `lasts_s`")
    elif entry.end is not None and entry.lasts_s is not None:
        yield case.problem((*path, "lasts_s"), "excludes `end`", "keep one of them")
    elif entry.end is not None and entry.end.split() == entry.start.split():
        yield case.problem(
            (*path, "end"), "windows end as they begin", "use another time, or `lasts_s`"
        )
    dated = [key for key in ("from", "until") if _is_date(entry, key)]
    if entry.time_zone is None and (entry.start is not None or dated):
        yield case.problem(
            (*path, "start" if entry.start is not None else dated[0]),
            "by which clock?",
            "add `time_zone`, like Europe/Berlin (or UTC)",
        )


def _is_date(entry: ScheduleEntry, key: str) -> bool:
    edge = entry.from_ if key == "from" else entry.until
    return edge is not None and not isinstance(edge, datetime)


def _calendars(case: Case, path: Path, entry: ScheduleEntry) -> Iterator[Problem]:
    if ("calendars",) in case.doubtful:
        return
    doubtful = {str(place[-1]) for place in case.doubtful if place[0] == "calendars"}
    names = doubtful.union(case.parts.calendars)
    for key in ("not_on", "only_on"):
        for position, name in enumerate(getattr(entry, key) or ()):
            if name not in names:
                yield case.problem(
                    (*path, key, position), f"there is no calendar {name!r}", known(name, names)
                )


def _time(case: Case, path: Path, entry: ScheduleEntry) -> Iterator[Problem]:
    until: Path = (*path, "until")
    from_s = edge_s(entry.from_, entry.time_zone)
    until_s = edge_s(entry.until, entry.time_zone, whole_day=True)
    if from_s is not None and until_s is not None and from_s >= until_s:
        yield case.problem(until, "ends before it begins", "`until` must be later than `from`")
        return
    if case.at_s is None:
        return
    if until_s is not None and until_s <= case.at_s:
        yield case.problem(
            until, "has expired and does nothing", "take the schedule out", warning=True
        )
        return
    if not {*(entry.not_on or ()), *(entry.only_on or ())} <= set(case.parts.calendars):
        return
    compiled = schedule(entry, case.parts.calendars)
    if not comes(compiled, zone(compiled.zone), case.at_s, case.at_s + _SOON_S):
        yield case.problem(
            path,
            "holds at no time of the next 400 days",
            "look at start, end, from, until and calendars again",
            warning=True,
        )


def _unused(case: Case) -> Iterator[Problem]:
    if any(place[:1] in (("schedules",), ("calendars",)) for place in case.doubtful):
        return
    used = {
        name
        for entry in case.parts.schedules.values()
        for name in (*(entry.not_on or ()), *(entry.only_on or ()))
    }
    for name in case.parts.calendars:
        if name not in used:
            yield case.problem(
                ("calendars", name),
                "no schedule uses it",
                "name it in `not_on` or `only_on` of a schedule, or take it out",
                warning=True,
            )
