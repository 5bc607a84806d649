"""What the rollout commands need of a deployed controller, and the file they read."""

import json
from pathlib import Path
from typing import Any

import yaml

from icscaler.config.rollout_request import RolloutRequestError, read_request
from icscaler.rollout.entities import Rollout
from icscaler.rollout_steps.deps import Deps
from icscaler.rollout_steps.ports import Kept
from icscaler_cli.controller import Controller
from icscaler_cli.output import AwsTroubleError

MACHINE_OUTPUT = "RollOutUpdateMachineArn"


class RequestFileError(Exception):
    """A request file can't be used; `str` names it, what is wrong and where."""


def read_file(file: Path) -> dict[str, Any]:
    """The checked content of a request file (YAML or JSON). Raises `RequestFileError`."""
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestFileError(f"{file}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise RequestFileError(f"{file}: is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise RequestFileError(f"{file}: is not a mapping; see docs/rolling-updates.md")
    try:
        read_request(found, str(file))
    except RolloutRequestError as error:
        raise RequestFileError(str(error)) from error
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
    """The record. Raises `AwsTroubleError` naming those there are."""
    found = controller.store.rollout(rollout_id)
    if found is None:
        known = [one.rollout_id for one in controller.store.listed(active=False)][-5:]
        there = f"the latest are {', '.join(known)}" if known else "none was ever started"
        raise AwsTroubleError(f"there is no rollout {rollout_id} in {controller.place}", there)
    return found


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
        parts = machine.split(":")
        return ":".join([*parts[:5], "execution", parts[6], name]), False
    return str(answer["executionArn"]), True


def answer(controller: Controller, rollout_id: str) -> None:
    """Let an execution that waits for a person look at what was decided."""
    from icscaler.adapters.rollouts.outside import StepFunctionsExecutions

    token = controller.store.token(rollout_id)
    if token:
        StepFunctionsExecutions(controller.client("stepfunctions")).answer(token)


def wave_to_approve(rollout: Rollout) -> int:
    """The wave that waits, or comes next; counted from 1."""
    return rollout.wave + 1
