"""The Step Functions API of the local cloud: own service "stepfunctions".

State machines and executions are kept here; definitions are run by moto's interpreter (`flow`,
`matching`, `integrations`) as tasks on the virtual clock (`tasks`). Standard workflows only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.clock import MINUTE_S
from icscaler_localcloud.moto_seams import new_id
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.stepfunctions import machine_api, seams
from icscaler_localcloud.stepfunctions.executions import RUNNING, Execution
from icscaler_localcloud.stepfunctions.expressions import Expressions
from icscaler_localcloud.stepfunctions.flow import child_ended
from icscaler_localcloud.stepfunctions.machines import Clients, Machine
from icscaler_localcloud.stepfunctions.paging import page
from icscaler_localcloud.stepfunctions.tasks import Troupe
from icscaler_localcloud.stepfunctions.tokens import TokenDesk

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

Params = Mapping[str, Any]
Answer = Mapping[str, Any] | None
# "You can reuse the name after 90 days" (API Reference, StartExecution).
NAME_KEPT_S = 90 * 24 * 3600
# Execution names: "must not contain" (API Reference, StartExecution, name).
_NOT_IN_NAMES = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
# Status change events leave data out that would make them too large (Developer Guide,
# "Automating Step Functions event delivery with EventBridge").
_EVENT_DATA_BYTES = 248 * 1024
_METRICS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


class StepFunctions:
    """State machines, executions and task tokens of one account and Region."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.gate = CallGate()
        self.troupe = Troupe(cloud.loop)
        self.tokens = TokenDesk()
        self.clients = Clients(cloud)
        self.executions: dict[str, Execution] = {}
        """By ARN, in the order they were started."""
        self.machines = machine_api.MachineApi(self)
        random = Random(cloud.seed)
        seams.open_stage(self.troupe, random, Expressions(lambda: cloud.clock.now_s, random))
        self._operations: dict[str, Callable[[Params], Answer]] = {
            **self.machines.operations,
            "StartExecution": self._start_execution,
            "DescribeExecution": lambda params: self._described(self._execution(params)),
            "DescribeStateMachineForExecution": self._describe_machine_of,
            "ListExecutions": self._list_executions,
            "GetExecutionHistory": self._history,
            "StopExecution": self._stop_execution,
            "SendTaskSuccess": self._send_success,
            "SendTaskFailure": self._send_failure,
            "SendTaskHeartbeat": self._send_heartbeat,
        }

    def call(self, operation: str, params: Params) -> Answer:
        """Answer one operation; what is not in the table above is refused by name."""
        self.gate.admit(operation, self.cloud.clock.now_s)
        answer = self._operations.get(operation)
        if answer is None:
            raise ServiceError("UnknownOperationException", f"no stepfunctions:{operation} here")
        validate("stepfunctions", operation, params)
        return answer(params)

    def close(self) -> None:
        """End every execution and every thread, without a trace in histories."""
        self.troupe.close()
        seams.close_stage(self.troupe)

    # -- starting

    def start(self, machine: Machine, text: str = "{}", name: str | None = None) -> Execution:
        """Start an execution; ServiceError as StartExecution refuses. Idempotent by name."""
        if machine.deleting:
            raise ServiceError(
                "StateMachineDeleting", f"State Machine Is Being Deleted: '{machine.arn}'"
            )
        name = new_id() if name is None else name
        if _NOT_IN_NAMES.search(name):
            raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
        try:
            json.loads(text)
        except ValueError as error:
            raise ServiceError(
                "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'"
            ) from None
        arn = machine.arn.replace(":stateMachine:", ":execution:") + f":{name}"
        now_s = self.cloud.clock.now_s
        known = self.executions.get(arn)
        if known is not None and now_s - (known.stop_s or now_s) < NAME_KEPT_S:
            if known.status == RUNNING and known.input == text:
                return known
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        execution = Execution(self, machine.revision, arn, name, text, now_s)
        self.executions.pop(arn, None)
        self.executions[arn] = execution
        execution.start()
        return execution

    def _start_execution(self, params: Params) -> Answer:
        machine = self.machines.get(params["stateMachineArn"])
        execution = self.start(machine, params.get("input", "{}"), params.get("name"))
        return {"executionArn": execution.arn, "startDate": execution.start_s}

    def _stop_execution(self, params: Params) -> Answer:
        execution = self._execution(params)
        execution.stop(params.get("error"), params.get("cause"))
        return {"stopDate": execution.stop_s}

    def _send_success(self, params: Params) -> Answer:
        self.tokens.succeed(params["taskToken"], params["output"])
        return {}

    def _send_heartbeat(self, params: Params) -> Answer:
        self.tokens.heartbeat(params["taskToken"])
        return {}

    def _send_failure(self, params: Params) -> Answer:
        self.tokens.fail(params["taskToken"], params.get("error"), params.get("cause"))
        return {}

    # -- looking

    def _execution(self, params: Params) -> Execution:
        arn = params["executionArn"]
        if arn not in self.executions:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return self.executions[arn]

    def of_machine(self, machine_arn: str) -> Iterator[Execution]:
        """The executions of one machine, oldest first."""
        return (e for e in self.executions.values() if e.revision.machine_arn == machine_arn)

    def _described(self, execution: Execution) -> dict[str, Any]:
        ending = execution.ending
        answer: dict[str, Any] = {
            **_summary(execution),
            "input": execution.input,
            "inputDetails": {"included": True},
            "redriveCount": 0,
            "redriveStatus": "NOT_REDRIVABLE",
            "redriveStatusReason": "Redrive is not supported by the local cloud",
        }
        if ending is not None:
            answer |= {"output": ending.output, "error": ending.error, "cause": ending.cause}
            answer["outputDetails"] = {"included": True} if ending.output is not None else None
        return answer

    def _describe_machine_of(self, params: Params) -> Answer:
        revision = self._execution(params).revision
        return {
            "stateMachineArn": revision.machine_arn,
            "name": revision.machine_name,
            "definition": revision.definition.text,
            "roleArn": revision.role_arn,
            "revisionId": revision.revision_id,
            "updateDate": self.machines.get(revision.machine_arn).updated_s,
        }

    def _list_executions(self, params: Params) -> Answer:
        if "stateMachineArn" not in params:
            raise ServiceError(
                "ValidationException", "Must provide only one of stateMachineArn or mapRunArn"
            )
        machine = self.machines.get(params["stateMachineArn"])
        wanted = params.get("statusFilter")
        found = [e for e in self.of_machine(machine.arn) if wanted in (None, e.status)]
        shown, token = page(found[::-1], params, newest_first=True)
        return {"executions": [_summary(e) for e in shown], "nextToken": token}

    def _history(self, params: Params) -> Answer:
        execution = self._execution(params)
        events = execution.history.events
        reverse = bool(params.get("reverseOrder"))
        shown, token = page(events[::-1] if reverse else events, params, newest_first=reverse)
        if not params.get("includeExecutionData", True):
            shown = [_without_data(event) for event in shown]
        return {"events": shown, "nextToken": token}

    # -- telling others

    def status_changed(self, execution: Execution) -> None:
        """An execution has started or ended: event, metrics, whoever waits for it."""
        if execution.ending is not None:
            child_ended(execution.arn)
            self.machines.execution_ended(execution)
        self._publish(execution)
        self._measure(execution)

    def _publish(self, execution: Execution) -> None:
        ending = execution.ending
        output = ending.output if ending is not None else None
        size = len(execution.input.encode()) + len((output or "").encode())
        included = {"included": size <= _EVENT_DATA_BYTES}
        whole = included["included"]
        detail = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.revision.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": round(execution.start_s * 1000),
            "stopDate": None if execution.stop_s is None else round(execution.stop_s * 1000),
            "input": execution.input if whole else None,
            "inputDetails": included,
            "output": output if whole else None,
            "outputDetails": included if output is not None else None,
            "error": ending.error if ending is not None else None,
            "cause": ending.cause if ending is not None else None,
        }
        self.cloud.events.publish(
            "aws.states",
            "Step Functions Execution Status Change",
            detail,
            resources=[execution.arn],
        )

    def _measure(self, execution: Execution) -> None:
        now_s = self.cloud.clock.now_s
        measured = {"ExecutionsStarted": (1.0, "Count")}
        if execution.stop_s is not None:
            took_ms = (execution.stop_s - execution.start_s) * 1000
            measured = {
                _METRICS[execution.status]: (1.0, "Count"),
                "ExecutionTime": (took_ms, "Milliseconds"),
            }
        for metric, (value, unit) in measured.items():
            self.cloud.metrics.put(
                "AWS/States",
                metric,
                {"StateMachineArn": execution.revision.machine_arn},
                int(now_s),
                value,
                unit=unit,
                period_s=MINUTE_S,
                visible_at_s=now_s,
            )


def _summary(execution: Execution) -> dict[str, Any]:
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.revision.machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_s,
        "stopDate": execution.stop_s,
    }


def _without_data(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event without inputs and outputs (includeExecutionData false)."""
    data = ("input", "output", "inputDetails", "outputDetails", "parameters")
    return {
        key: {k: v for k, v in value.items() if k not in data} if isinstance(value, dict) else value
        for key, value in event.items()
    }
