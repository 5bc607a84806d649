"""Words the SageMaker contract tests are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud.cloud import LocalCloud

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.33.0-lmi15"
ARTIFACT = "s3://models/inline/v1/"
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


def variant(**changes: Any) -> dict[str, Any]:
    """A variant for components: p4d, 1 instance at first, 0 to 4 by managed scaling."""
    given = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.p4d.24xlarge",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": 0,
            "MaxInstanceCount": 4,
        },
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def config(name: str = "config", *variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A CreateEndpointConfig request."""
    return {
        "EndpointConfigName": name,
        "ExecutionRoleArn": ROLE,
        "ProductionVariants": list(variants) or [variant()],
    } | more


def specification(**changes: Any) -> dict[str, Any]:
    """A one-GPU specification; None takes a member out."""
    given: dict[str, Any] = {
        "Container": {
            "Image": IMAGE,
            "ArtifactUrl": ARTIFACT,
            "Environment": {"OPTION_MODEL_ID": "/opt/ml/model"},
        },
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": 1.0,
            "NumberOfCpuCoresRequired": 2.0,
            "MinMemoryRequiredInMb": 16_384,
        },
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def component(name: str = "inline", copies: int = 1, **changes: Any) -> dict[str, Any]:
    """A CreateInferenceComponent request; None takes a member out."""
    given: dict[str, Any] = {
        "InferenceComponentName": name,
        "EndpointName": "codegen",
        "VariantName": "AllTraffic",
        "Specification": specification(),
        "RuntimeConfig": {"CopyCount": copies},
    } | changes
    return {key: value for key, value in given.items() if value is not None}


def rolling(batch: int = 1, wait_s: int = 60, **changes: Any) -> dict[str, Any]:
    """A DeploymentConfig that replaces `batch` copies at a time and bakes `wait_s` seconds."""
    policy = {
        "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": batch},
        "WaitIntervalInSeconds": wait_s,
    }
    return {"RollingUpdatePolicy": policy | changes.pop("RollingUpdatePolicy", {})} | changes


def make_endpoint(cloud: LocalCloud, *variants: dict[str, Any], name: str = "codegen") -> None:
    """An endpoint in service."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_endpoint_config(**config(f"{name}-config", *variants))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
    wait_until(cloud, lambda: status_of(cloud, endpoint=name) == "InService")


def make_component(cloud: LocalCloud, name: str = "inline", copies: int = 1, **more: Any) -> None:
    """A component in service."""
    cloud.client("sagemaker").create_inference_component(**component(name, copies, **more))
    wait_until(cloud, lambda: status_of(cloud, name) == "InService")


def describe(cloud: LocalCloud, name: str = "inline") -> dict[str, Any]:
    """DescribeInferenceComponent."""
    return cloud.client("sagemaker").describe_inference_component(InferenceComponentName=name)


def status_of(cloud: LocalCloud, name: str = "inline", *, endpoint: str | None = None) -> str:
    """The API's status of a component, or of an endpoint."""
    if endpoint is not None:
        answer = cloud.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        return str(answer["EndpointStatus"])
    return str(describe(cloud, name)["InferenceComponentStatus"])


def copies_of(cloud: LocalCloud, name: str = "inline") -> tuple[int, int]:
    """(desired, current) copies of a component."""
    runtime = describe(cloud, name)["RuntimeConfig"]
    return runtime["DesiredCopyCount"], runtime["CurrentCopyCount"]


def set_copies(cloud: LocalCloud, copies: int, name: str = "inline") -> None:
    """UpdateInferenceComponentRuntimeConfig."""
    cloud.client("sagemaker").update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": copies}
    )


def wait_until(
    cloud: LocalCloud, reached: Callable[[], bool], *, step_s: float = 15, limit_s: float = 7200
) -> None:
    """Let virtual time pass until `reached()`; fails after `limit_s`."""
    until_s = cloud.clock.now_s + limit_s
    while not reached():
        if cloud.clock.now_s >= until_s:
            pytest.fail(f"not reached within {limit_s} s of virtual time")
        cloud.run_for(step_s)


def gone(cloud: LocalCloud, name: str = "inline") -> bool:
    """Whether Describe no longer finds the component."""
    try:
        describe(cloud, name)
    except ClientError as error:
        return "Could not find inference component" in error.response["Error"]["Message"]
    return False


def refused(call: Callable[..., Any], /, *args: Any, **params: Any) -> tuple[str, str]:
    """(code, message) of a call that must be refused with HTTP 400, 424 or 429."""
    with pytest.raises(ClientError) as caught:
        call(*args, **params)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] in (400, 424, 429)
    return answer["Error"]["Code"], answer["Error"]["Message"]
