"""What each endpoint gets of a ceiling in GPUs that holds for the whole fleet.

Every endpoint gets what its floors need. The rest goes by how many GPUs its models could hold
beyond that, in whole GPUs, the largest remainders first; no endpoint gets more than it could use.
So the shares are never more than the ceiling together, and looks need not know of each other.
"""

from collections.abc import Mapping
from dataclasses import replace

from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.gpu_ceilings import GpuCeiling


def with_ceilings(
    endpoints: Mapping[str, EndpointConfig],
    classes: Mapping[str, int],
    owners: Mapping[str, int],
) -> dict[str, EndpointConfig]:
    """The endpoints with their shares of the ceilings of classes and owners (GPUs)."""
    shares: dict[str, list[GpuCeiling]] = {name: [] for name in endpoints}
    for ceiling in (
        *(GpuCeiling("class", name, 0, gpus) for name, gpus in sorted(classes.items())),
        *(GpuCeiling("owner", name, 0, gpus) for name, gpus in sorted(owners.items())),
    ):
        under = {
            name: [model for model in config.models.values() if ceiling.holds(model)]
            for name, config in endpoints.items()
        }
        wants = {name: demand(models) for name, models in under.items() if models}
        for name, gpus in split(ceiling.fleet_gpus, wants).items():
            shares[name].append(replace(ceiling, gpus=gpus))
    return {
        name: replace(config, gpu_ceilings=tuple(shares[name]))
        for name, config in endpoints.items()
    }


def demand(models: list[ModelConfig]) -> tuple[int, int]:
    """GPUs that the floors of these models need, and those that they could hold at most."""
    most = [
        min(model.max_copies * model.resources.gpus, model.max_gpus)
        if model.max_gpus is not None
        else model.max_copies * model.resources.gpus
        for model in models
    ]
    floors = sum(model.min_copies * model.resources.gpus for model in models)
    return floors, max(floors, sum(most))


def split(gpus: int, wants: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Shares by name of `wants`: (floor, most). Where floors need more than all: the floors."""
    shares = {name: floor for name, (floor, _) in wants.items()}
    rest = gpus - sum(shares.values())
    open_ = {name: most - floor for name, (floor, most) in wants.items()}
    could = sum(open_.values())
    if rest <= 0 or not could:
        return shares
    exact = {name: min(1.0, rest / could) * more for name, more in open_.items()}
    for name, more in exact.items():
        shares[name] += int(more)
    left = min(rest, could) - sum(int(more) for more in exact.values())
    by_remainder = sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))
    for name in by_remainder[: max(0, left)]:
        shares[name] += 1
    return shares
