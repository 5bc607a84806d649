"""The world's front door: AWS's verbs, requests, and the passing of time."""

from __future__ import annotations

from collections.abc import Sequence

from icscaler_sim.metrics.data import Table
from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.world import checks
from icscaler_sim.world.components import Component
from icscaler_sim.world.endpoints import Endpoint
from icscaler_sim.world.faults import Faults
from icscaler_sim.world.instances import Variant
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.operations import AdapterChange, Deletion, Scaling
from icscaler_sim.world.refusals import model_error, no_capacity, no_component, no_endpoint
from icscaler_sim.world.registry import Registry
from icscaler_sim.world.rolling import Rolling
from icscaler_sim.world.rows import MinuteRow
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import (
    ComponentSpec,
    ComponentStatus,
    ComponentView,
    EndpointView,
    Invocation,
    ProfileCatalog,
    RollingPolicy,
    ServiceProfile,
    Target,
    VariantSpec,
)
from icscaler_sim.world.tally import Tally


class World:
    """One account and Region. Same seed and calls: same results, however `advance` is sliced.

    Times are epoch seconds. Views are of this moment; changes take their time. What AWS would
    refuse raises `Refusal` and changes nothing.
    """

    def __init__(
        self,
        settings: WorldSettings | None = None,
        *,
        seed: int,
        start_s: int,
        profiles: ProfileCatalog | None = None,
        metrics: MetricStore | None = None,
    ) -> None:
        self._kernel = Kernel(
            settings or WorldSettings(),
            seed,
            start_s,
            profiles if profiles is not None else ProfileCatalog(),
            metrics if metrics is not None else MetricStore(),
        )
        self._endpoints: dict[str, Endpoint] = {}
        self._components: dict[str, Component] = {}
        self._registry = Registry(self._kernel)
        self.aliases: dict[str, tuple[str, str]] = {}
        """Names that single-model variants were given: name -> (endpoint, variant)."""
        self._invoke_errors = 0.0

    # --- what is shared with callers
    @property
    def now_s(self) -> float:
        """The present."""
        return self._kernel.now_s

    @property
    def settings(self) -> WorldSettings:
        """The physics and switches in force."""
        return self._kernel.settings

    @property
    def profiles(self) -> ProfileCatalog:
        """Service profiles; a change applies to copies ordered from now on."""
        return self._kernel.profiles

    @property
    def metrics(self) -> MetricStore:
        """Where the world's metrics can be read."""
        return self._kernel.metrics

    @property
    def faults(self) -> Faults:
        """What is broken on purpose."""
        return self._kernel.faults

    @property
    def tally(self) -> Tally:
        """What happened, counted exactly."""
        return self._kernel.tally

    def advance(self, to_s: float) -> None:
        """Run physics up to `to_s`. Raises ValueError when that is in the past."""
        kernel = self._kernel
        if to_s < kernel.now_s:
            raise ValueError(f"cannot go back from {kernel.now_s} to {to_s}")
        agenda = kernel.agenda
        due_s = agenda.next_s()
        while due_s is not None and due_s <= to_s:
            event = agenda.pop()
            assert event is not None
            kernel.now_s = event[0]
            event[1]()
            due_s = agenda.next_s()
        kernel.now_s = to_s

    # --- endpoints
    def create_endpoint(self, name: str, variants: Sequence[VariantSpec]) -> None:
        """Order an endpoint: Creating until its instances are up. Name must be free."""
        checks.new_endpoint(self._endpoints, name, variants)
        endpoint = Endpoint(self._kernel, name, variants, self._endpoint_gone)
        self._endpoints[name] = endpoint
        self._registry.publish_endpoint(endpoint)
        endpoint.start()

    def delete_endpoint(self, name: str) -> None:
        """Deleting, then gone. Refused while it changes or has components (by switch)."""
        endpoint = self._endpoint(name)
        components = [c for c in self._components.values() if c.variant.endpoint is endpoint]
        checks.delete_endpoint(endpoint, bool(components), self.settings)
        for component in components:
            component.begin(Deletion(component), "Deleting")
        endpoint.delete()

    def set_variant_instances(self, endpoint: str, variant: str, instances: int) -> None:
        """`UpdateEndpointWeightsAndCapacities`: Updating, then InService. One change at a time."""
        found = self._variant(endpoint, variant)
        checks.set_instances(found, instances)
        found.set_instances(instances)

    def set_variant_weight(self, endpoint: str, variant: str, weight: float) -> None:
        """Set the share of traffic a variant should get (callers split traffic themselves)."""
        found = self._variant(endpoint, variant)
        checks.set_weight(found, weight)
        found.weight = weight

    def set_managed_scaling(
        self, endpoint: str, variant: str, *, min_instances: int, max_instances: int
    ) -> None:
        """Change managed instance scaling's limits in place (`UpdateEndpoint`)."""
        found = self._variant(endpoint, variant)
        found.scaling = checks.managed_scaling(found, min_instances, max_instances)
        found.launch_missing()
        found.scale_in.plan()

    def lose_instance(self, endpoint: str, variant: str, ordinal: int | None = None) -> None:
        """Fault: an instance in service (the youngest, if none is named) dies with its copies."""
        found = self._variant(endpoint, variant)
        here = [i for i in found.in_service() if ordinal in (None, i.ordinal)]
        if not here:
            raise ValueError(f"no such instance in service on {endpoint}/{variant}")
        found.lose(here[-1])

    def age(self, name: str, profile: ServiceProfile, *, image: str | None = None) -> None:
        """Fault: the component's copies that are there behave so from now on, as after a leak.

        With `image` only those that run it. Copies ordered later are as fresh as ever.
        """
        self._component(name).age(profile, image)

    def endpoint(self, name: str) -> EndpointView:
        """As DescribeEndpoint. Raises Refusal for an unknown name."""
        return self._endpoint(name).view()

    def endpoints(self) -> list[EndpointView]:
        """All endpoints in the order of their creation."""
        return [endpoint.view() for endpoint in self._endpoints.values()]

    # --- components
    def create_component(
        self, name: str, endpoint: str, variant: str, spec: ComponentSpec, copies: int
    ) -> None:
        """Creating, then InService or Failed. Names are unique in the account."""
        if name in self._components:
            raise checks.name_taken(name)
        found = self._variant(endpoint, variant)
        base = None
        if spec.base is not None:
            base = checks.base_of(self._components.get(spec.base), spec.base, found)
        checks.new_component(found, name, spec, copies, self.settings)
        station = base.station if base is not None else self._registry.open(name, name, spec)
        component = Component(
            self._kernel, name, found, spec, station, self._component_gone, base=base
        )
        self._components[name] = component
        if base is not None:
            self._registry.share(name, station)
            base.adapters.add(name)
            component.begin(AdapterChange(component, "CREATE_IN_PROGRESS"), "Creating")
            return
        self._registry.publish_component(component)
        component.desired = copies
        component.begin(Scaling(component, "CREATE_IN_PROGRESS"), "Creating")

    def set_copies(self, name: str, copies: int) -> None:
        """`UpdateInferenceComponentRuntimeConfig`: Updating, then InService."""
        component = self._component(name)
        checks.set_copies(component, copies, self.settings)
        if component.base is not None:
            component.begin(AdapterChange(component, "UPDATE_RC_IN_PROGRESS"), "Updating")
            return
        component.desired = copies
        component.begin(Scaling(component, "UPDATE_RC_IN_PROGRESS"), "Updating")

    def update_component(
        self,
        name: str,
        spec: ComponentSpec | None = None,
        copies: int | None = None,
        rolling: RollingPolicy | None = None,
    ) -> None:
        """`UpdateInferenceComponent`: another spec (in batches with `rolling`), copy count or both.

        Ends InService with the new spec, or after a rollback with the old one.
        """
        component = self._component(name)
        target = component.desired if copies is None else copies
        if spec is None or spec == component.spec:
            self.set_copies(name, target)
            return
        checks.update(component, spec, target, rolling, self.settings)
        component.last_rolling = rolling or component.last_rolling
        if component.base is not None:
            component.spec = spec
            component.begin(AdapterChange(component, "UPDATE_IN_PROGRESS"), "Updating")
        elif not component.copies and self.settings.instant_update_at_zero:
            component.spec = spec
            component.desired = target
            component.begin(Scaling(component, "UPDATE_IN_PROGRESS"), "Updating")
        else:
            component.begin(Rolling(component, spec, target, rolling), "Updating")

    def abort_update(self, name: str, reason: str) -> None:
        """A deployment alarm fired: roll back natively. Refused when no update is under way."""
        component = self._component(name)
        if not isinstance(component.operation, Rolling):
            raise checks.no_update(name)
        component.operation.roll_back(reason)

    def delete_component(self, name: str) -> None:
        """Deleting, then gone and its name free. Refused while it changes or has adapters."""
        component = self._component(name)
        checks.delete_component(component)
        component.begin(Deletion(component), "Deleting")

    def component(self, name: str) -> ComponentView:
        """As DescribeInferenceComponent. Raises Refusal for an unknown name."""
        return self._component(name).view()

    def components(self, endpoint: str | None = None) -> list[ComponentView]:
        """All components (of one endpoint) in the order of their creation."""
        return [
            component.view()
            for component in self._components.values()
            if endpoint in (None, component.variant.endpoint.name)
        ]

    def listing(self, endpoint: str) -> list[tuple[str, ComponentStatus, float]]:
        """(name, status, last modified) by name, as ListInferenceComponents shows them."""
        return sorted(
            (name, component.status, component.modified_s)
            for name, component in self._components.items()
            if component.variant.endpoint.name == endpoint
        )

    def alias(self, name: str, endpoint: str, variant: str) -> None:
        """Let a single-model variant be called `name` by `arrive`, `minutes` and the tally.

        For callers that keep it beside components; AWS knows no such name. It must be free.
        """
        found = self._variant(endpoint, variant)
        if found.model is None:
            raise ValueError(f"{endpoint}/{variant} runs no model of its own")
        self._registry.share(name, found.model.station)
        self.tally.alias(name, found.model.name)
        self.aliases[name] = (endpoint, variant)

    # --- requests
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
        """`n` requests spread evenly over [at_s, until_s), or all at `at_s`; never in the past.

        Tokens are means per request. Traffic to an adapter is traffic of its base. Raises
        Refusal for an unknown target, ValueError for a past or negative one.
        """
        station = self._registry.station(target)
        now_s = self._kernel.now_s
        if at_s < now_s or n < 0:
            raise ValueError(f"cannot let {n} requests arrive at {at_s}: it is {now_s}")
        if n == 0:
            return
        if until_s is None or until_s <= at_s:
            if at_s == now_s:
                station.burst(at_s, n, input_tokens, output_tokens)
            else:
                self._kernel.agenda.at(
                    at_s, lambda: _ignore(station.burst(at_s, n, input_tokens, output_tokens))
                )
        elif at_s == now_s:
            station.flow(at_s, until_s, n, input_tokens, output_tokens)
        else:
            self._kernel.agenda.at(
                at_s, lambda: station.flow(at_s, until_s, n, input_tokens, output_tokens)
            )

    def invoke(
        self, target: Target, *, input_tokens: float = 0, output_tokens: float = 0
    ) -> Invocation:
        """`InvokeEndpoint`: one request now, served or refused.

        Raises Refusal: `ValidationError` without a ready copy, `ModelError` when the container
        fails it or it would wait longer than its patience.
        """
        station = self._registry.station(target)
        now_s = self._kernel.now_s
        wait_s = station.burst(now_s, 1, input_tokens, output_tokens)
        if not station.copies:
            raise no_capacity()
        if wait_s > station.patience_s:
            raise model_error("Your invocation timed out while waiting for a response.")
        self._invoke_errors += station.error_fraction
        if self._invoke_errors >= 1.0:
            self._invoke_errors -= 1.0
            raise model_error("Received server error (500) from the model container.")
        return Invocation(target, now_s, wait_s, wait_s + station.service_s)

    def minutes(self, target: Target, start_s: float, seen_at_s: float) -> list[MinuteRow]:
        """All metrics of a target's minutes from `start_s` on that can be read by `seen_at_s`.

        One cheap read instead of one per series, for simulators: the same rows the metric store
        is read from. Counts are complete from a row's `settled_at_s` on.
        """
        return [row for row in self.minute_table(target).since(start_s) if row[1] <= seen_at_s]

    def minute_table(self, target: Target) -> Table:
        """The target's minutes (`MinuteRow`), to skip the look-up in a hot loop. A component that
        is created anew has another table."""
        return self._registry.station(target).minutes

    # --- inside
    def _endpoint(self, name: str) -> Endpoint:
        found = self._endpoints.get(name)
        if found is None:
            raise no_endpoint(name)
        return found

    def _variant(self, endpoint: str, variant: str) -> Variant:
        return checks.variant_of(self._endpoint(endpoint), variant)

    def _component(self, name: str) -> Component:
        found = self._components.get(name)
        if found is None:
            raise no_component(name)
        return found

    def _component_gone(self, component: Component) -> None:
        del self._components[component.name]
        self._registry.close(component.name)
        if component.base is not None:
            component.base.adapters.discard(component.name)

    def _endpoint_gone(self, endpoint: Endpoint) -> None:
        self._endpoints.pop(endpoint.name, None)
        for variant in endpoint.variants.values():
            self._registry.close((endpoint.name, variant.spec.name))


def _ignore(value: object) -> None:
    """For actions whose result nobody wants."""
