"""A function that dies at every write it makes: once before the call, once right after it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.faults.calls import CallSeen, CallSwitch, Effect, Which
from icscaler_localcloud.faults.switch import FOREVER
from icscaler_localcloud.lambdas import RunRequest, RunResult

WRITES = frozenset(
    {
        *(("dynamodb", name) for name in ("PutItem", "UpdateItem", "BatchWriteItem")),
        *(("cloudwatch", name) for name in ("PutMetricAlarm", "SetAlarmState", "DeleteAlarms")),
        ("events", "PutEvents"),
        ("sagemaker", "UpdateInferenceComponent"),
        ("sagemaker", "UpdateInferenceComponentRuntimeConfig"),
        ("sagemaker-runtime", "InvokeEndpoint"),
        ("sns", "Publish"),
        ("stepfunctions", "SendTaskSuccess"),
    }
)
# So many attempts in a row may die: the machine gives a step five.
IN_A_ROW = 3


class Point(NamedTuple):
    """The `number`-th call of an operation in a step, before or after it."""

    action: str
    operation: str
    number: int
    moment: Effect


@dataclass
class Crasher:
    """Kills `function` at each point once, and remembers where it did.

    Steps are told by what they are invoked with, so the same step of two components is one action.
    """

    function: str
    points: set[Point] = field(default_factory=set)
    in_a_row: Counter[str] = field(default_factory=Counter)
    running: list[Step] = field(default_factory=list)
    """Invocations in progress: while one sleeps, others run inside it."""

    def go(self, cloud: LocalCloud) -> None:
        """From now on."""
        runner: Any = cloud.functions._runner
        run = runner.run

        def watched(request: RunRequest) -> RunResult:
            step = Step(request.payload)
            self.running.append(step)
            try:
                result: RunResult = run(request)
            finally:
                self.running.pop()
            if not step.died:
                self.in_a_row[step.payload] = 0
            return result

        runner.run = watched
        for effect in (Effect.KILL_BEFORE, Effect.KILL_AFTER):
            which = Which("*", times=FOREVER)
            cloud.faults._add(_Strike(effect=effect, which=which, times=FOREVER, crasher=self))

    def strikes(self, call: CallSeen, moment: Effect) -> bool:
        """Does the function die at this call?"""
        if (call.service, call.operation) not in WRITES or self.function not in call.caller:
            return False
        step = self.running[-1]
        if moment is Effect.KILL_BEFORE:
            step.calls[call.operation] += 1
        point = Point(step.action, call.operation, step.calls[call.operation], moment)
        if point in self.points or self.in_a_row[step.payload] >= IN_A_ROW:
            return False
        self.points.add(point)
        self.in_a_row[step.payload] += 1
        step.died = True
        return True


@dataclass
class Step:
    """One invocation: what it was sent, the writes it has made, whether it was killed."""

    payload: str
    calls: Counter[str] = field(default_factory=Counter)
    died: bool = False

    @property
    def action(self) -> str:
        """Which step it is."""
        return str(json.loads(self.payload).get("action", ""))


@dataclass(slots=True, kw_only=True)
class _Strike(CallSwitch):
    crasher: Crasher

    def meets(self, call: CallSeen) -> bool:
        return self.crasher.strikes(call, self.effect)
