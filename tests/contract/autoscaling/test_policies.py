"""Scaling policies as they are put, shown and deleted, and the alarms made for them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from icscaler_localcloud.autoscaling import AutoScalingSettings, autoscaling_of
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import (
    CONCURRENCY,
    COPIES,
    INSTANCES,
    PER_COPY,
    adjustment,
    alarm,
    alarms_named,
    register,
    step,
    track,
)
from tests.contract.sagemaker.steps import refused

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ON_INLINE = [{"Name": "InferenceComponentName", "Value": "inline"}]
ON_CLASSIC = [
    {"Name": "EndpointName", "Value": "classic"},
    {"Name": "VariantName", "Value": "AllTraffic"},
]
CUSTOM = {
    "Namespace": "/aws/sagemaker/InferenceComponents",
    "MetricName": "GPUUtilizationNormalized",
    "Dimensions": ON_INLINE,
    "Statistic": "Average",
    "Unit": "Percent",
}


def policies(scaling: Any, **filters: Any) -> list[dict[str, Any]]:
    answer = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", **filters)
    return list(answer["ScalingPolicies"])


def shape(found: dict[str, Any]) -> tuple[Any, ...]:
    """What an alarm does, without its names."""
    members = ("ComparisonOperator", "Threshold", "Period", "EvaluationPeriods", "Statistic")
    return tuple(found.get(member) for member in members)


# -- target tracking's alarms


@pytest.mark.parametrize(
    ("target", "metric", "name", "dimensions", "statistic", "period_s", "low_points"),
    [
        pytest.param(COPIES, PER_COPY, "InvocationsPerCopy", ON_INLINE, "Sum", 60, 15, id="copies"),
        pytest.param(
            COPIES,
            CONCURRENCY,
            "ConcurrentRequestsPerCopy",
            ON_INLINE,
            "Average",
            10,
            90,
            id="copies, 10 s",
        ),
        pytest.param(
            INSTANCES,
            "SageMakerVariantInvocationsPerInstance",
            "InvocationsPerInstance",
            ON_CLASSIC,
            "Sum",
            60,
            15,
            id="instances",
        ),
        pytest.param(
            INSTANCES,
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
            "ConcurrentRequestsPerModel",
            ON_CLASSIC,
            "Average",
            10,
            90,
            id="instances, 10 s",
        ),
    ],
)
def test_alarms_of_predefined_metrics(
    cloud, target, metric, name, dimensions, statistic, period_s, low_points
) -> None:
    register(cloud, target)
    track(cloud, target=target, metric=metric, value=10)
    high, low = alarms_named(cloud, f"TargetTracking-{target['ResourceId']}-")
    assert shape(high) == ("GreaterThanThreshold", 10, period_s, 3, statistic)
    assert shape(low) == ("LessThanThreshold", 9, period_s, low_points, statistic)
    for found in (high, low):
        assert (found["Namespace"], found["MetricName"]) == ("AWS/SageMaker", name)
        assert found["Dimensions"] == dimensions
        assert found["StateValue"] == "INSUFFICIENT_DATA"
        assert "TreatMissingData" not in found


def test_names_and_words_are_those_of_aws(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    answer = track(cloud)
    assert re.fullmatch(
        rf"arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:{UUID}:resource/sagemaker/"
        "inference-component/inline:policyName/track",
        answer["PolicyARN"],
    )
    high, low = alarms_named(cloud, "TargetTracking-")
    for found, kind in ((high, "AlarmHigh"), (low, "AlarmLow")):
        name, (action,) = found["AlarmName"], found["AlarmActions"]
        assert re.fullmatch(rf"TargetTracking-inference-component/inline-{kind}-{UUID}", name)
        assert re.fullmatch(rf"{re.escape(answer['PolicyARN'])}:createdBy/{UUID}", action)
        assert found["AlarmDescription"] == (
            f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}."
        )
    shown = [{"AlarmName": a["AlarmName"], "AlarmARN": a["AlarmArn"]} for a in (high, low)]
    (policy,) = policies(scaling)
    assert answer["Alarms"] == policy["Alarms"] == shown
    assert policy["CreationTime"].timestamp() == cloud.clock.now_s
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 10.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": PER_COPY},
    }


def test_a_policy_that_never_scales_in_has_no_low_alarm(cloud: LocalCloud) -> None:
    register(cloud)
    track(cloud, DisableScaleIn=True)
    (only,) = alarms_named(cloud, "TargetTracking-")
    assert "-AlarmHigh-" in only["AlarmName"]


def test_a_customized_metric_is_read_by_the_minute(cloud: LocalCloud) -> None:
    register(cloud)
    track(cloud, metric=CUSTOM, value=50)
    high, _ = alarms_named(cloud, "TargetTracking-")
    assert shape(high) == ("GreaterThanThreshold", 50, 60, 3, "Average")
    assert {member: high[member] for member in CUSTOM} == CUSTOM


def test_metric_math_is_handed_to_the_alarms(cloud: LocalCloud) -> None:
    stat = {
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocations",
            "Dimensions": ON_INLINE,
        },
        "Stat": "Sum",
    }
    register(cloud)
    track(
        cloud,
        metric={
            "Metrics": [
                {"Id": "m", "MetricStat": stat, "ReturnData": False},
                {"Id": "filled", "Expression": "FILL(m, REPEAT)", "ReturnData": True},
            ]
        },
    )
    high, _ = alarms_named(cloud, "TargetTracking-")
    assert [query["Id"] for query in high["Metrics"]] == ["m", "filled"]
    assert high["Metrics"][0]["MetricStat"]["Period"] == 60


def test_switches_shape_the_alarms(cloud: LocalCloud) -> None:
    autoscaling_of(cloud).settings = AutoScalingSettings(
        high_points=2, low_span_s=180, low_share=0.8, concurrency_statistic="Maximum"
    )
    register(cloud)
    track(cloud, metric=CONCURRENCY)
    high, low = alarms_named(cloud, "TargetTracking-")
    assert shape(high) == ("GreaterThanThreshold", 10, 10, 2, "Maximum")
    assert shape(low) == ("LessThanThreshold", 8, 10, 18, "Maximum")


# -- put, shown, deleted


def test_an_update_keeps_the_policy_and_renews_its_alarms(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    first = track(cloud)
    before = alarms_named(cloud, "TargetTracking-")
    cloud.run_for(60)
    second = track(cloud, value=20)
    after = alarms_named(cloud, "TargetTracking-")
    assert first["PolicyARN"] == second["PolicyARN"]
    assert [found["Threshold"] for found in after] == [20, 18]
    assert not {a["AlarmName"] for a in before} & {a["AlarmName"] for a in after}
    assert [a["AlarmActions"] for a in before] == [a["AlarmActions"] for a in after]
    (policy,) = policies(scaling)
    assert policy["CreationTime"].timestamp() == cloud.clock.now_s - 60


def test_a_step_policy_shows_the_alarms_that_act_on_it(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    arn = step(cloud, (0, None, 1), Cooldown=60)
    assert policies(scaling)[0]["Alarms"] == []
    alarm(cloud, arn)
    (policy,) = policies(scaling)
    assert [found["AlarmName"] for found in policy["Alarms"]] == ["busy"]
    assert policy["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [adjustment(0.0, None, 1)],
        "Cooldown": 60,
    }


def test_deleting_takes_its_own_alarms_and_no_others(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    track(cloud)
    alarm(cloud, step(cloud, (0, None, 1)))
    for name in ("track", "step"):
        scaling.delete_scaling_policy(**COPIES, PolicyName=name)
    assert policies(scaling) == []
    assert [found["AlarmName"] for found in alarms_named(cloud)] == ["busy"]
    assert refused(scaling.delete_scaling_policy, **COPIES, PolicyName="step") == (
        "ObjectNotFoundException",
        "No scaling policy found for service namespace: sagemaker, resource ID: "
        "inference-component/inline, scalable dimension: "
        "sagemaker:inference-component:DesiredCopyCount, policy name: step",
    )


def test_policies_are_found_by_target_and_name_in_pages_of_ten(
    cloud: LocalCloud, scaling: Any
) -> None:
    register(cloud)
    register(cloud, INSTANCES)
    for number in range(12):
        step(cloud, (0, None, 1), name=f"step-{number:02}")
    step(cloud, (0, None, 1), name="step-05", target=INSTANCES)
    pages = scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker"
    )
    assert [len(page["ScalingPolicies"]) for page in pages] == [10, 3]
    assert len(policies(scaling, PolicyNames=["step-05"])) == 2
    (found,) = policies(scaling, PolicyNames=["step-05"], ResourceId=INSTANCES["ResourceId"])
    assert found["ScalableDimension"] == INSTANCES["ScalableDimension"]
    dimension = COPIES["ScalableDimension"]
    code, _ = refused(
        scaling.describe_scaling_policies,
        ServiceNamespace="sagemaker",
        ScalableDimension=dimension,
    )
    assert code == "ValidationException"
    code, _ = refused(
        scaling.describe_scaling_policies, ServiceNamespace="sagemaker", NextToken="x"
    )
    assert code == "InvalidNextTokenException"


# -- refused

TRACKING = {"TargetValue": 1.0, "PredefinedMetricSpecification": {"PredefinedMetricType": PER_COPY}}
STEPPING = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [adjustment(0, None, 1)]}


@pytest.mark.parametrize(
    ("kind", "config", "text"),
    [
        pytest.param("TargetTracking", {"TargetValue": 1.0}, "Exactly one of", id="no metric"),
        pytest.param(
            "TargetTracking",
            TRACKING | {"CustomizedMetricSpecification": CUSTOM},
            "Exactly one of",
            id="two metrics",
        ),
        pytest.param("TargetTracking", TRACKING | {"TargetValue": 0.0}, "range", id="target zero"),
        pytest.param(
            "TargetTracking", TRACKING | {"ScaleInCooldown": -1}, "negative", id="cooldown"
        ),
        pytest.param(
            "TargetTracking",
            {
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
            "not supported for scalable dimension",
            id="a metric of variants",
        ),
        pytest.param(
            "TargetTracking",
            {
                "TargetValue": 1.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
                },
            },
            "not supported by the local cloud",
            id="a metric of another service",
        ),
        pytest.param(
            "TargetTracking",
            {"TargetValue": 1.0, "CustomizedMetricSpecification": {"MetricName": "Load"}},
            "requires Namespace, Statistic",
            id="half a metric",
        ),
        pytest.param(
            "TargetTracking",
            {
                "TargetValue": 1.0,
                "CustomizedMetricSpecification": {"Metrics": [{"Id": "m"}]},
            },
            "either Expression or MetricStat",
            id="an empty query",
        ),
        pytest.param("Step", {"AdjustmentType": "ChangeInCapacity"}, "At least one", id="no steps"),
        pytest.param(
            "Step", {"StepAdjustments": [adjustment(0, None, 1)]}, "AdjustmentType", id="no type"
        ),
        pytest.param(
            "Step", STEPPING | {"MinAdjustmentMagnitude": 2}, "only supported", id="magnitude"
        ),
        pytest.param(
            "Step",
            {"AdjustmentType": "ExactCapacity", "StepAdjustments": [adjustment(0, None, -1)]},
            "negative",
            id="exactly less than nothing",
        ),
        pytest.param("Predictive", None, "PredictiveScaling is not supported", id="predictive"),
    ],
)
def test_policies_that_are_refused(cloud, scaling, kind, config, text) -> None:
    register(cloud)
    member = f"{kind}ScalingPolicyConfiguration"
    params = {} if config is None else {member: config}
    code, message = refused(
        scaling.put_scaling_policy,
        PolicyName="p",
        PolicyType=f"{kind}Scaling",
        **COPIES,
        **params,
    )
    assert (code, text in message) == ("ValidationException", True), message
    assert policies(scaling) == []
    assert alarms_named(cloud) == []


def test_a_policy_needs_a_target_a_type_and_its_own_configuration(
    cloud: LocalCloud, scaling: Any
) -> None:
    put = {"PolicyName": "p", **COPIES, "StepScalingPolicyConfiguration": STEPPING}
    code, message = refused(scaling.put_scaling_policy, **put, PolicyType="StepScaling")
    assert code == "ObjectNotFoundException"
    assert message.startswith("No scalable target registered for service namespace: sagemaker")
    register(cloud)
    code, message = refused(scaling.put_scaling_policy, **put)
    assert (code, "PolicyType is required" in message) == ("ValidationException", True)
    code, _ = refused(scaling.put_scaling_policy, **put, PolicyType="TargetTrackingScaling")
    assert code == "ValidationException"
    scaling.put_scaling_policy(**put, PolicyType="StepScaling")
    code, message = refused(
        scaling.put_scaling_policy,
        PolicyName="p",
        **COPIES,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    assert (code, "cannot be changed" in message) == ("ValidationException", True)


def test_one_policy_per_metric(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    track(cloud, "first")
    assert refused(track, cloud, "second", value=5) == (
        "ValidationException",
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )
    cloud.run_for(1)
    track(cloud, "second", metric=CONCURRENCY)
    assert len(policies(scaling)) == 2


def test_quotas(cloud: LocalCloud) -> None:
    autoscaling_of(cloud).settings = AutoScalingSettings(max_policies=1, max_steps=1)
    register(cloud)
    code, message = refused(step, cloud, (0, 5, 1), (5, None, 2))
    assert (code, "step adjustments" in message) == ("LimitExceededException", True)
    step(cloud, (0, None, 1))
    step(cloud, (0, None, 2))
    code, message = refused(step, cloud, (0, None, 1), name="other")
    assert (code, "scaling policies" in message) == ("LimitExceededException", True)


def test_alarms_that_cloudwatch_refuses_leave_nothing_behind(
    cloud: LocalCloud, scaling: Any
) -> None:
    """CloudWatch admits three PutMetricAlarm a second; a policy needs two."""
    register(cloud)
    track(cloud)
    code, message = refused(track, cloud, "second", metric=CONCURRENCY)
    assert (code, message) == ("FailedResourceAccessException", "Rate exceeded")
    cloud.run_for(5)
    assert [policy["PolicyName"] for policy in policies(scaling)] == ["track"]
    assert len(alarms_named(cloud, "TargetTracking-")) == 2
    bad = {"Metrics": [{"Id": "e", "Expression": "NO_SUCH(1)", "ReturnData": True}]}
    code, message = refused(track, cloud, "third", metric=bad)
    assert code == "FailedResourceAccessException", message
    assert len(alarms_named(cloud, "TargetTracking-")) == 2
