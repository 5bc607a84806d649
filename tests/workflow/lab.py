"""One deployed controller for a module of workflow tests: executions, and faults aimed at states.

The minute's tick stands still unless a test starts it: what these workflows do does not need looks,
except where copies are awaited.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler_cli import clock
from icscaler_cli.main import app
from icscaler_localcloud.faults.calls import CallSeen, CallSwitch, Effect, Which
from icscaler_localcloud.faults.switch import FOREVER
from tests.e2e.rig import FLEET, Rig
from tests.e2e.rig import rig as open_rig
from tests.house import machine_rules
from tests.workflow.entered import ROOT, entered, history

REVIEW: dict[str, Any] = {
    "container": {"image": "registry/llm:1", "artifact_url": "s3://models/review/"},
    "resources": {"gpus": 1, "cpus": 4, "memory_mb": 16384},
    "scaling": {
        "max_copies": 2,
        "policy": {"target_tracking": {"metric": "concurrency", "target_value": 16}},
    },
    "probe": {
        "payload": {"inputs": "x"},
        "expect": [{"path": "usage.completion_tokens", "equals": 128}],
    },
}
ROLE = "arn:aws:iam::123456789012:role/models"


class Lab:
    """A rig, one of its machines, and what a test has started on it."""

    def __init__(self, rig: Rig, machine: str) -> None:
        self.rig = rig
        self.machine = machine
        word = machine.split("_", maxsplit=1)[0].title()
        self.function = f"{word}Function"
        self.arn = rig.stack.outputs[f"{word}MachineArn"]
        self.started: list[str] = []
        self._api: Any = rig.cloud.client("stepfunctions")

    @property
    def tasks(self) -> list[str]:
        """The machine's Task states, in their order."""
        definition = machine_rules.read(ROOT / "statemachines" / f"{self.machine}.asl.json")
        return list(machine_rules.tasks(definition))

    def start(self, given: Mapping[str, Any]) -> str:
        """Start an execution; its ARN."""
        arn = self._api.start_execution(stateMachineArn=self.arn, input=json.dumps(given))
        self.started.append(arn["executionArn"])
        return self.started[-1]

    def look(self, arn: str) -> Any:
        """DescribeExecution, with the output parsed."""
        seen = self._api.describe_execution(executionArn=arn)
        if "output" in seen:
            seen["output"] = json.loads(seen["output"])
        return seen

    def finish(self, arn: str, limit_s: int = 20_000, step_s: int = 20) -> Any:
        """Let time pass until the execution has ended."""
        self.rig.until(lambda: self.look(arn)["status"] != "RUNNING", limit_s, step_s)
        return self.look(arn)

    def run(self, given: Mapping[str, Any], **limits: int) -> Any:
        """Start and finish."""
        return self.finish(self.start(given), **limits)

    def stop(self, arn: str) -> None:
        """Stop it from outside."""
        self._api.stop_execution(executionArn=arn)

    def events(self, arn: str) -> list[Any]:
        """Its history."""
        return history(self._api, arn)

    def retries(self, arn: str) -> dict[str, int]:
        """By state: how many attempts failed and were followed by another one."""
        found: dict[str, int] = {}
        state, failed = "", False
        for event in self.events(arn):
            if details := event.get("stateEnteredEventDetails"):
                state, failed = details["name"], False
            elif event["type"] in ("TaskFailed", "TaskTimedOut"):
                failed = True
            elif event["type"] == "TaskScheduled" and failed:
                found[state], failed = found.get(state, 0) + 1, False
        return found

    def entered(self) -> set[str]:
        """What the executions of this test have entered."""
        return set().union(*(entered(self.machine, self.events(arn)) for arn in self.started))

    # -- faults aimed at a state: the call of its function is told by the action in it

    def refuse(self, state: str, code: str = "ServiceException", *, times: int = 1) -> None:
        """The function of `state` can't be called; 4xx codes are worth no retry."""
        status = 500 if code == "ServiceException" else 403
        self.rig.cloud.faults.fail(
            "lambda", "Invoke", code=code, status=status, times=times, containing=_action(state)
        )

    def break_for_good(self, state: str) -> None:
        """The function of `state` can't be called, whatever is tried."""
        self.refuse(state, "AccessDeniedException", times=FOREVER)

    def outlive_lost_calls(self, states: list[str], given: Mapping[str, Any]) -> None:
        """At every state its function once can't be called, and once dies in the middle."""
        faults = self.rig.cloud.faults
        for state in states:
            self.refuse(state)
            self.when(state, lambda: faults.kill_after_call(self.function, "dynamodb", "GetItem"))
        assert self.run(given)["status"] == "SUCCEEDED"
        assert self.retries(self.started[-1]) == dict.fromkeys(states, 2)

    def outlive_a_failing_table(self, states: list[str], given: Mapping[str, Any]) -> None:
        """At every state the state table fails for a moment."""

        def break_the_table() -> None:
            self.rig.cloud.faults.fail("dynamodb", "GetItem", times=3, function=self.function)

        for state in states:
            self.when(state, break_the_table)
        assert self.run(given)["status"] == "SUCCEEDED"
        assert self.retries(self.started[-1]) == dict.fromkeys(states, 1)

    def mend(self) -> None:
        """No faults any more."""
        self.rig.cloud.faults.clear()
        self.rig.cloud.world.faults.clear()

    def when(self, state: str, action: Callable[[], object]) -> None:
        """Do something at the moment when `state` is about to call its function, once."""
        which = Which("lambda", "Invoke", containing=_action(state))
        self.rig.cloud.faults._add(Moment(effect=Effect.PAUSE, which=which, action=action))


def command(lab: Lab, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    """`icscaler ...` as it is typed, on the clock of the local cloud."""
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now_s", lambda: lab.rig.cloud.clock.now_s)
    monkeypatch.setattr(clock, "sleep", lab.rig.cloud.sleep)
    result: Any = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@dataclass(slots=True, kw_only=True)
class Moment(CallSwitch):
    """Strikes nothing: tells that a call is about to be made."""

    action: Callable[[], object]

    def meets(self, call: CallSeen) -> bool:
        """Never; but it is noticed."""
        if self.on and self.which.matches(call):
            self.off()
            self.action()
        return False


def _action(state: str) -> str:
    return f'"action": "{state}"'


@contextmanager
def open_lab(folder: Path, machine: str, fleet: str = FLEET, **parameters: str) -> Iterator[Lab]:
    """A rig whose tick stands still."""
    with open_rig(folder, fleet=fleet, ModelRoleArn=ROLE, **parameters) as rig:
        tick(rig, on=False)
        yield Lab(rig, machine)


def tick(rig: Rig, *, on: bool) -> None:
    """Start or stop the minute's looks."""
    scheduler: Any = rig.cloud.client("scheduler")
    found = scheduler.get_schedule(Name=rig.stack.physical_id("TickSchedule"))
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(
        **{key: found[key] for key in kept}, State="ENABLED" if on else "DISABLED"
    )
