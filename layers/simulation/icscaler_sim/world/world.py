"""The world's front door."""

from __future__ import annotations

from collections.abc import Sequence

from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import (
    ComponentSpec,
    ComponentView,
    EndpointView,
    Invocation,
    ProfileCatalog,
    RollingPolicy,
    Target,
    VariantSpec,
)


class World:
    """One account and Region. Same seed and same calls: same results, however `advance` is sliced."""

    now_s: float
    profiles: ProfileCatalog
    metrics: MetricStore

    def __init__(
        self,
        settings: WorldSettings | None = None,
        *,
        seed: int,
        start_s: int,
        profiles: ProfileCatalog | None = None,
        metrics: MetricStore | None = None,
    ) -> None:
        raise NotImplementedError

    def advance(self, to_s: float) -> None:
        """Run physics up to `to_s`. Raises ValueError when that is in the past."""
        raise NotImplementedError

    def create_endpoint(self, name: str, variants: Sequence[VariantSpec]) -> None:
        """Order an endpoint; Creating until its first instances are up."""
        raise NotImplementedError

    def delete_endpoint(self, name: str) -> None:
        raise NotImplementedError

    def set_variant_instances(self, endpoint: str, variant: str, instances: int) -> None:
        raise NotImplementedError

    def set_variant_weight(self, endpoint: str, variant: str, weight: float) -> None:
        raise NotImplementedError

    def set_managed_scaling(
        self, endpoint: str, variant: str, *, min_instances: int, max_instances: int
    ) -> None:
        raise NotImplementedError

    def create_component(
        self, name: str, endpoint: str, variant: str, spec: ComponentSpec, copies: int
    ) -> None:
        raise NotImplementedError

    def set_copies(self, name: str, copies: int) -> None:
        raise NotImplementedError

    def update_component(
        self,
        name: str,
        spec: ComponentSpec | None = None,
        copies: int | None = None,
        rolling: RollingPolicy | None = None,
    ) -> None:
        raise NotImplementedError

    def delete_component(self, name: str) -> None:
        raise NotImplementedError

    def abort_update(self, name: str, reason: str) -> None:
        raise NotImplementedError

    def endpoint(self, name: str) -> EndpointView:
        raise NotImplementedError

    def endpoints(self) -> list[EndpointView]:
        raise NotImplementedError

    def component(self, name: str) -> ComponentView:
        raise NotImplementedError

    def components(self, endpoint: str | None = None) -> list[ComponentView]:
        raise NotImplementedError

    def arrive(
        self,
        target: Target,
        n: int,
        at_s: float,
        until_s: float | None = None,
        *,
        input_tokens: float = 0,
        output_tokens: float = 0,
    ) -> None:
        """`n` requests spread evenly over [at_s, until_s), or all at `at_s`; never in the past."""
        raise NotImplementedError

    def invoke(
        self, target: Target, *, input_tokens: float = 0, output_tokens: float = 0
    ) -> Invocation:
        """One request now. Raises Refusal (`ValidationError` at zero copies, `ModelError`)."""
        raise NotImplementedError
