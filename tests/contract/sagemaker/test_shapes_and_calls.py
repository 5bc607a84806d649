"""Every answer has the members botocore models and no others; calls are counted and limited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud.apikit.gate import CallGate, RateLimit
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.sagemaker import SageMakerService
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.wire import codec
from tests.contract.sagemaker.steps import (
    ARN,
    component,
    config,
    refused,
    rolling,
    specification,
    status_of,
    wait_until,
)


class Recorder:
    """Stands in front of the service and keeps what it answers, before it is serialised."""

    def __init__(self, service: SageMakerService) -> None:
        self.service = service
        self.answers: dict[str, list[Any]] = {}

    def call(self, operation: str, params: Any) -> Any:
        answer = self.service.call(operation, params)
        self.answers.setdefault(operation, []).append(answer)
        return answer


def strays(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Members that the model does not have, required ones that are missing, wrong types."""
    kind = shape.type_name
    if kind == "structure":
        yield from (f"{path}.{name} is not modelled" for name in value if name not in shape.members)
        yield from (
            f"{path}.{name} is missing"
            for name in shape.required_members
            if value.get(name) is None
        )
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from strays(value[name], member, f"{path}.{name}")
    elif kind == "list":
        for item in value:
            yield from strays(item, shape.member, f"{path}[]")
    elif kind == "map":
        for item in value.values():
            yield from strays(item, shape.value, f"{path}{{}}")
    else:
        expected = {
            "string": str,
            "boolean": bool,
            "integer": int,
            "long": int,
            "float": int | float,
            "double": int | float,
            "timestamp": int | float,
            "blob": bytes,
        }[kind]
        if not isinstance(value, expected):
            yield f"{path} is {value!r}, not {kind}"
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield f"{path} is {value!r}, not one of {enum}"


@pytest.fixture
def recorder(cloud: LocalCloud) -> Recorder:
    service = cloud.service("sagemaker")
    assert isinstance(service, SageMakerService)
    recorder = Recorder(service)
    cloud.gateway.own("sagemaker", recorder)
    return recorder


def test_every_answer_fits_the_model(cloud: LocalCloud, sagemaker: Any, recorder: Recorder) -> None:
    tag = [{"Key": "team", "Value": "codegen"}]
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"}, Tags=tag)
    sagemaker.create_endpoint_config(**config("c"), Tags=tag)
    sagemaker.create_endpoint(EndpointName="codegen", EndpointConfigName="c", Tags=tag)
    sagemaker.describe_endpoint(EndpointName="codegen")
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    sagemaker.create_inference_component(**component(copies=2), Tags=tag)
    wait_until(cloud, lambda: status_of(cloud) == "InService")
    name = {"InferenceComponentName": "inline"}
    new = specification(DataCacheConfig={"EnableCaching": False})
    sagemaker.update_inference_component(
        **name, Specification=new, DeploymentConfig=rolling(wait_s=0)
    )
    wait_until(cloud, lambda: status_of(cloud) == "InService")
    sagemaker.update_inference_component_runtime_config(
        **name, DesiredRuntimeConfig={"CopyCount": 3}
    )
    wait_until(cloud, lambda: status_of(cloud) == "InService")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="codegen",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredWeight": 2.0}],
    )
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    sagemaker.create_endpoint_config(**config("d"))
    sagemaker.update_endpoint(EndpointName="codegen", EndpointConfigName="d")
    sagemaker.describe_endpoint(EndpointName="codegen")
    arn = f"{ARN}:endpoint/codegen"
    sagemaker.add_tags(ResourceArn=arn, Tags=tag)
    sagemaker.list_tags(ResourceArn=arn)
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    for kind in ("models", "endpoint_configs", "endpoints", "inference_components"):
        getattr(sagemaker, f"list_{kind}")()
    sagemaker.describe_model(ModelName="m")
    sagemaker.describe_endpoint_config(EndpointConfigName="c")
    sagemaker.delete_inference_component(**name)
    sagemaker.describe_inference_component(**name)
    cloud.run_for(3600)
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    sagemaker.delete_endpoint(EndpointName="codegen")
    sagemaker.delete_endpoint_config(EndpointConfigName="c")
    sagemaker.delete_model(ModelName="m")
    assert recorder.answers.keys() == recorder.service.operations, "every operation was called"
    model = codec("sagemaker").model
    problems = []
    for operation, answers in recorder.answers.items():
        shape = model.operation_model(operation).output_shape
        for answer in answers:
            if shape is None or not shape.members:
                assert not answer
            else:
                problems += strays(answer or {}, shape, operation)
    assert sorted(set(problems)) == []


def test_calls_are_counted_also_refused_ones(cloud: LocalCloud, sagemaker: Any) -> None:
    sagemaker.list_endpoints()
    refused(sagemaker.describe_endpoint, EndpointName="ghost")
    service = cloud.service("sagemaker")
    assert isinstance(service, SageMakerService)
    assert service.gate.calls == {"ListEndpoints": 1, "DescribeEndpoint": 1}


def test_throttling_by_a_fault_switch(cloud: LocalCloud, sagemaker: Any) -> None:
    switch = cloud.faults.throttle("sagemaker", "ListEndpoints", times=100)
    assert refused(sagemaker.list_endpoints) == ("ThrottlingException", "Rate exceeded")
    switch.off()
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_rate_limits_refill_with_virtual_time(cloud: LocalCloud) -> None:
    service = cloud.service("sagemaker")
    assert isinstance(service, SageMakerService)
    lift = service.gate.limit({"ListEndpoints": RateLimit(per_s=0.5, burst=2)})
    outcomes = []
    for _ in range(4):
        try:
            service.call("ListEndpoints", {})
            outcomes.append("answered")
        except ServiceError as refusal:
            outcomes.append(f"{refusal.code}: {refusal.message}")
    throttled = "ThrottlingException: Rate exceeded"
    assert outcomes == ["answered", "answered", throttled, throttled]
    assert service.gate.throttled == {"ListEndpoints": 2}
    cloud.run_for(2)
    service.call("ListEndpoints", {})
    with pytest.raises(ServiceError):
        service.call("ListEndpoints", {})
    lift()
    service.call("ListEndpoints", {})


def test_one_bucket_for_what_is_not_named() -> None:
    gate = CallGate()
    gate.limit({"*": RateLimit(per_s=1, burst=1), "Describe": RateLimit(per_s=1, burst=2)})
    for operation in ("Describe", "Describe", "List"):
        gate.admit(operation, 0.0)
    for operation in ("Describe", "List", "Delete"):
        with pytest.raises(ServiceError):
            gate.admit(operation, 0.0)
    gate.admit("Delete", 1.0)
    assert gate.calls == {"Describe": 3, "List": 2, "Delete": 2}
