"""Notices: what a person must know, said once when it begins."""

from collections.abc import Iterator

from icscaler import groups, managed_scaling
from icscaler.entities import (
    Decision,
    EndpointConfig,
    EndpointState,
    ModelConfig,
    NoticeItem,
    OutcomeKind,
    Snapshot,
)
from icscaler.learned import InTime
from icscaler.policies import objectives, startup
from icscaler.reasons import Notice, Reason

_BY_BLOCK = {
    Reason.COMPONENT_FAILED: (
        Notice.COMPONENT_FAILED,
        "is Failed ({failure}); it can't be scaled. Delete and create it again.",
    ),
    Reason.FOREIGN_TARGET: (
        Notice.FOREIGN_TARGET,
        "has an active Application Auto Scaling target (or its variant managed instance scaling), "
        "so icscaler leaves it alone. Suspend it (icscaler adopt --take-over), or take it out of "
        "the fleet file.",
    ),
    Reason.MANUAL_CHANGE: (
        Notice.MANUAL_CHANGE,
        "was set to {copies} copies by somebody else. That is honoured until {until} (epoch s).",
    ),
}
_BLIND = Reason.BLIND
# By then dispatch knows whether many models are blind together, and has told of them all.
BLIND_TOLD_AFTER_S = 240
_REFUSALS = (OutcomeKind.NO_ROOM, OutcomeKind.QUOTA, OutcomeKind.INVALID, OutcomeKind.DENIED)


def collect(
    config: EndpointConfig,
    before: EndpointState,
    seen: Snapshot,
    after: EndpointState,
    decisions: dict[str, Decision],
    short: tuple[str, ...],
) -> tuple[tuple[NoticeItem, ...], tuple[str, ...]]:
    """Notices that begin with this look, and the keys of all that last."""
    lasting = {
        f"{item.notice}:{item.subject}": item
        for item in _all(config, seen, after, decisions, short)
    }
    if seen.metrics_vanished:
        # People were told of the whole fleet (`dispatch`); not of each model as well.
        lasting = {
            key: item
            for key, item in lasting.items()
            if item.notice is not Notice.BLIND or key in before.noticed
        }
    new = tuple(item for key, item in sorted(lasting.items()) if key not in before.noticed)
    return new, tuple(sorted(lasting))


def _all(
    config: EndpointConfig,
    seen: Snapshot,
    after: EndpointState,
    decisions: dict[str, Decision],
    short: tuple[str, ...],
) -> Iterator[NoticeItem]:
    for name in sorted(set(config.models) - set(seen.components)):
        text = f"{name} is in the fleet file but not on endpoint {config.name}."
        yield NoticeItem(Notice.COMPONENT_MISSING, name, text)
    for name, decision in decisions.items():
        yield from _of_component(config, seen, after, name, decision)
    for name in short:
        text = f"No room on {config.name} for the copies that {name} must always have."
        yield NoticeItem(Notice.SHORTAGE, name, text)
    for group, running, lacking in groups.incomplete(config, decisions):
        text = (
            f"Group {group} on {config.name} is not complete: there is no room for "
            f"{', '.join(lacking)} beside {', '.join(running)}."
        )
        yield NoticeItem(Notice.GROUP_INCOMPLETE, group, text)
    yield from _of_starts(config, after)
    for name, model in config.models.items():
        if name in after.models and model.objective is not None:
            in_time = after.models[name].in_time
            # Of those set aside too: what lasts is not said anew each time their window begins.
            for account in (*in_time.set_aside, in_time):
                yield from _of_objective(config, model, account, after)
    yield from _of_endpoint(config, seen, after)


def _of_endpoint(
    config: EndpointConfig, seen: Snapshot, after: EndpointState
) -> Iterator[NoticeItem]:
    """Its instances and its managed scaling."""
    for name, variant in after.variants.items():
        if variant.obtainable_instances is not None:
            text = (
                f"Variant {name} of {config.name} got {variant.obtainable_instances} instances and "
                f"no more since {variant.short_since_s} (epoch s); planning with those."
            )
            yield NoticeItem(Notice.CAPACITY_NOT_OBTAINED, name, text)
    for found in managed_scaling.drifts(config.variants, seen.endpoint):
        text = (
            f"Managed scaling of {config.name}: {found}. Change the file, or run "
            f"`icscaler endpoint apply {config.name}`."
        )
        yield NoticeItem(Notice.MANAGED_SCALING_DRIFT, f"{found.variant}/{found.key}", text)


