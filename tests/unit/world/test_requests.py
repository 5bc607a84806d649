"""Requests: served at once, waiting, late, given up, refused, lost."""

import pytest

from icscaler_sim.world import Refusal, World
from tests.unit.world.builders import START_S, new_world, read, run, slow_profile, with_copies


def loaded(copies: int = 1, **profile: float) -> World:
    """Component "chat" serves 2 requests a second per copy."""
    world = with_copies(copies)
    slow = slow_profile(**profile)
    # Replace the copies by ones of the slow profile, on the same instances.
    world.profiles.set("chat", slow)
    world.set_copies("chat", 0)
    world.advance(START_S + 1_300)
    world.set_copies("chat", copies)
    world.advance(START_S + 1_800)
    assert world.component("chat").current_copies == copies
    return world


@pytest.mark.parametrize(
    ("per_minute", "expected"),
    [
        pytest.param(60, (60, 0), id="half the capacity: nobody waits"),
        pytest.param(119, (119, 0), id="just under capacity"),
    ],
)
def test_under_capacity_everybody_is_in_time(per_minute: int, expected: tuple[int, int]) -> None:
    world = loaded()
    world.arrive("chat", per_minute, world.now_s, world.now_s + 60)
    run(world, 120)
    counts = world.tally.requests("chat")
    assert (counts.in_time, counts.late + counts.refused) == expected


def test_overload_serves_what_fits_and_the_rest_gives_up() -> None:
    world = loaded()
    # Three times what 4 slots x 2 s can serve, for ten minutes.
    world.arrive("chat", 3_600, world.now_s, world.now_s + 600)
    run(world, 700)
    counts = world.tally.requests("chat")
    # 2 a second for 10 minutes, and for the 30 s that the last still wait.
    assert counts.in_time == pytest.approx(2 * 630, abs=8)
    assert counts.gave_up == 3_600 - counts.in_time
    assert counts.late == 0, "patience equals the limit of in time"


def test_patience_beyond_the_limit_means_late() -> None:
    world = loaded(patience_s=90.0)
    world.arrive("chat", 3_600, world.now_s, world.now_s + 600)
    run(world, 800)
    counts = world.tally.requests("chat")
    # Waits grow by 2/3 s per second of arrivals: 30 s are reached after 45 s x 2 requests.
    assert counts.in_time == pytest.approx(2 * 45 + 4, abs=4)
    assert counts.in_time + counts.late == pytest.approx(2 * 690, abs=8)


def test_a_leak_slows_the_copies_that_are_there() -> None:
    world = loaded()
    run(world, 120)
    world.arrive("chat", 60, world.now_s, world.now_s + 60)
    run(world, 60)
    world.age("chat", slow_profile(base_s=4.0), image="another")
    world.arrive("chat", 60, world.now_s, world.now_s + 60)
    run(world, 60)
    world.age("chat", slow_profile(base_s=4.0))
    world.arrive("chat", 30, world.now_s, world.now_s + 60)
    run(world, 180)
    before, other, aged = [us / 1e6 for us in read(world, "ModelLatency", "Average") if us][-3:]
    assert before == pytest.approx(2.0, rel=0.2)
    assert other == pytest.approx(before, rel=0.1)
    assert aged == pytest.approx(2 * before, rel=0.1)


def test_a_short_burst_waits_and_is_served() -> None:
    world = loaded()
    world.arrive("chat", 40, world.now_s)
    assert world.tally.requests("chat").waiting == 36, "4 slots were free"
    run(world, 120)
    counts = world.tally.requests("chat")
    assert (counts.in_time, counts.waiting, counts.refused) == (40, 0, 0)


def test_a_burst_beyond_patience_is_cut_off() -> None:
    world = loaded()
    world.arrive("chat", 400, world.now_s)
    run(world, 120)
    counts = world.tally.requests("chat")
    assert counts.in_time == pytest.approx(4 + 2 * 30, abs=1)
    assert counts.gave_up == 400 - counts.in_time


def test_more_copies_serve_more() -> None:
    world = loaded(copies=3)
    world.arrive("chat", 3_600, world.now_s, world.now_s + 600)
    run(world, 700)
    assert world.tally.requests("chat").in_time == 3_600


