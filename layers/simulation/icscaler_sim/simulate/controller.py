"""icscaler itself in the simulator: the same `decide` and configuration as the handlers use.

What surrounds a decision in production is done here as the use cases do it: observing (which
components are described, which series are read), the fleet's removal allowance granted each tick
and drawn from, outcomes told to the next look, wakes. A test plays the same hours through handlers
and local cloud and compares every change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from icscaler import entities as core
from icscaler.decide import decide
from icscaler.entities import (
    Change,
    EndpointConfig,
    EndpointState,
    Outcome,
    OutcomeKind,
    Plan,
    Snapshot,
)
from icscaler.invariants import Look, check
from icscaler.learned import InTime, ServiceTime
from icscaler.policies.accepted_load import latency_since_s
from icscaler.policies.evidence import reads_in_flight, settled_until_s
from icscaler.policies.objectives import due
from icscaler.variants import hosts_components, views
from icscaler_sim.metrics.store import Series
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.places import write_call
from icscaler_sim.simulate.sight import (
    MINUTE_S,
    in_flight_series,
    latency_series,
    metric_minutes,
    promise_of,
)
from icscaler_sim.world import ComponentView, World

ROTATION_S = 600
HISTORY_S = 900
LONGEST_HOLE_S = 3 * 3600
SERIES_PER_CALL = 500
LIST_PAGE = 100
MOST_TOLD = 50
UNKNOWN = ServiceTime()
UNCOUNTED = InTime()


@dataclass(frozen=True, slots=True)
class FleetLimits:
    """Dispatch's fleet-wide limits; its defaults."""

    removal_share: float = 0.1
    removal_least: int = 3
    vanished_share: float = 0.5
    vanished_least: int = 5
    allowance_s: int = 150


@dataclass(slots=True)
class _Allowance:
    limit: int = 0
    used: int = 0
    until_s: int = -1

    def left(self, at_s: int) -> int | None:
        """What may still be removed; None when nothing was granted."""
        return max(0, self.limit - self.used) if at_s < self.until_s else None

    def draw(self, copies: int, at_s: int) -> bool:
        """Take so many, or nothing."""
        if at_s >= self.until_s or self.used + copies > self.limit:
            return False
        self.used += copies
        return True


@dataclass(slots=True)
class _Home:
    """What is kept of one endpoint between looks."""

    config: EndpointConfig
    state: EndpointState
    views: dict[str, core.ComponentView]
    outcomes: dict[str, Outcome]
    wakes: dict[str, int]
    summary: tuple[int, int, int] = (0, 0, 0)
    """(copies meant to be there, models loaded, blind ones of these) of the last look."""


OnPlan = Callable[[EndpointConfig, Snapshot, Plan], None]


