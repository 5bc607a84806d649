"""Application Auto Scaling: who else owns a copy count."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from tests.contract.sagemaker.steps import refused

COPIES = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/inline",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}
INSTANCES = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/codegen/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture
def scaling(cloud: LocalCloud) -> Any:
    return cloud.client("application-autoscaling")


def targets(scaling: Any, **filters: Any) -> list[dict[str, Any]]:
    answer = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", **filters)
    return list(answer["ScalableTargets"])


def test_a_target_is_registered_changed_and_taken_off(cloud: LocalCloud, scaling: Any) -> None:
    arn = scaling.register_scalable_target(**COPIES, MinCapacity=0, MaxCapacity=4)
    (target,) = targets(scaling)
    assert target["ScalableTargetARN"] == arn["ScalableTargetARN"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)
    assert target["ResourceId"] == "inference-component/inline"
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    assert "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" in target["RoleARN"]
    assert target["CreationTime"].timestamp() == cloud.clock.now_s
    scaling.register_scalable_target(
        **COPIES, MaxCapacity=8, SuspendedState={"DynamicScalingInSuspended": True}
    )
    (target,) = targets(scaling)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 8)
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is True
    scaling.deregister_scalable_target(**COPIES)
    assert targets(scaling) == []
    assert refused(scaling.deregister_scalable_target, **COPIES) == (
        "ObjectNotFoundException",
        "No scalable target registered for service namespace: sagemaker, resource ID: "
        "inference-component/inline, scalable dimension: "
        "sagemaker:inference-component:DesiredCopyCount",
    )


def test_targets_are_found_by_id_and_dimension(scaling: Any) -> None:
    for index in range(60):
        name = COPIES | {"ResourceId": f"inference-component/model-{index:02}"}
        scaling.register_scalable_target(**name, MinCapacity=0, MaxCapacity=4)
    scaling.register_scalable_target(**INSTANCES, MinCapacity=1, MaxCapacity=4)
    pages = scaling.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker", ScalableDimension=COPIES["ScalableDimension"]
    )
    assert [len(page["ScalableTargets"]) for page in pages] == [50, 10]
    ids = ["inference-component/model-07", "inference-component/ghost"]
    assert [t["ResourceId"] for t in targets(scaling, ResourceIds=ids)] == ids[:1]
    answer = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")
    assert answer["ScalableTargets"] == []


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (COPIES, "MinCapacity and MaxCapacity are required"),
        (COPIES | {"MinCapacity": 5, "MaxCapacity": 4}, "cannot be less than minimum"),
        (
            COPIES | {"ResourceId": "endpoint/e/variant/v", "MinCapacity": 0, "MaxCapacity": 1},
            "Unsupported service namespace, resource type or scalable dimension",
        ),
        (
            COPIES | {"ServiceNamespace": "dynamodb", "MinCapacity": 0, "MaxCapacity": 1},
            "Unsupported service namespace",
        ),
        (
            COPIES | {"ScalableDimension": "sagemaker:x:y", "MinCapacity": 0, "MaxCapacity": 1},
            "Member must satisfy enum value set",
        ),
    ],
)
def test_registrations_that_are_refused(scaling: Any, params: dict[str, Any], text: str) -> None:
    code, message = refused(scaling.register_scalable_target, **params)
    assert (code, text in message) == ("ValidationException", True), message


def test_policies_are_refused_and_truthfully_absent(scaling: Any) -> None:
    scaling.register_scalable_target(**COPIES, MinCapacity=0, MaxCapacity=4)
    assert refused(
        scaling.put_scaling_policy,
        PolicyName="p",
        **COPIES,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 1.0},
    ) == ("ValidationException", "PutScalingPolicy is not supported by the local cloud.")
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
