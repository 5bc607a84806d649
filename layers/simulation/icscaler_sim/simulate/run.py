"""One run from a scenario and a job to a score."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from icscaler.collecting import seldom_collected
from icscaler_sim.baselines import Facts, peer
from icscaler_sim.pricing import PriceTable, static_peak
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import events
from icscaler_sim.simulate.book import STEP_S, change_score, held_score
from icscaler_sim.simulate.configured import configured, our_settings
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.driver import Beat, Driver
from icscaler_sim.simulate.fleet import Fleet, alone, check_fleet, first_copies, packed
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.judge import Judge
from icscaler_sim.simulate.peers import PeerPilot
from icscaler_sim.simulate.pilot import Pilot, Still
from icscaler_sim.simulate.policies import (
    ALWAYS_ON,
    BOUNDS,
    ICSCALER,
    STATIC,
    STATIC_ALONE,
    Job,
    complete,
    label_of,
)
from icscaler_sim.simulate.proxy import Proxy
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.traces import Trace
from icscaler_sim.world import World, WorldSettings

SETTLE_S = 120
"""After the last arrival: longer than anybody waits, so that every request has met its fate."""
_LATE = 0.9

OnProgress = Callable[[float], None]
"""Told the share of the period that is done."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What every policy is put before. Second 0 of the trace is at `start_s` (epoch).

    The first `warm_s` of it are played and not scored: rules that learn have learned by then.
    """

    trace: Trace
    fleet: Fleet
    prices: PriceTable
    start_s: int
    settings: WorldSettings = field(default_factory=WorldSettings)
    warm_s: int = 0

    @property
    def judged(self) -> Trace:
        """The part of the traffic that is scored."""
        if not self.warm_s:
            return self.trace
        return self.trace.window(self.warm_s, self.trace.period_s)

    def __post_init__(self) -> None:
        check_fleet(self.fleet, self.trace)
        if self.start_s % 60:
            raise ValueError(f"start_s must be a whole minute, not {self.start_s}")
        if self.warm_s % STEP_S or not 0 <= self.warm_s < self.trace.period_s:
            raise ValueError(f"warm_s must be a multiple of {STEP_S} s within the traffic")


@dataclass(slots=True)
class _Cast:
    """Everything of one run that depends on the policy."""

    fleet: Fleet
    world: World
    hands: Hands
    pilot: Pilot
    period_s: int = 60
    proxy: Proxy | None = None
    controller: Controller | None = None


def run_job(scenario: Scenario, job: Job, on_progress: OnProgress | None = None) -> Score:
    """Play the whole period. Raises `SimulationError` for settings that make no sense."""
    settings = complete(job.policy, job.settings)
    if job.policy in BOUNDS:
        from icscaler_sim.simulate.clairvoyant import bound

        score = bound(scenario, job.policy, settings)
        if on_progress is not None:
            on_progress(1.0)
        return score
    cast = _cast(scenario, job)
    driver = Driver(cast.world, scenario.trace, cast.pilot, Beat(cast.period_s), proxy=cast.proxy)
    judge = Judge(
        cast.world,
        cast.fleet,
        cast.hands,
        cast.pilot,
        proxy=cast.proxy,
        controller=cast.controller,
    )
    judge.follow(driver, scenario.warm_s)
    if on_progress is not None:
        share = 1 / max(1, scenario.trace.period_s // STEP_S)
        driver.every(STEP_S, lambda: on_progress(share), first_s=STEP_S)
    if cast.controller is not None:
        events.connect(driver, cast.controller, cast.fleet, job)
    began_s = time.process_time()
    with seldom_collected():
        driver.run()
    cpu_s = time.process_time() - began_s
    judge.book.close()
    if cast.proxy is not None:
        cast.proxy.close()
    cast.world.advance(driver.end_s + SETTLE_S)
    return _score(scenario, job, settings, cast, judge, cpu_s)


def facts_of(scenario: Scenario, fleet: Fleet) -> dict[str, Facts]:
    """What a load test with the trace's mean request tells of every model."""
    totals = scenario.trace.totals()
    settings = scenario.settings
    found = {}
    for _, model in fleet.members():
        profile = fleet.shapes[model.name].profile
        mine = totals.get(model.name)
        tokens = (0.0, 0.0)
        if mine is not None and mine.requests:
            tokens = (mine.input_tokens / mine.requests, mine.output_tokens / mine.requests)
        weights_s = profile.weights_gb * settings.weights_load_s_per_gb.at(_LATE)
        engine_s = profile.engine_s or settings.engine_start_s.at(_LATE)
        found[model.name] = Facts(
            slots=profile.slots_per_copy,
            service_s=profile.service_s(*tokens),
            start_s=weights_s + engine_s,
            min_copies=model.min_copies,
            max_copies=model.max_copies,
        )
    return found


