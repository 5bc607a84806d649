"""From what a state machine sends to the step that does it."""

from collections.abc import Callable
from typing import Any

from icscaler.config.rollout_request import read_request
from icscaler.config.workflows.base import InputError
from icscaler.rollout_steps import component, sweeping, whole
from icscaler.rollout_steps.deps import Deps, Reply, reply

# Step Functions tells so when an execution has ended, however it did.
EXECUTION_ENDED = "Step Functions Execution Status Change"

Step = Callable[[Deps, dict[str, Any], int], Reply]


class UnknownStepError(ValueError):
    """The event names no step of a rolling update."""


def _plan(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    try:
        request = read_request(event["request"], at_s)
    except InputError as error:
        return reply("Refused", reason=str(error)[:8000])
    return whole.plan(deps, request, event["execution"], at_s)


STEPS: dict[str, Step] = {
    **component.STEPS,
    "plan": _plan,
    "move": lambda deps, event, at_s: whole.move(deps, event["rollout_id"], at_s),
    "gate": lambda deps, event, at_s: whole.gate(deps, event["rollout_id"], at_s),
    "ask": lambda deps, event, at_s: whole.ask(
        deps, event["rollout_id"], event["token"], event["question"], at_s
    ),
    "nobody_came": lambda deps, event, at_s: whole.nobody_came(deps, event["rollout_id"], at_s),
    "finish": lambda deps, event, at_s: whole.finish(deps, event["rollout_id"], at_s),
    "record_failure": lambda deps, event, at_s: whole.record_failure(
        deps, event.get("rollout_id", ""), event, at_s
    ),
    "sweep": lambda deps, event, at_s: sweeping.sweep(deps, at_s),
}


def run(event: dict[str, Any], deps: Deps, at_s: int) -> Reply:
    """Take the step that `event` names. Raises `PortError` for what is worth another attempt."""
    if event.get("detail-type") == EXECUTION_ENDED:
        return sweeping.sweep(deps, at_s)
    step = STEPS.get(str(event.get("action")))
    if step is None:
        known = ", ".join(sorted(STEPS))
        raise UnknownStepError(f"action is {event.get('action')!r}, not one of {known}")
    return step(deps, event, at_s)


def about(event: dict[str, Any]) -> dict[str, Any]:
    """What a log line says of an event: names, no payloads."""
    return {key: event[key] for key in ("action", "rollout_id", "component") if key in event}
