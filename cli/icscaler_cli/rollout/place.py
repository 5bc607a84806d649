"""What the rollout commands need of a deployed controller, and the file they read."""

import json
from pathlib import Path
from typing import Any

from icscaler.config.rollout_request import RolloutKeys
from icscaler.rollout.entities import Rollout, Status
from icscaler.rollout_steps.deps import Deps
from icscaler.rollout_steps.ports import Kept
from icscaler_cli import clock
from icscaler_cli.controller import Controller
from icscaler_cli.executions import command
from icscaler_cli.output import AwsTroubleError

MACHINE_OUTPUT = "RollOutUpdateMachineArn"
# Until a rollout has a record its execution tells; planning takes at most this long.
PLANNING_S, LOOK_S = 300, 5


def read_file(file: Path, start_at: str | None = None) -> dict[str, Any]:
    """The checked content of a request file (YAML or JSON), with another time to start.

    Raises `FleetFileError`.
    """
    found = command.read_file(RolloutKeys, file)
    if start_at is not None:
        found = {**found, "start_at": start_at}
        command.check(RolloutKeys, found)
    content: dict[str, Any] = json.loads(json.dumps(found))
    return content


def deps_of(controller: Controller) -> Deps:
    """What planning works with, in this terminal and with the caller's own permissions."""
    from icscaler import bootstrap

    return bootstrap.rollout_deps_of(
        controller.client,
        controller.store,
        bus=controller.outputs.get("ControllerBusName", ""),
        topic_arn=controller.outputs.get("NotificationTopicArn", ""),
        alarm_prefix=controller.outputs.get("AlarmPrefix", "icscaler/"),
    )


def kept_rollout(controller: Controller, rollout_id: str) -> Kept:
    """The record. Raises `AwsTroubleError`: why there is none, or which there are."""
    for _ in range(PLANNING_S // LOOK_S):
        found = controller.store.rollout(rollout_id)
        if found is not None:
            return found
        ended = _execution(controller, rollout_id)
        if ended is None:
            break
        if ended["status"] != "RUNNING":
            raise AwsTroubleError(
                f"{rollout_id} ended before it began: {_why(ended)}",
                "mend that, and start it under a new id",
            )
        clock.sleep(LOOK_S)  # it is being planned
    known = [one.rollout_id for one in controller.store.listed(active=False)][-5:]
    there = f"the latest are {', '.join(known)}" if known else "none was ever started"
    raise AwsTroubleError(f"there is no rollout {rollout_id} in {controller.place}", there)


def _execution(controller: Controller, rollout_id: str) -> Any | None:
    from botocore.exceptions import ClientError

    arn = _execution_arn(controller.output(MACHINE_OUTPUT), rollout_id)
    try:
        return controller.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ExecutionDoesNotExist", "InvalidArn"):
            return None
        raise


def _why(ended: Any) -> str:
    """`Refused: chat: is paused`, or what the execution gave out."""
    if ended["status"] == "SUCCEEDED":
        return f"there was nothing to do ({ended['output']})"
    return f"{ended.get('error', ended['status'])}: {ended.get('cause', '')}"


def _execution_arn(machine: str, name: str) -> str:
    parts = machine.split(":")
    return ":".join([*parts[:5], "execution", parts[6], name])


def start(controller: Controller, content: dict[str, Any]) -> tuple[str, bool]:
    """(execution ARN, whether it was started now). The same id starts once."""
    from botocore.exceptions import ClientError

    api = controller.client("stepfunctions")
    machine = controller.output(MACHINE_OUTPUT)
    name, body = content["rollout_id"], json.dumps(content, sort_keys=True)
    before = controller.store.rollout(name)
    if before is not None:
        return before.execution, False
    try:
        answer = api.start_execution(stateMachineArn=machine, name=name, input=body)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return _execution_arn(machine, name), False
    return str(answer["executionArn"]), True


def answer(controller: Controller, rollout_id: str) -> None:
    """Let an execution that waits for a person look at what was decided."""
    from icscaler.adapters.rollouts.outside import StepFunctionsExecutions

    token = controller.store.token(rollout_id)
    if token:
        StepFunctionsExecutions(controller.client("stepfunctions")).answer(token)


def wave_to_approve(rollout: Rollout, wave: int | None) -> int:
    """A wave, counted from 1; by default the one that waits, or comes next."""
    last = len(rollout.plan.waves)
    if wave is not None and wave > last and rollout.status is not Status.SCHEDULED:
        raise AwsTroubleError(
            f"{rollout.request.rollout_id} has no wave {wave}", f"its waves are 1 to {last}"
        )
    return wave or rollout.wave + 1
