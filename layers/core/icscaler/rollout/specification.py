"""Specifications of inference components: as deployed, merged, compared, and what a copy takes.

UpdateInferenceComponent replaces the whole specification (the API's samples resend all of it), so
a patch is merged here. Describe shows the image as DeployedImage.SpecifiedImage, a request has
Image: both become the request's form before they are compared.
"""

import math
from collections.abc import Mapping
from typing import Any

from icscaler.entities import CopyResources
from icscaler.rollout.entities import Specification


def as_requested(shown: Mapping[str, Any]) -> Specification:
    """A specification as Describe shows it, in the form in which it was asked for."""
    specification = {key: _plain(value) for key, value in shown.items() if value is not None}
    container = specification.get("Container")
    if isinstance(container, dict):
        image = container.pop("DeployedImage", None)
        if isinstance(image, Mapping) and "Image" not in container:
            specified = image.get("SpecifiedImage")
            if specified is not None:
                container["Image"] = specified
    return specification


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def wanted(
    deployed: Specification, specification: Specification | None, patch: Specification | None
) -> Specification:
    """What is to be deployed: the new specification, or the deployed one with a patch.

    In a patch a mapping is merged, anything else replaces, and null removes.
    """
    base = deployed if specification is None else _plain(specification)
    return _merged(base, patch or {})


def _merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = _merged(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = _plain(value)
    return result


def differences(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> tuple[str, ...]:
    """The paths that differ, as `Container.Image`; empty when the two mean the same."""
    found: list[str] = []
    for key in sorted({*old, *new}):
        path = f"{at}.{key}" if at else key
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found.extend(differences(before, after, path))
        elif _plain(before) != _plain(after):
            found.append(path)
    return tuple(found)


def resources(specification: Mapping[str, Any]) -> CopyResources | None:
    """What one copy reserves; None for an adapter, which has no resources of its own."""
    needs = specification.get("ComputeResourceRequirements")
    if not needs:
        return None
    return CopyResources(
        gpus=math.ceil(needs.get("NumberOfAcceleratorDevicesRequired", 0)),
        cpus=float(needs.get("NumberOfCpuCoresRequired", 0)),
        memory_mb=int(needs.get("MinMemoryRequiredInMb", 0)),
    )


def larger(one: CopyResources, other: CopyResources) -> CopyResources:
    """What is enough for a copy of either."""
    return CopyResources(
        max(one.gpus, other.gpus), max(one.cpus, other.cpus), max(one.memory_mb, other.memory_mb)
    )


def shrinkage(old: CopyResources, new: CopyResources) -> CopyResources | None:
    """What a copy gives up with the new version and would need back; None: nothing."""
    less = CopyResources(
        max(0, old.gpus - new.gpus),
        max(0.0, old.cpus - new.cpus),
        max(0, old.memory_mb - new.memory_mb),
    )
    return less if less.gpus or less.memory_mb or less.cpus > 0 else None


def base_of(specification: Mapping[str, Any]) -> str | None:
    """The component whose adapter this is."""
    base = specification.get("BaseInferenceComponentName")
    return str(base) if base else None
