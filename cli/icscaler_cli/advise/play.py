"""Advice from traffic: the fleet as it is, then each model that could live alone does, then the
fleet in which those do for which it pays. Each is a run of the simulator, and each is a fleet file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.instances import CATALOGUE
from icscaler.config.load import load_fleet
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler_cli.advise.homes import OwnHome, rehomed, resized, retyped
from icscaler_cli.advise.resize import Measurement, Reservations, lowered, models_of, stated
from icscaler_sim.advice import (
    Host,
    HostRules,
    Place,
    Usage,
    Verdict,
    cheapest_own,
    hosts_for,
    own_shape,
    place_of,
    scaled,
    shared_types,
    usage_of,
    verdict,
)
from icscaler_sim.advice.hosts import speed_of
from icscaler_sim.pricing import Bill, HeldCopies, packed_instances
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import Fleet, Job, Scenario, acting, bases_of
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.simulate.run import run_job
from icscaler_sim.traces import CopyShape

HOPELESS = 1.5
"""A model that alone would cost this many times its share by the estimate is not played alone."""
WORTH_A_CHANGE = 0.95
"""Another instance type for a shared endpoint must cost at most this share of the present one."""
ROOM = 1.5
"""Most instances, against the most that were needed: it should never be what limits."""


@dataclass(frozen=True, slots=True)
class Played:
    """A fleet file, what it compiles to, how its copies serve, and what came of it."""

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


@dataclass(frozen=True, slots=True)
class ModelAdvice:
    """One model: both places, and the better one. `host`: the type it would have to itself."""

    model: ModelConfig
    shared: Place
    own: Place | None
    host: Host | None
    verdict: Verdict
    usage: Usage
    own_estimate: float | None


@dataclass(frozen=True, slots=True)
class Advice:
    """`now`: the fleet as given. `smaller`: with lowered reservations, where that was asked for.
    `shared`: the same on the instance types that cost least. `alone`: all models for which it is
    thinkable on endpoints of their own. `best`: the advice.
    """

    now: Played
    smaller: Played
    shared: Played
    alone: Played
    best: Played
    models: Sequence[ModelAdvice]
    rules: HostRules
    measurement: Measurement
    reservations: Reservations
    notes: Sequence[str] = field(default=())

    @property
    def file_text(self) -> str:
        """The fleet file that is advised; what reserves less now is said in it."""
        text, fleet = self.best.text, self.best.fleet
        if not self.measurement.resize:
            return text
        return stated(text, fleet, self.reservations, self.measurement.rules.margin_fraction)


def advise(
    now_text: str,
    source: str,
    scenario: Scenario,
    rules: HostRules,
    job: Job,
    measurement: Measurement,
    say: Callable[[str], None],
) -> Advice:
    """Play up to five fleets. `scenario` plays the fleet of `now_text`; `say` hears what is on."""
    player = _Player(source, scenario, rules, job, _on_reference(scenario, rules))
    now = smaller = player.play(now_text, {})
    found = measurement.judge(now.fleet, scenario.trace)
    if measurement.resize and lowered(found):
        say("Playing the fleet with lower reservations")
        smaller = player.play(resized(now_text, source, lowered(found)), {})
    say("Playing shared endpoints on the instance types that cost least")
    shared = player.on_cheapest_types(smaller)
    barred = _barred(now_text, source)
    estimates = {
        name: None if name in barred else player.estimate(shared, name)
        for name in shared.scenario.fleet.shapes
    }
    places = shared.places()
    thinkable = {
        name: found[0]
        for name, found in estimates.items()
        if found is not None and found[1] <= HOPELESS * places[name].dollars
    }
    say(f"Playing {len(thinkable)} models on endpoints of their own")
    alone = player.play(player.moved(shared, thinkable), thinkable) if thinkable else shared
    usage = player.usage(shared)
    models = [
        _advice(model, places, alone, thinkable, estimates, usage, barred)
        for model in models_of(shared.fleet).values()
    ]
    chosen = {one.model.name: thinkable[one.model.name] for one in models if one.verdict.own}
    best = alone if chosen.keys() == thinkable.keys() else shared
    if chosen and best is not alone:
        say(f"Playing the fleet that is advised: {len(chosen)} models on their own")
        best = player.play(player.moved(shared, chosen), chosen)
    notes = []
    if chosen and best.dollars > shared.dollars:
        notes.append(
            "Each of these models costs less alone, the fleet as a whole does not: what they leave "
            "behind fills its instances less well. Nothing is moved."
        )
        best = shared
        models = [replace(one, verdict=_stays(one.verdict)) for one in models]
    return Advice(now, smaller, shared, alone, best, models, rules, measurement, found, notes)


def _stays(found: Verdict) -> Verdict:
    """Where nothing is moved, because together it does not pay."""
    return Verdict(False, f"{found.why}, fleet dearer") if found.own else found


def _barred(text: str, source: str) -> dict[str, str]:
    """Models that cannot be moved to a variant of their own, and why."""
    endpoints = compile_fleet(load_fleet(text, name=source)).endpoints
    found = dict.fromkeys(bases_of(endpoints), "has adapters")
    for endpoint in endpoints.values():
        for name, model in endpoint.models.items():
            if model.kind == "variant":
                found[name] = "has its own"
    return found


def _on_reference(scenario: Scenario, rules: HostRules) -> dict[str, CopyShape]:
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


def _advice(
    model: ModelConfig,
    places: Mapping[str, Place],
    alone: Played,
    thinkable: Mapping[str, Host],
    estimates: Mapping[str, tuple[Host, float] | None],
    usage: Mapping[str, Usage],
    barred: Mapping[str, str],
) -> ModelAdvice:
    name = model.name
    host, dollars = estimates[name] or (None, None)
    own = alone.places()[name] if name in thinkable else None
    found = Verdict(False, barred[name]) if name in barred else verdict(places[name], own)
    if own is None and host is not None and dollars is not None:
        share = places[name].dollars
        found = Verdict(False, f"~{dollars / share:.1f} x alone" if share else "holds no GPU")
    return ModelAdvice(model, places[name], own, host, found, usage[name], dollars)


@dataclass(frozen=True, slots=True)
class _Player:
    source: str
    scenario: Scenario
    rules: HostRules
    job: Job
    reference: Mapping[str, CopyShape]

    def play(self, text: str, homes: Mapping[str, Host]) -> Played:
        """Compile it, put each copy where it is, and play."""
        compiled = compile_fleet(load_fleet(text, name=self.source))
        fleet = replace(compiled, endpoints=acting(compiled.endpoints))
        shapes = self._shapes(fleet, homes)
        scenario = replace(
            self.scenario, fleet=Fleet(fleet.endpoints, shapes, self.scenario.fleet.strata)
        )
        score = run_job(scenario, replace(self.job, keep_timeline=True))
        return Played(text, fleet, scenario, score)

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
        return self.play(retyped(now.text, self.source, kinds), {}) if kinds else now

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
