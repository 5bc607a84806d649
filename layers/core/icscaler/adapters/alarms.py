"""CloudWatch alarms as `ports.Alarms`, at the pace that CloudWatch allows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from icscaler.adapters.clients import port_errors
from icscaler.alarm_plan import MetricAlarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

# PutMetricAlarm and DeleteAlarms are limited to 3 calls a second in an account and Region, and
# others (CloudFormation, Application Auto Scaling) make them too. Source: CloudWatch endpoints
# and quotas.
CALLS_PER_SECOND = 2.5
# API Reference, DeleteAlarms and DescribeAlarms.
NAMES_PER_DELETE = 100
ALARMS_PER_PAGE = 100
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


@dataclass(slots=True)
class Pace:
    """Lets one caller through every `every_s` seconds; the first at once.

    A clock that is set back costs one pause, not more.
    """

    every_s: float = 1 / CALLS_PER_SECOND
    sleep: Callable[[float], None] = lambda seconds: time.sleep(seconds)
    now: Callable[[], float] = lambda: time.time()
    _last_s: float | None = None

    def wait(self) -> None:
        """Return when it is the caller's turn."""
        if self._last_s is not None:
            pause_s = min(self.every_s, self._last_s + self.every_s - self.now())
            if pause_s > 0:
                self.sleep(pause_s)
        self._last_s = self.now()


@dataclass(slots=True)
class CloudWatchAlarms:
    """`ports.Alarms` on AWS."""

    cloudwatch: "CloudWatchClient"
    pace: Pace = field(default_factory=Pace)

    def find(self, prefix: str) -> dict[str, MetricAlarm | None]:
        found: dict[str, MetricAlarm | None] = {}
        arguments: dict[str, Any] = {
            "AlarmNamePrefix": prefix,
            "AlarmTypes": ["MetricAlarm"],
            "MaxRecords": ALARMS_PER_PAGE,
        }
        while True:
            with port_errors("cloudwatch", "DescribeAlarms"):
                page = self.cloudwatch.describe_alarms(**arguments)
            found |= {shown["AlarmName"]: _alarm(shown) for shown in page["MetricAlarms"]}
            if not page.get("NextToken"):
                return found
            arguments["NextToken"] = page["NextToken"]

    def put(self, alarm: MetricAlarm) -> None:
        arguments: dict[str, Any] = {
            "AlarmName": alarm.name,
            "AlarmDescription": alarm.description,
            "ActionsEnabled": alarm.actions_enabled,
            "AlarmActions": list(alarm.actions),
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in alarm.dimensions],
            "Statistic": alarm.statistic,
            "Period": alarm.period_s,
            "EvaluationPeriods": alarm.periods,
            "DatapointsToAlarm": alarm.datapoints,
            "ComparisonOperator": alarm.comparison,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.missing_data,
        }
        self.pace.wait()
        with port_errors("cloudwatch", "PutMetricAlarm"):
            self.cloudwatch.put_metric_alarm(**arguments)

    def delete(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), NAMES_PER_DELETE):
            self.pace.wait()
            with port_errors("cloudwatch", "DeleteAlarms"):
                self.cloudwatch.delete_alarms(
                    AlarmNames=list(names[start : start + NAMES_PER_DELETE])
                )


def _alarm(shown: Mapping[str, Any]) -> MetricAlarm | None:
    """An alarm as DescribeAlarms shows it; None when it is not on one statistic of one metric."""
    if "MetricName" not in shown or "Statistic" not in shown:
        return None
    return MetricAlarm(
        name=shown["AlarmName"],
        description=shown.get("AlarmDescription", ""),
        namespace=shown["Namespace"],
        metric=shown["MetricName"],
        dimensions=tuple(sorted((each["Name"], each["Value"]) for each in shown["Dimensions"])),
        statistic=shown["Statistic"],
        period_s=shown["Period"],
        periods=shown["EvaluationPeriods"],
        datapoints=shown.get("DatapointsToAlarm", shown["EvaluationPeriods"]),
        comparison=shown["ComparisonOperator"],
        threshold=float(shown["Threshold"]),
        missing_data=shown.get("TreatMissingData", "missing"),
        actions_enabled=shown["ActionsEnabled"],
        actions=tuple(arn for state in _ACTIONS for arn in shown.get(state, ())),
    )
