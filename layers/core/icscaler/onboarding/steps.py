"""The steps of onboarding after the plan: endpoint, component, probe, registration.

Each looks first and makes only what is missing, so it may be repeated after a crash, a lost reply,
or by another execution that takes over.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from icscaler.entities import EndpointConfig, Hold, OutcomeKind, VariantConfig
from icscaler.lifecycle import probe
from icscaler.lifecycle.claim import leased
from icscaler.lifecycle.ports import ComponentFacts, EndpointFacts, Kind
from icscaler.lifecycle.run import Answer, RefusedError, Run, ready, wait
from icscaler.onboarding import build, lines
from icscaler.onboarding.choose import USABLE_STATUSES
from icscaler.onboarding.deps import Deps
from icscaler.onboarding.description import Description
from icscaler.onboarding.record import START_UP, WORKFLOW, Onboarding, Phase, StartUp
from icscaler.ports import Overlay

ENDPOINT_LOOK_S = 30
COMPONENT_LOOK_S = 15
PROBE_PAUSE_S = 30
CLEAN_UP_S = 3600
HOME_VERSION = "onboarding"
LOST_REPLY = "another execution has taken over this onboarding"


def holder_of(component: str) -> str:
    """Who holds the component meanwhile; the same for a second run, which may take over."""
    return f"{WORKFLOW}/{component}"


def owned(run: Run, component: str, deps: Deps) -> tuple[Onboarding, int]:
    """This execution's record and its version. Raises `RefusedError` when another took over."""
    record, version = deps.store.read_workflow(WORKFLOW, component, Onboarding)
    if record is None or record.runs[-1] != run.name:
        raise RefusedError(LOST_REPLY)
    return record, version


def _enter(record: Onboarding, version: int, phase: Phase, deps: Deps, at_s: int) -> int:
    if not record.enter(phase, at_s):
        return version
    return deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)


# ---------------------------------------------------------------- endpoint


def make_endpoint(run: Run, description: Description, deps: Deps, at_s: int) -> Answer:
    """Ready when components can be put on the endpoint."""
    record, version = owned(run, description.component, deps)
    _enter(record, version, Phase.ENDPOINT, deps, at_s)
    facts = deps.works.endpoint(record.endpoint)
    if facts is None:
        if not record.makes_endpoint:
            raise RefusedError(f"endpoint {record.endpoint} does not exist any more")
        return _order_endpoint(run, description, record, deps)
    if facts.status in USABLE_STATUSES:
        return ready(f"endpoint {facts.name} is {facts.status}")
    return _await_endpoint(record, facts, description, at_s)


def _await_endpoint(
    record: Onboarding, facts: EndpointFacts, description: Description, at_s: int
) -> Answer:
    if facts.status == "Failed":
        raise RefusedError(f"endpoint {facts.name} failed: {facts.failure_reason or 'no reason'}")
    waited_s = at_s - record.phase_s
    if waited_s >= description.endpoint_patience_s:
        reason = f": {facts.failure_reason}" if facts.failure_reason else ""
        raise RefusedError(
            f"endpoint {facts.name} is still {facts.status} after {waited_s} s{reason}"
        )
    return wait(ENDPOINT_LOOK_S, f"endpoint {facts.name} is {facts.status} for {waited_s} s")


def _order_endpoint(run: Run, description: Description, record: Onboarding, deps: Deps) -> Answer:
    new = description.new_endpoint
    if new is None:
        raise RefusedError(f"nothing describes the endpoint {record.endpoint}")
    arn = deps.works.arn_of(Kind.ENDPOINT_CONFIG, new.name)
    if arn is None:
        _made(deps, Kind.ENDPOINT_CONFIG, build.config_request(description, new, run.name))
    elif deps.works.tags(arn).get(build.TAG) not in record.runs:
        raise RefusedError(
            f"an endpoint configuration {new.name} exists that no onboarding of this model has "
            "made; choose another name for new_endpoint"
        )
    _made(deps, Kind.ENDPOINT, build.endpoint_request(description, new, run.name))
    # The next look sees what became of it, also when it was made before and only the reply lost.
    return wait(ENDPOINT_LOOK_S, f"endpoint {new.name} is being created")


