"""The documented wiring as a helper: put, repeated, many at once, taken off."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud.autoscaling import documented_wiring, remove_wiring
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import alarms_named
from tests.contract.sagemaker.steps import copies_of, make_component


def test_the_four_pieces(serving: LocalCloud, scaling: Any) -> None:
    wired = documented_wiring(serving, "inline", maximum=6)
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 6)
    found = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    step, tracking = found
    assert step["PolicyARN"] == wired.step_policy_arn
    assert [alarm["AlarmName"] for alarm in step["Alarms"]] == [wired.wake_alarm]
    assert step["StepScalingPolicyConfiguration"] == {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        "Cooldown": 60,
        "MetricAggregationType": "Maximum",
    }
    assert tracking["PolicyARN"] == wired.tracking_policy_arn
    assert tuple(alarm["AlarmName"] for alarm in tracking["Alarms"]) == wired.tracking_alarms
    assert copies_of(serving)[0] == 1


def test_putting_it_twice_leaves_one(serving: LocalCloud) -> None:
    first = documented_wiring(serving, "inline")
    second = documented_wiring(serving, "inline")
    assert first.step_policy_arn == second.step_policy_arn
    serving.run_for(10)
    assert len(alarms_named(serving)) == 3


def test_a_fleet_is_wired_within_cloudwatchs_calls_a_second(serving: LocalCloud) -> None:
    names = [f"model-{number:02}" for number in range(8)]
    for name in names:
        make_component(serving, name)
    start_s = serving.clock.now_s
    for name in names:
        documented_wiring(serving, name)
    assert len(alarms_named(serving)) == 24
    assert (24 - 3) / 3 <= serving.clock.now_s - start_s <= 120


def test_taking_it_off_leaves_the_copies(serving: LocalCloud, scaling: Any) -> None:
    documented_wiring(serving, "inline")
    remove_wiring(serving, "inline")
    serving.run_for(3600)
    assert alarms_named(serving) == []
    answer = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")
    assert answer["ScalableTargets"] == []
    assert copies_of(serving) == (1, 1)
    with pytest.raises(ClientError, match="No scalable target registered"):
        remove_wiring(serving, "inline")
