"""The life of an inference component through boto3, on the world's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import ServiceProfile
from tests.contract.sagemaker.steps import (
    ARN,
    ARTIFACT,
    IMAGE,
    component,
    copies_of,
    describe,
    gone,
    make_component,
    make_endpoint,
    refused,
    set_copies,
    specification,
    status_of,
    variant,
    wait_until,
)


def test_creating_then_in_service(endpoint: LocalCloud, sagemaker: Any) -> None:
    created = sagemaker.create_inference_component(**component(copies=2))
    assert created["InferenceComponentArn"] == f"{ARN}:inference-component/inline"
    assert status_of(endpoint) == "Creating"
    assert copies_of(endpoint) == (2, 0)
    assert "PlacementStatus" not in describe(endpoint)["RuntimeConfig"]
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    assert copies_of(endpoint) == (2, 2)
    assert describe(endpoint)["RuntimeConfig"]["PlacementStatus"] == [
        {"InstanceType": "ml.p4d.24xlarge", "CurrentCopyCount": 2}
    ]


def test_describe_shows_what_was_asked_for(serving: LocalCloud) -> None:
    shown = describe(serving)
    assert shown["EndpointName"] == "codegen"
    assert shown["EndpointArn"] == f"{ARN}:endpoint/codegen"
    assert shown["VariantName"] == "AllTraffic"
    assert "FailureReason" not in shown
    needs = shown["Specification"]["ComputeResourceRequirements"]
    assert needs == specification()["ComputeResourceRequirements"]
    container = shown["Specification"]["Container"]
    assert container["ArtifactUrl"] == ARTIFACT
    assert container["Environment"] == {"OPTION_MODEL_ID": "/opt/ml/model"}
    deployed = container["DeployedImage"]
    assert deployed["SpecifiedImage"] == IMAGE
    assert deployed["ResolvedImage"].startswith(IMAGE.rpartition(":")[0] + "@sha256:")
    assert deployed["ResolutionTime"] == shown["CreationTime"]
    assert shown["LastModifiedTime"] >= shown["CreationTime"]


def test_times_are_virtual(serving: LocalCloud) -> None:
    created = describe(serving)["CreationTime"]
    start = datetime.fromtimestamp(serving.clock.now_s, tz=UTC)
    assert 0 < (start - created).total_seconds() < 3600


def test_desired_is_ahead_of_current(serving: LocalCloud) -> None:
    set_copies(serving, 3)
    assert copies_of(serving) == (3, 1)
    assert status_of(serving) == "Updating"
    wait_until(serving, lambda: status_of(serving) == "InService")
    assert copies_of(serving) == (3, 3)
    set_copies(serving, 1)
    assert copies_of(serving)[0] == 1
    wait_until(serving, lambda: status_of(serving) == "InService")
    assert copies_of(serving) == (1, 1)


def test_a_second_write_while_updating_is_refused(serving: LocalCloud, sagemaker: Any) -> None:
    set_copies(serving, 3)
    code, message = refused(
        sagemaker.update_inference_component_runtime_config,
        InferenceComponentName="inline",
        DesiredRuntimeConfig={"CopyCount": 2},
    )
    assert code == "ValidationException"
    assert "UPDATE_RC_IN_PROGRESS" in message
    assert copies_of(serving)[0] == 3


def test_deletion_waits_for_changes_to_finish(endpoint: LocalCloud, sagemaker: Any) -> None:
    sagemaker.create_inference_component(**component())
    code, message = refused(sagemaker.delete_inference_component, InferenceComponentName="inline")
    assert (code, "CREATE_IN_PROGRESS" in message) == ("ValidationException", True)
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    set_copies(endpoint, 2)
    code, message = refused(sagemaker.delete_inference_component, InferenceComponentName="inline")
    assert (code, "UPDATE_RC_IN_PROGRESS" in message) == ("ValidationException", True)
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    sagemaker.delete_inference_component(InferenceComponentName="inline")
    assert status_of(endpoint) == "Deleting"
    wait_until(endpoint, lambda: gone(endpoint))
    assert sagemaker.list_inference_components()["InferenceComponents"] == []
    make_component(endpoint)


def test_to_zero_and_back(serving: LocalCloud) -> None:
    set_copies(serving, 0)
    wait_until(serving, lambda: status_of(serving) == "InService")
    assert copies_of(serving) == (0, 0)
    set_copies(serving, 1)
    wait_until(serving, lambda: copies_of(serving) == (1, 1))


def test_without_room_it_is_refused_at_once(endpoint: LocalCloud, sagemaker: Any) -> None:
    code, message = refused(sagemaker.create_inference_component, **component(copies=33))
    assert code == "ValidationException"
    assert (
        "There is not enough hardware resources on the instances for this endpoint to create a "
        "copy of the inference component." in message
    )
    wide = specification(
        ComputeResourceRequirements={
            "NumberOfAcceleratorDevicesRequired": 9.0,
            "MinMemoryRequiredInMb": 1024,
        }
    )
    _, message = refused(sagemaker.create_inference_component, **component(Specification=wide))
    assert "There is not enough hardware resources" in message


def test_a_model_that_never_becomes_healthy_fails(endpoint: LocalCloud, sagemaker: Any) -> None:
    endpoint.world.profiles.set("inline", ServiceProfile(fails_health_check=True))
    sagemaker.create_inference_component(**component())
    wait_until(endpoint, lambda: status_of(endpoint) == "Failed", limit_s=4 * 3600)
    assert describe(endpoint)["FailureReason"]
    code, _ = refused(
        sagemaker.update_inference_component_runtime_config,
        InferenceComponentName="inline",
        DesiredRuntimeConfig={"CopyCount": 2},
    )
    assert code == "ValidationException"
    sagemaker.delete_inference_component(InferenceComponentName="inline")
    wait_until(endpoint, lambda: gone(endpoint))


def test_components_of_a_model(endpoint: LocalCloud, sagemaker: Any) -> None:
    sagemaker.create_model(
        ModelName="m",
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://models/m.tar.gz"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    )
    make_component(endpoint, Specification=specification(ModelName="m", Container=None))
    assert describe(endpoint)["Specification"]["ModelName"] == "m"
    view = endpoint.world.component("inline")
    assert (view.spec.image, view.spec.artifact) == (IMAGE, "s3://models/m.tar.gz")


def test_everything_about_a_specification_is_kept(endpoint: LocalCloud) -> None:
    given = specification(
        StartupParameters={
            "ModelDataDownloadTimeoutInSeconds": 900,
            "ContainerStartupHealthCheckTimeoutInSeconds": 1200,
        },
        DataCacheConfig={"EnableCaching": False},
        SchedulingConfig={
            "PlacementStrategy": "BINPACK",
            "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 1},
        },
    )
    make_component(endpoint, Specification=given)
    shown = describe(endpoint)["Specification"]
    for member in ("StartupParameters", "DataCacheConfig", "SchedulingConfig"):
        assert shown[member] == given[member]
    spec = endpoint.world.component("inline").spec
    assert (spec.placement, spec.data_caching) == ("BINPACK", False)
    assert (spec.download_timeout_s, spec.startup_timeout_s) == (900, 1200)


def test_a_list_of_specifications_is_shown_as_a_list(endpoint: LocalCloud) -> None:
    both = [
        specification(InstanceType="ml.p5.48xlarge"),
        specification(InstanceType="ml.p4d.24xlarge"),
    ]
    make_component(endpoint, Specification=None, Specifications=both)
    shown = describe(endpoint)
    assert "Specification" not in shown
    types = [entry["InstanceType"] for entry in shown["Specifications"]]
    assert types == ["ml.p5.48xlarge", "ml.p4d.24xlarge"]


def test_adapters_live_on_their_base(serving: LocalCloud, sagemaker: Any) -> None:
    adapter = {
        "BaseInferenceComponentName": "inline",
        "Container": {"ArtifactUrl": "s3://lora/customer-a/"},
    }
    make_component(serving, "customer-a", Specification=adapter, RuntimeConfig=None)
    assert describe(serving, "customer-a")["Specification"] == adapter
    code, message = refused(sagemaker.delete_inference_component, InferenceComponentName="inline")
    assert code == "ValidationException"
    assert "customer-a" in message or "adapter" in message.lower()
    sagemaker.delete_inference_component(InferenceComponentName="customer-a")
    wait_until(serving, lambda: gone(serving, "customer-a"))
    sagemaker.delete_inference_component(InferenceComponentName="inline")
    wait_until(serving, lambda: gone(serving))


def test_the_only_variant_is_the_default(endpoint: LocalCloud) -> None:
    make_component(endpoint, VariantName=None)
    assert describe(endpoint)["VariantName"] == "AllTraffic"


def test_two_variants_must_be_told_apart(cloud: LocalCloud, sagemaker: Any) -> None:
    make_endpoint(cloud, variant(VariantName="a"), variant(VariantName="b"))
    code, message = refused(sagemaker.create_inference_component, **component(VariantName=None))
    assert (code, "VariantName is required" in message) == ("ValidationException", True)
    make_component(cloud, VariantName="b")
    assert describe(cloud)["VariantName"] == "b"


def test_an_endpoint_with_components_cannot_be_deleted(serving: LocalCloud, sagemaker: Any) -> None:
    assert refused(sagemaker.delete_endpoint, EndpointName="codegen") == (
        "ValidationException",
        "Cannot delete endpoint with inference component associated. Please delete inference "
        "component and try it again.",
    )


@pytest.mark.parametrize("copies", [0, 2])
def test_update_with_runtime_config_only(serving: LocalCloud, sagemaker: Any, copies: int) -> None:
    sagemaker.update_inference_component(
        InferenceComponentName="inline", RuntimeConfig={"CopyCount": copies}
    )
    wait_until(serving, lambda: status_of(serving) == "InService")
    assert copies_of(serving) == (copies, copies)


def test_an_update_of_nothing_is_refused(serving: LocalCloud, sagemaker: Any) -> None:
    code, message = refused(sagemaker.update_inference_component, InferenceComponentName="inline")
    assert (code, "Specify at least one of" in message) == ("ValidationException", True)