def _made(deps: Deps, kind: Kind, request: Mapping[str, Any]) -> None:
    """`EXISTS`: an earlier attempt, whose reply was lost, has made it; or somebody else has."""
    outcome = deps.works.make(kind, request)
    if outcome.kind not in (OutcomeKind.ACCEPTED, OutcomeKind.EXISTS):
        raise RefusedError(f"Create{kind}: {outcome.message}")


# ---------------------------------------------------------------- component


def make_component(run: Run, description: Description, deps: Deps, at_s: int) -> Answer:
    """Ready when all its copies serve."""
    record, version = owned(run, description.component, deps)
    version = _enter(record, version, Phase.COMPONENT, deps, at_s)
    facts = deps.works.component(description.component)
    waited_s = at_s - record.phase_s
    if facts is None:
        answer = _order_component(run, description, record, deps, at_s)
    elif not record.adopted and deps.works.tags(facts.arn).get(build.TAG) not in record.runs:
        raise RefusedError(f"somebody else has created a component {facts.name} meanwhile")
    elif facts.status == "Failed":
        raise RefusedError(f"{facts.name} failed to start: {facts.failure_reason or 'no reason'}")
    elif _serves(description, record, facts):
        return _in_service(description, record, version, facts, deps, at_s)
    else:
        answer = wait(
            COMPONENT_LOOK_S,
            f"{facts.name} is {facts.status} with {facts.current_copies} of "
            f"{facts.desired_copies} copies for {waited_s} s",
        )
    if waited_s >= description.component_patience_s:
        reason = facts.failure_reason if facts is not None else ""
        raise RefusedError(
            f"{description.component} does not serve after {waited_s} s: {reason or answer.say}"
        )
    return answer


def _serves(description: Description, record: Onboarding, facts: ComponentFacts) -> bool:
    """An adapter has no copies of its own; one that was there before may be at zero by policy."""
    if facts.status != "InService":
        return False
    if description.adapter_of is not None or (record.adopted and facts.desired_copies == 0):
        return True
    return facts.current_copies >= min(description.copies, facts.desired_copies) > 0


def _order_component(
    run: Run, description: Description, record: Onboarding, deps: Deps, at_s: int
) -> Answer:
    _order_model(run, description, record, deps)
    with leased(deps.store, record.endpoint, run.owner, at_s) as lease:
        until_s = at_s + description.component_patience_s + CLEAN_UP_S
        holder = holder_of(description.component)
        if not deps.store.hold(lease, description.component, Hold(holder, until_s), at_s):
            return wait(COMPONENT_LOOK_S, "another workflow holds the component")
        outcome = deps.works.make(
            Kind.COMPONENT,
            build.component_request(description, record.endpoint, record.variant, run.name),
        )
    if outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.EXISTS):
        return wait(COMPONENT_LOOK_S, f"{description.component} is being created")
    if outcome.kind is OutcomeKind.IN_FLIGHT:
        return wait(COMPONENT_LOOK_S, f"SageMaker takes no component now: {outcome.message}")
    raise RefusedError(f"Create{Kind.COMPONENT}: {outcome.message}")


def _order_model(run: Run, description: Description, record: Onboarding, deps: Deps) -> None:
    """A model package becomes a SageMaker model first."""
    if description.model_package is None:
        return
    arn = deps.works.arn_of(Kind.MODEL, description.package_model)
    if arn is None:
        _made(deps, Kind.MODEL, build.model_request(description, run.name))
    elif deps.works.tags(arn).get(build.TAG) not in record.runs:
        raise RefusedError(
            f"a SageMaker model {description.package_model} exists that no onboarding of this "
            "model has made; onboard it as sagemaker_model, or choose another name"
        )