def _of_starts(config: EndpointConfig, after: EndpointState) -> Iterator[NoticeItem]:
    """Phases of the start-up that changed: whatever they cost is paid at every start."""
    drifts: list[tuple[str, str, startup.Drift | None]] = [
        (f"{name}/{found.phase}", f"Starts of {name} ({found.phase})", found)
        for name, model in after.models.items()
        for found in startup.drifts(model.starts)
    ]
    for name, variant in after.variants.items():
        what = f"New instances of variant {name} of {config.name}"
        drifts.append(
            (f"{config.name}/{name}", what, startup.drift("instance", variant.launches_s))
        )
    what = f"Decisions to wake a model on {config.name}"
    drifts.append((config.name, what, startup.drift("decision", after.decisions_s)))
    for subject, what, drift in drifts:
        if drift is not None:
            yield NoticeItem(Notice.START_UP_DRIFT, subject, _drift(what, drift))


def _of_objective(
    config: EndpointConfig, model: ModelConfig, in_time: InTime, after: EndpointState
) -> Iterator[NoticeItem]:
    """An objective that is not kept and will not be by itself."""
    name, state, promise = model.name, after.models[model.name], in_time.promise
    if promise is None:
        return
    promised = promise.in_time_fraction
    wanted = f"{percent(promised)} of requests within {promise.deadline_s:g} s"
    if in_time.floor_copies:
        text = _out_of_reach(config, model, in_time, wanted, after)
        yield NoticeItem(Notice.OBJECTIVE_UNREACHABLE, name, text)
        return
    missed = in_time.missed_fraction or 0.0
    full = state.observed_desired >= model.max_copies
    if missed > 1.0 - promised and (full or in_time.worth_factor >= objectives.MOST_FACTOR):
        why = (
            f"it has all the {model.max_copies} copies it may have: raise max_copies"
            if full
            else "its requests are worth as much as an objective may make them"
        )
        text = f"{name} misses {percent(missed)} lately, its objective is {wanted}, and {why}."
        yield NoticeItem(Notice.OBJECTIVE_MISSED, name, text)


def _out_of_reach(
    config: EndpointConfig, model: ModelConfig, in_time: InTime, wanted: str, after: EndpointState
) -> str:
    state = after.models[model.name]
    least, copies = in_time.least_missed_fraction, in_time.floor_copies
    start_s = startup.charged(state.starts, after.decisions_s).all_s
    usd = objectives.usd_per_month(copies, model, config.variants[model.variant])
    price = f", for ${usd:,.0f} of GPUs a month" if usd is not None else ""
    ceiling = f" (its max_copies is {model.max_copies})" if copies > model.max_copies else ""
    return (
        f"{model.name} cannot reach {wanted}: with a start-up of {start_s} s, {percent(least)} "
        f"are missed whatever its requests are worth. min_copies: {copies} would reach it"
        f"{price}{ceiling}."
    )


def percent(fraction: float) -> str:
    """`99.5 %`."""
    return f"{100 * fraction:.4g} %"


def _drift(what: str, found: startup.Drift) -> str:
    return (
        f"{what} took {found.recent_s} s in the latest {startup.DRIFT_RECENT} cases, "
        f"{found.before_s} s before (medians)."
    )


def _of_component(
    config: EndpointConfig, seen: Snapshot, after: EndpointState, name: str, decision: Decision
) -> Iterator[NoticeItem]:
    view, state = seen.components[name], after.models[name]
    if decision.blocked in _BY_BLOCK:
        notice, text = _BY_BLOCK[decision.blocked]
        text = text.format(
            failure=view.failure_reason, copies=view.desired_copies, until=state.manual_until_s
        )
        yield NoticeItem(notice, name, f"{name} {text}")
    alive_s = max(state.last_heartbeat_s, state.newest_copy_s)
    lasts = seen.at_s - alive_s > config.blind_after_s + BLIND_TOLD_AFTER_S
    if lasts and any(step.reason is _BLIND for step in decision.steps):
        text = f"{name} has {view.current_copies} copies but no metrics; its copies are held."
        yield NoticeItem(Notice.BLIND, name, text)
    outcome = seen.outcomes.get(name)
    if outcome is not None and outcome.kind in _REFUSALS:
        text = f"AWS refused to set {name} to {outcome.copies} copies: {outcome.message}"
        yield NoticeItem(Notice.REFUSED_BY_AWS, name, text)
