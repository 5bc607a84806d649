"""Requests are checked against botocore's model, in AWS's words, and by the documented rules."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from tests.contract.sagemaker.steps import (
    ARN,
    component,
    config,
    refused,
    rolling,
    specification,
    variant,
)


def one(text: str) -> str:
    return f"1 validation error detected: {text}"


@pytest.mark.parametrize(
    ("operation", "params", "message"),
    [
        pytest.param(
            "create_endpoint",
            {"EndpointName": "a_b", "EndpointConfigName": "c"},
            one(
                "Value 'a_b' at 'endpointName' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
            ),
            id="pattern",
        ),
        pytest.param(
            "delete_inference_component",
            {"InferenceComponentName": "x" * 64},
            one(
                f"Value '{'x' * 64}' at 'inferenceComponentName' failed to satisfy constraint: "
                "Member must have length less than or equal to 63"
            ),
            id="length",
        ),
        pytest.param(
            "list_inference_components",
            {"MaxResults": 101},
            one(
                "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value "
                "less than or equal to 100"
            ),
            id="value too large",
        ),
        pytest.param(
            "list_inference_components",
            {"StatusEquals": "RollingBack"},
            one(
                "Value 'RollingBack' at 'statusEquals' failed to satisfy constraint: Member must "
                "satisfy enum value set: [InService, Creating, Updating, Failed, Deleting]"
            ),
            id="enumeration",
        ),
        pytest.param(
            "update_inference_component",
            {
                "InferenceComponentName": "inline",
                "DeploymentConfig": rolling(
                    wait_s=3601, RollingUpdatePolicy={"MaximumExecutionTimeoutInSeconds": 28_801}
                ),
            },
            "ANY ORDER",
            id="several at once",
        ),
        pytest.param(
            "create_model",
            {
                "ModelName": "m",
                "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r",
                "PrimaryContainer": {"Image": "i", "Environment": {"1bad": "v"}},
            },
            one(
                "Value '{1bad=v}' at 'primaryContainer.environment' failed to satisfy constraint: "
                "Map keys must satisfy constraint: [Member must satisfy regular expression "
                "pattern: [a-zA-Z_][a-zA-Z0-9_]*]"
            ),
            id="map keys",
        ),
        pytest.param(
            "add_tags",
            {"ResourceArn": f"{ARN}:endpoint/e", "Tags": [{"Key": "a#", "Value": "b"}]},
            one(
                "Value 'a#' at 'tags.1.member.key' failed to satisfy constraint: Member must "
                r"satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
            ),
            id="list member and Unicode classes",
        ),
    ],
)
def test_the_model_is_enforced(
    sagemaker: Any, operation: str, params: dict[str, Any], message: str
) -> None:
    code, got = refused(getattr(sagemaker, operation), **params)
    assert code == "ValidationException"
    if message != "ANY ORDER":
        assert got == message
        return
    assert got.startswith("2 validation errors detected: ")
    for place in (
        "Value '3601' at 'deploymentConfig.rollingUpdatePolicy.waitIntervalInSeconds'",
        "Value '28801' at 'deploymentConfig.rollingUpdatePolicy.maximumExecutionTimeoutInSeconds'",
    ):
        assert place in got


MODEL_VARIANT = variant(ModelName="m", ManagedInstanceScaling=None)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        pytest.param(
            {k: v for k, v in config().items() if k != "ExecutionRoleArn"},
            "ExecutionRoleArn is required",
            id="no role",
        ),
        pytest.param(
            config("c", variant(ModelName="m")),
            "ManagedInstanceScaling cannot be specified for variant AllTraffic",
            id="managed scaling with a model",
        ),
        pytest.param(
            config("c", variant(ModelName="absent", ManagedInstanceScaling=None)),
            f'Could not find model "{ARN}:model/absent".',
            id="no such model",
        ),
        pytest.param(
            config("c", variant(InitialInstanceCount=None)),
            "must specify InitialInstanceCount",
            id="no initial count",
        ),
        pytest.param(
            config("c", variant(InitialInstanceCount=5)),
            "InitialInstanceCount (5) must be between",
            id="initial over maximum",
        ),
        pytest.param(
            config(
                "c",
                variant(
                    ManagedInstanceScaling={
                        "Status": "ENABLED",
                        "MinInstanceCount": 3,
                        "MaxInstanceCount": 2,
                    }
                ),
            ),
            "MinInstanceCount (3) must not be greater than MaxInstanceCount (2).",
            id="minimum over maximum",
        ),
        pytest.param(config("c", variant(), variant()), "must be unique", id="variant name twice"),
        pytest.param(
            config("c", variant(InstanceType=None)),
            "either InstanceType or InstancePools",
            id="no instance type",
        ),
        pytest.param(
            config("c", MetricsConfig={"MetricPublishFrequencyInSeconds": 45}),
            "must be one of 10, 30, 60, 120, 180, 240, 300",
            id="metric frequency",
        ),
        pytest.param(
            config(
                "c",
                variant(
                    ManagedInstanceScaling=None,
                    ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1},
                ),
            ),
            "ServerlessConfig (variant AllTraffic) is not supported by the local cloud.",
            id="serverless",
        ),
    ],
)
def test_endpoint_configs_that_are_refused(
    sagemaker: Any, request_: dict[str, Any], text: str
) -> None:
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "image"})
    code, message = refused(sagemaker.create_endpoint_config, **request_)
    assert code == "ValidationException"
    assert text in message
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


def test_zero_instances_are_refused_in_one_region() -> None:
    with LocalCloud(region="eu-west-3") as cloud:
        assert refused(cloud.client("sagemaker").create_endpoint_config, **config()) == (
            "ValidationException",
            "Min instance count needs to be greater than 0 for enabled managed instance scaling",
        )


NEEDS = specification()["ComputeResourceRequirements"]
ADAPTER = {"BaseInferenceComponentName": "inline", "Container": {"ArtifactUrl": "s3://lora/a/"}}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param(
            {"RuntimeConfig": {"CopyCount": 0}},
            "copy count must be an integer larger than 0",
            id="no copies at create",
        ),
        pytest.param(
            {"Specifications": [specification()]}, "and not both", id="both kinds of specification"
        ),
        pytest.param({"Specification": None}, "and not both", id="no specification"),
        pytest.param(
            {"Specification": specification(ComputeResourceRequirements=None)},
            "ComputeResourceRequirements is required",
            id="no requirements",
        ),
        pytest.param(
            {"Specification": specification(Container=None)},
            "either ModelName or Container.Image",
            id="no container",
        ),
        pytest.param(
            {"Specification": specification(ModelName="absent", Container=None)},
            "Could not find model",
            id="no such model",
        ),
        pytest.param(
            {
                "Specification": specification(
                    ComputeResourceRequirements=NEEDS | {"NumberOfAcceleratorDevicesRequired": 1.5}
                )
            },
            "whole number of devices",
            id="part of a GPU",
        ),
        pytest.param(
            {
                "Specification": specification(
                    ComputeResourceRequirements=NEEDS | {"MaxMemoryRequiredInMb": 1024}
                )
            },
            "MaxMemoryRequiredInMb must not be less",
            id="memory maximum under minimum",
        ),
        pytest.param(
            {
                "Specification": specification(
                    ComputeResourceRequirements=NEEDS | {"AcceleratorPartitionType": "mig-1g.5gb"}
                )
            },
            "AcceleratorPartitionType is not supported by the local cloud",
            id="MIG",
        ),
        pytest.param(
            {
                "Specification": None,
                "Specifications": [specification(), specification(InstanceType="ml.p5.48xlarge")],
            },
            "InstanceType is required in every entry",
            id="a list without types",
        ),
        pytest.param(
            {
                "Specification": None,
                "Specifications": [specification(InstanceType="ml.p5.48xlarge")],
            },
            "No specification is for instance type ml.p4d.24xlarge",
            id="a list without the variant's type",
        ),
        pytest.param({"VariantName": "other"}, "Could not find variant other", id="no variant"),
        pytest.param(
            {"EndpointName": "absent"},
            f'Could not find endpoint "{ARN}:endpoint/absent".',
            id="no endpoint",
        ),
        pytest.param(
            {"Specification": ADAPTER | {"ComputeResourceRequirements": NEEDS}},
            "an adapter uses the resources of its base",
            id="adapter with requirements",
        ),
        pytest.param(
            {"Specification": {"BaseInferenceComponentName": "inline"}},
            "must specify Container.ArtifactUrl",
            id="adapter without artifact",
        ),
        pytest.param(
            {"Specification": ADAPTER | {"BaseInferenceComponentName": "absent"}},
            f'Could not find inference component "{ARN}:inference-component/absent".',
            id="adapter without base",
        ),
        pytest.param(
            {"InferenceComponentName": "inline"},
            "Cannot create already existing inference component "
            f'"{ARN}:inference-component/inline".',
            id="name taken",
        ),
    ],
)
def test_components_that_are_refused(
    serving: LocalCloud, sagemaker: Any, changes: dict[str, Any], text: str
) -> None:
    code, message = refused(sagemaker.create_inference_component, **component("new", **changes))
    assert code == "ValidationException"
    assert text in message
    names = [c["InferenceComponentName"] for c in _components(sagemaker)]
    assert names == ["inline"]


def _components(sagemaker: Any) -> list[dict[str, Any]]:
    return sagemaker.list_inference_components()["InferenceComponents"]


def test_what_is_not_there_is_refused_by_name(sagemaker: Any) -> None:
    assert refused(sagemaker.list_training_jobs) == (
        "UnknownOperationException",
        "SageMaker's ListTrainingJobs is not supported by the local cloud.",
    )


@pytest.mark.parametrize(
    ("operation", "member", "kind", "resource"),
    [
        ("describe_model", "ModelName", "model", "model"),
        ("delete_model", "ModelName", "model", "model"),
        (
            "describe_endpoint_config",
            "EndpointConfigName",
            "endpoint configuration",
            "endpoint-config",
        ),
        (
            "delete_endpoint_config",
            "EndpointConfigName",
            "endpoint configuration",
            "endpoint-config",
        ),
        ("describe_endpoint", "EndpointName", "endpoint", "endpoint"),
        ("delete_endpoint", "EndpointName", "endpoint", "endpoint"),
        (
            "describe_inference_component",
            "InferenceComponentName",
            "inference component",
            "inference-component",
        ),
        (
            "delete_inference_component",
            "InferenceComponentName",
            "inference component",
            "inference-component",
        ),
    ],
)
def test_absent_things(
    sagemaker: Any, operation: str, member: str, kind: str, resource: str
) -> None:
    assert refused(getattr(sagemaker, operation), **{member: "ghost"}) == (
        "ValidationException",
        f'Could not find {kind} "{ARN}:{resource}/ghost".',
    )