def _in_service(
    description: Description,
    record: Onboarding,
    version: int,
    facts: ComponentFacts,
    deps: Deps,
    at_s: int,
) -> Answer:
    if not record.adopted and record.start_up is None and description.adapter_of is None:
        total_s = max(0, facts.modified_s - facts.created_s)
        record.start_up = StartUp(total_s, facts.current_copies, at_s)
        deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    took = f" after {record.start_up.total_s} s" if record.start_up else ""
    return ready(f"{facts.name} is in service{took}")


# ---------------------------------------------------------------- probe


def probe_model(run: Run, description: Description, deps: Deps, at_s: int) -> Answer:
    """Ready when it answers as described."""
    record, version = owned(run, description.component, deps)
    record.enter(Phase.PROBE, at_s)
    if description.probe is None:
        return ready("no probe is described")
    facts = deps.works.component(description.component)
    if record.adopted and facts is not None and facts.desired_copies == 0 and facts.base is None:
        return ready("it was there before and has no copy now: not probed")
    replies = probe.send(deps.requests, record.endpoint, description.component, description.probe)
    wrong = probe.problems(description.probe, replies)
    record.probe_attempts += 1
    record.latency_s = max(reply.latency_s for reply in replies)
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    if not wrong:
        return ready(f"it answers within {record.latency_s:.2f} s")
    said = f"probe {record.probe_attempts} of {description.probe_attempts}: {'; '.join(wrong)}"
    if record.probe_attempts >= description.probe_attempts:
        raise RefusedError(f"the model does not answer as described: {said}")
    return wait(PROBE_PAUSE_S, said)


# ---------------------------------------------------------------- registration


def register(run: Run, description: Description, deps: Deps, at_s: int) -> Answer:
    """Hand it over to the controller, and say what belongs into the fleet file."""
    record, version = owned(run, description.component, deps)
    pointer = deps.store.fleet_pointer()
    in_file = pointer is not None and record.endpoint not in pointer.added
    config = deps.store.configuration(record.endpoint, pointer.version) if pointer else None
    home = None if config is not None and in_file else config or _home(description, record, deps)
    listed = config is not None and description.component in config.models
    if not listed:
        model = replace(description.model, variant=record.variant)
        overlay = Overlay(description.component, WORKFLOW, None, model=model, home=home)
        if not deps.store.put_overlay(record.endpoint, overlay):
            raise RefusedError(
                f"the fleet file has {description.component} on another endpoint; publish it "
                f"with endpoint {record.endpoint}, or retire the other one"
            )
    if record.start_up is not None:
        _, known = deps.store.read_workflow(START_UP, record.component, StartUp)
        deps.store.write_workflow(START_UP, record.component, record.start_up, known, at_s)
    deps.store.remove_hold(record.endpoint, record.component, holder_of(record.component))
    record.enter(Phase.ONBOARDED, at_s)
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    entry = lines.model_entry(description, record.endpoint, record.variant)
    if listed:
        say = "the fleet file has it already"
    elif config is not None or home is not None:
        say = "it is managed now; put the lines into the fleet file and publish it"
    else:
        say = (
            f"endpoint {record.endpoint} is not in the published fleet, and what its instances "
            "offer is not known: nothing scales the model until both are in the fleet file"
        )
    return ready(
        f"{record.component} is onboarded: {say}",
        component=record.component,
        endpoint=record.endpoint,
        variant=record.variant,
        managed=config is not None or home is not None,
        start_up_s=record.start_up.total_s if record.start_up else None,
        fleet_entry=entry,
        fleet_lines=""
        if listed
        else lines.fleet_lines(entry, lines.endpoint_entry(home, deps.hardware)),
    )


def _home(description: Description, record: Onboarding, deps: Deps) -> EndpointConfig | None:
    """An endpoint that is in no fleet file, as one would have it; None: its hardware is unknown."""
    new = description.new_endpoint
    if new is not None and new.name == record.endpoint:
        hardware: VariantConfig | None = new.hardware
    else:
        facts = deps.works.endpoint(record.endpoint)
        kind = deps.works.instance_type(facts.config, record.variant) if facts else None
        hardware = deps.hardware(kind) if kind else None
    if hardware is None:
        return None
    return EndpointConfig(record.endpoint, HOME_VERSION, {record.variant: hardware}, {})
