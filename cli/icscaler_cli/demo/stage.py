"""Setting the stage: endpoints and components as a team would create them, then the controller.

Everything goes through boto3, so what is played is what AWS would accept: a component starts with
one copy or more because CreateInferenceComponent refuses zero; unused ones the controller unloads.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.bootstrap import state_store
from icscaler.entities import EndpointConfig, ModelConfig, VariantConfig
from icscaler.variants import single
from icscaler_cli.demo.room import first_instances, max_instances
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.trouble import DemoError
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.simulate.stage import scale_in_of

STACK = "icscaler"
# Every look is replayed at the end; one Describe at a time gives the same run for the same seed.
PARAMETERS = {"Mode": "act", "KeepSnapshots": "all", "DescribeConcurrency": "1"}
POLL_S = 60
SETUP_LIMIT_S = 7200
DEPLOY_AHEAD_S = 90
_ROLE = "arn:aws:iam::123456789012:role/model-execution"
_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/llm-serving:1"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """A deployed controller with its published fleet, and the endpoints it looks after."""

    store: DynamoStateStore
    deployed_s: int


def set_stage(
    cloud: LocalCloud,
    scenario: Scenario,
    template: Path,
    tell: Tell,
    parameters: Mapping[str, str] = PARAMETERS,
) -> Stage:
    """Create, wait until everything is in service, deploy and publish just before the traffic.

    So the controller finds every model with a copy, and nobody has used them yet.
    """
    sagemaker = cloud.client("sagemaker")
    tell("creating endpoints")
    for endpoint in scenario.fleet.endpoints.values():
        _create_endpoint(sagemaker, endpoint, scenario)
    for name, place in scenario.variants_of_their_own().items():
        cloud.world.alias(name, *place)
    _wait(cloud, tell, "endpoints", lambda: _endpoints_waiting(sagemaker, scenario))
    tell("creating inference components")
    for endpoint in scenario.fleet.endpoints.values():
        for model in endpoint.models.values():
            if model.kind == "component":
                copies = scenario.first_copies[model.name]
                _create_component(sagemaker, endpoint, model, copies)
    _wait(cloud, tell, "inference components", lambda: _components_waiting(sagemaker, scenario))
    if cloud.clock.now_s < scenario.start_s - DEPLOY_AHEAD_S:
        cloud.run_until(scenario.start_s - DEPLOY_AHEAD_S)
    deployed_s = int(cloud.clock.now_s)
    tell(f"deploying {template.name}")
    stack = cloud.deploy(template, parameters=parameters, name=STACK)
    store = state_store(stack.outputs["StateTableName"])
    store.publish(scenario.fleet.endpoints, scenario.fleet.version, None)
    return Stage(store, deployed_s)


def _create_endpoint(sagemaker: Any, endpoint: EndpointConfig, scenario: Scenario) -> None:
    alone = {model.variant: name for name, model in single(endpoint).items()}
    variants = [
        _single_model(sagemaker, name, variant, alone[name], scenario)
        if name in alone
        else _shared(endpoint, name, variant, scenario)
        for name, variant in endpoint.variants.items()
    ]
    sagemaker.create_endpoint_config(
        EndpointConfigName=endpoint.name, ExecutionRoleArn=_ROLE, ProductionVariants=variants
    )
    sagemaker.create_endpoint(EndpointName=endpoint.name, EndpointConfigName=endpoint.name)


def _single_model(
    sagemaker: Any, name: str, variant: VariantConfig, model: str, scenario: Scenario
) -> dict[str, Any]:
    """A variant that runs one model: its instances are set by nobody but the controller."""
    sagemaker.create_model(
        ModelName=model, ExecutionRoleArn=_ROLE, PrimaryContainer={"Image": _IMAGE}
    )
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": scenario.first_copies[model],
    }


def _shared(
    endpoint: EndpointConfig, name: str, variant: VariantConfig, scenario: Scenario
) -> dict[str, Any]:
    """A variant for inference components, under managed instance scaling."""
    first = first_instances(endpoint, name, scenario.first_copies, scenario.shapes)
    most = max_instances(endpoint, name)
    strategy, step, cooldown_min = scale_in_of(variant, most)
    return {
        "VariantName": name,
        "InstanceType": variant.instance_type,
        "InitialInstanceCount": max(1, min(first, most)),
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": min(variant.min_instances or 0, most),
            "MaxInstanceCount": most,
            "ScaleInPolicy": {
                "Strategy": strategy,
                "MaximumStepSize": step,
                "CooldownInMinutes": cooldown_min,
            },
        },
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }


def _create_component(
    sagemaker: Any, endpoint: EndpointConfig, model: ModelConfig, copies: int
) -> None:
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
        RuntimeConfig={"CopyCount": copies},
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
