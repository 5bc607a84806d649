"""An objective at work in the world: worth moves, copies follow, retries get no second copy."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from icscaler.config.cron import parse_cron
from icscaler.entities import ModelConfig, Objective
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import UTC
from icscaler_sim.simulate import Fleet
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import World, WorldSettings
from tests.unit.simulate.builders import START_S, fleet, model

SETTINGS = WorldSettings(emit_10s=False)


def promised(in_time_fraction: float | None, **keys: object) -> ModelConfig:
    objective = Objective(in_time_fraction=in_time_fraction, deadline_s=40.0)
    scaled = model("a", concurrent_requests_per_copy=10, **keys)
    return replace(scaled, policy=None, objective=objective)


def played(one: ModelConfig, counts: list[int]) -> tuple[World, Controller]:
    return play(fleet(one), counts, lambda _: None)


def play(
    stage: Fleet, counts: list[int], listen: Callable[[Controller], None]
) -> tuple[World, Controller]:
    world = set_stage(stage, {"a": 1}, START_S, seed=3, settings=SETTINGS)
    controller = Controller(world, stage, Hands(world), check_every=7)
    at_s = START_S
    for count in counts:
        world.arrive("a", count, at_s, at_s + 60)
        at_s += 60
        world.advance(at_s)
        controller.look(at_s)
        listen(controller)
    assert controller.violations == []
    return world, controller


def bursts(hours: int) -> list[int]:
    """Silence, and every now and then some minutes of more than one copy can serve."""
    rng = random.Random(5)
    counts: list[int] = []
    while len(counts) < 60 * hours:
        counts += [0] * rng.randrange(20, 90) + [rng.choice([60, 500, 900])] * rng.randrange(5, 25)
    return counts[: 60 * hours]


def test_a_strict_objective_buys_more_in_time_than_a_lax_one() -> None:
    held, missed, factors = {}, {}, {}
    for fraction in (0.5, 0.995):
        one = promised(fraction)
        world, controller = played(one, bursts(48))  # worth moves slowly
        held[fraction] = world.tally.gpu_seconds("a")
        counts = world.tally.requests("a")
        missed[fraction] = (counts.late + counts.refused) / counts.arrived
        factors[fraction] = controller.state("shared").models["a"].in_time.worth_factor
    assert factors[0.5] < 1.0 < factors[0.995]
    assert held[0.5] < held[0.995]
    assert missed[0.995] < 0.9 * missed[0.5]


def test_what_was_counted_is_what_the_world_saw() -> None:
    one = promised(0.9, min_copies=1)
    world, controller = played(one, bursts(12))
    in_time = controller.state("shared").models["a"].in_time
    counts = world.tally.requests("a")
    # Half a day of fading, and the last quarters of an hour are not read yet.
    assert in_time.missed_fraction == pytest.approx(
        (counts.late + counts.refused) / counts.arrived, abs=0.1
    )
    assert 0.5 * counts.arrived < in_time.asked <= counts.arrived


def test_one_caller_retrying_every_second_gets_one_copy() -> None:
    one = promised(0.999)
    world, controller = played(one, [0] * 60 * 30)
    at_s = int(world.now_s)
    most = 0
    for _ in range(90):
        refused = world.component("a").current_copies == 0
        # Refused callers try again each second; who is served asks once a minute.
        world.arrive("a", 60 if refused else 1, at_s, at_s + 60)
        at_s += 60
        world.advance(at_s)
        controller.look(at_s)
        most = max(most, world.component("a").desired_copies)
    assert most == 1


def test_by_day_strict_by_night_lax_and_neither_moves_the_other() -> None:
    # Windows of six hours, from midnight and from noon.
    begins = parse_cron("0 */12 * * *")
    strict = Schedule("strict", "UTC", begins, lasts_s=6 * 3600, in_time_fraction=0.999)
    stage = fleet(replace(promised(0.5), schedules=("strict",)))
    shared = replace(stage.endpoints["shared"], schedules={"strict": strict}, zones={"UTC": UTC})
    holding: list[tuple[float, float]] = []
    aside: list[tuple[float, float]] = []

    def listen(controller: Controller) -> None:
        in_time = controller.state("shared").models["a"].in_time
        for told, accounts in ((holding, (in_time,)), (aside, in_time.set_aside)):
            for one in accounts:
                if one.promise is not None:
                    told.append((one.promise.in_time_fraction, one.worth_factor))

    play(replace(stage, endpoints={"shared": shared}), bursts(24), listen)
    of = {share: [worth for one, worth in holding if one == share] for share in (0.999, 0.5)}
    assert of[0.999][-1] > 1.0 > of[0.5][-1]
    changes = [one for one, before in zip(aside[1:], aside, strict=False) if one != before]
    # Set aside, a worth stands still. (The minute before midnight was a lax one.)
    assert [share for share, _ in changes] == [0.999, 0.5, 0.999]
    assert min(len(of[0.999]), len(of[0.5])) > 600
