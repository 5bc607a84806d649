"""State changes: what follows from one, for whom.

A changed value is an event, actions, a history item, and a look at every composite alarm above.
A changed reason alone is only a history item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from icscaler_localcloud.alarms import composite, documents, texts
from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.delivery import AutoScalingAction, Delivery, Notice
from icscaler_localcloud.alarms.history import History
from icscaler_localcloud.alarms.model import (
    Alarm,
    CompositeAlarm,
    Contributor,
    MetricAlarm,
    State,
    actions_of,
)
from icscaler_localcloud.alarms.register import Register
from icscaler_localcloud.alarms.suppression import Suppression

AlarmListener = Callable[[str, str], None]
"""`listener(alarm_name, state)`; state is OK, ALARM or INSUFFICIENT_DATA."""

Datapoints = Sequence[tuple[float, float]]
"""(start of the period, value), newest first."""


class Clock(Protocol):
    """Anything that knows the virtual time."""

    @property
    def now_s(self) -> float: ...


class Transitions:
    """Changes states, and tells everybody."""

    def __init__(
        self, register: Register, clock: Clock, history: History, delivery: Delivery | None
    ) -> None:
        self._register, self._clock = register, clock
        self._history, self._delivery = history, delivery
        self.suppression: Suppression | None = None
        self._listeners: list[AlarmListener] = []
        self._path: list[str] = []

    def listen(self, listener: AlarmListener) -> None:
        """Tell `listener` of every alarm that changes its state."""
        self._listeners.append(listener)

    def set_state(
        self,
        alarm: Alarm,
        value: StateValue,
        reason: str,
        data: str | None,
        datapoints: Datapoints = (),
    ) -> None:
        """Give the alarm a state; the same value with another reason is noted, nothing else."""
        now_s, before = self._clock.now_s, alarm.state
        if value is before.value:
            alarm.state = replace(before, reason=reason, data=data, updated_s=now_s)
            summary = f'State Reason changed from "{before.reason}" to "{reason}"'
            self._note_state(alarm, before, summary)
            return
        alarm.state = State(value, reason, data, now_s, now_s)
        held = False
        if isinstance(alarm, CompositeAlarm) and self.suppression is not None:
            held = self.suppression.hold(alarm, before)
        self._note_state(alarm, before, f"Alarm updated from {before.value} to {value}")
        self._tell(alarm, before, held=held)
        self._autoscale(alarm, datapoints, transition=True)
        for listener in self._listeners:
            listener(alarm.name, value.value)
        self._look_above(alarm)

    def phase(self, alarm: CompositeAlarm, before: State) -> None:
        """Tell of a change in what suppresses a composite alarm; its value is what it was."""
        self._tell(alarm, before, held=alarm.state.suppressed_by is not None)

    def set_contributor(
        self, alarm: MetricAlarm, contributor: Contributor, value: StateValue
    ) -> None:
        """Tell that one time series of the alarm went into ALARM or back to OK."""
        now_s = self._clock.now_s
        data = documents.contributor_change(alarm, contributor, value, now_s)
        self._history.add(
            (alarm.name, alarm.type),
            now_s,
            "AlarmContributorStateUpdate",
            f"Contributor state updated to {value}",
            {
                "version": "1.0",
                "newState": documents.history_state(value, contributor.reason, None),
            },
            (contributor.id, contributor.attributes),
        )
        if self._delivery is not None:
            before = StateValue.OK if value is StateValue.ALARM else StateValue.ALARM
            self._delivery.publish(alarm, documents.CONTRIBUTOR_CHANGE, data)
            self._delivery.notice(Notice(alarm, before, value, now_s, data, contributor))

    def repeat(self, alarm: MetricAlarm, datapoints: Datapoints) -> None:
        """Run the Auto Scaling actions of the present state once more."""
        self._autoscale(alarm, datapoints, transition=False)

    # -- composite alarms

    def evaluate(self, alarm: CompositeAlarm, why: str) -> None:
        """Evaluate a rule after the alarm was created or updated."""
        value = self._value_of(alarm)
        if value is not alarm.state.value:
            reason = f"{alarm.arn} was {why} and its alarm rule evaluates to {value}"
            self.set_state(alarm, value, reason, self._triggering(alarm))

    def _look_above(self, child: Alarm) -> None:
        """Evaluate what refers to the alarm. A circle of rules ends where it began."""
        if child.name in self._path:
            return
        self._path.append(child.name)
        try:
            for parent in self._register.parents_of(child.name):
                value = self._value_of(parent)
                if value is not parent.state.value:
                    at = texts.long_time(child.state.since_s)
                    reason = f"{child.arn} transitioned to {child.state.value} at {at}"
                    self.set_state(parent, value, reason, _triggered_by([child]))
            if self.suppression is not None:
                for suppressed in self._register.suppressed_by(child.name):
                    self.suppression.suppressor_changed(suppressed, child)
        finally:
            self._path.pop()

    def _value_of(self, alarm: CompositeAlarm) -> StateValue:
        met = composite.holds(alarm.expression, self._register.state_of)
        return StateValue.ALARM if met else StateValue.OK

    def _triggering(self, alarm: CompositeAlarm) -> str:
        names = dict.fromkeys(composite.children(alarm.expression))
        found = [self._register.get(name) for name in names]
        return _triggered_by([child for child in found if child is not None])

    # -- telling

    def _tell(self, alarm: Alarm, before: State, *, held: bool) -> None:
        if self._delivery is None:
            return
        data = documents.state_change(alarm, before)
        self._delivery.publish(alarm, documents.STATE_CHANGE, data)
        if held:
            self._delivery.suppressed(alarm, alarm.state)
        elif not (isinstance(alarm, MetricAlarm) and alarm.groups):
            # Of an alarm over several time series, the actions are run for each of them.
            notice = Notice(alarm, before.value, alarm.state.value, alarm.state.updated_s, data)
            self._delivery.notice(notice)

    def _autoscale(self, alarm: Alarm, datapoints: Datapoints, *, transition: bool) -> None:
        if self._delivery is None or not isinstance(alarm, MetricAlarm):
            return
        now_s = self._clock.now_s
        for arn in actions_of(alarm, alarm.state.value):
            if arn.split(":")[2] == "autoscaling":
                alarm.repeated_s = now_s
                self._delivery.autoscale(
                    AutoScalingAction(
                        arn,
                        alarm.name,
                        alarm.arn,
                        alarm.state.value,
                        now_s,
                        alarm.rule.threshold,
                        tuple(datapoints),
                        transition,
                    )
                )

    def _note_state(self, alarm: Alarm, before: State, summary: str) -> None:
        now = alarm.state
        self._history.add(
            (alarm.name, alarm.type),
            self._clock.now_s,
            "StateUpdate",
            summary,
            {
                "version": "1.0",
                "oldState": documents.history_state(before.value, before.reason, before.data),
                "newState": documents.history_state(now.value, now.reason, now.data),
            },
        )


def _triggered_by(alarms: Sequence[Alarm]) -> str:
    return texts.compact(
        {
            "triggeringAlarms": [
                {
                    "arn": alarm.arn,
                    "state": {
                        "value": alarm.state.value.value,
                        "timestamp": texts.stamp(alarm.state.since_s),
                    },
                }
                for alarm in alarms
            ]
        }
    )
