"""What the functions of the workflows on single models do with their events.

An event is what a Task of the state machine passes on:

    {"action": "MakeComponent", "execution": {"Name": ..., "Id": ..., "StartTime": ...},
     "input": {...}, "failure": {"Error": ..., "Cause": ...}}

`input` is the execution's own, read anew by each step; `failure` only comes with `RecordFailure`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from icscaler.config.workflows.base import read_input
from icscaler.config.workflows.onboarding import OnboardModel
from icscaler.config.workflows.retirement import RetireModel
from icscaler.config.workflows.warm_up import WarmUpInput
from icscaler.lifecycle.claim import BusyError
from icscaler.lifecycle.run import Answer, RefusedError, Run, wait
from icscaler.onboarding import plan as onboard_plan
from icscaler.onboarding import steps as onboard_steps
from icscaler.onboarding import undo as onboard_undo
from icscaler.onboarding.deps import Deps as OnboardDeps
from icscaler.retirement import plan as retire_plan
from icscaler.retirement import steps as retire_steps
from icscaler.retirement.deps import Deps as RetireDeps
from icscaler.warm_up import plan as warm_plan
from icscaler.warm_up import steps as warm_steps
from icscaler.warm_up.deps import Deps as WarmDeps

RECORD_FAILURE = "RecordFailure"
BUSY_S = 5

Step = Callable[..., Answer]

_ONBOARD: Mapping[str, Step] = {
    "Plan": onboard_plan.plan,
    "MakeEndpoint": onboard_steps.make_endpoint,
    "MakeComponent": onboard_steps.make_component,
    "Probe": onboard_steps.probe_model,
    "Register": onboard_steps.register,
}
_WARM: Mapping[str, Step] = {
    "Plan": warm_plan.plan,
    "SetFloors": warm_steps.set_floors,
    "CheckReady": warm_steps.check_ready,
    "SendRequests": warm_steps.send_requests,
    "Release": warm_steps.release,
}
_RETIRE: Mapping[str, Step] = {
    "Plan": retire_plan.plan,
    "ToZero": retire_steps.to_zero,
    "DeleteAdapters": retire_steps.delete_adapters,
    "DeleteComponent": retire_steps.delete_component,
    "Forget": retire_steps.forget,
}


@dataclass(frozen=True, slots=True)
class StepEvent:
    """A parsed event."""

    action: str
    run: Run
    started_s: int
    given: Any
    why: str = ""

    @property
    def component(self) -> str:
        """The component that the input names, if it does; it may be no valid input."""
        name = self.given.get("inference_component") if isinstance(self.given, Mapping) else None
        return name if isinstance(name, str) else ""


def read_event(event: Mapping[str, Any], owner: str, at_s: int) -> StepEvent:
    """The event of a Task. Raises `RefusedError` when it is none."""
    execution = event.get("execution")
    if not isinstance(event.get("action"), str) or not isinstance(execution, Mapping):
        raise RefusedError("not an event of the state machine: start an execution of it instead")
    started = execution.get("StartTime")
    started_s = int(datetime.fromisoformat(started).timestamp()) if started else at_s
    run = Run(str(execution.get("Name", "")), str(execution.get("Id", "")), owner)
    why = _why(event.get("failure"))
    return StepEvent(event["action"], run, started_s, event.get("input"), why)


def _why(failure: Any) -> str:
    """What went wrong in words: a function's own message, else Step Functions' error and cause."""
    if not isinstance(failure, Mapping):
        return "unknown failure"
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    try:
        said = json.loads(cause)
        cause = str(said["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return f"{error}: {cause}" if cause else error
    return cause if error in ("RefusedError", "InputError") else f"{error}: {cause}"


def onboard(event: Mapping[str, Any], deps: OnboardDeps, owner: str, at_s: int) -> dict[str, Any]:
    """One step of `onboard_model`."""
    seen = read_event(event, owner, at_s)
    if seen.action == RECORD_FAILURE:
        return _unless_busy(
            lambda: onboard_undo.record_failure(seen.run, seen.component, seen.why, deps, at_s)
        )
    step = _step(_ONBOARD, seen)
    description = read_input(OnboardModel, seen.given).description()
    return _unless_busy(lambda: step(seen.run, description, deps, at_s))


def warm(event: Mapping[str, Any], deps: WarmDeps, owner: str, at_s: int) -> dict[str, Any]:
    """One step of `warm_up`."""
    seen = read_event(event, owner, at_s)
    if seen.action == RECORD_FAILURE:
        return warm_steps.record_failure(seen.run, seen.why, deps, at_s).as_dict()
    step = _step(_WARM, seen)
    asked = read_input(WarmUpInput, seen.given).warm_up(seen.started_s)
    return step(seen.run, asked, deps, at_s).as_dict()


def retire(event: Mapping[str, Any], deps: RetireDeps, owner: str, at_s: int) -> dict[str, Any]:
    """One step of `retire_model`."""
    seen = read_event(event, owner, at_s)
    if seen.action == RECORD_FAILURE:
        answer = retire_steps.record_failure(seen.run, seen.component, seen.why, deps, at_s)
        return answer.as_dict()
    step = _step(_RETIRE, seen)
    asked = read_input(RetireModel, seen.given).retire()
    return _unless_busy(lambda: step(seen.run, asked, deps, at_s))


def _step(table: Mapping[str, Step], seen: StepEvent) -> Step:
    if seen.action not in table:
        raise RefusedError(f"there is no step {seen.action}; steps are {', '.join(table)}")
    return table[seen.action]


def _unless_busy(step: Callable[[], Answer]) -> dict[str, Any]:
    """Somebody else has the endpoint's lease: a moment later it is free."""
    try:
        return step().as_dict()
    except BusyError as busy:
        return wait(BUSY_S, str(busy)).as_dict()
