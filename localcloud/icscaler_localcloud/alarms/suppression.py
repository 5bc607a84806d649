"""Action suppression of composite alarms: wait period, suppressor in ALARM, extension period.

Source: CloudWatch User Guide, "Composite alarm action suppression"; phases and texts as real
alarms show them. Events are sent in every phase; actions wait until the last one is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from icscaler_localcloud.alarms import texts
from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.model import Alarm, CompositeAlarm, State
from icscaler_localcloud.alarms.register import Register, suppressor_of
from icscaler_localcloud.clock import EventLoop

WAIT, ALARM, EXTENSION = "WaitPeriod", "Alarm", "ExtensionPeriod"
_PERIODS = {WAIT: "ActionsSuppressorWaitPeriod", EXTENSION: "ActionsSuppressorExtensionPeriod"}


class Suppression:
    """The phases of all suppressed alarms; `tell(alarm, state before)` hears of each new one."""

    def __init__(
        self,
        register: Register,
        loop: EventLoop,
        tell: Callable[[CompositeAlarm, State], None],
    ) -> None:
        self._register, self._loop, self._tell = register, loop, tell

    def hold(self, alarm: CompositeAlarm, before: State) -> bool:
        """Mark the alarm's new state as suppressed where it has a suppressor; is it held?"""
        name = suppressor_of(alarm)
        if name is None:
            return False
        if before.suppressed_by is not None:
            alarm.state = replace(
                alarm.state,
                suppressed_by=before.suppressed_by,
                suppressed_reason=before.suppressed_reason,
            )
            return True
        suppressor = self._register.get(name)
        if suppressor is not None and suppressor.state.value is StateValue.ALARM:
            self._mark(alarm, ALARM, _by(suppressor))
        else:
            self._mark(alarm, WAIT)
        return True

    def suppressor_changed(self, alarm: CompositeAlarm, suppressor: Alarm) -> None:
        """The suppressor went into or out of ALARM while the alarm's actions are held."""
        phase, before = alarm.state.suppressed_by, alarm.state
        if phase is None:
            return
        if suppressor.state.value is StateValue.ALARM and phase != ALARM:
            self._mark(alarm, ALARM, _by(suppressor))
        elif suppressor.state.value is not StateValue.ALARM and phase == ALARM:
            self._mark(alarm, EXTENSION)
        else:
            return
        alarm.state = replace(alarm.state, updated_s=self._loop.clock.now_s)
        self._tell(alarm, before)

    def _mark(self, alarm: CompositeAlarm, phase: str, by: str | None = None) -> None:
        reason = f"Actions suppressed by {by or phase}"
        alarm.state = replace(alarm.state, suppressed_by=phase, suppressed_reason=reason)
        alarm.suppression += 1
        if phase in _PERIODS:
            episode = alarm.suppression
            period_s = alarm.params[_PERIODS[phase]]
            self._loop.call_in(period_s, lambda: self._over(alarm, episode))

    def _over(self, alarm: CompositeAlarm, episode: int) -> None:
        if alarm.suppression != episode or self._register.get(alarm.name) is not alarm:
            return
        before = alarm.state
        alarm.state = replace(
            before,
            suppressed_by=None,
            suppressed_reason=None,
            updated_s=self._loop.clock.now_s,
        )
        self._tell(alarm, before)


def _by(suppressor: Alarm) -> str:
    at = texts.long_time(suppressor.state.since_s)
    return f"{suppressor.arn} that transitioned to ALARM at {at}"
