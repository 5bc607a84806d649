"""Accepted load in overload: learned from published metrics, against what was really offered."""

import pytest

from icscaler.entities import MetricMinute
from icscaler.policies.accepted_load import load_in_flight, offered_load
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.sight import in_flight_series, metric_minutes
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import WorldSettings
from tests.unit.simulate.builders import PROFILE, START_S, fleet, model

CALM_MINUTES, OVERLOAD_MINUTES = 40, 30
SERVED_A_MINUTE = 300
"""What one copy can serve: ten at once, two seconds each."""


@pytest.mark.parametrize("calm", [3, 90, 180], ids=lambda calm: f"{calm} a minute before")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_within_a_fifth_at_threefold_overload(calm: int, seed: int) -> None:
    one = model("a", max_copies=1, min_copies=1, concurrent_requests_per_copy=10)
    settings = WorldSettings(emit_10s=False)
    stage = fleet(one)
    world = set_stage(stage, {"a": 1}, START_S, seed=seed, settings=settings)
    controller = Controller(world, stage, Hands(world))
    end_s = START_S
    for number in range(CALM_MINUTES + OVERLOAD_MINUTES):
        count = calm if number < CALM_MINUTES else 3 * SERVED_A_MINUTE
        world.arrive("a", count, end_s, end_s + 60)
        end_s += 60
        world.advance(end_s)
        controller.look(end_s)
    service = controller.state("shared").models["a"].service
    overload_s = START_S + 60 * CALM_MINUTES
    found = metric_minutes(
        world,
        "a",
        overload_s,
        end_s - 240,
        loaded=True,
        in_flight=in_flight_series(world, "a"),
    )
    assert len(found) > OVERLOAD_MINUTES / 2
    offered = 3 * SERVED_A_MINUTE / 60 * PROFILE.base_s
    for minute in found:
        load = offered_load(one, minute, 1, service)
        assert load == pytest.approx(offered, rel=0.2)
    # What the test is about: requests in flight say something else altogether.
    assert max(minute.concurrency_per_copy or 0 for minute in found) > 5 * offered


@pytest.mark.parametrize("deviations", [2.0, 3.0, 4.0])
def test_traffic_that_is_calmer_or_burstier_than_assumed_is_read_as_what_it_is(
    deviations: float,
) -> None:
    """The peaks that a world publishes are turned back into means by what was learned of them."""
    one = model("a", max_copies=1, min_copies=1, concurrent_requests_per_copy=10)
    settings = WorldSettings(emit_10s=False, peak_deviations=deviations)
    stage = fleet(one)
    world = set_stage(stage, {"a": 1}, START_S, seed=0, settings=settings)
    controller = Controller(world, stage, Hands(world))
    end_s = START_S
    for _ in range(120):
        world.arrive("a", 120, end_s, end_s + 60)
        end_s += 60
        world.advance(end_s)
        controller.look(end_s)
    service = controller.state("shared").models["a"].service
    peaks = [
        at.concurrency_per_copy
        for at in metric_minutes(
            world,
            "a",
            end_s - 1800,
            end_s - 240,
            loaded=True,
            in_flight=in_flight_series(world, "a"),
        )
    ]
    assert service.peak_deviations == pytest.approx(deviations, abs=0.35)
    for peak in peaks:
        seen = MetricMinute(end_s, concurrency_per_copy=peak)
        load = load_in_flight(one, seen, None, 1, service, end_s)
        assert load == pytest.approx(120 / 60 * PROFILE.base_s, rel=0.2)
