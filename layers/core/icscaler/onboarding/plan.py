"""The first step: where the model goes, and whether this execution may onboard it."""

from collections.abc import Iterator

from icscaler import overlays
from icscaler.entities import CopyResources, EndpointConfig
from icscaler.lifecycle.ports import ComponentFacts
from icscaler.lifecycle.run import RUNNING, Answer, RefusedError, Run, ready
from icscaler.onboarding import build
from icscaler.onboarding.choose import Candidate, Need, Place, assess, places
from icscaler.onboarding.deps import Deps
from icscaler.onboarding.description import Description
from icscaler.onboarding.record import WORKFLOW, Onboarding, Phase
from icscaler.onboarding.steps import COMPONENT_LOOK_S, ENDPOINT_LOOK_S

MAX_REASONS = 6
SPARE_ROUNDS = 30


def plan(run: Run, description: Description, deps: Deps, at_s: int) -> Answer:
    """Decide once, and put it down before anything is made."""
    record, version = deps.store.read_workflow(WORKFLOW, description.component, Onboarding)
    if record is not None and record.runs[-1] == run.name:
        return _answer(record, description)
    runs: tuple[str, ...] = ()
    if record is not None and record.open:
        if record.arn and deps.executions.status(record.arn) == RUNNING:
            raise RefusedError(
                f"{description.component} is being onboarded by execution {record.runs[-1]}; wait "
                "for it, or stop it first"
            )
        runs = record.runs
    there = deps.works.component(description.component)
    found = _adopted(description, there) if there else _place(description, deps, at_s)
    record = Onboarding(
        component=description.component,
        runs=(*runs, run.name),
        arn=run.arn,
        started_s=at_s,
        endpoint=found[0],
        variant=found[1],
        why=found[2],
        makes_endpoint=found[3],
        adopted=there is not None and deps.works.tags(there.arn).get(build.TAG) not in runs,
        phase=Phase.PLANNED,
        phase_s=at_s,
    )
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    return _answer(record, description)


def _answer(record: Onboarding, description: Description) -> Answer:
    """With how often the state machine may ask again before something must be wrong."""
    say = f"{record.component} goes to endpoint {record.endpoint}: {record.why}"
    rounds = (
        description.endpoint_patience_s // ENDPOINT_LOOK_S
        + description.component_patience_s // COMPONENT_LOOK_S
        + description.probe_attempts
        + SPARE_ROUNDS
    )
    return ready(say, endpoint=record.endpoint, variant=record.variant, rounds=rounds)


_Found = tuple[str, str, str, bool]  # endpoint, variant, why, whether it may have to be made


def _adopted(description: Description, there: ComponentFacts) -> _Found:
    """A component that is there is taken as it is, if it is what is described."""
    unlike = build.differences(description, there.specification)
    if unlike:
        raise RefusedError(
            f"a component {there.name} exists on endpoint {there.endpoint}, and it is another one: "
            f"{'; '.join(unlike)}; choose another name, or change it by a rolling update"
        )
    if description.endpoint not in (None, there.endpoint):
        raise RefusedError(
            f"component {there.name} exists on endpoint {there.endpoint}, not on "
            f"{description.endpoint}; retire it there first"
        )
    return there.endpoint, there.variant, "the component is there already", False


def _place(description: Description, deps: Deps, at_s: int) -> _Found:
    if description.adapter_of is not None:
        base = deps.works.component(description.adapter_of)
        if base is None:
            raise RefusedError(
                f"the base component {description.adapter_of} does not exist; onboard it first"
            )
        return base.endpoint, base.variant, f"its base {base.name} is there", False
    if description.endpoint is not None:
        return _stated(description, deps, at_s)
    new = description.new_endpoint
    if new is not None and not new.only_when_full:
        return new.name, new.variant, "it is described as its endpoint", True
    need = Need(description.resources, description.copies, description.model.max_copies)
    found, refused = places(need, candidates(deps, at_s), at_s)
    if found:
        return found[0].endpoint, found[0].variant, found[0].why, False
    if new is not None:
        return new.name, new.variant, "no endpoint of the fleet has room", True
    shown = [f"{name}: {why}" for name, why in sorted(refused.items())][:MAX_REASONS]
    raise RefusedError(
        "no endpoint of the fleet has room: "
        + ("; ".join(shown) or "no endpoint is published")
        + "; name an endpoint, or describe a new_endpoint"
    )


def _stated(description: Description, deps: Deps, at_s: int) -> _Found:
    name, wanted = description.endpoint or "", description.variant
    view = deps.endpoints.describe_endpoint(name)
    if view is None:
        raise RefusedError(f"endpoint {name} does not exist; describe it as new_endpoint")
    if wanted is None and len(view.variants) != 1:
        raise RefusedError(
            f"endpoint {name} has the variants {', '.join(sorted(view.variants)) or '(none)'}; "
            "say which with `variant`"
        )
    variant = wanted or next(iter(view.variants))
    config = overlays.published(deps.store, deps.store.fleet_pointer(), name, at_s)
    if config is not None and variant in config.variants:
        need = Need(description.resources, description.copies, description.model.max_copies)
        place = assess(need, _candidate(deps, config, at_s), variant, at_s)
        if not isinstance(place, Place):
            raise RefusedError(f"no room on endpoint {name}, variant {variant}: {place}")
        return name, variant, place.why, False
    return name, variant, "it is named", False


def candidates(deps: Deps, at_s: int) -> Iterator[Candidate]:
    """The endpoints of the published fleet as they are now; observed ones take no new model."""
    pointer = deps.store.fleet_pointer()
    for name in pointer.endpoints if pointer else ():
        config = overlays.published(deps.store, pointer, name, at_s)
        if config is not None and not config.observe:
            yield _candidate(deps, config, at_s)


def _candidate(deps: Deps, config: EndpointConfig, at_s: int) -> Candidate:
    view = deps.endpoints.describe_endpoint(config.name)
    if view is None:
        return Candidate(config, None)
    listed = [row.name for row in deps.endpoints.list_components(config.name)]
    described = deps.endpoints.describe_components(listed, at_s) if listed else {}
    there: dict[str, list[CopyResources]] = {}
    for component in described.values():
        if component is not None and component.resources is not None:
            copies = max(component.desired_copies, component.current_copies)
            there.setdefault(component.variant, []).extend([component.resources] * copies)
    return Candidate(config, view, there)
