"""Managed instance scaling of a variant: its limits and scale-in policy, and how they drift.

SageMaker adds and removes instances by itself within these; looks read them and plan with them and
never change them. What people stated in the fleet file and what is there may come to differ: that
is told, and `icscaler endpoint apply` puts it right. Source of members and ranges: SageMaker API
Reference, ProductionVariantManagedInstanceScaling and its ScaleInPolicy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icscaler.entities import EndpointView, VariantConfig


@dataclass(frozen=True, slots=True)
class ScaleIn:
    """Which instances go (IDLE_RELEASE, CONSOLIDATION), how many at a time, and how soon again."""

    strategy: str
    maximum_step_size: int = 1
    cooldown_minutes: int = 20


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing of a variant that is not as the fleet file states it; None: not there at all."""

    variant: str
    key: str
    stated: int | str
    found: int | str | None

    def __str__(self) -> str:
        found = "nothing" if self.found is None else self.found
        return f"{self.variant}: {self.key} is {found}, the fleet file says {self.stated}"


def drifts(stated: Mapping[str, "VariantConfig"], seen: "EndpointView") -> tuple[Drift, ...]:
    """What differs on an endpoint, variant by variant; what the file does not state never does."""
    return tuple(
        drift
        for name, variant in sorted(stated.items())
        if name in seen.variants
        for drift in _of_variant(name, variant, seen)
    )


def _of_variant(name: str, stated: "VariantConfig", seen: "EndpointView") -> Iterator[Drift]:
    found = seen.variants[name]
    limits = (
        ("min_instances", stated.min_instances, found.min_instances),
        ("max_instances", stated.max_instances, found.max_instances),
    )
    for key, wanted, there in limits:
        # Without managed scaling a maximum is only what icscaler plans with.
        if wanted is not None and wanted != there and (there is not None or key != "max_instances"):
            yield Drift(name, key, wanted, there)
    if stated.scale_in is None:
        return
    for key in ("strategy", "maximum_step_size", "cooldown_minutes"):
        wanted = getattr(stated.scale_in, key)
        there = getattr(found.scale_in, key, None)
        if wanted != there:
            yield Drift(name, f"scale_in.{key}", wanted, there)
