"""DescribeAlarms, DescribeAlarmsForMetric, DescribeAlarmContributors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.alarms import composite
from icscaler_localcloud.alarms.model import (
    ACTION_FIELDS,
    Alarm,
    CompositeAlarm,
    MetricAlarm,
    Params,
)
from icscaler_localcloud.alarms.paging import page
from icscaler_localcloud.alarms.register import Register, suppressor_of
from icscaler_localcloud.cloudwatch.errors import invalid_combination
from icscaler_localcloud.services import ServiceError

PAGE = 50
CONTRIBUTORS_PAGE = 100


def describe_alarms(register: Register, params: Params) -> Mapping[str, Any]:
    """Alarms that match every filter, by type and name, 50 a page."""
    related = [name for name in ("ChildrenOfAlarmName", "ParentsOfAlarmName") if name in params]
    if len(related) > 1 or (related and len(params.keys() - {"MaxRecords", "NextToken"}) > 1):
        raise invalid_combination(f"{related[0]} cannot be combined with other filters.")
    found = _related(register, params) if related else register.all()
    rows = sorted(
        (alarm for alarm in found if related or _matches(alarm, params)),
        key=lambda alarm: (alarm.type, alarm.name),
    )
    shown, token = page(
        rows, params, "DescribeAlarms", default=PAGE, key=lambda alarm: [alarm.type, alarm.name]
    )
    return {
        "CompositeAlarms": [_composite(a) for a in shown if isinstance(a, CompositeAlarm)],
        "MetricAlarms": [_metric(a) for a in shown if isinstance(a, MetricAlarm)],
        "LogAlarms": [],
        "NextToken": token,
    }


def describe_alarms_for_metric(register: Register, params: Params) -> Mapping[str, Any]:
    """Alarms on exactly this metric (not those on expressions that use it)."""
    wanted = {d["Name"]: d["Value"] for d in params.get("Dimensions", ())}
    members = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period", "Unit")

    def on_it(alarm: MetricAlarm) -> bool:
        dimensions = {d["Name"]: d["Value"] for d in alarm.params["Dimensions"]}
        same = all(alarm.params.get(m) == params[m] for m in members if m in params)
        return same and dimensions == wanted

    alarms = [alarm for alarm in register.all() if isinstance(alarm, MetricAlarm)]
    return {"MetricAlarms": [_metric(alarm) for alarm in alarms if on_it(alarm)]}


def describe_contributors(register: Register, params: Params) -> Mapping[str, Any]:
    """The time series that are in ALARM now."""
    alarm = register.get(params["AlarmName"])
    if alarm is None:
        raise ServiceError("ResourceNotFoundException", "", status=404)
    found = alarm.contributors if isinstance(alarm, MetricAlarm) else {}
    shown, token = page(
        sorted(found.values(), key=lambda contributor: contributor.id),
        params,
        "DescribeAlarmContributors",
        default=CONTRIBUTORS_PAGE,
        key=lambda contributor: [contributor.id],
    )
    return {
        "AlarmContributors": [
            {
                "ContributorId": contributor.id,
                "ContributorAttributes": dict(contributor.attributes),
                "StateReason": contributor.reason,
                "StateTransitionedTimestamp": contributor.since_s,
            }
            for contributor in shown
        ],
        "NextToken": token,
    }


def _related(register: Register, params: Params) -> list[Alarm]:
    if "ParentsOfAlarmName" in params:
        return [*register.parents_of(params["ParentsOfAlarmName"])]
    alarm = register.get(params["ChildrenOfAlarmName"])
    if not isinstance(alarm, CompositeAlarm):
        return []
    children = [register.get(name) for name in dict.fromkeys(composite.children(alarm.expression))]
    return [child for child in children if child is not None]


def _matches(alarm: Alarm, params: Params) -> bool:
    actions = [arn for member in ACTION_FIELDS.values() for arn in alarm.params[member]]
    prefix = params.get("ActionPrefix")
    return (
        alarm.type in params.get("AlarmTypes", ("MetricAlarm",))
        and alarm.name in params.get("AlarmNames", (alarm.name,))
        and alarm.name.startswith(params.get("AlarmNamePrefix", ""))
        and params.get("StateValue", alarm.state.value) == alarm.state.value
        and (prefix is None or any(arn.startswith(prefix) for arn in actions))
    )


def _common(alarm: Alarm) -> dict[str, Any]:
    state = alarm.state
    return {
        **alarm.params,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_s,
        "StateValue": state.value.value,
        "StateReason": state.reason,
        "StateReasonData": state.data,
        "StateUpdatedTimestamp": state.updated_s,
        "StateTransitionedTimestamp": state.since_s,
    }


def _metric(alarm: MetricAlarm) -> dict[str, Any]:
    return _common(alarm) | {"EvaluationState": "PARTIAL_DATA" if alarm.partial else None}


def _composite(alarm: CompositeAlarm) -> dict[str, Any]:
    return _common(alarm) | {
        "ActionsSuppressor": suppressor_of(alarm),
        "ActionsSuppressedBy": alarm.state.suppressed_by,
        "ActionsSuppressedReason": alarm.state.suppressed_reason,
    }
