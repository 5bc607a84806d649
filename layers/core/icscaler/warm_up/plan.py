"""Which models a warm-up is for, and when each one's floor has to begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from icscaler import overlays
from icscaler.bounds import bounds_at
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.lifecycle.run import Answer, RefusedError, Run
from icscaler.onboarding.record import START_UP, StartUp
from icscaler.policies import startup
from icscaler.warm_up.deps import Deps
from icscaler.warm_up.record import WORKFLOW, Selection, Target, WarmUp, WarmUpRecord
from icscaler.warm_up.steps import LATER_LOOK_S, LOOK_S, SOON_S

MAX_SHOWN = 5
SPARE_ROUNDS = 30


def plan(run: Run, asked: WarmUp, deps: Deps, at_s: int) -> Answer:
    """Resolve once; a repetition finds what was put down."""
    record, version = deps.store.read_workflow(WORKFLOW, run.name, WarmUpRecord)
    if record is None:
        found = _selected(asked, deps, at_s)
        lead_s = {one.model.name: _lead_s(one, asked, deps) for one in found}
        ready_by_s = asked.ready_by_s
        if ready_by_s is None:  # as soon as possible: one start-up time from now
            ready_by_s = at_s + max(lead_s.values())
        targets = [
            Target(
                one.model.name,
                one.config.name,
                max(at_s, ready_by_s - lead_s[one.model.name]),
                variant=one.model.variant if one.model.kind == "variant" else None,
            )
            for one in found
        ]
        record = WarmUpRecord(run.name, asked.copies, ready_by_s, asked.until_s, targets)
        deps.store.write_workflow(WORKFLOW, run.name, record, version, at_s)
    starts_s = max(0, record.starts_s - at_s)
    when = f"in {starts_s} s" if starts_s else "now"
    say = f"floors of {record.copies} for {len(record.targets)} model(s), the first one {when}"
    looks_s = record.until_s - at_s
    rounds = (
        min(looks_s, SOON_S) // LOOK_S
        + looks_s // LATER_LOOK_S
        + len(record.targets)
        + SPARE_ROUNDS
    )
    return Answer("Ready", say, starts_s, {"rounds": rounds})


@dataclass(frozen=True, slots=True)
class _Managed:
    """A model of the fleet, and how long its latest starts took."""

    config: EndpointConfig
    model: ModelConfig
    starts_s: tuple[int, ...]


def _selected(asked: WarmUp, deps: Deps, at_s: int) -> list[_Managed]:
    if asked.until_s <= at_s:
        raise RefusedError("the window has ended before the warm-up began; choose a later `until`")
    every = list(_models(deps, at_s))
    known = {one.model.name for one in every}
    missing = [n for n in asked.selection.names if not any(fnmatchcase(k, n) for k in known)]
    if missing:
        raise RefusedError(f"no such model in the published fleet: {', '.join(missing)}")
    found = [one for one in every if matches(asked.selection, one.config, one.model)]
    if not found:
        raise RefusedError("no model of the published fleet is selected")
    by_s = at_s if asked.ready_by_s is None else asked.ready_by_s
    ceilings = {one.model.name: bounds_at(one.config, one.model, by_s).ceiling for one in found}
    capped = [f"{n} ({most.copies})" for n, most in ceilings.items() if most.copies < asked.copies]
    if capped:
        raise RefusedError(
            f"{asked.copies} copies are above the ceiling of {', '.join(capped[:MAX_SHOWN])}; "
            "ask for fewer, or raise max_copies"
        )
    return found


def _models(deps: Deps, at_s: int) -> Iterator[_Managed]:
    """Everything that is managed, without adapters, which live in their base's copies."""
    pointer = deps.store.fleet_pointer()
    for name in pointer.endpoints if pointer else ():
        item = deps.store.load(name, pointer.version if pointer else "")
        if item.config is None:
            continue
        merged = overlays.merge(item.config, item.overlays, at_s)
        for model in merged.models.values():
            if model.adapter_of is None:
                learned = item.state.models.get(model.name)
                yield _Managed(merged, model, learned.starts.total_s if learned else ())


def matches(selection: Selection, config: EndpointConfig, model: ModelConfig) -> bool:
    """Whether all conditions hold for a model."""
    return (
        (not selection.names or any(fnmatchcase(model.name, n) for n in selection.names))
        and selection.class_name in (None, model.class_name)
        and selection.group in (None, model.group)
        and selection.endpoint in (None, config.name)
    )


def _lead_s(one: _Managed, asked: WarmUp, deps: Deps) -> int:
    """How long before it must be ready its floor begins: one late start-up and the margin.

    Learned from its starts; until there are some, its onboarding's or `start_up_s` stands in.
    """
    onboarded, _ = deps.store.read_workflow(START_UP, one.model.name, StartUp)
    prior_s = onboarded.total_s if onboarded is not None else asked.start_up_s
    return (startup.late(one.starts_s, prior_s) if one.starts_s else prior_s) + asked.margin_s
