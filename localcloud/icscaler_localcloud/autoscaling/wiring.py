"""The wiring AWS documents for components that scale to zero, put through boto3.

Four pieces, all needed: a scalable target with minimum 0, target tracking (it goes to zero and
never comes back), a step policy that adds a copy, and an alarm of one's own on
NoCapacityInvocationFailures that triggers it. Sources: SageMaker AI Developer Guide, "Scale an
endpoint to zero instances"; AWS post "Unlock cost savings with the new scale down to zero feature
in SageMaker Inference" (2024-12) and its sample notebooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling.model import COPIES

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# CloudWatch admits three PutMetricAlarm a second; each piece is tried this often, a second apart.
_ATTEMPTS = 120
_RATE_EXCEEDED = "Rate exceeded"


@dataclass(frozen=True, slots=True)
class Wiring:
    """The numbers of the wiring. Defaults are the pieces in the form that wakes at one request."""

    metric: str = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
    target: float = 5.0
    scale_in_cooldown_s: int = 300
    scale_out_cooldown_s: int = 300
    wake_cooldown_s: int = 60
    wake_statistic: str = "Sum"
    wake_comparison: str = "GreaterThanOrEqualToThreshold"
    wake_threshold: float = 1.0
    wake_period_s: int = 60


SAMPLES = Wiring()
"""As most public samples have it: high-resolution concurrency, 1 refused request in 60 s wakes."""

LAUNCH_POST = Wiring(wake_statistic="Maximum", wake_period_s=30)
"""As the post and its notebooks have it: a maximum of 1 or more in 30 s. Half of the 30 s periods
of a metric that is published by the minute are missing, so how long the point may take to be
readable decides whether this alarm ever sees it."""

DEVELOPER_GUIDE = Wiring(
    metric="SageMakerInferenceComponentInvocationsPerCopy",
    target=1.0,
    wake_comparison="GreaterThanThreshold",
)
"""As the guide has it: one invocation a minute and copy; a sum above 1 in 60 s, so it takes two
refused requests within a minute to wake. It scales in only where InvocationsPerCopy has points
without traffic (`WorldSettings.invocation_zero_points`)."""


@dataclass(frozen=True, slots=True)
class DocumentedWiring:
    """What was put for one component."""

    component: str
    tracking_policy_arn: str
    tracking_alarms: tuple[str, ...]
    step_policy_arn: str
    wake_alarm: str


def documented_wiring(
    cloud: LocalCloud,
    component: str,
    *,
    minimum: int = 0,
    maximum: int = 4,
    wiring: Wiring = SAMPLES,
) -> DocumentedWiring:
    """Wire one existing component; safe to repeat.

    Waits in virtual time where CloudWatch's calls a second are used up. ClientError as AWS
    refuses.
    """
    scaling, cloudwatch = cloud.client("application-autoscaling"), cloud.client("cloudwatch")
    target = _target(component)
    scaling.register_scalable_target(**target, MinCapacity=minimum, MaxCapacity=maximum)
    tracking = _patiently(
        cloud,
        scaling.put_scaling_policy,
        **target,
        PolicyName=f"{component}-target-tracking",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": wiring.metric},
            "TargetValue": wiring.target,
            "ScaleInCooldown": wiring.scale_in_cooldown_s,
            "ScaleOutCooldown": wiring.scale_out_cooldown_s,
        },
    )
    step = scaling.put_scaling_policy(
        **target,
        PolicyName=f"{component}-from-zero",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Maximum",
            "Cooldown": wiring.wake_cooldown_s,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    alarm = _wake_alarm(component)
    _patiently(
        cloud,
        cloudwatch.put_metric_alarm,
        AlarmName=alarm,
        AlarmDescription="A component at zero copies was invoked.",
        AlarmActions=[step["PolicyARN"]],
        Namespace="AWS/SageMaker",
        MetricName="NoCapacityInvocationFailures",
        Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
        Statistic=wiring.wake_statistic,
        Period=wiring.wake_period_s,
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
        Threshold=wiring.wake_threshold,
        ComparisonOperator=wiring.wake_comparison,
        TreatMissingData="missing",
    )
    names = tuple(alarm["AlarmName"] for alarm in tracking["Alarms"])
    return DocumentedWiring(component, tracking["PolicyARN"], names, step["PolicyARN"], alarm)


def remove_wiring(cloud: LocalCloud, component: str) -> None:
    """Take off what `documented_wiring` put; the copies stay as they are."""
    cloud.client("application-autoscaling").deregister_scalable_target(**_target(component))
    delete = cloud.client("cloudwatch").delete_alarms
    _patiently(cloud, delete, AlarmNames=[_wake_alarm(component)])


def _wake_alarm(component: str) -> str:
    return f"{component}-no-capacity"


def _target(component: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{component}",
        "ScalableDimension": COPIES,
    }


def _patiently(
    cloud: LocalCloud, call: Callable[..., Mapping[str, Any]], **params: Any
) -> Mapping[str, Any]:
    """Call again while the account's calls a second are used up."""
    from botocore.exceptions import ClientError

    for _ in range(_ATTEMPTS - 1):
        try:
            return call(**params)
        except ClientError as error:
            if _RATE_EXCEEDED not in error.response["Error"]["Message"]:
                raise
        cloud.sleep(1.0)
    return call(**params)
