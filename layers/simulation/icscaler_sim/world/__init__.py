"""The world: endpoints, instances, inference components and their requests, in virtual time."""

from icscaler_sim.world.settings import Delay, WorldSettings
from icscaler_sim.world.specs import (
    ComponentSpec,
    ComponentView,
    EndpointView,
    Invocation,
    ManagedScaling,
    ProfileCatalog,
    Refusal,
    RollingPolicy,
    ServiceProfile,
    Target,
    VariantSpec,
    VariantView,
    Wake,
)
from icscaler_sim.world.world import World

__all__ = [
    "ComponentSpec",
    "ComponentView",
    "Delay",
    "EndpointView",
    "Invocation",
    "ManagedScaling",
    "ProfileCatalog",
    "Refusal",
    "RollingPolicy",
    "ServiceProfile",
    "Target",
    "VariantSpec",
    "VariantView",
    "Wake",
    "World",
    "WorldSettings",
]
