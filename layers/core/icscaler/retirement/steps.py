"""The steps of a retirement: to zero, adapters, the component, what was kept for it."""

from collections.abc import Iterator

from icscaler.alarm_plan import SPIKE
from icscaler.entities import Change, Hold, OutcomeKind
from icscaler.lifecycle.claim import leased
from icscaler.lifecycle.ports import Kind
from icscaler.lifecycle.run import Answer, RefusedError, Run, ready, wait
from icscaler.retirement.deps import Deps
from icscaler.retirement.record import WORKFLOW, Phase, Retire, Retirement

LOOK_S = 15
HOLD_S = 7200
_LATER = (OutcomeKind.IN_FLIGHT, OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN)


def holder_of(component: str) -> str:
    """Who holds the component meanwhile; the same for a second run."""
    return f"{WORKFLOW}/{component}"


def owned(run: Run, component: str, deps: Deps) -> tuple[Retirement, int]:
    """This execution's record and its version."""
    record, version = deps.store.read_workflow(WORKFLOW, component, Retirement)
    if record is None or record.run != run.name:
        raise RefusedError("another execution has taken over this retirement")
    return record, version


def _enter(record: Retirement, version: int, phase: Phase, deps: Deps, at_s: int) -> int:
    if not record.enter(phase, at_s):
        return version
    return deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)


def _wait(record: Retirement, asked: Retire, at_s: int, say: str) -> Answer:
    waited_s = at_s - record.phase_s
    if waited_s >= asked.patience_s:
        raise RefusedError(f"after {waited_s} s: {say}")
    return wait(LOOK_S, say)


# ---------------------------------------------------------------- to zero


def to_zero(run: Run, asked: Retire, deps: Deps, at_s: int) -> Answer:
    """Ready when no copy is left. A hold keeps looks from bringing one back."""
    record, version = owned(run, asked.component, deps)
    _enter(record, version, Phase.TO_ZERO, deps, at_s)
    facts = deps.works.component(asked.component)
    if facts is None or record.is_adapter or facts.status in ("Failed", "Deleting"):
        return ready("there are no copies to take away")
    with leased(deps.store, record.endpoint, run.owner, at_s) as lease:
        hold = Hold(holder_of(asked.component), at_s + HOLD_S)
        if not deps.store.hold(lease, asked.component, hold, at_s):
            return _wait(record, asked, at_s, "another workflow holds the component")
        if facts.status == "InService" and facts.desired_copies:
            change = Change(asked.component, facts.desired_copies, 0, f"{run.name}/{at_s}")
            outcome = deps.endpoints.set_copies(change, at_s)
            if outcome.kind not in (OutcomeKind.ACCEPTED, OutcomeKind.NOT_FOUND, *_LATER):
                raise RefusedError(f"SageMaker keeps its copies: {outcome.message}")
            return _wait(record, asked, at_s, f"its copies are leaving: {facts.desired_copies}")
    if facts.status != "InService" or facts.current_copies:
        say = f"{facts.name} is {facts.status} with {facts.current_copies} copies"
        return _wait(record, asked, at_s, say)
    return ready(f"{facts.name} has no copies")


# ---------------------------------------------------------------- deleting


def delete_adapters(run: Run, asked: Retire, deps: Deps, at_s: int) -> Answer:
    """Ready when no adapter is left: SageMaker deletes a base only after them."""
    record, version = owned(run, asked.component, deps)
    version = _enter(record, version, Phase.ADAPTERS, deps, at_s)
    said = [say for name in record.adapters if (say := _delete(run, name, record, deps, at_s))]
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    if said:
        return _wait(record, asked, at_s, "; ".join(said))
    return ready("no adapter is left")


def delete_component(run: Run, asked: Retire, deps: Deps, at_s: int) -> Answer:
    """Ready when SageMaker does not know it any more."""
    record, version = owned(run, asked.component, deps)
    version = _enter(record, version, Phase.COMPONENT, deps, at_s)
    say = _delete(run, asked.component, record, deps, at_s)
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    if say:
        return _wait(record, asked, at_s, say)
    return ready(f"{asked.component} is deleted")


