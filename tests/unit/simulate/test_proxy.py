"""Requests that wait before a model at zero copies: nothing is lost or counted twice."""

import pytest

from icscaler_sim.simulate.proxy import Proxy
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import World, WorldSettings
from tests.unit.simulate.builders import PROFILE, START_S, fleet, model


def stage(copies: int) -> tuple[World, Proxy]:
    world = set_stage(
        fleet(model("a")), {"a": copies}, START_S, seed=3, settings=WorldSettings(emit_10s=False)
    )
    return world, Proxy(world, {"a": PROFILE}, 30.0)


def run(world: World, proxy: Proxy, seconds: int) -> None:
    end_s = world.now_s + seconds
    while world.now_s < end_s:
        world.advance(world.now_s + 10)
        proxy.step()


def test_it_is_in_the_path_only_at_zero_copies() -> None:
    assert not stage(1)[1].takes("a")
    world, proxy = stage(0)
    assert proxy.takes("a")
    proxy.arrive("a", 12, world.now_s + 60, 0, 0)
    run(world, proxy, 30)
    assert proxy.waiting("a") == 6
    assert world.tally.requests("a").arrived == 0


def test_held_requests_are_released_when_a_copy_is_ready() -> None:
    world, proxy = stage(0)
    proxy.arrive("a", 60, world.now_s + 60, 0, 0)
    world.set_copies("a", 1)
    run(world, proxy, 900)
    book = proxy.books["a"]
    counts = world.tally.requests("a")
    assert (book.total, book.timed_out) == (60, 0)
    assert book.late == counts.in_time == 60  # the copy took minutes: late by the clock
    [waited_s] = book.waits_s
    assert 120 < waited_s < 600


def test_the_proxy_gives_up_in_the_end() -> None:
    world, proxy = stage(0)
    proxy.arrive("a", 7, world.now_s + 60, 0, 0)
    run(world, proxy, 800)
    assert proxy.books["a"].timed_out == 7
    assert proxy.waiting("a") == 0


def test_who_still_waits_at_the_end_got_no_answer() -> None:
    world, proxy = stage(0)
    proxy.arrive("a", 7, world.now_s + 60, 0, 0)
    run(world, proxy, 60)
    proxy.close()
    assert proxy.books["a"].timed_out == 7


@pytest.mark.parametrize("requests", [1, 59, 400])
def test_every_request_is_held_or_passed_on_exactly_once(requests: int) -> None:
    world, proxy = stage(0)
    world.set_copies("a", 1)
    sent = 0
    for _ in range(12):
        sent += requests
        if proxy.takes("a"):
            proxy.arrive("a", requests, world.now_s + 60, 0, 0)
        else:
            world.arrive("a", requests, world.now_s, world.now_s + 60)
        run(world, proxy, 60)
    run(world, proxy, 900)
    book = proxy.books["a"]
    assert world.tally.requests("a").arrived + book.timed_out == sent
    assert book.in_time + book.late + book.timed_out == book.total
    assert 0 < book.total < sent
