"""After a failure: put down why, and remove what was made - only that, told by its tag."""

from collections.abc import Callable

from icscaler.entities import OutcomeKind
from icscaler.lifecycle.claim import leased
from icscaler.lifecycle.ports import Kind
from icscaler.lifecycle.run import Answer, Run, ready, wait
from icscaler.onboarding import build
from icscaler.onboarding.deps import Deps
from icscaler.onboarding.record import WORKFLOW, Onboarding, Phase
from icscaler.onboarding.steps import CLEAN_UP_S, holder_of

CLEAN_UP_LOOK_S = 20


def record_failure(run: Run, component: str, why: str, deps: Deps, at_s: int) -> Answer:
    """Ready when nothing of ours is left, or when removing it took too long.

    Needs no description: a description that can't be read is one of the failures.
    """
    record, version = (
        deps.store.read_workflow(WORKFLOW, component, Onboarding) if component else (None, 0)
    )
    if record is None or record.runs[-1] != run.name:
        return ready(f"{why} (this execution has made nothing)", failure=why)
    if record.enter(Phase.FAILED, at_s):
        record.failure = why
        version = deps.store.write_workflow(WORKFLOW, component, record, version, at_s)
    deps.store.remove_overlay(record.endpoint, component, WORKFLOW)
    for kind, name in _made(record):
        left = _removed(run, record, kind, name, deps, at_s)
        if left is not None:
            return _not_yet(record, version, left, deps, at_s)
    deps.store.remove_hold(record.endpoint, component, holder_of(component))
    record.enter(Phase.UNDONE, at_s)
    record.left = ()
    deps.store.write_workflow(WORKFLOW, component, record, version, at_s)
    return ready(record.failure, failure=record.failure)


def _made(record: Onboarding) -> tuple[tuple[Kind, str], ...]:
    """What may have been made, in the order in which it can be removed."""
    component = (Kind.COMPONENT, record.component), (Kind.MODEL, record.component)
    if not record.makes_endpoint:
        return component
    endpoint = (Kind.ENDPOINT, record.endpoint), (Kind.ENDPOINT_CONFIG, record.endpoint)
    return *component, *endpoint


def _removed(
    run: Run, record: Onboarding, kind: Kind, name: str, deps: Deps, at_s: int
) -> str | None:
    """None when it is not there or not ours; else what has to be waited for."""
    arn, status = _facts(kind, name, deps)
    if arn is None:
        return None
    if status != "Deleting" and deps.works.tags(arn).get(build.TAG) not in record.runs:
        return None
    if status in ("Deleting", "Creating"):
        return f"{kind} {name} is {status}"
    if kind is Kind.COMPONENT:
        with leased(deps.store, record.endpoint, run.owner, at_s):
            outcome = deps.works.remove(kind, name)
    else:
        outcome = deps.works.remove(kind, name)
    if outcome.kind is OutcomeKind.NOT_FOUND:
        return None
    if outcome.kind is OutcomeKind.ACCEPTED:
        record.removed += (f"{kind} {name}",)
        return f"{kind} {name} is being removed"
    return f"{kind} {name} can't be removed: {outcome.message}"


def _facts(kind: Kind, name: str, deps: Deps) -> tuple[str | None, str]:
    """ARN and status of what is there."""
    looks: dict[Kind, Callable[[str], object]] = {
        Kind.COMPONENT: deps.works.component,
        Kind.ENDPOINT: deps.works.endpoint,
    }
    if kind not in looks:
        return deps.works.arn_of(kind, name), ""
    found = looks[kind](name)
    return getattr(found, "arn", None), str(getattr(found, "status", ""))


def _not_yet(record: Onboarding, version: int, left: str, deps: Deps, at_s: int) -> Answer:
    waited_s = at_s - record.phase_s
    record.left = (left,)
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    if waited_s < CLEAN_UP_S:
        return wait(CLEAN_UP_LOOK_S, f"{record.failure}; cleaning up: {left}")
    deps.store.remove_hold(record.endpoint, record.component, holder_of(record.component))
    say = f"{record.failure}; not removed after {waited_s} s: {left}"
    return ready(say, failure=say)
