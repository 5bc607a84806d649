"""Short builders for the core's values; every test names only what it is about."""

from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointView,
    MetricMinute,
    ModelConfig,
    Snapshot,
    TargetTracking,
    VariantConfig,
    VariantView,
)

T0 = 1_800_000_000
P4D = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 1_000_000)
TARGET_10 = TargetTracking("concurrency", 10.0)


def gpus(count: int) -> CopyResources:
    return CopyResources(count, 1.0, 1024)


def model(name: str = "m", **changes) -> ModelConfig:
    defaults = {
        "variant": "main",
        "resources": gpus(1),
        "policy": TARGET_10,
        "max_copies": 8,
        "idle_s": 900,
    }
    return ModelConfig(name=name, **{**defaults, **changes})


def config(*models: ModelConfig, **changes) -> EndpointConfig:
    fields = {"variants": {"main": P4D}, "models": {m.name: m for m in models or (model(),)}}
    return EndpointConfig("shared", "v1", **{**fields, **changes})


def view(name: str = "m", copies: int = 1, **changes) -> ComponentView:
    defaults = {
        "variant": "main",
        "status": "InService",
        "desired_copies": copies,
        "current_copies": copies,
        "last_modified_s": T0,
        "described_at_s": T0,
        "resources": gpus(1),
    }
    return ComponentView(name, **{**defaults, **changes})


def minutes(until_s: int, loads: list[float | None], copies: int = 1) -> tuple[MetricMinute, ...]:
    """Minutes ending at `until_s`, one per load (requests in flight over all copies).

    None is a minute nothing was heard of; at zero copies a load is refused requests.
    """
    start_s = until_s - 60 * len(loads)
    result = []
    for index, load in enumerate(loads):
        minute = MetricMinute(start_s + 60 * index)
        if load is not None and copies:
            minute.heartbeat = True
            minute.invocations = load * 10
            minute.concurrency_per_copy = load / copies
        elif load:
            minute.refused = load
        result.append(minute)
    return tuple(result)


def snapshot(at_s: int, *views: ComponentView, **changes) -> Snapshot:
    instances = changes.pop("instances", 1)
    variant = VariantView("main", "ml.p4d.24xlarge", instances, instances, 0, instances)
    defaults = {
        "config_version": "v1",
        "endpoint": EndpointView("shared", "InService", {"main": variant}),
        "components": {v.name: v for v in views or (view(),)},
        "removal_allowance": 10,
    }
    return Snapshot(at_s=at_s, **{**defaults, **changes})
