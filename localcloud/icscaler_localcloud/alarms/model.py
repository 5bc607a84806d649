"""What an alarm is: configuration as it was put, and the state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.alarms.decide import Rule, StateValue
from icscaler_localcloud.alarms.sources import Source, watches_groups
from icscaler_localcloud.alarms.texts import NEW

if TYPE_CHECKING:
    from icscaler_localcloud.alarms.composite import Expression

Params = Mapping[str, Any]

ACTION_FIELDS: Mapping[StateValue, str] = {
    StateValue.OK: "OKActions",
    StateValue.ALARM: "AlarmActions",
    StateValue.INSUFFICIENT_DATA: "InsufficientDataActions",
}


@dataclass(frozen=True, slots=True)
class State:
    """A state and why: `updated_s` moves with every new reason, `since_s` with the value only."""

    value: StateValue
    reason: str
    data: str | None
    updated_s: float
    since_s: float
    suppressed_by: str | None = None
    suppressed_reason: str | None = None


def new_state(now_s: float) -> State:
    """What every alarm starts with."""
    return State(StateValue.INSUFFICIENT_DATA, NEW, None, now_s, now_s)


@dataclass(frozen=True, slots=True)
class Contributor:
    """One time series in ALARM of an alarm that watches several."""

    id: str
    attributes: Mapping[str, str]
    reason: str
    since_s: float


@dataclass(slots=True)
class MetricAlarm:
    """An alarm on a metric, an expression or a query.

    `params` is PutMetricAlarm's request with its defaults filled in. `metric_id` is the id that
    events show for an alarm on one metric. `minimum_samples`: percentiles of fewer samples do
    not change the state.
    """

    name: str
    arn: str
    params: Params
    source: Source
    rule: Rule
    minimum_samples: float | None
    configured_s: float
    metric_id: str
    state: State
    tags: dict[str, str] = field(default_factory=dict)
    contributors: dict[str, Contributor] = field(default_factory=dict)
    partial: bool = False
    repeated_s: float = 0.0

    type = "MetricAlarm"

    @property
    def groups(self) -> bool:
        """Does it watch several time series?"""
        return watches_groups(self.source)


@dataclass(slots=True)
class CompositeAlarm:
    """An alarm on the states of other alarms; `params` is PutCompositeAlarm's request."""

    name: str
    arn: str
    params: Params
    expression: Expression
    configured_s: float
    state: State
    tags: dict[str, str] = field(default_factory=dict)
    suppression: int = 0
    """Counts the suppression episodes, so that a timer of an old one is told from a new one's."""

    type = "CompositeAlarm"


Alarm = MetricAlarm | CompositeAlarm


def actions_of(alarm: Alarm, value: StateValue) -> list[str]:
    """The actions that the state has; none while actions are disabled."""
    if not alarm.params["ActionsEnabled"]:
        return []
    return list(alarm.params[ACTION_FIELDS[value]])
