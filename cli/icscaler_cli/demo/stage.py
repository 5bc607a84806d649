"""Setting the stage: endpoints and components as a team would create them, then the controller.

Everything goes through boto3, so what is played is what AWS would accept: a component starts with
one copy because CreateInferenceComponent refuses zero; the controller takes it away when unused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.bootstrap import state_store
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.trouble import DemoError
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.pricing import packed_instances

STACK = "icscaler"
POLL_S = 60
SETUP_LIMIT_S = 7200
DEFAULT_MAX_INSTANCES = 4
_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llm-serving:1"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed controller with its published fleet, and the endpoints it looks after."""

    store: DynamoStateStore
    ready_s: float


def set_stage(cloud: LocalCloud, scenario: Scenario, template: Path, tell: Tell) -> Stage:
    """Create, wait until everything is in service, deploy, publish."""
    sagemaker = cloud.client("sagemaker")
    tell("creating endpoints")
    for endpoint in scenario.fleet.endpoints.values():
        _create_endpoint(sagemaker, endpoint, scenario)
    _wait(cloud, tell, "endpoints", lambda: _endpoints_waiting(sagemaker, scenario))
    tell("creating inference components")
    for endpoint in scenario.fleet.endpoints.values():
        for model in endpoint.models.values():
            _create_component(sagemaker, endpoint, model)
    _wait(cloud, tell, "inference components", lambda: _components_waiting(sagemaker, scenario))
    tell(f"deploying {template.name}")
    stack = cloud.deploy(template, parameters={"Mode": "act"}, name=STACK)
    store = state_store(stack.outputs["StateTableName"])
    store.publish(scenario.fleet.endpoints, scenario.fleet.version, None)
    return Stage(store, cloud.clock.now_s)


def max_instances(endpoint: EndpointConfig, variant: str) -> int:
    """The fleet file's limit, or what the demo gives an endpoint without one."""
    return endpoint.variants[variant].max_instances or DEFAULT_MAX_INSTANCES


def _create_endpoint(sagemaker: Any, endpoint: EndpointConfig, scenario: Scenario) -> None:
    variants = []
    for name, variant in endpoint.variants.items():
        models = [model.name for model in endpoint.models.values() if model.variant == name]
        first = _first_instances(models, scenario, variant.instance_type, variant.gpus)
        most = max_instances(endpoint, name)
        variants.append(
            {
                "VariantName": name,
                "InstanceType": variant.instance_type,
                "InitialInstanceCount": max(1, min(first, most)),
                "ManagedInstanceScaling": {
                    "Status": "ENABLED",
                    "MinInstanceCount": 0,
                    "MaxInstanceCount": most,
                    # Instances come and go with copies: the shortest cooldown AWS allows.
                    "ScaleInPolicy": {
                        "Strategy": "IDLE_RELEASE",
                        "MaximumStepSize": most,
                        "CooldownInMinutes": 5,
                    },
                },
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            }
        )
    sagemaker.create_endpoint_config(
        EndpointConfigName=endpoint.name,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/model-execution",
        ProductionVariants=variants,
    )
    sagemaker.create_endpoint(EndpointName=endpoint.name, EndpointConfigName=endpoint.name)


def _first_instances(models: list[str], scenario: Scenario, type_name: str, gpus: int) -> int:
    """Room for the first copy of each model."""
    from icscaler_sim.pricing import InstanceType

    kind = InstanceType(type_name, gpus, "", 0.0, 0.0)
    return packed_instances(dict.fromkeys(models, 1), scenario.shapes, kind)


def _create_component(sagemaker: Any, endpoint: EndpointConfig, model: ModelConfig) -> None:
    requirements: dict[str, float] = {
        "NumberOfAcceleratorDevicesRequired": model.resources.gpus,
        "MinMemoryRequiredInMb": model.resources.memory_mb,
    }
    if model.resources.cpus:
        requirements["NumberOfCpuCoresRequired"] = model.resources.cpus
    sagemaker.create_inference_component(
        InferenceComponentName=model.name,
        EndpointName=endpoint.name,
        VariantName=model.variant,
        Specification={
            "Container": {"Image": _IMAGE, "ArtifactUrl": f"s3://models/{model.name}/"},
            "ComputeResourceRequirements": requirements,
            # Copies close together leave whole instances empty, and empty instances are released.
            "SchedulingConfig": {"PlacementStrategy": "BINPACK"},
        },
        RuntimeConfig={"CopyCount": max(1, model.min_copies)},
    )


def _wait(cloud: LocalCloud, tell: Tell, what: str, waiting: Callable[[], list[str]]) -> None:
    began_s = cloud.clock.now_s
    while names := waiting():
        if cloud.clock.now_s - began_s > SETUP_LIMIT_S:
            raise DemoError(
                f"not in service after {SETUP_LIMIT_S // 60} min: {', '.join(names[:5])}",
                "the first copy of every model must fit the endpoint: raise max_instances",
            )
        tell(f"waiting for {len(names)} {what}")
        cloud.run_for(POLL_S)


def _endpoints_waiting(sagemaker: Any, scenario: Scenario) -> list[str]:
    return [
        name
        for name in scenario.fleet.endpoints
        if sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService"
    ]


def _components_waiting(sagemaker: Any, scenario: Scenario) -> list[str]:
    waiting = []
    for endpoint in scenario.fleet.endpoints:
        for row in _components(sagemaker, endpoint):
            name, status = row["InferenceComponentName"], row["InferenceComponentStatus"]
            if status == "Failed":
                reason = sagemaker.describe_inference_component(InferenceComponentName=name)
                raise DemoError(
                    f"{name} could not start: {reason.get('FailureReason', 'no reason given')}",
                    "the first copy of every model must fit the endpoint: raise max_instances",
                )
            if status != "InService":
                waiting.append(name)
    return waiting


def _components(sagemaker: Any, endpoint: str) -> Iterator[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_inference_components").paginate(
        EndpointNameEquals=endpoint, MaxResults=100
    )
    for page in pages:
        yield from page["InferenceComponents"]
