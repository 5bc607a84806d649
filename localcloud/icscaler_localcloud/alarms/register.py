"""The alarms of one account and Region, by name, and who refers to whom."""

from __future__ import annotations

from collections.abc import Iterator

from icscaler_localcloud.alarms import composite
from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.model import Alarm, CompositeAlarm, MetricAlarm
from icscaler_localcloud.alarms.sources import Insights


class Register:
    """Every alarm there is."""

    def __init__(self) -> None:
        self._alarms: dict[str, Alarm] = {}
        self._parents: dict[str, set[str]] = {}
        self._suppressed: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._alarms)

    def get(self, name: str) -> Alarm | None:
        """The alarm, or None."""
        return self._alarms.get(name)

    def by_arn(self, arn: str) -> Alarm | None:
        """The alarm with this ARN, or None."""
        alarm = self._alarms.get(arn.partition(":alarm:")[2])
        return alarm if alarm is not None and alarm.arn == arn else None

    def all(self) -> list[Alarm]:
        """All alarms, by name."""
        return [self._alarms[name] for name in sorted(self._alarms)]

    def add(self, alarm: Alarm) -> None:
        """Keep a new alarm."""
        self._alarms[alarm.name] = alarm
        self.relate(alarm)

    def remove(self, alarm: Alarm) -> None:
        """Forget an alarm."""
        del self._alarms[alarm.name]
        self._unrelate(alarm)

    def relate(self, alarm: Alarm) -> None:
        """Note anew whom the alarm refers to."""
        self._unrelate(alarm)
        if isinstance(alarm, CompositeAlarm):
            for child in composite.children(alarm.expression):
                self._parents.setdefault(child, set()).add(alarm.name)
            suppressor = suppressor_of(alarm)
            if suppressor is not None:
                self._suppressed.setdefault(suppressor, set()).add(alarm.name)

    def _unrelate(self, alarm: Alarm) -> None:
        if isinstance(alarm, MetricAlarm):
            return
        for index in (self._parents, self._suppressed):
            for names in index.values():
                names.discard(alarm.name)

    def parents_of(self, name: str) -> list[CompositeAlarm]:
        """Composite alarms whose rule refers to the alarm, by name."""
        return list(self._composites(self._parents.get(name, set())))

    def suppressed_by(self, name: str) -> list[CompositeAlarm]:
        """Composite alarms that the alarm suppresses, by name."""
        return list(self._composites(self._suppressed.get(name, set())))

    def _composites(self, names: set[str]) -> Iterator[CompositeAlarm]:
        for name in sorted(names):
            alarm = self._alarms[name]
            if isinstance(alarm, CompositeAlarm):
                yield alarm

    def state_of(self, name: str) -> StateValue:
        """The alarm's state; INSUFFICIENT_DATA for one that does not exist."""
        alarm = self._alarms.get(name)
        return StateValue.INSUFFICIENT_DATA if alarm is None else alarm.state.value

    def insights(self) -> int:
        """How many alarms are on Metrics Insights queries."""
        return sum(
            isinstance(alarm, MetricAlarm) and isinstance(alarm.source, Insights)
            for alarm in self._alarms.values()
        )


def suppressor_of(alarm: CompositeAlarm) -> str | None:
    """The name of the alarm that holds back this one's actions."""
    reference = alarm.params.get("ActionsSuppressor")
    return None if reference is None else composite.alarm_name(reference)
