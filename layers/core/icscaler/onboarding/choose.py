"""Which endpoint a new model goes to: packing and headroom.

A place must have room for the copies right now, and at the endpoint's maximum of instances still
for the floors of everybody. Among those, one where no instance has to be added comes first, and
one that is sure under any placement before one that is only possible; then the one where the
ceilings of all models fill the maximum least (headroom); then the first by name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from icscaler.bounds import bounds_at
from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    EndpointView,
    ModelConfig,
    VariantConfig,
)
from icscaler.packing import Fit, fit
from icscaler.variants import single

USABLE_STATUSES = ("InService", "Updating", "SystemUpdating")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A published endpoint as it is now. `there`: what its copies reserve, by variant."""

    config: EndpointConfig
    view: EndpointView | None
    there: Mapping[str, Sequence[CopyResources]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A variant with room. `more_instances`: only after instances are added. `crowding` is how
    often over the ceilings of all models, the new one's too, fill the maximum (1.0: just full)."""

    endpoint: str
    variant: str
    more_instances: bool
    fit: Fit
    crowding: float

    @property
    def why(self) -> str:
        """The reason as people read it."""
        room = "after an instance is added" if self.more_instances else "on running instances"
        sure = "" if self.fit is Fit.SURE else ", if the copies lie well"
        return (
            f"room {room}{sure}; the ceilings of all its models are {self.crowding:.2f} times "
            "what it can hold"
        )


@dataclass(frozen=True, slots=True)
class Need:
    """What looks for a place."""

    resources: CopyResources
    copies: int
    max_copies: int


def places(
    need: Need, candidates: Iterable[Candidate], at_s: int
) -> tuple[list[Place], dict[str, str]]:
    """Places with room, best first, and why each other endpoint or variant has none."""
    found: list[Place] = []
    refused: dict[str, str] = {}
    for candidate in candidates:
        for name in sorted(candidate.config.variants):
            place = assess(need, candidate, name, at_s)
            if isinstance(place, Place):
                found.append(place)
            else:
                refused[f"{candidate.config.name}/{name}"] = place
    found.sort(key=_rank)
    return found, refused


def _rank(place: Place) -> tuple[bool, bool, float, str, str]:
    unsure = place.fit is not Fit.SURE
    return place.more_instances, unsure, place.crowding, place.endpoint, place.variant


def assess(need: Need, candidate: Candidate, variant_name: str, at_s: int) -> Place | str:
    """The place that a variant offers, or why it offers none."""
    view, config = candidate.view, candidate.config
    if view is None:
        return "the endpoint does not exist"
    if view.status not in USABLE_STATUSES:
        return f"the endpoint is {view.status}"
    seen = view.variants.get(variant_name)
    if seen is None:
        return "the endpoint has no such variant"
    if owner := next((m.name for m in single(config).values() if m.variant == variant_name), None):
        return f"{owner} has the variant to itself"
    variant = config.variants[variant_name]
    running = max(seen.current_instances, seen.desired_instances)
    limits = [one for one in (variant.max_instances, seen.max_instances) if one is not None]
    most = min(limits) if limits else running
    more = [need.resources] * need.copies
    if fit(variant, 1, (), [need.resources]) is Fit.IMPOSSIBLE:
        return f"one copy does not fit on an empty {variant.instance_type}"
    floors = list(_floors(config, variant_name, at_s))
    if fit(variant, most, floors, more) is Fit.IMPOSSIBLE:
        return f"the floors of its models leave no room on {most} instances"
    there = candidate.there.get(variant_name, ())
    now, later = fit(variant, running, there, more), fit(variant, most, there, more)
    if later is Fit.IMPOSSIBLE:
        return f"its copies fill all {most} instances"
    crowding = _crowding(variant, most, config, variant_name, need)
    grown = now is Fit.IMPOSSIBLE
    return Place(config.name, variant_name, grown, later if grown else now, crowding)


def _models(config: EndpointConfig, variant: str) -> Iterator[ModelConfig]:
    return (m for m in config.models.values() if m.variant == variant and m.adapter_of is None)


def _floors(config: EndpointConfig, variant: str, at_s: int) -> Iterator[CopyResources]:
    for model in _models(config, variant):
        yield from [model.resources] * bounds_at(config, model, at_s).floor.copies


def _crowding(
    variant: VariantConfig, instances: int, config: EndpointConfig, name: str, need: Need
) -> float:
    """By the scarcest resource."""
    wanted = [(model.resources, model.max_copies) for model in _models(config, name)]
    wanted.append((need.resources, need.max_copies))
    shares = [0.0]
    for has, key in ((variant.gpus, "gpus"), (variant.cpus, "cpus"), (variant.memory_mb, "memory")):
        used = sum(_amount(copy, key) * copies for copy, copies in wanted)
        if has:
            shares.append(used / (has * max(instances, 1)))
    return max(shares)


def _amount(copy: CopyResources, key: str) -> float:
    return {"gpus": copy.gpus, "cpus": copy.cpus, "memory": copy.memory_mb}[key]