def _delete(run: Run, name: str, record: Retirement, deps: Deps, at_s: int) -> str | None:
    """None when it is gone; else what is waited for."""
    facts = deps.works.component(name)
    if facts is None:
        return None
    if facts.status == "Deleting":
        return f"{name} is being deleted"
    with leased(deps.store, record.endpoint, run.owner, at_s):
        outcome = deps.works.remove(Kind.COMPONENT, name)
    if outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.NOT_FOUND):
        record.note_removed(f"{Kind.COMPONENT} {name}")
        return f"{name} is being deleted"
    if outcome.kind in _LATER:
        return f"{name} can't be deleted yet: {outcome.message}"
    raise RefusedError(f"SageMaker does not delete {name}: {outcome.message}")


# ---------------------------------------------------------------- what was kept for it


def forget(run: Run, asked: Retire, deps: Deps, at_s: int) -> Answer:
    """Alarms, overlays, learned state, holds, if asked the SageMaker model; says what is left."""
    record, version = owned(run, asked.component, deps)
    for name in (*record.adapters, asked.component):
        _forget(run, name, record, deps, at_s)
    if record.sagemaker_model is not None:
        outcome = deps.works.remove(Kind.MODEL, record.sagemaker_model)
        if outcome.kind not in (OutcomeKind.ACCEPTED, OutcomeKind.NOT_FOUND):
            raise RefusedError(f"DeleteModel {record.sagemaker_model}: {outcome.message}")
        record.note_removed(f"{Kind.MODEL} {record.sagemaker_model}")
    record.left = tuple(_left(record, deps))
    record.enter(Phase.RETIRED, at_s)
    deps.store.write_workflow(WORKFLOW, record.component, record, version, at_s)
    todo = f"; left for you: {'; '.join(record.left)}" if record.left else ""
    return ready(
        f"{asked.component} is retired{todo}",
        component=asked.component,
        removed=list(record.removed),
        left=list(record.left),
    )


def _forget(run: Run, name: str, record: Retirement, deps: Deps, at_s: int) -> None:
    for overlay in deps.store.overlays(record.endpoint):
        if overlay.component == name:
            deps.store.remove_overlay(record.endpoint, name, overlay.holder)
    # Only now: whoever keeps alarms would bring it back for a model that is still managed.
    alarm = f"{deps.alarm_prefix}{SPIKE}{name}"
    if alarm in deps.alarms.find(alarm):
        deps.alarms.delete([alarm])
        record.note_removed(f"alarm {alarm}")
    with leased(deps.store, record.endpoint, run.owner, at_s) as lease:
        deps.store.forget_component(lease, name)
    deps.store.remove_hold(record.endpoint, name, holder_of(name))


def _left(record: Retirement, deps: Deps) -> Iterator[str]:
    """What only people can do: the fleet file is theirs, and so are endpoints."""
    pointer = deps.store.fleet_pointer()
    config = deps.store.configuration(record.endpoint, pointer.version) if pointer else None
    names = (record.component, *record.adapters)
    listed = [name for name in names if config is not None and name in config.models]
    if listed:
        yield f"take {', '.join(listed)} out of the fleet file and publish it"
    if deps.works.endpoint(record.endpoint) is None:
        return
    if not deps.endpoints.list_components(record.endpoint):
        yield f"endpoint {record.endpoint} has no component any more; delete it if it is not needed"


def record_failure(run: Run, component: str, why: str, deps: Deps, at_s: int) -> Answer:
    """Put down why, and let looks write to the component again."""
    record, version = (
        deps.store.read_workflow(WORKFLOW, component, Retirement) if component else (None, 0)
    )
    if record is None or record.run != run.name:
        return ready(why, failure=why)
    deps.store.remove_hold(record.endpoint, component, holder_of(component))
    record.enter(Phase.FAILED, at_s)
    record.failure = why
    deps.store.write_workflow(WORKFLOW, component, record, version, at_s)
    done = f" (removed until then: {', '.join(record.removed)})" if record.removed else ""
    return ready(why + done, failure=why + done)
