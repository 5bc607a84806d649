"""Alarms: kept by moto, with the states and the notices that moto lacks.

Storage only: nothing evaluates an alarm here. Whoever does (or an operator) calls SetAlarmState,
and listeners hear of each change.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.services import ServiceError

AlarmListener = Callable[[str, str], None]
"""`listener(alarm_name, state)`; state is OK, ALARM or INSUFFICIENT_DATA."""

KEPT_BY_MOTO = frozenset(
    {
        "DeleteAlarms",
        "DeleteDashboards",
        "DescribeAlarms",
        "DescribeAlarmsForMetric",
        "DisableAlarmActions",
        "EnableAlarmActions",
        "GetDashboard",
        "ListDashboards",
        "ListTagsForResource",
        "PutDashboard",
        "PutMetricAlarm",
        "SetAlarmState",
        "TagResource",
        "UntagResource",
    }
)
_NEW = ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")


class Alarms:
    """The alarm and dashboard operations of one account and Region."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region
        self._states: dict[str, tuple[str, str]] = {}
        self._listeners: list[AlarmListener] = []

    def listen(self, listener: AlarmListener) -> None:
        """Hear of every alarm that changes its state."""
        self._listeners.append(listener)

    def is_on(self, name: str) -> bool:
        """Whether the alarm exists and is in ALARM."""
        return self._states.get(name, _NEW)[0] == "ALARM"

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let moto answer; ServiceError where it refuses."""
        answer = self._moto(operation, params)
        if operation == "PutMetricAlarm":
            self._keep_state(params["AlarmName"])
        elif operation == "DeleteAlarms":
            for name in params["AlarmNames"]:
                self._states.pop(name, None)
        elif operation == "SetAlarmState":
            self._changed(params["AlarmName"], params["StateValue"], params["StateReason"])
        return answer

    def _keep_state(self, name: str) -> None:
        # moto starts every put alarm as OK. AWS starts a new one as INSUFFICIENT_DATA and leaves
        # the state of an existing one as it is.
        state, reason = self._states.setdefault(name, _NEW)
        self._moto("SetAlarmState", {"AlarmName": name, "StateValue": state, "StateReason": reason})

    def _changed(self, name: str, state: str, reason: str) -> None:
        before, _ = self._states.get(name, _NEW)
        self._states[name] = (state, reason)
        if state != before:
            for listener in self._listeners:
                listener(name, state)

    def _moto(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        status, _, body = moto_seams.call_moto(
            "POST",
            f"https://monitoring.{self._region}.amazonaws.com/",
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
                "x-moto-account-id": self._account,
            },
            json.dumps(params).encode(),
        )
        answer: Mapping[str, Any] = json.loads(body) if body else {}
        if status >= 400:
            code = str(answer.get("__type", "InternalFailure")).rpartition("#")[2]
            message = str(answer.get("Message") or answer.get("message") or "")
            raise ServiceError(code, message, status=status)
        return answer
