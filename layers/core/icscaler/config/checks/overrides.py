"""Overrides: whom they are for, when they hold, and what they make of floors and ceilings."""

from collections.abc import Iterator, Sequence

from icscaler.config.checks import room
from icscaler.config.checks.case import Case
from icscaler.config.checks.references import known
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import Resolved, selected
from icscaler.config.values import is_pattern
from icscaler.config.when import OverrideEntry, ScheduleEntry

Entry = OverrideEntry | ScheduleEntry

_CHANGES = ("min_copies", "max_copies", "paused")


def check(case: Case) -> Iterator[Problem]:
    """Everything about overrides."""
    for index, entry in case.parts.overrides.items():
        path: Path = ("overrides", index)
        chosen = [m for m in case.scaled if selected(m, entry.select)]
        yield from _effect(case, path, entry)
        yield from _time(case, path, entry)
        yield from selection(case, (*path, "select"), entry)
        yield from bounds(case, path, entry, chosen)
        yield from floors(case, path, entry, chosen)


def _effect(case: Case, path: Path, entry: OverrideEntry) -> Iterator[Problem]:
    if entry.model_fields_set.isdisjoint(_CHANGES):
        yield case.problem(path, "changes nothing", f"add one of {', '.join(_CHANGES)}")


def _time(case: Case, path: Path, entry: OverrideEntry) -> Iterator[Problem]:
    until = (*path, "until")
    if entry.from_ is not None and entry.from_ >= entry.until:
        yield case.problem(until, "ends before it begins", "`until` must be later than `from`")
    elif case.at_s is not None and entry.until.timestamp() <= case.at_s:
        yield case.problem(
            until, "has expired and does nothing", "take the override out", warning=True
        )


def selection(case: Case, path: Path, entry: Entry) -> Iterator[Problem]:
    """Conditions that name something that does not exist, or leave no model."""
    by = entry.select
    if not by.model_fields_set:
        yield case.problem(
            path,
            "selects by nothing",
            'add name, class, group, labels or endpoint (name: "*": all)',
        )
        return
    unknown: list[tuple[Path, str, str, frozenset[str]]] = [
        (("name", position), "model", name, case.model_names)
        for position, name in enumerate(by.name or ())
        if not is_pattern(name)
    ]
    if by.class_name is not None:
        unknown.append((("class",), "class", by.class_name, case.class_names))
    if by.endpoint is not None:
        unknown.append((("endpoint",), "endpoint", by.endpoint, case.endpoint_names))
    certain = all(case.certain(model) for model in case.models)
    groups = frozenset(model.get("group") for model in case.models) - {None}
    if by.group is not None and certain:
        unknown.append((("group",), "group", by.group, groups))
    wrong = [one for one in unknown if one[2] not in one[3]]
    for key, kind, name, names in wrong:
        yield case.problem((*path, *key), f"there is no {kind} {name!r}", known(name, names))
    if not wrong and certain and not any(selected(model, by) for model in case.models):
        yield case.problem(
            path, "selects no model", "all conditions of a selection must hold", warning=True
        )


def bounds(case: Case, path: Path, entry: Entry, chosen: Sequence[Resolved]) -> Iterator[Problem]:
    """What the floor and ceiling make of those of the models."""
    low, high = entry.min_copies, entry.max_copies
    if low is not None and high is not None:
        if low > high:
            yield case.problem(
                (*path, "min_copies"),
                f"min_copies {low} is above max_copies {high}",
                "raise one or lower the other",
            )
        return
    for model in chosen:
        floor, ceiling = model.get("min_copies", default=0), model.get("max_copies")
        if low is not None and ceiling is not None and low > ceiling:
            yield case.problem(
                (*path, "min_copies"),
                f"min_copies {low} is above the max_copies {ceiling} of {model.name!r}",
                "raise max_copies here too",
            )
        if high is not None and high < floor and model.get("protected", default=False):
            yield case.problem(
                (*path, "max_copies"),
                f"takes protected {model.name!r} under its floor of {floor}",
                "that is what it says; leave the model out if it is not meant",
                warning=True,
            )


def floors(case: Case, path: Path, entry: Entry, chosen: Sequence[Resolved]) -> Iterator[Problem]:
    """The floors of each variant while this override or schedule holds, others aside."""
    if entry.min_copies is None:
        return
    raised = {model.name: entry.min_copies for model in chosen}
    for variant, models in room.variants(case):
        floors = {m.name: raised.get(m.name, m.get("min_copies", default=0)) for m in models}
        if not raised.keys().isdisjoint(floors):
            yield from room.floors_fit(case, (*path, "min_copies"), variant, models, floors)
