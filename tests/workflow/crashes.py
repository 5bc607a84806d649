"""A function that dies at every write it makes: once before the call, once right after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from icscaler_localcloud.faults import Faults
from icscaler_localcloud.faults.calls import CallSeen, CallSwitch, Effect, Which
from icscaler_localcloud.faults.switch import FOREVER

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
    calls: Counter[str] = field(default_factory=Counter)
    in_a_row: Counter[bytes] = field(default_factory=Counter)
    body: bytes = b""
    died: bool = False

    def go(self, faults: Faults) -> None:
        """From now on."""
        for effect in (Effect.KILL_BEFORE, Effect.KILL_AFTER):
            which = Which("*", times=FOREVER)
            faults._add(_Strike(effect=effect, which=which, times=FOREVER, crasher=self))

    def invoked(self, body: bytes) -> None:
        """A step begins."""
        if not self.died:
            self.in_a_row[self.body] = 0
        self.body, self.died = body, False
        self.calls.clear()

    def strikes(self, call: CallSeen, moment: Effect) -> bool:
        """Does the function die at this call?"""
        if (call.service, call.operation) not in WRITES or self.function not in call.caller:
            return False
        if moment is Effect.KILL_BEFORE:
            self.calls[call.operation] += 1
        point = Point(self.action, call.operation, self.calls[call.operation], moment)
        if point in self.points or self.in_a_row[self.body] >= IN_A_ROW:
            return False
        self.points.add(point)
        self.in_a_row[self.body] += 1
        self.died = True
        return True

    @property
    def action(self) -> str:
        """What the step in progress is."""
        text = self.body.decode("utf-8", "replace")
        return text.partition('"action": "')[2].partition('"')[0]


@dataclass(slots=True, kw_only=True)
class _Strike(CallSwitch):
    crasher: Crasher

    def meets(self, call: CallSeen) -> bool:
        if (call.service, call.operation) == ("lambda", "Invoke"):
            if self.effect is Effect.KILL_BEFORE:
                self.crasher.invoked(call.body)
            return False
        return self.crasher.strikes(call, self.effect)
