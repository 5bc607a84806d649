"""A fleet file, played: every figure of the advice is a run of the simulator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.instances import CATALOGUE
from icscaler.config.load import load_fleet
from icscaler.entities import EndpointConfig
from icscaler_cli.advise.homes import OwnHome, endpoint_name, rehomed, retyped
from icscaler_cli.advise.progress import Following
from icscaler_sim.advice import (
    Group,
    Host,
    HostRules,
    Place,
    Pool,
    Trial,
    Usage,
    cheapest_own,
    hosts_for,
    more_lost,
    own_shape,
    place_of,
    scaled,
    shared_types,
    usage_of,
)
from icscaler_sim.advice.hosts import speed_of
from icscaler_sim.pricing import Bill, HeldCopies, packed_instances
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import Fleet, Job, Scenario, acting
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.simulate.run import run_job
from icscaler_sim.traces import CopyShape

WORTH_A_CHANGE = 0.95
"""Another instance type for a shared endpoint must cost at most this share of the present one."""
ROOM = 1.5
"""Most instances, against the most that were needed: it should never be what limits."""


@dataclass(frozen=True, slots=True)
class Played:
    """A fleet file, what it compiles to, how its copies serve, and what came of it.

    `label`: what people are told that it is.
    """

    label: str
    text: str
    fleet: CompiledFleet
    scenario: Scenario
    score: Score

    def bill(self, endpoint: str) -> Bill:
        """What one endpoint's instances cost."""
        prices = self.scenario.prices
        hours = self.score.instance_hours_of.get(endpoint, {})
        kinds = [(prices.get(name), spent) for name, spent in hours.items()]
        return Bill(
            gpu_hours=0.0,
            instance_hours=sum(hours.values()),
            instance_gpu_hours=sum(kind.gpus * spent for kind, spent in kinds),
            dollars=sum(kind.usd_per_hour * spent for kind, spent in kinds),
            instances={},
        )

    @property
    def dollars(self) -> float:
        """Of all instances."""
        return sum(self.bill(name).dollars for name in self.fleet.endpoints)

    def places(self) -> dict[str, Place]:
        """Every model where it lives in this fleet."""
        scores = {one.name: one for one in self.score.models}
        found: dict[str, Place] = {}
        for name, endpoint in self.fleet.endpoints.items():
            together = sum(scores[model].gpu_hours for model in endpoint.models)
            bill = self.bill(name)
            found |= {one: place_of(scores[one], bill, together) for one in endpoint.models}
        return found


def pools_of(shared: Played) -> dict[str, Pool]:
    """The endpoints that several models can share, as they were played."""
    prices, shapes = shared.scenario.prices, shared.scenario.fleet.shapes
    found = {}
    for name, endpoint in shared.fleet.endpoints.items():
        groups = []
        for variant, hardware in endpoint.variants.items():
            lines = {
                model.name: shared.score.timeline[model.name]
                for model in endpoint.models.values()
                if model.variant == variant and model.kind == "component"
            }
            if lines:
                kind = prices.get(hardware.instance_type)
                held = HeldCopies(shared.score.step_s, lines)
                groups.append(Group(kind, held, hardware.min_instances or 0))
        if groups:
            found[name] = Pool(groups, shapes, shared.bill(name).dollars)
    return found


def trial_of(shared: Played, played: Played, moved: frozenset[str]) -> Trial:
    """What came of moving these models, against `shared`, where nobody had moved."""
    before, now = shared.places(), played.places()
    lost = {n: more_lost(before[n].lost_fraction, now[n].lost_fraction) for n in sorted(moved)}
    return Trial(
        moved=moved,
        dollars=played.dollars,
        lost_fraction=played.score.lost_fraction,
        pools={name: played.bill(name).dollars for name in shared.fleet.endpoints},
        own={name: played.bill(endpoint_name(name)).dollars for name in sorted(moved)},
        worse=frozenset(name for name, more in lost.items() if more),
    )


def on_reference(scenario: Scenario, rules: HostRules) -> dict[str, CopyShape]:
    """How each component's copies would serve on the reference type: a profile holds for the type
    that the model runs on now.
    """
    shapes = dict(scenario.fleet.shapes)
    for endpoint, model in scenario.fleet.members():
        if model.kind == "component":
            kind = scenario.prices.get(endpoint.variants[model.variant].instance_type)
            shapes[model.name] = scaled(shapes[model.name], 1 / (speed_of(kind, rules) or 1.0))
    return shapes


def _roomy(kind: str, endpoint: EndpointConfig) -> bool:
    """Whether its GPUs run out before its CPUs and host memory do, whichever copies it holds."""
    offered = CATALOGUE.get(kind)
    return offered is not None and all(
        offered.memory_mb / offered.gpus >= model.resources.memory_mb / model.resources.gpus
        and offered.cpus / offered.gpus >= model.resources.cpus / model.resources.gpus
        for model in endpoint.models.values()
        if model.resources.gpus
    )