def static_copies(scenario: Scenario, policy: str, peak_fraction: float) -> dict[str, int]:
    """Copies for a share of each model's busiest 60 s; always-on has one of every model."""
    peaks = static_peak(scenario.judged, scenario.fleet.shapes)
    copies = {name: math.ceil(peak * peak_fraction - 1e-9) for name, peak in peaks.items()}
    if policy == ALWAYS_ON:
        for _, model in scenario.fleet.members():
            copies[model.name] = max(1, copies.get(model.name, 0))
    return copies


def _cast(scenario: Scenario, job: Job) -> _Cast:
    if job.policy in STATIC:
        return _static(scenario, job)
    fleet = scenario.fleet
    settings = scenario.settings
    if job.policy == ICSCALER:
        fleet = _configured(fleet, job)
    else:
        settings = replace(settings, emit_10s=peer(job.policy).period_s == 10)
    copies = first_copies(fleet, scenario.trace)
    world = set_stage(fleet, copies, scenario.start_s, seed=job.seed, settings=settings)
    hands = Hands(world)
    if job.policy == ICSCALER:
        controller = Controller(world, fleet, hands, check_every=job.check_every)
        return _Cast(fleet, world, hands, controller, controller=controller)
    return _peer(scenario, job, fleet, world, hands)


def check_job(scenario: Scenario, job: Job) -> None:
    """Raises `SimulationError` for a policy or setting that there is not, before anything runs."""
    complete(job.policy, job.settings)
    if job.policy == ICSCALER:
        _configured(scenario.fleet, job)


def _configured(fleet: Fleet, job: Job) -> Fleet:
    known = our_settings(fleet.endpoints.values())
    endpoints = {n: configured(e, job.settings, known) for n, e in fleet.endpoints.items()}
    return replace(fleet, endpoints=endpoints)


def _peer(scenario: Scenario, job: Job, fleet: Fleet, world: World, hands: Hands) -> _Cast:
    chosen = peer(job.policy)
    proxy = None
    if chosen.holds_requests:
        profiles = {name: shape.profile for name, shape in fleet.shapes.items()}
        proxy = Proxy(world, profiles, world.settings.in_time_s)
    pilot = PeerPilot(
        chosen, job.settings, world, fleet, facts_of(scenario, fleet), hands, proxy=proxy
    )
    return _Cast(fleet, world, hands, pilot, chosen.period_s, proxy)


def _static(scenario: Scenario, job: Job) -> _Cast:
    fraction = complete(job.policy, job.settings)["peak_fraction"]
    assert isinstance(fraction, (int, float))
    copies = static_copies(scenario, job.policy, float(fraction))
    place = alone if job.policy == STATIC_ALONE else packed
    fleet = place(scenario.fleet, copies)
    settings = replace(scenario.settings, emit_10s=False)
    world = set_stage(fleet, copies, scenario.start_s, seed=job.seed, settings=settings)
    return _Cast(fleet, world, Hands(world), Still())


def _score(
    scenario: Scenario,
    job: Job,
    settings: Mapping[str, object],
    cast: _Cast,
    judge: Judge,
    cpu_s: float,
) -> Score:
    held, book = judge.held, judge.book
    both = book.bills(scenario.prices)
    held_copies, lost = book.timelines() if job.keep_timeline else ({}, {})
    shown = dict(settings)
    if job.wake_events:
        shown["wake_events"] = True
    if job.spike_alarms:
        shown["spike_alarms"] = True
    return Score(
        name=job.policy,
        label=label_of(job.policy),
        settings=shown,
        seed=job.seed,
        hours=book.hours,
        models=book.models(held),
        on_reference=both.on_reference,
        on_cheapest=both.on_cheapest,
        wakes=book.wakes(held),
        changes=change_score(judge.log),
        aws_calls=judge.calls,
        held=held_score(held) if cast.proxy is not None else None,
        looks=judge.looks,
        violations=tuple(cast.controller.violations) if cast.controller is not None else (),
        cpu_s=cpu_s,
        played_hours=scenario.trace.period_s / 3600,
        step_s=STEP_S,
        timeline=held_copies,
        instance_hours_of=book.instance_hours(),
        lost_timeline=lost,
    )
