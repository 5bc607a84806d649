"""What can be seen of a model: the metrics' period, lag, silence, and what follows from them."""

from __future__ import annotations

import pytest

from icscaler_sim.baselines import Facts
from icscaler_sim.simulate.sight import PeerSight, ServiceTime, in_flight_series
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import World, WorldSettings
from tests.unit.simulate.builders import PROFILE, START_S, fleet, model

FACTS = Facts(PROFILE.slots_per_copy, 9.0, 300.0, 0, 8)


def world_of(copies: int, *, emit_10s: bool = False) -> World:
    """One model `a` with so many copies ready."""
    settings = WorldSettings(emit_10s=emit_10s)
    return set_stage(fleet(model("a")), {"a": copies}, START_S, seed=1, settings=settings)


def play(world: World, sight: PeerSight, counts: list[int], step_s: int = 60) -> list:
    """Play requests a minute; every minute handed over, with the time of the look."""
    seen = []
    for number, count in enumerate(counts):
        at_s = START_S + 60 * number
        world.arrive("a", count, at_s, at_s + 60)
        for now_s in range(at_s + step_s, at_s + 61, step_s):
            world.advance(now_s)
            seen += [(now_s, one) for one in sight.minutes(world.now_s)]
    return seen


def test_a_minute_is_seen_when_it_is_readable_and_again_when_it_is_complete() -> None:
    world = world_of(1)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=False)
    seen = [(at_s, one) for at_s, one in play(world, sight, [200] * 10) if one.at_s == START_S]
    (first_s, fresh), (last_s, complete) = seen
    assert START_S + 90 <= first_s <= START_S + 180
    assert START_S + 180 <= last_s <= START_S + 270
    assert (fresh.invocations, fresh.settled) == (180, False)  # a tenth comes late
    assert (complete.invocations, complete.settled) == (200, True)
    assert complete.offered == 200 * FACTS.service_s / 60  # nothing better is known yet


def test_few_requests_are_never_seen_twice() -> None:
    world = world_of(1)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=False)
    seen = [one for _, one in play(world, sight, [4] * 8)]
    assert all(one.settled for one in seen)
    assert len({one.at_s for one in seen}) == len(seen) >= 6
    assert sight.settled


def test_refused_requests_are_all_there_is_to_see_at_zero() -> None:
    world = world_of(0)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=False)
    seen = [one for _, one in play(world, sight, [0, 3, 0, 0, 0])]
    assert [(one.at_s, one.refused, one.copies) for one in seen] == [(START_S + 60, 3, 0)]


def test_ten_second_points_come_once_each_and_sooner() -> None:
    world = world_of(2, emit_10s=True)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=True)
    points = []
    for number in range(30):
        world.arrive("a", 50, START_S + 10 * number, START_S + 10 * number + 10)
        world.advance(START_S + 10 * number + 10)
        points += sight.levels(world.now_s)
    assert [one.at_s for one in points] == list(range(START_S, START_S + 10 * len(points), 10))
    assert len(points) >= 28
    # Five a second, two seconds each: ten in flight on both copies together.
    assert points[20].in_flight == pytest.approx(10, rel=0.35)
    assert {one.copies for one in points} == {2}


@pytest.mark.parametrize("overload", [0.5, 1.5, 3.0])
def test_offered_load_is_told_within_a_fifth_also_at_threefold_overload(overload: float) -> None:
    """In-flight counts include the queue and explode; invocations x learned service time do not."""
    world = world_of(1)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=False)
    calm, busy = [120] * 20, [round(300 * overload)] * 15
    play(world, sight, calm)
    assert sight.work.seconds == pytest.approx(2.0, rel=0.05)  # told 9 s by the load test
    seen = []
    for number, count in enumerate(busy, start=len(calm)):
        at_s = START_S + 60 * number
        world.arrive("a", count, at_s, at_s + 60)
        world.advance(at_s + 60)
        seen += sight.minutes(world.now_s)
    newest = [one for one in seen if one.settled][-1]
    assert newest.offered == pytest.approx(overload * PROFILE.slots_per_copy, rel=0.2)
    if overload > 1:
        assert newest.in_flight > 1.25 * overload * PROFILE.slots_per_copy


def test_service_time_is_not_learned_from_overload() -> None:
    world = world_of(1)
    sight = PeerSight(world, "a", FACTS, START_S, in_tens=False)
    play(world, sight, [900] * 15)
    assert sight.work.seconds == FACTS.service_s


def test_service_time_of_a_model_that_serves_nobody_stays() -> None:
    work = ServiceTime(FACTS)
    world = world_of(1)
    world.advance(START_S + 300)
    for row in world.minutes("a", START_S, world.now_s):
        work.learn(row)
    assert work.seconds == FACTS.service_s


def test_every_component_has_its_in_flight_series() -> None:
    world = world_of(1)
    assert in_flight_series(world, "a") is not None
    assert in_flight_series(world, "b") is None
