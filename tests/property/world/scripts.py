"""Random scripts of calls for a small world, and how to play them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from icscaler_sim.metrics import MetricStore
from icscaler_sim.world import (
    ComponentSpec,
    ManagedScaling,
    ProfileCatalog,
    Refusal,
    RollingPolicy,
    ServiceProfile,
    VariantSpec,
    World,
    WorldSettings,
)

START_S = 1_700_006_400
NAMES = ("one", "two", "four", "extra")
GPUS = {"one": 1, "two": 2, "four": 4, "extra": 1}
STATUSES = {"InService", "Creating", "Updating", "Failed", "Deleting"}


@dataclass(frozen=True)
class Step:
    """One call, made `wait_s` after the one before."""

    wait_s: int
    verb: str
    name: str
    number: int
    span_s: int
    tokens: int


SETTINGS = st.builds(
    WorldSettings,
    emit_10s=st.booleans(),
    image_cache=st.sampled_from(("none", "instance", "endpoint")),
    no_room=st.sampled_from(("refuse", "failure_reason")),
    default_update=st.sampled_from(("blue_green", "recreate")),
    scale_in_frees_instances=st.booleans(),
    launch_failure_fraction=st.sampled_from((0.0, 0.3)),
    placement_timeout_s=st.sampled_from((120.0, 1800.0)),
    rolling_timeout_s=st.sampled_from((900.0, 28_800.0)),
)


def spec_of(name: str, image: str = "v1") -> ComponentSpec:
    """What a copy of `name` needs."""
    placement = "BINPACK" if name == "two" else "SPREAD"
    return ComponentSpec(
        gpus=GPUS[name], cpus=4, memory_mb=60_000, image=image, placement=placement
    )


def build(settings: WorldSettings, seed: int, strategy: str = "IDLE_RELEASE") -> World:
    """An endpoint of at most three 8-GPU instances and three components."""
    profiles = ProfileCatalog()
    for name in NAMES:
        profiles.set(
            name,
            ServiceProfile(
                slots_per_copy=8, output_token_s=0.02, patience_s=45.0, error_fraction=0.01
            ),
        )
    profiles.set("one", ServiceProfile(fails_health_check=True), image="bad")
    world = World(settings, seed=seed, start_s=START_S, profiles=profiles, metrics=MetricStore())
    scaling = ManagedScaling(True, 0, 3, strategy, max_step=2, cooldown_min=5)
    world.create_endpoint("e", [VariantSpec("v", "ml.p4d.24xlarge", 1, scaling)])
    world.advance(START_S + 300)
    for name, copies in (("one", 2), ("two", 1), ("four", 1)):
        world.create_component(name, "e", "v", spec_of(name), copies)
    world.advance(START_S + 1_500)
    return world


def _roll(world: World, step: Step) -> None:
    image = ("v1", "v2", "bad")[step.number % 3]
    policy = RollingPolicy("COPY_COUNT", 1, step.span_s, timeout_s=3_600)
    world.update_component(step.name, spec_of(step.name, image), rolling=policy)


VERBS: dict[str, Callable[[World, Step], object]] = {
    "arrive": lambda world, step: world.arrive(
        step.name,
        step.number,
        world.now_s,
        world.now_s + step.span_s,
        output_tokens=step.tokens,
    ),
    "burst": lambda world, step: world.arrive(
        step.name, step.number, world.now_s + step.span_s, output_tokens=step.tokens
    ),
    "invoke": lambda world, step: world.invoke(step.name, output_tokens=step.tokens),
    "scale": lambda world, step: world.set_copies(step.name, step.number % 6),
    "roll": _roll,
    "abort": lambda world, step: world.abort_update(step.name, "an alarm fired"),
    "delete": lambda world, step: world.delete_component(step.name),
    "create": lambda world, step: world.create_component(
        step.name, "e", "v", spec_of(step.name), 1 + step.number % 3
    ),
    "lose": lambda world, step: world.lose_instance("e", "v"),
}


STEPS = st.lists(
    st.builds(
        Step,
        wait_s=st.sampled_from((0, 1, 7, 30, 60, 61, 240, 600, 1800)),
        verb=st.sampled_from(("arrive", "arrive", "scale", *VERBS)),
        name=st.sampled_from(NAMES),
        number=st.integers(0, 400),
        span_s=st.sampled_from((1, 13, 60, 60, 200)),
        tokens=st.sampled_from((10, 300, 2_000)),
    ),
    max_size=25,
)  # fmt: skip


def apply(world: World, step: Step) -> None:
    """Make the step's call; refusals are part of life, and there may be no instance to lose."""
    try:
        VERBS[step.verb](world, step)
    except Refusal:
        return
    except ValueError:
        assert step.verb == "lose"


def play(world: World, steps: Sequence[Step], cuts: Sequence[float] = ()) -> World:
    """Play all steps; each wait is cut at these shares of it, and the world looked at there."""
    for step in steps:
        began_s = world.now_s
        for cut in sorted(cuts):
            world.advance(began_s + step.wait_s * cut)
            look(world)
        world.advance(began_s + step.wait_s)
        apply(world, step)
    return world


def look(world: World) -> None:
    """Read everything a caller can read."""
    world.tally.requests()
    world.components()
    world.endpoints()
    for key in world.metrics.list_metrics():
        series = world.metrics.find(key.namespace, key.metric, dict(key.dims))
        assert series is not None
        series.minutes("Maximum", int(world.now_s // 60) * 60 - 300, 6, int(world.now_s))


def rooms(world: World) -> list[Any]:
    """The instances of the endpoint, from the inside."""
    return [
        instance
        for endpoint in world._endpoints.values()
        for variant in endpoint.variants.values()
        for instance in variant.instances
    ]


def picture(world: World) -> dict[str, Any]:
    """Everything that can be seen of a world, for comparison."""
    at_s = world.now_s
    series = {}
    for key in world.metrics.list_metrics():
        found = world.metrics.find(key.namespace, key.metric, dict(key.dims))
        assert found is not None
        series[key] = list(found.points(START_S, at_s + 60, at_s + 600))
    return {
        "endpoints": world.endpoints(),
        "components": world.components(),
        "requests": {name: world.tally.requests(name) for name in world.tally.names()},
        "gpu_seconds": {name: world.tally.gpu_seconds(name) for name in world.tally.names()},
        "instance_seconds": dict(world.tally.instance_seconds()),
        "wakes": world.tally.wakes,
        "failures": world.tally.failures,
        "series": series,
    }
