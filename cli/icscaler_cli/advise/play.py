"""Advice from traffic: the fleet as it is, then each model that could live alone does, then fleets
in which those do that seem to pay. Each is a run of the simulator, and each is a fleet file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.entities import ModelConfig
from icscaler_cli.advise.homes import resized
from icscaler_cli.advise.moving import Settled, settle
from icscaler_cli.advise.player import Played, Player, on_reference, pools_of
from icscaler_cli.advise.progress import Following
from icscaler_cli.advise.resize import Measurement, Reservations, lowered, models_of, stated
from icscaler_sim.advice import NOBODY, TRIES, Host, HostRules, Place, Usage, Verdict
from icscaler_sim.simulate import Job, Scenario, bases_of

HOPELESS = 1.5
"""A model that alone would cost this many times what it costs or frees shared, both estimated, is
not played alone."""


@dataclass(frozen=True, slots=True)
class ModelAdvice:
    """One model: both places, and the better one. `host`: the type it would have to itself.

    `own`: as it was played alone; None: not played. `own_estimate`: its dollars, before that.
    """

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
    `shared`: the same on the instance types that cost least. `settled`: who was played on an
    endpoint of its own, and the fleet that is advised. `runs`, `most_runs`: of the simulator.
    """

    now: Played
    smaller: Played
    shared: Played
    settled: Settled
    models: Sequence[ModelAdvice]
    rules: HostRules
    measurement: Measurement
    reservations: Reservations
    runs: int
    most_runs: int
    notes: Sequence[str] = field(default=())

    @property
    def best(self) -> Played:
        """The fleet that is advised."""
        return self.settled.best

    @property
    def file_text(self) -> str:
        """The fleet file that is advised; what reserves less now is said in it."""
        text, fleet = self.best.text, self.best.fleet
        if not self.measurement.resize:
            return text
        return stated(text, fleet, self.reservations, self.measurement.rules.margin_fraction)


def most_runs(measurement: Measurement) -> int:
    """As given, on other types, all alone, the sets that are tried; with lower reservations."""
    return 3 + TRIES + measurement.resize


def advise(
    now_text: str,
    source: str,
    scenario: Scenario,
    rules: HostRules,
    job: Job,
    measurement: Measurement,
    following: Following,
) -> Advice:
    """Play up to `most_runs` fleets. `scenario` plays the fleet of `now_text`; `following` is told
    of each run.
    """
    reference = on_reference(scenario, rules)
    player = Player(source, scenario, rules, job, reference, following)
    now = smaller = player.play("as given", now_text, {})
    found = measurement.judge(now.fleet, scenario.trace)
    if measurement.resize and lowered(found):
        text = resized(now_text, source, lowered(found))
        smaller = player.play("lower reservations", text, {})
    shared = player.on_cheapest_types(smaller)
    barred = _barred(now_text, source)
    estimates = {
        name: None if name in barred else player.estimate(shared, name)
        for name in shared.scenario.fleet.shapes
    }
    places = shared.places()
    thinkable = _thinkable(shared, places, estimates)
    settled = settle(player, shared, thinkable)
    usage = player.usage(shared)
    models = [
        _advice(model, places[model.name], settled, estimates[model.name], usage, barred)
        for model in models_of(shared.fleet).values()
    ]
    return Advice(
        now,
        smaller,
        shared,
        settled,
        models,
        rules,
        measurement,
        found,
        following.runs,
        following.most,
        settled.notes,
    )


def _barred(text: str, source: str) -> dict[str, str]:
    """Models that cannot be moved to a variant of their own, and why."""
    endpoints = compile_fleet(load_fleet(text, name=source)).endpoints
    found = dict.fromkeys(bases_of(endpoints), "has adapters")
    for endpoint in endpoints.values():
        for name, model in endpoint.models.items():
            if model.kind == "variant":
                found[name] = "has its own"
    return found


def _thinkable(
    shared: Played,
    places: Mapping[str, Place],
    estimates: Mapping[str, tuple[Host, float] | None],
) -> dict[str, Host]:
    """Models that might pay alone, and on what."""
    found = {}
    for pool in pools_of(shared).values():
        packed = pool.packed(NOBODY)
        for name in sorted(pool.models):
            estimate = estimates[name]
            if estimate is None:
                continue
            host, dollars = estimate
            frees = packed - pool.packed(frozenset({name}))
            if dollars <= HOPELESS * max(places[name].dollars, frees):
                found[name] = host
    return found


def _advice(
    model: ModelConfig,
    place: Place,
    settled: Settled,
    estimate: tuple[Host, float] | None,
    usage: Mapping[str, Usage],
    barred: Mapping[str, str],
) -> ModelAdvice:
    name = model.name
    host, dollars = estimate or (None, None)
    own = settled.places.get(name)
    if own is not None:
        found = settled.verdicts[name]
    elif dollars is not None:
        times = f"~{dollars / place.dollars:.1f} x its share" if place.dollars else "holds no GPU"
        found = Verdict(False, times)
    else:
        found = Verdict(False, barred.get(name, "no type fits"))
    return ModelAdvice(model, place, own, host, found, usage[name], dollars)
