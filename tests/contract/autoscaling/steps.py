"""Words the Application Auto Scaling contract tests are written in."""

from __future__ import annotations

import json
from typing import Any

from icscaler_localcloud.cloud import LocalCloud
from tests.contract.sagemaker.steps import copies_of, status_of, wait_until

COPIES = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/inline",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}
INSTANCES = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/classic/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
PER_COPY = "SageMakerInferenceComponentInvocationsPerCopy"
CONCURRENCY = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
DECISION_S = 20
"""An alarm's action, the decision on it, and a little."""


def register(cloud: LocalCloud, target: dict[str, str] = COPIES, **more: Any) -> None:
    """Register a target, 0 to 10 unless told, and let bounds take effect."""
    bounds = {"MinCapacity": 0, "MaxCapacity": 10} | more
    cloud.client("application-autoscaling").register_scalable_target(**target, **bounds)
    cloud.run_for(2)


def track(
    cloud: LocalCloud,
    name: str = "track",
    target: dict[str, str] = COPIES,
    *,
    metric: str | dict[str, Any] = PER_COPY,
    value: float = 10.0,
    **config: Any,
) -> dict[str, Any]:
    """PutScalingPolicy of target tracking; `metric` is predefined by name, or customized."""
    member = "Predefined" if isinstance(metric, str) else "Customized"
    spec = {"PredefinedMetricType": metric} if isinstance(metric, str) else metric
    answer: dict[str, Any] = cloud.client("application-autoscaling").put_scaling_policy(
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        **target,
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": value,
            f"{member}MetricSpecification": spec,
            **config,
        },
    )
    return answer


def step(
    cloud: LocalCloud,
    *adjustments: tuple[float | None, float | None, int],
    name: str = "step",
    kind: str = "ChangeInCapacity",
    target: dict[str, str] = COPIES,
    **config: Any,
) -> str:
    """PutScalingPolicy of step scaling, steps as (lower, upper, adjustment); the ARN."""
    answer = cloud.client("application-autoscaling").put_scaling_policy(
        PolicyName=name,
        PolicyType="StepScaling",
        **target,
        StepScalingPolicyConfiguration={
            "AdjustmentType": kind,
            "StepAdjustments": [adjustment(*given) for given in adjustments],
            **config,
        },
    )
    return str(answer["PolicyARN"])


def adjustment(lower: float | None, upper: float | None, amount: int) -> dict[str, Any]:
    """One StepAdjustment."""
    bounds = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return given | {"ScalingAdjustment": amount}


def alarm(
    cloud: LocalCloud,
    action: str,
    *,
    name: str = "busy",
    threshold: float = 0.0,
    comparison: str = "GreaterThanOrEqualToThreshold",
    period_s: int = 60,
) -> str:
    """An alarm of one's own on a metric nobody but a test publishes."""
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmActions=[action],
        Namespace="Test",
        MetricName="Load",
        Statistic="Average",
        Period=period_s,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator=comparison,
    )
    return name


def breach(cloud: LocalCloud, name: str, *values: float, wait_s: float = DECISION_S) -> None:
    """The alarm goes on with these datapoints, oldest first; the policy decides."""
    cloudwatch = cloud.client("cloudwatch")
    for state in ("OK", "ALARM"):
        cloudwatch.set_alarm_state(
            AlarmName=name,
            StateValue=state,
            StateReason="as the test says",
            StateReasonData=json.dumps({"recentDatapoints": list(values)}),
        )
    cloud.run_for(wait_s)


def activities(cloud: LocalCloud, **filters: Any) -> list[dict[str, Any]]:
    """DescribeScalingActivities, newest first."""
    client = cloud.client("application-autoscaling")
    given = {"ServiceNamespace": "sagemaker"} | filters
    return list(client.describe_scaling_activities(**given)["ScalingActivities"])


def reasons(cloud: LocalCloud) -> list[dict[str, Any]]:
    """Why nothing was scaled, newest first."""
    found = activities(cloud, IncludeNotScaledActivities=True)
    return [reason for each in found for reason in each.get("NotScaledReasons", ())]


def alarms_named(cloud: LocalCloud, prefix: str | None = None) -> list[dict[str, Any]]:
    """The alarms whose names begin so; without a prefix all."""
    given = {} if prefix is None else {"AlarmNamePrefix": prefix}
    answer = cloud.client("cloudwatch").describe_alarms(**given)
    return list(answer["MetricAlarms"])


def settled(cloud: LocalCloud) -> None:
    """Let a change of copies be over, and noticed."""
    wait_until(cloud, lambda: status_of(cloud) == "InService")
    cloud.run_for(20)


def desired(cloud: LocalCloud) -> int:
    """Desired copies of the component."""
    return copies_of(cloud)[0]
