"""How each model of an endpoint stands, from what the last look left. Pure.

The reasons are the last look's own; floors, switches and holds are those of this moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from icscaler import bounds, guards, overlays
from icscaler.entities import EndpointConfig, EndpointView, ModelConfig, ModelState
from icscaler.ports import EndpointItem, FleetPointer
from icscaler.verdicts import text
from icscaler_cli import fleet_calendar

AHEAD_S = 7 * fleet_calendar.DAY_S
PENDING_S = 3600


@dataclass(frozen=True, slots=True)
class Next:
    """Something that will change what may be done: what, and when (None: when it comes)."""

    what: str
    at_s: int | None = None


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """One model. Copies are None while no look has seen its component.

    `steps` are the last look's, `since_s` the first look that decided so; `moved_s` is when the
    copies last changed. `blocks` says why nothing is written to it now. `taken_over_s`: since when
    its scalable target is suspended for icscaler.
    """

    name: str
    class_name: str
    owner: str | None
    desired: int | None
    current: int | None
    wanted: int | None
    floor: int
    floor_by: str
    ceiling: int
    ceiling_by: str
    steps: tuple[str, ...]
    since_s: int | None
    moved_s: int | None
    blocks: tuple[str, ...]
    next: tuple[Next, ...]
    taken_over_s: int | None = None


@dataclass(frozen=True, slots=True)
class EndpointStanding:
    """One endpoint. `instances` and `gpus` None: DescribeEndpoint could not be asked."""

    name: str
    status: str | None
    instances: int | None
    max_instances: int | None
    gpus: int | None
    gpus_held: int
    gpu_price: float
    looked_s: int | None
    paused: bool
    observe: bool
    models: tuple[ModelStanding, ...] = ()
    unmanaged: tuple[str, ...] = field(default=())


def standing(
    item: EndpointItem,
    pointer: FleetPointer,
    view: EndpointView | None,
    at_s: int,
    *,
    observes: bool,
) -> EndpointStanding:
    """How an endpoint stands at `at_s`; `item.config` must be there."""
    assert item.config is not None
    config = overlays.merge(item.config, item.overlays, at_s)
    variants = view.variants.values() if view is not None else ()
    offered = {name: variant.gpus for name, variant in config.variants.items()}
    most = [variant.max_instances for variant in variants]
    return EndpointStanding(
        name=config.name,
        status=view.status if view is not None else None,
        instances=sum(v.current_instances for v in variants) if view is not None else None,
        max_instances=sum(m for m in most if m)
        if most and all(m is not None for m in most)
        else None,
        gpus=sum(v.current_instances * offered.get(v.name, 0) for v in variants)
        if view is not None
        else None,
        gpus_held=_held(config, item),
        gpu_price=item.state.gpu_price,
        looked_s=item.state.last_look_s,
        paused=pointer.paused or config.paused or config.name in pointer.paused_endpoints,
        observe=observes or config.observe,
        models=tuple(
            _model(config, model, item, pointer, at_s, observes) for model in config.models.values()
        ),
        unmanaged=tuple(sorted(set(item.views) - set(config.models))),
    )


def _held(config: EndpointConfig, item: EndpointItem) -> int:
    """GPUs of all copies that are there or ordered, by whomever."""
    held = 0
    for name, view in item.views.items():
        model = config.models.get(name)
        copy = view.resources or (model.resources if model and not model.adapter_of else None)
        held += max(view.desired_copies, view.current_copies) * (copy.gpus if copy else 0)
    return held


def _model(
    config: EndpointConfig,
    model: ModelConfig,
    item: EndpointItem,
    pointer: FleetPointer,
    at_s: int,
    observes: bool,
) -> ModelStanding:
    view, state = item.views.get(model.name), item.state.models.get(model.name)
    start_s = guards.start_up_s(state) if state is not None else bounds.START_UP_PRIOR_S
    limits = bounds.bounds_at(config, model, at_s, start_s)
    verdict = state.verdict if state is not None else None
    return ModelStanding(
        name=model.name,
        class_name=model.class_name,
        owner=model.owner,
        desired=view.desired_copies if view is not None else None,
        current=view.current_copies if view is not None else None,
        wanted=verdict.copies if verdict is not None else None,
        floor=limits.floor.copies,
        floor_by=limits.floor.by or str(limits.floor.reason),
        ceiling=limits.ceiling.copies,
        ceiling_by=limits.ceiling.by or str(limits.ceiling.reason),
        steps=tuple(text(*step) for step in verdict.steps) if verdict is not None else (),
        since_s=verdict.since_s if verdict is not None else None,
        moved_s=_moved_s(state),
        blocks=tuple(_blocks(config, model, item, pointer, at_s, observes)),
        next=tuple(_ahead(config, model, item, at_s)),
    )


def _moved_s(state: ModelState | None) -> int | None:
    if state is None:
        return None
    return max(state.last_scale_out_s, state.last_scale_in_s) or state.first_seen_s


def _blocks(
    config: EndpointConfig,
    model: ModelConfig,
    item: EndpointItem,
    pointer: FleetPointer,
    at_s: int,
    observes: bool,
) -> Iterator[str]:
    """Everything that keeps the controller from writing to it, the widest first."""
    view, state = item.views.get(model.name), item.state.models.get(model.name)
    hold = item.holds.get(model.name)
    checks = (
        (pointer.paused, "the fleet is paused by a switch"),
        (config.name in pointer.paused_endpoints, "its endpoint is paused by a switch"),
        (model.name in pointer.paused_models, "paused by a switch"),
        (config.paused or bounds.paused(model, at_s), "paused by the fleet file"),
        (observes, "the stack observes only"),
        (config.observe or model.observe, "observed only, by the fleet file"),
        (hold is not None and hold.forbids_writes(at_s), f"held by {hold.holder if hold else ''}"),
        (view is not None and view.scalable_target, "Application Auto Scaling owns it"),
        (state is not None and state.manual_until_s > at_s, "somebody set it by hand"),
        (view is not None and view.status != "InService", f"is {view.status if view else ''}"),
        (model.adapter_of is not None, f"an adapter of {model.adapter_of}"),
        (view is None and item.state.last_look_s is not None, "no such component on the endpoint"),
    )
    yield from (text for holds, text in checks if holds)


def _ahead(
    config: EndpointConfig, model: ModelConfig, item: EndpointItem, at_s: int
) -> Iterator[Next]:
    """What is under way, and what ends or begins within a week, soonest first."""
    found = [*_of_state(model, item, at_s), *_of_holds(model, item, at_s)]
    ahead = fleet_calendar.bounds_ahead(config, model, at_s, at_s + AHEAD_S)
    if len(ahead) > 1:
        starts_s, limits = ahead[1]
        by = limits.floor.by or limits.ceiling.by
        text = f"at least {limits.floor.copies}, at most {limits.ceiling.copies} copies"
        found.append(Next(f"{text}{f' by {by}' if by else ''}", starts_s))
    yield from sorted(found, key=lambda one: one.at_s or 0)


def _of_state(model: ModelConfig, item: EndpointItem, at_s: int) -> Iterator[Next]:
    state = item.state.models.get(model.name)
    if state is None:
        return
    intent, outcome = state.intent, item.outcomes.get(model.name)
    if intent is not None and at_s - intent.at_s < PENDING_S:
        answer = f" ({outcome.kind})" if outcome and outcome.attempt_id == intent.attempt_id else ""
        yield Next(f"asked for {intent.copies} copies{answer}, not seen yet")
    if state.observed_current < state.observed_desired:
        yield Next(f"{state.observed_desired - state.observed_current} copies are starting")
    policy = model.policy
    ends = [
        ("the manual change is honoured no longer", state.manual_until_s),
        (
            "the newest copy need not be kept any more",
            state.newest_copy_s + model.limits.minimum_life_s,
        ),
    ]
    if policy is not None and state.last_scale_in_s >= state.last_scale_out_s:
        until_s = state.last_scale_in_s + policy.scale_in_cooldown_s
        ends.append(("the cooldown after the last scale in ends", until_s))
    if state.refused is not None:
        text = f"{state.refused.copies} copies were refused ({state.refused.kind}); asked for again"
        ends.append((text, state.refused.until_s))
    yield from (Next(text, until_s) for text, until_s in ends if until_s > at_s)


def _of_holds(model: ModelConfig, item: EndpointItem, at_s: int) -> Iterator[Next]:
    hold = item.holds.get(model.name)
    if hold is not None and hold.until_s > at_s:
        kept = f", {hold.reserved_copies} places reserved" if hold.reserved_copies else ""
        yield Next(f"the hold of {hold.holder} ends{kept}", hold.until_s)
    for overlay in item.overlays:
        if overlay.component == model.name and overlay.until_s and overlay.until_s > at_s:
            yield Next(f"what {overlay.holder} laid on ends", overlay.until_s)