@dataclass(frozen=True, slots=True)
class Player:
    """Plays fleets on the same traffic. `reference`: copies as they serve on the reference type."""

    source: str
    scenario: Scenario
    rules: HostRules
    job: Job
    reference: Mapping[str, CopyShape]
    following: Following

    def play(self, label: str, text: str, homes: Mapping[str, Host]) -> Played:
        """Compile it, put each copy where it is, and play."""
        compiled = compile_fleet(load_fleet(text, name=self.source))
        fleet = replace(compiled, endpoints=acting(compiled.endpoints))
        shapes = self._shapes(fleet, homes)
        scenario = replace(
            self.scenario, fleet=Fleet(fleet.endpoints, shapes, self.scenario.fleet.strata)
        )
        self.following.begin(label)
        score = run_job(scenario, replace(self.job, keep_timeline=True), self.following.share)
        played = Played(label, text, fleet, scenario, score)
        self.following.end(label, played.dollars, score.lost_fraction)
        return played

    def _shapes(self, fleet: CompiledFleet, homes: Mapping[str, Host]) -> dict[str, CopyShape]:
        """Service profiles hold for the reference type; other types are faster or slower."""
        reference = self.reference
        shapes = copy_shapes(fleet.endpoints)
        for endpoint in fleet.endpoints.values():
            for name, model in endpoint.models.items():
                if name in homes:
                    shapes[name] = own_shape(reference[name], homes[name])
                elif model.kind == "component":
                    kind = self.scenario.prices.get(endpoint.variants[model.variant].instance_type)
                    shapes[name] = scaled(reference[name], speed_of(kind, self.rules) or 1.0)
        return shapes

    def on_cheapest_types(self, now: Played) -> Played:
        """Shared endpoints on the types that cost least, played; `now` where it has them."""
        kinds = {}
        for name, endpoint in now.fleet.endpoints.items():
            found = self._cheapest_type(now, endpoint)
            if found is not None:
                kinds[name] = found
        if not kinds:
            return now
        return self.play("shared, on other instances", retyped(now.text, self.source, kinds), {})

    def _cheapest_type(
        self, now: Played, endpoint: EndpointConfig
    ) -> tuple[str, int | None] | None:
        if len(endpoint.variants) != 1 or any(
            m.kind == "variant" for m in endpoint.models.values()
        ):
            return None
        (variant,) = endpoint.variants.values()
        here = now.scenario.prices.get(variant.instance_type)
        lines = {name: now.score.timeline[name] for name in endpoint.models}
        held = HeldCopies(now.score.step_s, lines)
        shapes, prices = now.scenario.fleet.shapes, now.scenario.prices
        roomy = [name for name in self.rules.types if _roomy(name, endpoint)]
        types = shared_types(
            held, shapes, prices, replace(self.rules, types=[here.name, *roomy]), here
        )
        before = next(one for one in types if one.kind.name == here.name)
        best = types[0]
        if best.dollars > WORTH_A_CHANGE * before.dollars:
            return None
        floors = {name: model.min_copies for name, model in endpoint.models.items()}
        least = packed_instances(floors, shapes, best.kind) + 1
        return best.kind.name, max(least, math.ceil(best.most_instances * ROOM))

    def estimate(self, shared: Played, name: str) -> tuple[Host, float] | None:
        """The cheapest type to have to itself, and its dollars, from the copies held."""
        place = next(e for e in shared.fleet.endpoints.values() if name in e.models)
        model = place.models[name]
        if model.kind == "variant":
            return None
        kind = shared.scenario.prices.get(place.variants[model.variant].instance_type)
        here = speed_of(kind, self.rules) or 1.0
        work = [held * here for held in shared.score.timeline[name]]
        shape = self.reference[name]
        hosts = hosts_for(shape, self.scenario.prices, self.rules)
        return cheapest_own(work, shared.score.step_s, hosts)

    def moved(self, shared: Played, homes: Mapping[str, Host]) -> str:
        """The fleet file with these models on endpoints of their own."""
        own = {}
        for name, host in homes.items():
            most = max(shared.score.timeline[name], default=1.0) / host.copies
            own[name] = OwnHome(host.kind.name, host.workers, max(2, math.ceil(most * ROOM)))
        return rehomed(shared.text, self.source, own, shared.fleet)

    def usage(self, played: Played) -> dict[str, Usage]:
        """What of the GPUs reserved was used."""
        reserved = {one.name: one.gpu_hours for one in played.score.models}
        return usage_of(self.scenario.judged, played.scenario.fleet.shapes, reserved)
