"""SageMaker's requests for what onboarding makes, and what tells a component from another one.

Everything made carries the tag `icscaler:onboarding` with the name of the execution that made it:
that, and nothing else, says later what a failed onboarding may remove.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from icscaler.onboarding.description import Description, NewEndpoint

TAG = "icscaler:onboarding"


def component_request(
    description: Description, endpoint: str, variant: str, run: str
) -> dict[str, Any]:
    """CreateInferenceComponent. Copies: AWS refuses 0 at creation. An adapter has none."""
    request: dict[str, Any] = {
        "InferenceComponentName": description.component,
        "EndpointName": endpoint,
        "Specification": specification(description),
        "Tags": _tags(description, run),
    }
    if description.adapter_of is None:
        request["VariantName"] = variant
        request["RuntimeConfig"] = {"CopyCount": description.copies}
    return request


def specification(description: Description) -> dict[str, Any]:
    """InferenceComponentSpecification of the description."""
    container: dict[str, Any] = {}
    for key, value in (
        ("Image", description.image),
        ("ArtifactUrl", description.artifact_url),
        ("Environment", dict(description.environment)),
    ):
        if value:
            container[key] = value
    built: dict[str, Any] = {"Container": container} if container else {}
    if description.adapter_of is not None:
        return built | {"BaseInferenceComponentName": description.adapter_of}
    if model := _model_name(description):
        built["ModelName"] = model
    built["ComputeResourceRequirements"] = _requirements(description)
    built["DataCacheConfig"] = {"EnableCaching": description.data_caching}
    startup = {
        "ModelDataDownloadTimeoutInSeconds": description.download_timeout_s,
        "ContainerStartupHealthCheckTimeoutInSeconds": description.startup_timeout_s,
    }
    if stated := {key: value for key, value in startup.items() if value is not None}:
        built["StartupParameters"] = stated
    if description.placement is not None:
        built["SchedulingConfig"] = {"PlacementStrategy": description.placement}
    return built


def _model_name(description: Description) -> str | None:
    if description.model_package is not None:
        return description.package_model
    return description.sagemaker_model


def _requirements(description: Description) -> dict[str, Any]:
    needs, resources = {}, description.resources
    if resources.gpus:
        needs["NumberOfAcceleratorDevicesRequired"] = float(resources.gpus)
    if resources.cpus:
        needs["NumberOfCpuCoresRequired"] = resources.cpus
    return {**needs, "MinMemoryRequiredInMb": resources.memory_mb}


def model_request(description: Description, run: str) -> dict[str, Any]:
    """CreateModel from a model package; the role is the one it runs with."""
    container = {"ModelPackageName": description.model_package}
    return {
        "ModelName": description.package_model,
        "PrimaryContainer": container,
        "ExecutionRoleArn": description.model_role_arn,
        "Tags": _tags(description, run),
    }


def config_request(description: Description, new: NewEndpoint, run: str) -> dict[str, Any]:
    """CreateEndpointConfig: without ModelName, with the role that components then need."""
    variant: dict[str, Any] = {
        "VariantName": new.variant,
        "InstanceType": new.hardware.instance_type,
        "InitialInstanceCount": new.initial_instances,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": new.min_instances,
            "MaxInstanceCount": new.max_instances,
            "ScaleInPolicy": {
                "Strategy": new.scale_in_strategy,
                "MaximumStepSize": new.scale_in_step,
                "CooldownInMinutes": new.scale_in_cooldown_min,
            },
        },
        "RoutingConfig": {"RoutingStrategy": new.routing},
    }
    if new.inference_ami is not None:
        variant["InferenceAmiVersion"] = new.inference_ami
    return {
        "EndpointConfigName": new.name,
        "ExecutionRoleArn": new.execution_role_arn,
        "ProductionVariants": [variant],
        "Tags": _tags(description, run),
    }


def endpoint_request(description: Description, new: NewEndpoint, run: str) -> dict[str, Any]:
    """CreateEndpoint."""
    tags = _tags(description, run)
    return {"EndpointName": new.name, "EndpointConfigName": new.name, "Tags": tags}


def _tags(description: Description, run: str) -> list[dict[str, str]]:
    tags = {**description.tags, TAG: run}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def differences(description: Description, deployed: Mapping[str, Any]) -> tuple[str, ...]:
    """What a deployed specification has else than the description; nothing: it is the same one."""
    return tuple(_differences(specification(description), deployed))


def _differences(wanted: Mapping[str, Any], deployed: Mapping[str, Any]) -> Iterator[str]:
    container = deployed.get("Container", {})
    image = container.get("DeployedImage", {}).get("SpecifiedImage")
    have = {
        "Image": image,
        "ArtifactUrl": container.get("ArtifactUrl"),
        "Environment": dict(container.get("Environment") or {}),
        "ModelName": deployed.get("ModelName"),
        "BaseInferenceComponentName": deployed.get("BaseInferenceComponentName"),
    }
    want: dict[str, Any] = {
        "Image": wanted.get("Container", {}).get("Image"),
        "ArtifactUrl": wanted.get("Container", {}).get("ArtifactUrl"),
        "Environment": wanted.get("Container", {}).get("Environment", {}),
        "ModelName": wanted.get("ModelName"),
        "BaseInferenceComponentName": wanted.get("BaseInferenceComponentName"),
    }
    needs_have = deployed.get("ComputeResourceRequirements", {})
    needs_want = wanted.get("ComputeResourceRequirements", {})
    for key in (
        "NumberOfAcceleratorDevicesRequired",
        "NumberOfCpuCoresRequired",
        "MinMemoryRequiredInMb",
    ):
        have[key], want[key] = needs_have.get(key, 0), needs_want.get(key, 0)
    for key, value in want.items():
        if have[key] != value:
            yield f"{key} is {have[key]!r}, not {value!r}"
