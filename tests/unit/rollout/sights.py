"""Small fleets to plan on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    EndpointView,
    ModelConfig,
    TargetTracking,
    VariantConfig,
    VariantView,
)
from icscaler.rollout.entities import Deployed, Request, Selector
from icscaler.rollout.plan import Sight

AT_S = 1_780_272_000
POLICY = TargetTracking("concurrency", 16.0)


def specification(image: str = "llm:1", gpus: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "Container": {"Image": image, "Environment": {"A": "1"}},
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": gpus,
            "MinMemoryRequiredInMb": 16384,
        },
        **more,
    }


def component(name: str, endpoint: str = "shared", copies: int = 1, **more: Any) -> Deployed:
    base = Deployed(
        name=name,
        endpoint=endpoint,
        variant="main",
        status="InService",
        specification=specification(),
        desired_copies=copies,
        current_copies=copies,
        last_modified_s=AT_S - 9000,
    )
    return replace(base, **more)


def sight(
    *components: Deployed, instances: int = 1, most: int = 1, gpus: int = 8, **more: Any
) -> Sight:
    """Components on their endpoints; instances have `gpus` GPUs and more than enough else."""
    endpoints: dict[str, EndpointConfig] = {}
    views: dict[str, EndpointView] = {}
    for each in components:
        variant = VariantConfig("ml.p4d.24xlarge", gpus, 96.0, 1_000_000)
        config = endpoints.setdefault(
            each.endpoint, EndpointConfig(each.endpoint, "v1", {"main": variant}, {})
        )
        copy = CopyResources(1, 0.0, 16384)
        config.models[each.name] = ModelConfig(each.name, "main", copy, POLICY, max_copies=16)
        variant_view = VariantView("main", None, instances, instances, 1, most)
        views[each.endpoint] = EndpointView(each.endpoint, "InService", {"main": variant_view})
    return Sight(AT_S, endpoints, views, {each.name: each for each in components}, **more)


def request(*names: str, **more: Any) -> Request:
    patch = {"Container": {"Image": "llm:2"}}
    base = Request("r1", Selector(names=names), patch=patch)
    return replace(base, **more)
