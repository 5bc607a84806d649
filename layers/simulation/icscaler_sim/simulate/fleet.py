"""Who is simulated: models with their sizes, bounds and homes, and the instances of each home."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from icscaler.entities import EndpointConfig, ModelConfig, VariantConfig
from icscaler_sim.pricing import InstanceType, packed_instances, static_peak
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.traces import ENSEMBLE_WEIGHTS_GB, CopyShape, Trace, copy_shape_for
from icscaler_sim.world import Refusal
from icscaler_sim.world.catalog import instance_type

FIRST_S = 600
ALONE_VARIANT = "AllTraffic"
# The README of the recorded traces: strata of traffic by mean requests a second.
_STRATA = ((0.01, "rare"), (0.1, "cold"), (1.0, "warm"), (10.0, "hot"))


@dataclass(frozen=True, slots=True)
class Fleet:
    """Endpoints as compiled from a fleet file, and how each model's copies serve.

    `strata` says of each model how busy its traffic is. `fixed_instances`: endpoints without
    managed instance scaling, with so many instances of their one variant for ever.
    """

    endpoints: Mapping[str, EndpointConfig]
    shapes: Mapping[str, CopyShape]
    strata: Mapping[str, str] = field(default_factory=dict)
    fixed_instances: Mapping[str, int] = field(default_factory=dict)

    def members(self) -> Iterator[tuple[EndpointConfig, ModelConfig]]:
        """Every model with its endpoint, in the order of their names."""
        for endpoint in self.endpoints.values():
            for model in endpoint.models.values():
                yield endpoint, model

    def variants_of_their_own(self) -> dict[str, tuple[str, str]]:
        """(endpoint, variant) of each model that has a variant to itself."""
        return {m.name: (e.name, m.variant) for e, m in self.members() if m.kind == "variant"}

    def max_instances(self, endpoint: str, variant: str) -> int:
        """The variant's limit; without one, room for every model at its ceiling."""
        if endpoint in self.fixed_instances:
            return self.fixed_instances[endpoint]
        config = self.endpoints[endpoint]
        limit = config.variants[variant].max_instances
        if limit is not None:
            return limit
        most = {n: m.max_copies for n, m in config.models.items() if m.variant == variant}
        return max(1, self.instances_for(endpoint, variant, most))

    def instances_for(self, endpoint: str, variant: str, copies: Mapping[str, int]) -> int:
        """Instances of a variant that hold these copies of its models."""
        config = self.endpoints[endpoint]
        hardware = config.variants[variant]
        kind = InstanceType(hardware.instance_type, hardware.gpus, "", 0.0, 0.0)
        mine = {n: copies.get(n, 0) for n, m in config.models.items() if m.variant == variant}
        return packed_instances(mine, self.shapes, kind)


def copy_shapes(endpoints: Mapping[str, EndpointConfig]) -> dict[str, CopyShape]:
    """How each model's copies work, by its GPUs.

    Of a single-model variant only the fleet file tells how many requests an instance serves at
    once: `concurrent_requests_per_copy`, where it is stated.

    Raises `SimulationError` for a kind of component that the world cannot play.
    """
    shapes = {}
    for endpoint in endpoints.values():
        for name, model in endpoint.models.items():
            if model.adapter_of is not None or model.resources.gpus == 0:
                kind = "an adapter" if model.adapter_of else "a model without GPUs"
                raise SimulationError(
                    f"{name} is {kind}, which has no service profile to play",
                    "play a fleet of models that hold GPUs of their own",
                )
            shape = copy_shape_for(model.resources.gpus)
            weights_gb = ENSEMBLE_WEIGHTS_GB.get(name, shape.profile.weights_gb)
            slots = shape.profile.slots_per_copy
            if model.kind == "variant":
                slots = model.concurrent_requests_per_copy or slots
            profile = replace(shape.profile, weights_gb=weights_gb, slots_per_copy=slots)
            shapes[name] = replace(shape, profile=profile)
    return shapes


