"""Small worlds with constant delays, so that tests can say exactly when things happen."""

from dataclasses import replace
from typing import Any

from icscaler_sim.metrics import MetricStore
from icscaler_sim.world import (
    ComponentSpec,
    ComponentView,
    Delay,
    ManagedScaling,
    ServiceProfile,
    VariantSpec,
    World,
    WorldSettings,
)

START_S = 1_700_006_400  # a whole minute
LAUNCH_S, IMAGE_S, WEIGHTS_S, ENGINE_S, SETTLE_S, RELEASE_S = 100, 177, 30, 50, 10, 20
COPY_S = IMAGE_S + WEIGHTS_S + ENGINE_S
"""First copy on an instance; later ones find the image (and skip IMAGE_S)."""

EXACT = WorldSettings(
    instance_launch_s=Delay(LAUNCH_S),
    image_pull_s_per_gb=Delay(10),  # the default image has 17.7 GB
    weights_load_s_per_gb=Delay(2),  # the default weights have 15 GB
    weights_beside_image=False,
    contended_load_factor=1.0,
    engine_start_s=Delay(ENGINE_S),
    status_settle_s=Delay(SETTLE_S),
    instance_release_s=Delay(RELEASE_S),
    metric_lag_60s=Delay(40),
    metric_lag_10s=Delay(10),
)
MANAGED = ManagedScaling(True, 0, 4)
SPEC = ComponentSpec(gpus=1, cpus=4, memory_mb=20_000, image="engine:1", artifact="s3://m/1")
INVOCATIONS = "AWS/SageMaker"


def new_world(**changes: Any) -> World:
    """A world without endpoints; `changes` are settings."""
    return World(replace(EXACT, **changes), seed=7, start_s=START_S, metrics=MetricStore())


def with_endpoint(
    scaling: ManagedScaling | None = MANAGED,
    *,
    kind: str = "ml.p4d.24xlarge",
    instances: int = 1,
    **changes: Any,
) -> World:
    """A world at 200 s with endpoint "e", variant "v" in service."""
    world = new_world(**changes)
    world.create_endpoint("e", [VariantSpec("v", kind, instances, scaling)])
    world.advance(START_S + 200)
    return world


def with_copies(copies: int = 1, *, spec: ComponentSpec = SPEC, **changes: Any) -> World:
    """A world at 1,200 s with `copies` ready copies of component "chat"."""
    world = with_endpoint(**changes)
    world.create_component("chat", "e", "v", spec, copies)
    world.advance(START_S + 1_200)
    assert world.component("chat").current_copies == copies
    return world


def run(world: World, seconds: float) -> ComponentView:
    """Let time pass; the view of "chat" then."""
    world.advance(world.now_s + seconds)
    return world.component("chat")


def read(world: World, metric: str, stat: str = "Sum", period_s: int = 60) -> list[float]:
    """Values of a metric of "chat" that can be read now."""
    found = world.metrics.statistics(
        INVOCATIONS,
        metric,
        {"InferenceComponentName": "chat"},
        stat,
        period_s,
        START_S,
        world.now_s + 60,
        world.now_s,
    )
    return [value for _, value in found]


def slow_profile(**changes: Any) -> ServiceProfile:
    """4 requests at once per copy, 2 seconds each (without tokens)."""
    return replace(ServiceProfile(slots_per_copy=4, base_s=2.0), **changes)
