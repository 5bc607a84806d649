"""The alarms of target tracking policies, and what alarms of others act on policies.

Names, descriptions and shapes are those of alarms that Application Auto Scaling made in real
accounts: `TargetTracking-<resource id>-AlarmHigh-<uuid>`, 3 of 3 points above the target;
`...-AlarmLow-<uuid>`, 15 minutes of points below nine tenths of it; missing data is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from icscaler_localcloud.alarms.model import MetricAlarm
from icscaler_localcloud.autoscaling.errors import alarm_refused
from icscaler_localcloud.autoscaling.metrics import alarm_metric
from icscaler_localcloud.autoscaling.model import (
    AlarmAction,
    Key,
    Policy,
    Tracking,
    TrackingAlarm,
)
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.tracking import low_threshold
from icscaler_localcloud.moto_seams import new_id
from icscaler_localcloud.services import ServiceError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud
    from icscaler_localcloud.cloudwatch import CloudWatchService

_ABOVE = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
_RETRY_S = 1.0


class PolicyAlarms:
    """Keeps the alarms of policies in CloudWatch, under its quotas of calls a second."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._cloudwatch = cast("CloudWatchService", cloud.service("cloudwatch"))
        self._alarms = self._cloudwatch.alarms

    def subscribe(self, listener: Callable[[AlarmAction], None]) -> None:
        """Hear of every alarm that acts on a scaling policy."""
        self._alarms.on_autoscaling_action("arn:aws:autoscaling:", listener)

    def is_on(self, name: str) -> bool:
        """Is this alarm in ALARM?"""
        return self._alarms.is_on(name)

    def watches_above(self, name: str) -> bool:
        """Does the alarm watch for values above its threshold (else below)?"""
        alarm = self._alarms.register.get(name)
        return not isinstance(alarm, MetricAlarm) or alarm.rule.operator in _ABOVE

    def acting_on(self, arns: Sequence[str]) -> dict[str, list[Mapping[str, str]]]:
        """The alarms (name, ARN) that act on each of these ARNs."""
        found: dict[str, list[Mapping[str, str]]] = {arn: [] for arn in arns}
        for alarm in self._alarms.register.all():
            for arn in alarm.params["AlarmActions"]:
                if arn in found:
                    found[arn].append({"AlarmName": alarm.name, "AlarmARN": alarm.arn})
        return found

    def put(
        self, key: Key, policy: Policy, settings: AutoScalingSettings
    ) -> tuple[TrackingAlarm, ...]:
        """Make the alarms of a target tracking policy; FailedResourceAccessException if refused."""
        made: list[TrackingAlarm] = []
        try:
            for request, low in tracking_alarms(key, policy, settings):
                self._cloudwatch.call("PutMetricAlarm", request)
                name = request["AlarmName"]
                arn = f"arn:aws:cloudwatch:{self._cloud.region}:{self._cloud.account}:alarm:{name}"
                made.append(TrackingAlarm(name, arn, low))
        except ServiceError as refusal:
            self.delete([alarm.name for alarm in made])
            raise alarm_refused(refusal) from refusal
        return tuple(made)

    def delete(self, names: Sequence[str]) -> None:
        """Delete alarms, now or as soon as CloudWatch admits the call."""
        if not names:
            return
        try:
            self._cloudwatch.call("DeleteAlarms", {"AlarmNames": list(names)})
        except ServiceError as refusal:
            if refusal.code == "Throttling":
                again_s = self._cloud.clock.now_s + _RETRY_S
                self._cloud.call_at(again_s, lambda: self.delete(names))


def tracking_alarms(
    key: Key, policy: Policy, settings: AutoScalingSettings
) -> list[tuple[dict[str, Any], bool]]:
    """PutMetricAlarm requests of a target tracking policy, and whether each is AlarmLow."""
    rule = policy.rule
    assert isinstance(rule, Tracking)
    metric, period_s = alarm_metric(key, policy.config, settings)
    low_points = settings.low_span_s // period_s
    kinds = [("AlarmHigh", "GreaterThanThreshold", rule.target, settings.high_points)]
    if rule.scale_in:
        low = low_threshold(rule.target, settings)
        kinds.append(("AlarmLow", "LessThanThreshold", low, low_points))
    return [
        (
            {
                "AlarmName": f"TargetTracking-{key.resource_id}-{kind}-{new_id()}",
                "AlarmDescription": "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
                f"{policy.action_arn}.",
                "ActionsEnabled": True,
                "AlarmActions": [policy.action_arn],
                **metric,
                "EvaluationPeriods": points,
                "ComparisonOperator": operator,
                "Threshold": threshold,
            },
            kind == "AlarmLow",
        )
        for kind, operator, threshold, points in kinds
    ]
