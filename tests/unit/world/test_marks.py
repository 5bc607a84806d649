"""Metric periods that are passed together leave what they leave when closed one by one."""

import random

import pytest

from icscaler_sim.world import World
from icscaler_sim.world.rows import InFlightRow, MinuteRow
from tests.unit.world.builders import START_S, with_copies

FIRST_S = START_S + 1200


def played(seed: int, *, one_by_one: bool) -> World:
    """Twenty minutes of traffic to one copy: steady, changing, silent, too much, in bursts."""
    world = with_copies(1)
    if one_by_one:
        # A broken neighbour: every point is asked whether it is late too, so none is passed over.
        world.faults.metric_delay_s["neighbour"] = 1.0
    rng = random.Random(seed)
    for minute in range(20):
        at_s = FIRST_S + 60 * minute
        world.advance(at_s)
        requests, tokens = rng.choice((0, 3, 300, 20_000)), rng.choice((10.0, 400.0))
        world.arrive("chat", requests, at_s, at_s + rng.choice((25, 60, 90)), output_tokens=tokens)
        if rng.random() < 0.3:
            world.arrive("chat", 50, at_s + 7, output_tokens=tokens)
    world.advance(FIRST_S + 3600)
    return world


def rows_of(world: World) -> tuple[list[MinuteRow], list[InFlightRow]]:
    series = world.metrics.find(
        "AWS/SageMaker", "ConcurrentRequestsPerCopy", {"InferenceComponentName": "chat"}
    )
    assert series is not None
    ((tens, _),) = series.sources
    return world.minute_table("chat").since(FIRST_S), tens.since(FIRST_S)


@pytest.mark.parametrize("seed", range(8))
def test_passing_marks_together_changes_no_row(seed: int) -> None:
    together, apart = played(seed, one_by_one=False), played(seed, one_by_one=True)
    assert rows_of(together) == rows_of(apart)
    assert together.tally.requests("chat") == apart.tally.requests("chat")
    assert any(row.high for row in rows_of(together)[1])
