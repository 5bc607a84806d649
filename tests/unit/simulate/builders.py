"""Small fleets, traces and scenarios for the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    ModelConfig,
    TargetTracking,
    VariantConfig,
)
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate import Fleet, Scenario
from icscaler_sim.traces import CopyShape, Trace, build_trace
from icscaler_sim.world import ServiceProfile, WorldSettings

START_S = 1_780_272_000
P4D = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 500_000, 4)
G5 = VariantConfig("ml.g5.2xlarge", 1, 8.0, 16_384, 6)
PRICES = load_prices()
PROFILE = ServiceProfile(slots_per_copy=10, base_s=2.0, output_token_s=0.0)
"""Ten requests at once, two seconds each: 300 a minute keep one copy busy."""


def model(name: str, *, gpus: int = 1, **keys: object) -> ModelConfig:
    """A model of the fleet file, scaled on concurrency."""
    return ModelConfig(
        name=name,
        variant="main",
        resources=CopyResources(gpus, 4.0, 16_384),
        policy=TargetTracking("concurrency", 7.0),
        **{"max_copies": 8, **keys},  # type: ignore[arg-type]
    )


def single(name: str, **keys: object) -> ModelConfig:
    """A model that has a variant to itself: its copies are instances of one GPU."""
    return model(name, **{"kind": "variant", "min_copies": 1, "max_copies": 6, **keys})


def fleet(*models: ModelConfig, profile: ServiceProfile = PROFILE) -> Fleet:
    """These models on one endpoint of up to four p4d instances; each single one on its own."""
    shared = {one.name: one for one in models if one.kind == "component"}
    endpoints = {"shared": EndpointConfig("shared", "v1", {"main": P4D}, shared)}
    for one in models:
        if one.kind == "variant":
            home = f"{one.name}-home"
            endpoints[home] = EndpointConfig(home, "v1", {"main": G5}, {one.name: one})
    shapes = {one.name: CopyShape(one.resources.gpus, profile) for one in models}
    return Fleet(endpoints, shapes)


def trace(counts: Mapping[str, Sequence[int]], width_s: int = 60) -> Trace:
    """Requests per bin and model; every model counts as deployed, called or not."""
    names = tuple(counts)
    rows = [
        (place, index, count)
        for index, name in enumerate(names)
        for place, count in enumerate(counts[name])
        if count
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    nothing = np.zeros(len(rows), dtype=np.int64)
    bins = max(len(one) for one in counts.values())
    return build_trace(
        "made up",
        names,
        width_s,
        bins * width_s,
        columns[:, 0] * width_s,
        columns[:, 1],
        columns[:, 2],
        nothing,
        nothing,
    )


def scenario(
    counts: Mapping[str, Sequence[int]],
    *models: ModelConfig,
    settings: WorldSettings | None = None,
    profile: ServiceProfile = PROFILE,
) -> Scenario:
    """Models with the same names as the counts, unless given."""
    members = models or tuple(model(name) for name in counts)
    return Scenario(
        trace(counts),
        fleet(*members, profile=profile),
        PRICES,
        START_S,
        settings or WorldSettings(),
    )
