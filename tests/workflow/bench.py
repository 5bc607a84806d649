"""One state of a definition on a bench: entered directly, its function's answers scripted.

The interpreter and the definitions are those of the other workflow tests; only the functions are
not there. So a scene takes milliseconds, and each Catch and Retry can be tried by itself: with it,
and with it removed. What the functions do in each case is tested on the deployed template.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.lambdas import Function, RunRequest, RunResult
from tests.house import machine_rules
from tests.house.machine_rules import Machine
from tests.workflow.entered import ROOT, history

NAMES = ("onboard_model", "retire_model", "roll_out_update", "update_component", "warm_up")
ROLE = "arn:aws:iam::123456789012:role/machine"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:steps"
CHILD = "arn:aws:states:us-east-1:123456789012:stateMachine:child"
# States that are not left for a success: what `next` or `reply.next` has to be for that.
LAST = {"roll_out_update": "Completed", "update_component": "Done"}
DAY_S = 86_400
_SAID = {"say": "done", "phase": "Updated", "reason": "none"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one execution did: states in their order, attempts by Task, how it ended."""

    entered: tuple[str, ...]
    attempts: dict[str, int]
    status: str
    error: str | None
    told: dict[str, Any]
    """The last event that each action was sent."""


@dataclass
class Steps:
    """The functions' runner: errors that wait for an action, else the answer for success."""

    last: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def run(self, request: RunRequest) -> RunResult:
        event = json.loads(request.payload)
        action = event["action"]
        self.told[action] = event
        waiting = self.errors.get(action)
        if waiting:
            error = waiting.pop(0)
            said = json.dumps({"errorType": error, "errorMessage": "scripted"})
            return RunResult(said, error, (), cold=False)
        answer = {"next": self.last or "Ready", "wait_s": 0, "rounds": 9} | _SAID
        return RunResult(json.dumps(answer), None, (), cold=False)

    def forget(self, function: Function) -> None: ...
    def check_deadline(self) -> None: ...
    def settle(self) -> None: ...
    def close(self) -> None: ...


class Bench:
    """Definitions on the local cloud's interpreter, each entered at any state."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud, self.steps = cloud, Steps()
        cloud.functions._runner = self.steps
        cloud.functions.add(
            Function("steps", "Steps", FUNCTION, "app.run", "python3.13", ROLE, Path())
        )
        self.api: Any = cloud.client("stepfunctions")
        child = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        self.api.create_state_machine(name="child", definition=json.dumps(child), roleArn=ROLE)
        self._arns: dict[str, str] = {}
        self._numbers = itertools.count()

    def enter(
        self,
        name: str,
        definition: Machine,
        state: str,
        trouble: Callable[[str], object] = lambda child: None,
    ) -> Seen:
        """Run `definition` from `state` on; `trouble` is made just before, for that child's name.

        A state inside a Map is entered through it.
        """
        self.steps.last, self.steps.told = LAST.get(name, ""), {}
        self.steps.errors = {}
        self.cloud.faults.clear()
        child = f"child-{next(self._numbers)}"
        trouble(child)
        enter = state if state in definition["States"] else outer(definition, state)
        given = {"enter": enter, "rollout_id": "r", "component": "c", "name": child}
        arn = self.api.start_execution(
            stateMachineArn=self._machine(definition), input=json.dumps(given)
        )["executionArn"]
        self.cloud.run_for(DAY_S)
        return self._seen(arn)

    def fail(self, definition: Machine, state: str, *errors: str) -> Callable[[str], None]:
        """The function of `state` raises these, one after the other, before it answers."""

        def trouble(child: str) -> None:
            self.steps.errors[action_of(definition, state)] = list(errors)

        return trouble

    def _machine(self, definition: Machine) -> str:
        text = json.dumps(entered_anywhere(definition))
        text = text.replace("${UpdateComponentArn}", CHILD)
        text = re.sub(r"\$\{\w+\}", FUNCTION, text)
        if text not in self._arns:
            self._arns[text] = self.api.create_state_machine(
                name=f"machine-{len(self._arns)}", definition=text, roleArn=ROLE
            )["stateMachineArn"]
        return self._arns[text]

    def _seen(self, arn: str) -> Seen:
        names: list[str] = []
        attempts: dict[str, int] = {}
        for event in history(self.api, arn):
            if details := event.get("stateEnteredEventDetails"):
                names.append(details["name"])
            elif event["type"] == "TaskScheduled":
                attempts[names[-1]] = attempts.get(names[-1], 0) + 1
        ended = self.api.describe_execution(executionArn=arn)
        names = [name for name in names if name not in ("Set", "Enter")]
        return Seen(
            tuple(names), attempts, ended["status"], ended.get("error"), dict(self.steps.told)
        )


def outer(definition: Machine, state: str) -> str:
    """The Map or Parallel that a state is inside of."""
    return next(
        name
        for name, each in definition["States"].items()
        if any(state in scope["States"] for scope in machine_rules.inner(each))
    )


def action_of(definition: Machine, state: str) -> str:
    """How the function of a Task is told which state it is called for."""
    arguments = machine_rules.tasks(definition)[state]["Arguments"]
    return str(arguments["Payload"]["action"])


def entered_anywhere(definition: Machine) -> Machine:
    """The definition with a first state that goes where the input says, all variables set."""
    reply = {"next": "", "wait_s": 0, "question": "?", "expires_s": 60}
    starts = "{% [{'name': $states.context.Execution.Input.name, 'input': {}}] %}"
    variables = {
        "rounds_left": 9,
        "reply": {**reply, "start": starts},
        "failure": {"Error": "Before", "Cause": "before"},
        "recorded": "",
    }
    choices = [
        {"Condition": f"{{% $states.input.enter = '{state}' %}}", "Next": state}
        for state in definition["States"]
    ]
    first = {"Type": "Pass", "Assign": variables, "Next": "Enter"}
    states = {"Set": first, "Enter": {"Type": "Choice", "Choices": choices}, **definition["States"]}
    return {**definition, "StartAt": "Set", "States": states}


def without(definition: Machine, key: str, number: int) -> Machine:
    """A copy in which no state has its `number`-th Catch (or Retry)."""
    copy: Machine = deepcopy(definition)
    for state in machine_rules.states(copy).values():
        if len(state.get(key, ())) > number:
            del state[key][number]
    return copy


@contextmanager
def open_bench() -> Iterator[Bench]:
    """A bench on a cloud of its own; nothing is deployed."""
    with LocalCloud(enforce_iam=False) as cloud:
        yield Bench(cloud)


def definitions() -> dict[str, Machine]:
    """All that ship, by name."""
    return {name: machine_rules.read(ROOT / "statemachines" / f"{name}.asl.json") for name in NAMES}