def test_tokens_make_the_service_time() -> None:
    world = with_copies()
    invocation = world.invoke("chat", input_tokens=1_000, output_tokens=100)
    assert invocation.latency_s == pytest.approx(0.05 + 0.1 + 1.5)
    assert invocation.wait_s == 0


def test_at_zero_copies_requests_are_refused_at_once() -> None:
    world = with_copies()
    world.set_copies("chat", 0)
    run(world, 60)
    with pytest.raises(Refusal) as refusal:
        world.invoke("chat")
    assert refusal.value.code == "ValidationError"
    assert refusal.value.message.startswith("Inference Component has no capacity to process")
    world.arrive("chat", 7, world.now_s, world.now_s + 60)
    run(world, 60)
    counts = world.tally.requests("chat")
    assert (counts.no_capacity, counts.refused, counts.arrived) == (8, 8, 8)


def test_a_copy_that_becomes_ready_midway_takes_the_rest() -> None:
    world = with_copies()
    world.set_copies("chat", 0)
    run(world, 60)
    world.set_copies("chat", 1)  # image cached: ready after 80 s
    world.arrive("chat", 160, world.now_s, world.now_s + 160)
    run(world, 300)
    counts = world.tally.requests("chat")
    assert (counts.no_capacity, counts.in_time) == (80, 80)


def test_a_request_that_would_wait_too_long_fails() -> None:
    world = loaded()
    world.arrive("chat", 100, world.now_s)
    with pytest.raises(Refusal) as refusal:
        world.invoke("chat")
    assert refusal.value.code == "ModelError"


def test_waiting_shows_in_latency() -> None:
    world = loaded()
    world.arrive("chat", 24, world.now_s)
    invocation = world.invoke("chat")
    assert invocation.wait_s == pytest.approx(21 / 2)
    assert invocation.latency_s == pytest.approx(21 / 2 + 2)


def test_errors_come_in_their_share() -> None:
    world = loaded(error_fraction=0.25)
    world.arrive("chat", 100, world.now_s, world.now_s + 120)
    run(world, 180)
    counts = world.tally.requests("chat")
    assert (counts.model_error, counts.in_time) == (25, 75)
    outcomes = []
    for _ in range(8):
        try:
            world.invoke("chat")
            outcomes.append("ok")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        run(world, 5)
    assert outcomes.count("ModelError") == 2


def test_two_flows_at_once_add_up() -> None:
    world = with_copies()
    world.arrive("chat", 60, world.now_s, world.now_s + 60, output_tokens=100)
    world.arrive("chat", 30, world.now_s + 30, world.now_s + 60, output_tokens=400)
    run(world, 200)
    assert world.tally.requests("chat").in_time == 90


def test_removed_copies_finish_what_they_serve() -> None:
    world = loaded()
    world.arrive("chat", 4, world.now_s)
    world.set_copies("chat", 0)
    assert world.component("chat").current_copies == 0
    assert world.tally.copies("chat").gpus_held == 1, "draining"
    run(world, 30)
    assert world.tally.copies("chat").gpus_held == 0
    assert world.tally.requests("chat").in_time == 4


def test_the_line_is_served_while_the_last_copy_drains() -> None:
    world = loaded()
    world.arrive("chat", 24, world.now_s)
    world.set_copies("chat", 0)
    run(world, 60)
    assert world.tally.requests("chat").in_time == 24


def test_draining_is_bounded() -> None:
    world = loaded(patience_s=1_000.0)
    world.arrive("chat", 1_000, world.now_s)
    world.set_copies("chat", 0)
    run(world, 300)
    counts = world.tally.requests("chat")
    assert counts.waiting == 0
    assert counts.in_time + counts.late == pytest.approx(4 + 2 * 120, abs=1)
    assert counts.copy_removed == 1_000 - counts.in_time - counts.late


def test_nothing_arrives_in_the_past_or_nowhere() -> None:
    world = with_copies()
    with pytest.raises(ValueError, match="cannot let"):
        world.arrive("chat", 1, world.now_s - 1)
    with pytest.raises(ValueError, match="cannot let"):
        world.arrive("chat", -1, world.now_s)
    with pytest.raises(Refusal, match="Could not find inference component"):
        world.arrive("nobody", 1, world.now_s)
    with pytest.raises(ValueError, match="go back"):
        new_world().advance(0)
