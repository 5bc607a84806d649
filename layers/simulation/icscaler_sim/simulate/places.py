"""Models by name, whether they are inference components or have a variant to themselves.

The world knows a single-model variant under an alias (`World.alias`), so traffic, minutes and books
go by the model's name. What AWS keeps apart is here: who shows copies, which series, which call.
"""

from __future__ import annotations

from typing import NamedTuple

from icscaler_sim.world import World


class Copies(NamedTuple):
    """Copies asked for and there (of a variant: instances); `settled`: none is under way."""

    desired: int
    current: int
    settled: bool


def copies_of(world: World, name: str) -> Copies:
    """What DescribeInferenceComponent, or DescribeEndpoint for a variant, shows."""
    place = world.aliases.get(name)
    if place is None:
        view = world.component(name)
        return Copies(view.desired_copies, view.current_copies, view.status == "InService")
    endpoint = world.endpoint(place[0])
    (variant,) = (one for one in endpoint.variants if one.spec.name == place[1])
    settled = endpoint.status == "InService"
    return Copies(variant.desired_instances, variant.current_instances, settled)


def set_copies(world: World, name: str, copies: int) -> None:
    """UpdateInferenceComponentRuntimeConfig, or UpdateEndpointWeightsAndCapacities. May refuse."""
    place = world.aliases.get(name)
    if place is None:
        world.set_copies(name, copies)
    else:
        world.set_variant_instances(*place, copies)


def write_call(world: World, name: str) -> str:
    """The name of that call."""
    if name in world.aliases:
        return "UpdateEndpointWeightsAndCapacities"
    return "UpdateInferenceComponentRuntimeConfig"


def dimensions(world: World, name: str) -> dict[str, str]:
    """What CloudWatch keeps its series under."""
    place = world.aliases.get(name)
    if place is None:
        return {"InferenceComponentName": name}
    return {"EndpointName": place[0], "VariantName": place[1]}


def in_flight_metric(world: World, name: str) -> str:
    """The metric of its requests in flight."""
    return "ConcurrentRequestsPerModel" if name in world.aliases else "ConcurrentRequestsPerCopy"
