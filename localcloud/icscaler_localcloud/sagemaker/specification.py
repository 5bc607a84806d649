"""InferenceComponentSpecification: checked, turned into the world's words, and shown again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from icscaler_localcloud.sagemaker.context import Context, Params
from icscaler_localcloud.sagemaker.errors import invalid, not_found, not_simulated
from icscaler_sim.world import ComponentSpec


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a component: what was asked for, what the world runs, and since when."""

    given: tuple[Params, ...]
    as_list: bool
    spec: ComponentSpec
    resolved_s: float

    def shown(self) -> Mapping[str, Any]:
        """`Specification` or `Specifications` of DescribeInferenceComponent."""
        summaries = [_summary(given, self.resolved_s) for given in self.given]
        return {"Specifications": summaries} if self.as_list else {"Specification": summaries[0]}


def version(params: Params, context: Context, variant_instance_type: str) -> Version:
    """The version a Create or Update request asks for; ValidationException where it cannot be."""
    one, several = params.get("Specification"), params.get("Specifications")
    if (one is None) == (several is None):
        raise invalid("Specify either Specification or Specifications, and not both.")
    given: tuple[Params, ...] = tuple(several or ()) if one is None else (one,)
    _check_types(given)
    for specification in given:
        _check(specification, context)
    chosen = _for_type(given, variant_instance_type)
    return Version(given, several is not None, _spec(chosen, context), context.now_s)


def _check_types(given: tuple[Params, ...]) -> None:
    types = [specification.get("InstanceType") for specification in given]
    if len(given) > 1 and None in types:
        raise invalid("InstanceType is required in every entry of Specifications.")
    if len(set(types)) < len(types):
        raise invalid("Specifications must not have two entries for one InstanceType.")


def _for_type(given: tuple[Params, ...], wanted: str) -> Params:
    for specification in given:
        if specification.get("InstanceType", wanted) == wanted:
            return specification
    raise invalid(f"No specification is for instance type {wanted} of the variant.")


def _check(specification: Params, context: Context) -> None:
    container = specification.get("Container", {})
    needs = specification.get("ComputeResourceRequirements")
    base = specification.get("BaseInferenceComponentName")
    if base is not None:
        if needs is not None:
            raise invalid(
                "ComputeResourceRequirements cannot be specified together with "
                "BaseInferenceComponentName: an adapter uses the resources of its base."
            )
        if "ArtifactUrl" not in container:
            raise invalid("An adapter inference component must specify Container.ArtifactUrl.")
        return
    if ("ModelName" in specification) == ("Image" in container):
        raise invalid("Specify either ModelName or Container.Image, and not both.")
    if "ModelName" in specification and specification["ModelName"] not in context.models:
        raise not_found("model", context.arns.model(specification["ModelName"]))
    if needs is None:
        raise invalid("ComputeResourceRequirements is required.")
    _check_needs(needs)


def _check_needs(needs: Params) -> None:
    if "AcceleratorPartitionType" in needs:
        raise not_simulated("AcceleratorPartitionType")
    gpus = needs.get("NumberOfAcceleratorDevicesRequired", 0)
    if gpus != int(gpus):
        # The member is a float, but a copy reserves whole devices (no fractions above its minimum
        # of 1 are documented to work).
        raise invalid("NumberOfAcceleratorDevicesRequired must be a whole number of devices.")
    low, high = needs["MinMemoryRequiredInMb"], needs.get("MaxMemoryRequiredInMb")
    if high is not None and high < low:
        raise invalid("MaxMemoryRequiredInMb must not be less than MinMemoryRequiredInMb.")


def _spec(given: Params, context: Context) -> ComponentSpec:
    container = _container(given, context)
    needs = given.get("ComputeResourceRequirements", {})
    startup = given.get("StartupParameters", {})
    return ComponentSpec(
        gpus=int(needs.get("NumberOfAcceleratorDevicesRequired", 0)),
        cpus=float(needs.get("NumberOfCpuCoresRequired", 0.0)),
        memory_mb=needs.get("MinMemoryRequiredInMb", 0),
        placement=given.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD"),
        image=container.get("Image", ""),
        artifact=container.get("ArtifactUrl", ""),
        environment=tuple(sorted(container.get("Environment", {}).items())),
        data_caching=given.get("DataCacheConfig", {}).get("EnableCaching", True),
        base=given.get("BaseInferenceComponentName"),
        startup_timeout_s=startup.get("ContainerStartupHealthCheckTimeoutInSeconds"),
        download_timeout_s=startup.get("ModelDataDownloadTimeoutInSeconds"),
    )


def _container(given: Params, context: Context) -> Mapping[str, Any]:
    """The container a copy runs: the component's own, over that of its model."""
    own: Mapping[str, Any] = given.get("Container", {})
    if "ModelName" not in given:
        return own
    model = context.models[given["ModelName"]].params
    primary = model.get("PrimaryContainer") or model["Containers"][0]
    inherited = {
        "Image": primary.get("Image", ""),
        "ArtifactUrl": primary.get("ModelDataUrl", ""),
        "Environment": {**primary.get("Environment", {}), **own.get("Environment", {})},
    }
    return {**inherited, **{k: v for k, v in own.items() if k != "Environment"}}


def _summary(given: Params, resolved_s: float) -> Mapping[str, Any]:
    summary = dict(given)
    if "Container" in given:
        container = dict(given["Container"])
        image = container.pop("Image", None)
        if image is not None:
            container["DeployedImage"] = {
                "SpecifiedImage": image,
                "ResolvedImage": resolved_image(image),
                "ResolutionTime": resolved_s,
            }
        summary["Container"] = container
    return summary


def resolved_image(image: str) -> str:
    """The image by digest, as SageMaker shows what a tag stood for; the digest is made up."""
    if "@sha256:" in image:
        return image
    repository, _, tag = image.rpartition(":")
    if not repository or "/" in tag:
        repository = image
    digest = hashlib.sha256(image.encode()).hexdigest()
    return f"{repository}@sha256:{digest}"
