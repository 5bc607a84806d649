"""Scalable targets: registered, changed, found, tagged, taken off; bounds take effect."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.autoscaling import AutoScalingSettings, autoscaling_of
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import (
    COPIES,
    INSTANCES,
    activities,
    alarms_named,
    register,
    step,
    track,
)
from tests.contract.sagemaker.steps import copies_of, refused, set_copies, wait_until


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


def test_resources_that_do_not_exist_are_refused_on_demand(cloud: LocalCloud, scaling: Any) -> None:
    scaling.register_scalable_target(**COPIES, MinCapacity=0, MaxCapacity=4)
    autoscaling_of(cloud).settings = AutoScalingSettings(check_resource=True)
    code, _ = refused(scaling.register_scalable_target, **COPIES, MinCapacity=0, MaxCapacity=4)
    assert code == "ValidationException"


# -- bounds


def test_registering_brings_the_capacity_within_the_bounds(serving: LocalCloud) -> None:
    register(serving, MinCapacity=3, MaxCapacity=5)
    (activity,) = activities(serving)
    assert copies_of(serving)[0] == 3
    assert activity["Cause"] == "minimum capacity was set to 3"
    assert activity["Description"] == "Setting desired copy count to 3."
    assert activity["StatusCode"] == "InProgress"
    assert activity["StatusMessage"] == (
        "Successfully set desired copy count to 3. Waiting for change to be fulfilled by sagemaker."
    )
    wait_until(serving, lambda: activities(serving)[0]["StatusCode"] == "Successful")
    (activity,) = activities(serving)
    assert activity["StatusMessage"] == (
        "Successfully set desired copy count to 3. Change successfully fulfilled by sagemaker."
    )
    assert activity["EndTime"] > activity["StartTime"]
    register(serving, MinCapacity=0, MaxCapacity=2)
    assert copies_of(serving)[0] == 2
    assert activities(serving)[0]["Cause"] == "maximum capacity was set to 2"


def test_a_capacity_within_its_bounds_is_left_alone(serving: LocalCloud) -> None:
    register(serving, MinCapacity=0, MaxCapacity=5)
    assert (copies_of(serving)[0], activities(serving)) == (1, [])


def test_bounds_are_enforced_when_they_change_and_not_later(serving: LocalCloud) -> None:
    register(serving, MinCapacity=1, MaxCapacity=5)
    set_copies(serving, 0)
    serving.run_for(1800)
    assert copies_of(serving)[0] == 0
    register(serving, MinCapacity=1, MaxCapacity=5)
    assert copies_of(serving)[0] == 1


def test_bounds_are_tried_again_while_the_component_is_busy(serving: LocalCloud) -> None:
    set_copies(serving, 2)
    register(serving, MinCapacity=3, MaxCapacity=5)
    (activity,) = activities(serving)
    assert activity["StatusCode"] == "Failed"
    assert activity["StatusMessage"].startswith("Failed to set desired copy count to 3. Reason: ")
    assert "UPDATE_RC_IN_PROGRESS" in activity["StatusMessage"]
    assert (
        "(Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationException; "
        in (activity["StatusMessage"])
    )
    wait_until(serving, lambda: copies_of(serving)[0] == 3)


def test_old_bounds_are_forgotten_when_new_ones_come(serving: LocalCloud) -> None:
    set_copies(serving, 2)
    register(serving, MinCapacity=3, MaxCapacity=5)
    register(serving, MinCapacity=0, MaxCapacity=5)
    serving.run_for(1800)
    assert copies_of(serving)[0] == 2
    assert [activity["StatusCode"] for activity in activities(serving)] == ["Failed"]


def test_only_the_newest_bounds_are_tried_again(serving: LocalCloud) -> None:
    set_copies(serving, 2)
    serving.world.faults.stuck_updating.add("inline")
    for maximum in (5, 6, 7):
        register(serving, MinCapacity=3, MaxCapacity=maximum)
    serving.run_for(130)
    assert len(activities(serving)) == 3 + 2


# -- tags and the end


def test_tags(scaling: Any) -> None:
    arn = scaling.register_scalable_target(
        **COPIES, MinCapacity=0, MaxCapacity=4, Tags={"team": "codegen"}
    )["ScalableTargetARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"team": "search", "stage": "prod"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["stage", "absent"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "search"}
    many = {f"key-{number}": "" for number in range(50)}
    code, _ = refused(scaling.tag_resource, ResourceARN=arn, Tags=many)
    assert code == "TooManyTagsException"
    code, _ = refused(scaling.tag_resource, ResourceARN=arn, Tags={"AWS:owner": "x"})
    assert code == "ValidationException"
    scaling.deregister_scalable_target(**COPIES)
    code, _ = refused(scaling.list_tags_for_resource, ResourceARN=arn)
    assert code == "ResourceNotFoundException"


def test_deregistering_deletes_policies_their_alarms_and_scheduled_actions(
    serving: LocalCloud, scaling: Any
) -> None:
    register(serving)
    track(serving)
    step(serving, (0, None, 1))
    scaling.put_scheduled_action(
        **COPIES,
        ScheduledActionName="later",
        Schedule="rate(10 minutes)",
        ScalableTargetAction={"MinCapacity": 4},
    )
    assert len(alarms_named(serving, "TargetTracking-")) == 2
    scaling.deregister_scalable_target(**COPIES)
    assert alarms_named(serving, "TargetTracking-") == []
    serving.run_for(1800)
    assert copies_of(serving)[0] == 1
    register(serving)
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    found = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")
    assert found["ScheduledActions"] == []