def check_fleet(fleet: Fleet, trace: Trace) -> None:
    """Raises `SimulationError` for a fleet that this traffic cannot be played on."""
    known = {model.name for _, model in fleet.members()}
    unknown = [name for name in trace.models if name not in known]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise SimulationError(
            f"the fleet file does not know {', '.join(unknown[:5])}{more}",
            "add them to its models, or leave --fleet away to size them by the default fleet rule",
        )
    copy_shapes(fleet.endpoints)
    for endpoint, model in fleet.members():
        hardware = endpoint.variants[model.variant]
        try:
            instance_type(hardware.instance_type)
        except Refusal as refusal:
            raise SimulationError(refusal.message, "use a type the world model knows") from None
        if model.resources.gpus > hardware.gpus:
            raise SimulationError(
                f"a copy of {model.name} needs {model.resources.gpus} GPUs, "
                f"{hardware.instance_type} has {hardware.gpus}",
                "place it on a variant with bigger instances",
            )


def first_copies(fleet: Fleet, trace: Trace) -> dict[str, int]:
    """Copies with which every policy begins: what the first ten minutes need, floors at least.

    The traffic did not begin with the trace. Where that does not fit an endpoint, its floors count.
    """
    known = [name for name in trace.models if name in fleet.shapes]
    head = trace.select(known).window(0, max(FIRST_S, trace.width_s))
    busiest = static_peak(head, fleet.shapes)
    found: dict[str, int] = {}
    for name, config in fleet.endpoints.items():
        floors = {n: min(m.min_copies, m.max_copies) for n, m in config.models.items()}
        wanted = {
            n: max(floors[n], min(busiest.get(n, 0), m.max_copies))
            for n, m in config.models.items()
        }
        fits = all(
            fleet.instances_for(name, variant, wanted) <= fleet.max_instances(name, variant)
            for variant in config.variants
        )
        found |= wanted if fits else floors
    return found


def strata_of(trace: Trace) -> dict[str, str]:
    """Strata by mean requests a second, for traces whose models file does not give them."""
    found = {}
    for name, totals in trace.totals().items():
        rate = totals.requests / trace.period_s
        label = next((label for limit, label in _STRATA if rate < limit), "very_hot")
        found[name] = label if totals.requests else "idle"
    return found


def alone(fleet: Fleet, copies: Mapping[str, int]) -> Fleet:
    """Each model with copies on an endpoint of its own, with as many instances as they need."""
    endpoints: dict[str, EndpointConfig] = {}
    fixed: dict[str, int] = {}
    for endpoint, model in fleet.members():
        count = copies.get(model.name, 0)
        if not count:
            continue
        hardware = endpoint.variants[model.variant]
        instances = math.ceil(count / (hardware.gpus // model.resources.gpus))
        name = f"{model.name}-alone"
        endpoints[name] = replace(
            endpoint,
            name=name,
            variants={ALONE_VARIANT: replace(hardware, max_instances=instances)},
            models={model.name: replace(model, variant=ALONE_VARIANT, max_copies=count)},
        )
        fixed[name] = instances
    return replace(fleet, endpoints=endpoints, fixed_instances=fixed)


def packed(fleet: Fleet, copies: Mapping[str, int]) -> Fleet:
    """The same endpoints with ceilings and instances raised to what these copies need."""
    endpoints = {}
    for name, config in fleet.endpoints.items():
        models = {
            n: replace(m, max_copies=max(m.max_copies, copies.get(n, 0)))
            for n, m in config.models.items()
        }
        variants: dict[str, VariantConfig] = {}
        for variant, hardware in config.variants.items():
            most = max(
                fleet.max_instances(name, variant), fleet.instances_for(name, variant, copies)
            )
            variants[variant] = replace(hardware, max_instances=most)
        endpoints[name] = replace(config, models=models, variants=variants)
    return replace(fleet, endpoints=endpoints)
