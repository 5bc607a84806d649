"""How much an endpoint of the demo has, and with how many copies each model begins."""

from collections.abc import Mapping

from icscaler.config.compile import CompiledFleet
from icscaler.entities import EndpointConfig
from icscaler_sim.pricing import InstanceType, packed_instances, static_peak
from icscaler_sim.traces import CopyShape, Trace

DEFAULT_MAX_INSTANCES = 4
FIRST_S = 600


def max_instances(endpoint: EndpointConfig, variant: str) -> int:
    """The fleet file's limit, or what the demo gives an endpoint without one."""
    return endpoint.variants[variant].max_instances or DEFAULT_MAX_INSTANCES


def first_copies(
    fleet: CompiledFleet, trace: Trace, shapes: Mapping[str, CopyShape]
) -> dict[str, int]:
    """Copies for the traffic's first ten minutes, one at least: it did not begin with the trace.

    Where an endpoint has no room for that many, all its models begin with their floor.
    """
    busiest = static_peak(trace.window(0, max(FIRST_S, trace.width_s)), shapes)
    found: dict[str, int] = {}
    for endpoint in fleet.endpoints.values():
        floors = {name: max(1, model.min_copies) for name, model in endpoint.models.items()}
        wanted = {
            name: max(floors[name], min(busiest.get(name, 0), model.max_copies))
            for name, model in endpoint.models.items()
        }
        fits = all(
            first_instances(endpoint, variant, wanted, shapes) <= max_instances(endpoint, variant)
            for variant in endpoint.variants
        )
        found |= wanted if fits else floors
    return found


def first_instances(
    endpoint: EndpointConfig,
    variant: str,
    copies: Mapping[str, int],
    shapes: Mapping[str, CopyShape],
) -> int:
    """Instances of a variant that hold these copies of its models."""
    hardware = endpoint.variants[variant]
    kind = InstanceType(hardware.instance_type, hardware.gpus, "", 0.0, 0.0)
    mine = {name: copies[name] for name, m in endpoint.models.items() if m.variant == variant}
    return packed_instances(mine, shapes, kind)
