"""Setting the stage: a world in which the fleet is in service when the traffic begins.

Built as a team would: endpoints (single-model variants with their instances), then components with
one copy or more (CreateInferenceComponent refuses zero), then those that nobody calls yet go to
zero and empty instances are released. An endpoint on which not all models fit at a time has more
instances until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from icscaler.entities import EndpointConfig, VariantConfig
from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.world import (
    ComponentSpec,
    ManagedScaling,
    ProfileCatalog,
    Refusal,
    VariantSpec,
    World,
    WorldSettings,
)
from icscaler_sim.world.specs import ScaleInStrategy

SETUP_S = 4 * 3600
KEEP_S = 4 * 3600.0
"""How long the world remembers metric minutes; more than any reader looks back."""
IMAGE = "llm-serving:1"
_POLL_S = 60
_LIMITED_S = 900
# docs/design/009-simulate.md has what longer ones cost.
_COOLDOWN_MIN = 5
_MOST_STEP = 100  # of instances that leave at a time; AWS takes no larger MaximumStepSize


def set_stage(
    fleet: Fleet,
    copies: Mapping[str, int],
    start_s: int,
    *,
    seed: int,
    settings: WorldSettings,
) -> World:
    """A world at `start_s` with these copies ready. Raises `SimulationError` if they don't fit."""
    catalog = ProfileCatalog({name: shape.profile for name, shape in fleet.shapes.items()})
    alone = fleet.variants_of_their_own()
    for name, (home, variant) in alone.items():
        catalog.set(f"{home}/{variant}", fleet.shapes[name].profile)
    world = World(
        settings,
        seed=seed,
        start_s=start_s - SETUP_S,
        profiles=catalog,
        metrics=MetricStore(keep_s=KEEP_S),
    )
    some = {model.name: max(1, copies.get(model.name, 0)) for _, model in fleet.members()}
    for endpoint in fleet.endpoints.values():
        world.create_endpoint(endpoint.name, _variants(fleet, endpoint, some))
    for name, place in alone.items():
        world.alias(name, *place)
    _wait(world, start_s, lambda: all(e.status == "InService" for e in world.endpoints()))
    for endpoint, model in fleet.members():
        if model.name in alone:
            continue
        spec = ComponentSpec(
            gpus=model.resources.gpus,
            cpus=model.resources.cpus,
            memory_mb=model.resources.memory_mb,
            # Copies close together leave whole instances empty, and empty instances are released.
            placement="BINPACK",
            image=IMAGE,
            artifact=model.name,
        )
        try:
            world.create_component(model.name, endpoint.name, model.variant, spec, some[model.name])
        except Refusal as refusal:
            raise SimulationError(
                f"{model.name} cannot be created on {endpoint.name}: {refusal.message}",
                "the first copy of every model must fit its endpoint: raise max_instances",
            ) from None
    _wait(world, start_s, lambda: _settled(world))
    for name, count in some.items():
        if copies.get(name, 0) != count and name not in alone:
            world.set_copies(name, copies.get(name, 0))
    world.advance(start_s - _LIMITED_S)
    _limit(world, fleet, some, start_s)
    world.advance(start_s)
    return world


def _limit(world: World, fleet: Fleet, some: Mapping[str, int], start_s: int) -> None:
    """Where the first copies of all models needed more instances than there may be: no more."""
    _wait(world, start_s, lambda: all(e.status == "InService" for e in world.endpoints()))
    alone = set(fleet.variants_of_their_own().values())
    for endpoint in fleet.endpoints.values():
        for variant in endpoint.variants:
            if (endpoint.name, variant) in alone:
                continue
            most = fleet.max_instances(endpoint.name, variant)
            if _room(fleet, endpoint, variant, some) > most:
                world.set_managed_scaling(
                    endpoint.name, variant, min_instances=0, max_instances=most
                )


def _room(fleet: Fleet, endpoint: EndpointConfig, variant: str, some: Mapping[str, int]) -> int:
    """Instances there may be while the stage is set."""
    most = fleet.max_instances(endpoint.name, variant)
    if endpoint.name in fleet.fixed_instances:
        return most
    return max(most, fleet.instances_for(endpoint.name, variant, some))


def _variants(fleet: Fleet, endpoint: EndpointConfig, some: Mapping[str, int]) -> list[VariantSpec]:
    specs = []
    alone = {m.variant: m.name for m in endpoint.models.values() if m.kind == "variant"}
    for name, hardware in endpoint.variants.items():
        most = _room(fleet, endpoint, name, some)
        if name in alone:
            count, model = some[alone[name]], alone[name]
            specs.append(VariantSpec(name, hardware.instance_type, count, model_name=model))
            continue
        needed = max(1, min(most, fleet.instances_for(endpoint.name, name, some)))
        scaling = ManagedScaling(
            True, min(hardware.min_instances or 0, most), most, *scale_in_of(hardware, most)
        )
        fixed = endpoint.name in fleet.fixed_instances
        specs.append(
            VariantSpec(
                name, hardware.instance_type, most if fixed else needed, None if fixed else scaling
            )
        )
    return specs


def scale_in_of(variant: VariantConfig, most: int) -> tuple[ScaleInStrategy, int, int]:
    """Strategy, step and cooldown in minutes by which instances leave: what the fleet file states.

    Else copies that are left here and there are moved together, and instances come and go with
    them: as many at a time as there are, after the shortest cooldown AWS allows. Without
    CONSOLIDATION a copy here and a copy there keep whole instances.
    """
    stated = variant.scale_in
    if stated is None:
        return "CONSOLIDATION", min(most, _MOST_STEP), _COOLDOWN_MIN
    strategy: ScaleInStrategy = (
        "IDLE_RELEASE" if stated.strategy == "IDLE_RELEASE" else "CONSOLIDATION"
    )
    return strategy, stated.maximum_step_size, stated.cooldown_minutes


def _settled(world: World) -> bool:
    failed = [view for view in world.components() if view.status == "Failed"]
    if failed:
        raise SimulationError(
            f"{failed[0].name} could not start: {failed[0].failure_reason}",
            "the first copy of every model must fit its endpoint: raise max_instances",
        )
    return all(view.status == "InService" for view in world.components())


def _wait(world: World, start_s: int, done: Callable[[], bool]) -> None:
    while not done():
        if world.now_s + _POLL_S > start_s:
            raise SimulationError(
                "the fleet is not in service in time", "look at its start-up times and limits"
            )
        world.advance(world.now_s + _POLL_S)
