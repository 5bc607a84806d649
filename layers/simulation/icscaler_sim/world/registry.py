"""Who takes requests under which name, and where their metrics go."""

from __future__ import annotations

from icscaler_sim.world.components import Component
from icscaler_sim.world.emission import (
    publish_component,
    publish_fleet,
    publish_single_model,
    publish_variant_requests,
)
from icscaler_sim.world.endpoints import Endpoint
from icscaler_sim.world.instances import Variant
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.refusals import no_component, no_endpoint
from icscaler_sim.world.specs import ComponentSpec, Target
from icscaler_sim.world.station import Station


class Registry:
    """Stations by target. A name that is created again gets a new station and the same books."""

    __slots__ = ("_count", "_kernel", "_stations")

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._stations: dict[Target, Station] = {}
        self._count = 0

    def station(self, target: Target) -> Station:
        """Where the target's requests go. Raises Refusal for an unknown one."""
        found = self._stations.get(target)
        if found is None:
            raise no_component(target) if isinstance(target, str) else no_endpoint(target[0])
        return found

    def open(self, name: str, target: Target, spec: ComponentSpec) -> Station:
        """A station for a new component or single-model variant."""
        kernel = self._kernel
        self._count += 1
        station = Station(
            name,
            kernel.now_s,
            kernel.profiles.for_component(name, spec),
            kernel.settings,
            kernel.lags,
            kernel.faults,
            offset=101 * self._count,
            keep_s=kernel.metrics.keep_s,
        )
        station.minutes.refresh = station.tens.refresh = lambda: station.settle(kernel.now_s)
        kernel.tally.track_requests(name, station.counts_at)
        self._stations[target] = station
        return station

    def share(self, name: str, station: Station) -> None:
        """Requests for `name` (an adapter) go to its base's station."""
        self._stations[name] = station

    def close(self, target: Target) -> None:
        """Nobody answers to the target any more."""
        self._stations.pop(target, None)

    def publish_component(self, component: Component) -> None:
        """Let a component's metrics be read."""
        kernel, variant, station = self._kernel, component.variant, component.station
        publish_component(kernel.metrics, station, kernel.settings)
        variant.component_minutes.append(station.minutes)
        if kernel.settings.component_endpoint_metrics:
            publish_variant_requests(
                kernel.metrics, variant.endpoint.name, variant.spec.name, station, kernel.settings
            )

    def publish_endpoint(self, endpoint: Endpoint) -> None:
        """Let an endpoint's metrics be read; single-model variants get their model here."""
        for variant in endpoint.variants.values():
            if variant.spec.model_name is not None:
                self._host_model(endpoint, variant, variant.spec.model_name)
            publish_fleet(
                self._kernel.metrics,
                endpoint.name,
                variant.spec.name,
                variant.log.minutes,
                variant.component_minutes,
            )

    def _host_model(self, endpoint: Endpoint, variant: Variant, model_name: str) -> None:
        """A single-model variant runs one copy of its model on each instance."""
        kernel = self._kernel
        name = f"{endpoint.name}/{variant.spec.name}"
        spec = ComponentSpec(gpus=variant.kind.gpus, image=model_name, artifact=model_name)
        station = self.open(name, (endpoint.name, variant.spec.name), spec)
        variant.model = Component(
            kernel, name, variant, spec, station, lambda gone: None, hidden=True
        )
        variant.component_minutes.append(station.minutes)
        publish_single_model(
            kernel.metrics, endpoint.name, variant.spec.name, station, kernel.settings
        )
