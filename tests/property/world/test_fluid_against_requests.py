"""The fluid model against a simulation of every single request (the world has no such thing)."""

import heapq
import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icscaler_sim.metrics import MetricStore
from icscaler_sim.world import (
    ComponentSpec,
    Delay,
    ProfileCatalog,
    ServiceProfile,
    VariantSpec,
    World,
    WorldSettings,
)
from icscaler_sim.world.waiting import Outcome, WaitingLine

START_S = 1_700_006_400


def one_by_one(
    minutes: list[int], slots: int, service_s: float, patience_s: float, seed: int
) -> tuple[int, int, int]:
    """(in time, late, gave up) of requests with exponential service times, one by one."""
    rng = random.Random(seed)
    arrivals = [
        60 * minute + (index + 0.5) * 60 / count
        for minute, count in enumerate(minutes)
        for index in range(count)
    ]
    busy: list[float] = []  # when slots become free
    waiting: deque[float] = deque()
    in_time = late = gave_up = 0

    def start_until(now_s: float) -> None:
        nonlocal in_time, late, gave_up
        while waiting:
            arrived_s = waiting[0]
            while busy and busy[0] <= arrived_s:
                heapq.heappop(busy)
            start_s = arrived_s if len(busy) < slots else busy[0]
            if start_s - arrived_s > patience_s:
                gave_up += 1
                waiting.popleft()
                continue
            if start_s > now_s:
                return
            if len(busy) >= slots:
                heapq.heappop(busy)
            waiting.popleft()
            heapq.heappush(busy, start_s + rng.expovariate(1 / service_s))
            if start_s - arrived_s <= 30:
                in_time += 1
            else:
                late += 1

    for arrived_s in arrivals:
        waiting.append(arrived_s)
        start_until(arrived_s)
    start_until(float("inf"))
    return in_time, late, gave_up


def fluid(
    minutes: list[int], slots: int, service_s: float, patience_s: float
) -> tuple[int, int, int]:
    """The same by the world."""
    profile = ServiceProfile(slots_per_copy=slots, base_s=service_s, patience_s=patience_s)
    settings = WorldSettings(emit_10s=False, instance_launch_s=Delay(60), engine_start_s=Delay(60))
    profiles = ProfileCatalog({"m": profile})
    world = World(settings, seed=0, start_s=START_S, profiles=profiles, metrics=MetricStore())
    world.create_endpoint("e", [VariantSpec("v", "ml.g5.12xlarge", 1)])
    world.advance(START_S + 60)
    world.create_component("m", "e", "v", ComponentSpec(gpus=1, memory_mb=1_000), 1)
    world.advance(START_S + 1_800)
    for count in minutes:
        world.arrive("m", count, world.now_s, world.now_s + 60)
        world.advance(world.now_s + 60)
    world.advance(world.now_s + 600)
    counts = world.tally.requests("m")
    return counts.in_time, counts.late, counts.gave_up


@pytest.mark.parametrize(
    ("minutes", "slots", "service_s", "patience_s"),
    [
        pytest.param([200] * 20, 32, 4.0, 30.0, id="light"),
        pytest.param([480] * 20, 32, 3.0, 30.0, id="three quarters"),
        pytest.param([960] * 20, 32, 4.0, 30.0, id="double overload"),
        pytest.param([960] * 20, 32, 4.0, 90.0, id="double overload, patient"),
        pytest.param([100, 2_000, 100, 0, 0, 1_500, 50, 50], 32, 3.0, 30.0, id="spikes"),
        pytest.param([100, 2_000, 100, 0, 0, 1_500, 50, 50], 32, 3.0, 120.0, id="spikes, patient"),
        pytest.param([640] * 30, 32, 3.0, 60.0, id="exactly full"),
        pytest.param([60, 0, 0, 240, 60, 300, 0, 120] * 3, 8, 4.0, 45.0, id="few slots"),
    ],
)
def test_fluid_agrees_with_single_requests(
    minutes: list[int], slots: int, service_s: float, patience_s: float
) -> None:
    runs = [one_by_one(minutes, slots, service_s, patience_s, seed) for seed in range(5)]
    means = [sum(run[part] for run in runs) / len(runs) for part in range(3)]
    found = fluid(minutes, slots, service_s, patience_s)
    # A fluid has no luck: near saturation single requests queue a little where it does not.
    tolerance = 0.04 * sum(minutes) + 5
    assert sum(found) == sum(minutes)
    assert found == pytest.approx(means, abs=tolerance)


@given(
    stretches=st.lists(st.tuples(st.floats(0, 60), st.floats(0, 200)), min_size=1, max_size=6),
    rate=st.floats(0.05, 50),
    patience_s=st.floats(0, 120),
    cuts=st.lists(st.floats(0, 100), max_size=4),
)
def test_the_line_loses_nobody(
    stretches: list[tuple[float, float]], rate: float, patience_s: float, cuts: list[float]
) -> None:
    line, outcome = WaitingLine(), Outcome()
    first_s = came = 0.0
    for span_s, requests in stretches:
        line.join(first_s, first_s + span_s, requests)
        first_s += span_s
        came += requests
    assert line.amount == pytest.approx(came)
    now_s = first_s  # all have arrived
    for cut in [*sorted(cuts), 10_000.0]:
        stop_s = first_s + cut
        line.serve(now_s, stop_s, rate, patience_s, 30.0, outcome)
        now_s = max(now_s, stop_s)
        gone = outcome.started + outcome.gave_up
        assert gone + line.amount == pytest.approx(came, abs=1e-3)
        assert outcome.late <= outcome.started + 1e-6
        assert all(last <= patience_s + 1e-3 for _, last, _ in outcome.waits)
    assert line.amount == 0