class Controller:
    """Looks at every endpoint with `decide`. `check_every` > 0: check the invariants of every
    n-th look; violations are sentences."""

    def __init__(
        self,
        world: World,
        fleet: Fleet,
        hands: Hands,
        *,
        limits: FleetLimits | None = None,
        check_every: int = 0,
        on_plan: OnPlan | None = None,
    ) -> None:
        self._world = world
        self._hands = hands
        self._limits = limits or FleetLimits()
        self._check_every = check_every
        self._on_plan = on_plan
        self._allowance = _Allowance()
        self._vanished = False
        self._homes = {
            name: _Home(config, EndpointState(), {}, {}, {})
            for name, config in sorted(fleet.endpoints.items())
        }
        self._home_of = {model.name: endpoint.name for endpoint, model in fleet.members()}
        self._series: dict[str, Series | None] = {
            name: in_flight_series(world, name) for name in self._home_of
        }
        self._calls: Counter[str] = Counter()
        self._asked = 0
        self.looks = 0
        self.violations: list[str] = []

    @property
    def calls(self) -> Mapping[str, int]:
        return dict(self._calls)

    def state(self, endpoint: str) -> EndpointState:
        """What is remembered of an endpoint after its last look."""
        return self._homes[endpoint].state

    def called(self, name: str, until_s: float) -> None:
        """Every model is looked at every time."""

    def look(self, at_s: int) -> None:
        self._grant(at_s)
        for name in self._homes:
            self.look_at(name, at_s)

    def wake(self, component: str, at_s: int) -> None:
        """Somebody asks for a model (a `WakeRequested` event): noted, then looked at."""
        name = self._home_of[component]
        self._homes[name].wakes[component] = at_s
        self.look_at(name, at_s)

    def look_at(self, endpoint: str, event_at_s: int) -> None:
        """One look at one endpoint, with a time of its own."""
        home = self._homes[endpoint]
        last_s = home.state.last_look_s
        at_s = event_at_s if last_s is None else max(event_at_s, last_s + 1)
        seen = self._observe(home, at_s)
        before = home.state
        after, plan = decide(home.config, before, seen, at_s)
        self.looks += 1
        if self._check_every and self.looks % self._check_every == 0:
            self._check(Look(home.config, before, seen, after, plan))
        home.state = after
        home.views = seen.components
        home.summary = (
            sum(view.desired_copies for view in seen.components.values()),
            sum(seen.components[name].current_copies > 0 for name in plan.decisions),
            len(plan.blind),
        )
        home.outcomes = self._act(plan, at_s)
        if self._on_plan is not None:
            self._on_plan(home.config, seen, plan)

    # --- fleet-wide limits
    def _grant(self, at_s: int) -> None:
        limits = self._limits
        copies = sum(home.summary[0] for home in self._homes.values())
        models = sum(home.summary[1] for home in self._homes.values())
        blind = sum(home.summary[2] for home in self._homes.values())
        self._vanished = blind >= limits.vanished_least and blind >= limits.vanished_share * models
        limit = max(limits.removal_least, int(limits.removal_share * copies))
        self._allowance = _Allowance(limit, 0, at_s + limits.allowance_s)

    # --- observe
    def _observe(self, home: _Home, at_s: int) -> Snapshot:
        self._calls["DescribeEndpoint"] += 1
        endpoint = self._endpoint(home.config.name)
        components = self._components(home, at_s) if hosts_components(home.config) else {}
        components |= views(home.config, endpoint, home.views, at_s)
        metrics = {
            name: self._minutes(home, name, view, at_s)
            for name, view in components.items()
            if name in home.config.models
        }
        self._calls["GetMetricData"] += -(-self._asked // SERIES_PER_CALL)
        self._asked = 0
        return Snapshot(
            at_s=at_s,
            config_version=home.config.version,
            endpoint=endpoint,
            components=components,
            metrics=metrics,
            wakes=dict(home.wakes),
            outcomes=home.outcomes,
            removal_allowance=self._allowance.left(at_s),
            metrics_vanished=self._vanished,
        )

    def _endpoint(self, name: str) -> core.EndpointView:
        view = self._world.endpoint(name)
        variants = {}
        for variant in view.variants:
            scaling = variant.spec.managed_scaling
            managed = scaling if scaling is not None and scaling.enabled else None
            variants[variant.spec.name] = core.VariantView(
                name=variant.spec.name,
                instance_type=None,
                current_instances=variant.current_instances,
                desired_instances=variant.desired_instances,
                min_instances=managed.min_instances if managed else None,
                max_instances=managed.max_instances if managed else None,
            )
        return core.EndpointView(name, view.status, variants, int(view.modified_s))

    def _components(self, home: _Home, at_s: int) -> dict[str, core.ComponentView]:
        """As observe does: listed with status and times, described where that may be stale."""
        listed = self._world.listing(home.config.name)
        self._calls["ListInferenceComponents"] += -(-len(listed) // LIST_PAGE)
        found = {}
        for name, status, modified_s in listed:
            before = home.views.get(name)
            if before is not None and not _stale(
                home.state.models.get(name), before, status, modified_s, at_s
            ):
                found[name] = before
                continue
            self._calls["DescribeInferenceComponent"] += 1
            found[name] = _described(self._world.component(name), at_s)
        return found

    def _minutes(
        self, home: _Home, name: str, view: core.ComponentView, at_s: int
    ) -> tuple[core.MetricMinute, ...]:
        known = home.state.models.get(name)
        start_s, active_s, service, in_time = at_s - HISTORY_S, 0, UNKNOWN, UNCOUNTED
        if known is not None:
            active_s, service, in_time = known.last_active_s, known.service, known.in_time
            start_s = max(known.last_minute_s + MINUTE_S, at_s - LONGEST_HOLE_S)
        start_s = min(start_s, at_s - MINUTE_S) // MINUTE_S * MINUTE_S
        loaded, model = view.current_copies > 0, home.config.models[name]
        in_flight = latency = promise = None
        if reads_in_flight(model):
            in_flight = self._series[name]
        settled_s = settled_until_s(home.config, at_s)
        latency_s = latency_since_s(model, service, active_s, loaded, settled_s)
        if latency_s is not None:
            start_s, latency = min(start_s, latency_s), latency_series(self._world, name)
        judged = due(home.config, model, in_time, active_s, settled_s)
        if judged is not None:
            start_s = min(start_s, judged.since_s)
            promise = promise_of(self._world, name, judged.promise.deadline_s)
        refused = model.kind == "component"
        self._asked += 3 if loaded else 1
        self._asked += (latency is not None) + (2 + refused) * (promise is not None)
        return metric_minutes(
            self._world,
            name,
            start_s,
            at_s,
            loaded=loaded,
            in_flight=in_flight,
            in_tens=model.spike_alarm,
            latency=latency,
            promise=promise,
        )

    # --- act
    def _act(self, plan: Plan, at_s: int) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        removals = sum(change.removes_by_demand for change in plan.changes)
        may_remove = removals == 0 or self._allowance.draw(removals, at_s)
        for change in plan.changes:
            if change.removes_by_demand and not may_remove:
                kind, text = OutcomeKind.NO_ALLOWANCE, ""
            else:
                kind, text = self._write(change, at_s)
            outcomes[change.component] = Outcome(
                kind, change.attempt_id, change.to_copies, at_s, text
            )
        return outcomes

    def _write(self, change: Change, at_s: int) -> tuple[OutcomeKind, str]:
        self._calls[write_call(self._world, change.component)] += 1
        return self._hands.set_copies(change.component, change.from_copies, change.to_copies, at_s)

    def _check(self, look: Look) -> None:
        for violation in check(look, decide):
            if len(self.violations) < MOST_TOLD:
                self.violations.append(f"{look.seen.at_s} {look.config.name}: {violation}")


def _stale(
    model: core.ModelState | None,
    before: core.ComponentView,
    status: str,
    modified_s: float,
    at_s: int,
) -> bool:
    """Whether what is known of a component is not good enough: `observe.needs_describing`."""
    return (
        int(modified_s) != before.last_modified_s
        or status != "InService"
        or before.status != "InService"
        or before.desired_copies != before.current_copies
        or (model is not None and model.intent is not None)
        or at_s - before.described_at_s >= ROTATION_S
    )


def _described(view: ComponentView, at_s: int) -> core.ComponentView:
    spec = view.spec
    return core.ComponentView(
        name=view.name,
        variant=view.variant,
        status=view.status,
        desired_copies=view.desired_copies,
        current_copies=view.current_copies,
        last_modified_s=int(view.modified_s),
        described_at_s=at_s,
        failure_reason=view.failure_reason,
        resources=core.CopyResources(spec.gpus, float(spec.cpus), spec.memory_mb),
    )
