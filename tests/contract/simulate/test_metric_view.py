"""The simulator's views of metrics against the metric store, which CloudWatch answers from."""

from __future__ import annotations

import random

import pytest

from icscaler_sim.simulate.sight import (
    PeerSight,
    in_flight_series,
    latency_series,
    metric_minutes,
    promise_of,
)
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import World, WorldSettings
from tests.unit.simulate.builders import START_S, fleet, model
from tests.unit.simulate.test_sight import FACTS

COMPONENTS = "/aws/sagemaker/InferenceComponents"
REQUESTS = "AWS/SageMaker"


def read(world: World, namespace: str, metric: str, stat: str, start_s: int, at_s: int) -> dict:
    """A statistic by minute as GetMetricData answers now."""
    dims = {"InferenceComponentName": "a"}
    found = world.metrics.statistics(namespace, metric, dims, stat, 60, start_s, at_s, world.now_s)
    return dict(found)


def looks(settings: WorldSettings, seed: int, copies: int):
    """An hour of rough traffic with a scale in to zero and back; the world at odd moments."""
    rng = random.Random(seed)
    world = set_stage(fleet(model("a")), {"a": copies}, START_S, seed=seed, settings=settings)
    for minute in range(60):
        at_s = START_S + 60 * minute
        count = rng.choice([0, 0, 1, 40, 900])
        world.arrive("a", count, at_s, at_s + 60)
        if minute in (20, 40) and world.component("a").status == "InService":
            world.set_copies("a", 0 if minute == 20 else 2)
        world.advance(at_s + rng.choice([1, 17, 44]))
        yield world
        world.advance(at_s + 60)


@pytest.mark.parametrize("emit_10s", [True, False])
@pytest.mark.parametrize("zero_points", [True, False])
def test_the_controllers_minutes_are_what_the_store_answers(
    emit_10s: bool, zero_points: bool
) -> None:
    settings = WorldSettings(emit_10s=emit_10s, invocation_zero_points=zero_points)
    compared = 0
    for world in looks(settings, seed=4, copies=1):
        at_s = int(world.now_s) // 60 * 60
        start_s = at_s - 900
        found = metric_minutes(
            world, "a", start_s, at_s, loaded=True, in_flight=in_flight_series(world, "a")
        )
        invocations = read(world, REQUESTS, "Invocations", "Sum", start_s, at_s)
        in_flight = read(world, REQUESTS, "ConcurrentRequestsPerCopy", "Maximum", start_s, at_s)
        alive = read(world, COMPONENTS, "MemoryUtilizationNormalized", "SampleCount", start_s, at_s)
        assert {m.at_s: m.invocations for m in found if m.invocations is not None} == invocations
        assert {
            m.at_s: m.concurrency_per_copy for m in found if m.concurrency_per_copy is not None
        } == in_flight
        assert {m.at_s for m in found if m.heartbeat} == set(alive)
        assert all(m.refused is None for m in found)
        assert all(m.latency_s is None for m in found)
        asleep = metric_minutes(world, "a", start_s, at_s, loaded=False, in_flight=None)
        refused = read(world, REQUESTS, "NoCapacityInvocationFailures", "Sum", start_s, at_s)
        assert {m.at_s: m.refused for m in asleep} == refused
        asked = metric_minutes(
            world,
            "a",
            start_s,
            at_s,
            loaded=False,
            in_flight=in_flight_series(world, "a"),
            latency=latency_series(world, "a"),
            promise=promise_of(world, "a", 2.5),
        )
        within = read(world, REQUESTS, "ModelLatency", "PR(:2500000)", start_s, at_s)
        assert {
            m.at_s: m.in_deadline_fraction for m in asked if m.in_deadline_fraction is not None
        } == {minute_s: percent / 100 for minute_s, percent in within.items()}
        errors = read(world, REQUESTS, "Invocation5XXErrors", "Sum", start_s, at_s)
        assert {m.at_s: m.errors for m in asked if m.errors is not None} == errors
        refused = read(world, REQUESTS, "NoCapacityInvocationFailures", "Sum", start_s, at_s)
        assert {m.at_s: m.refused for m in asked if m.refused is not None} == refused
        latency = read(world, REQUESTS, "ModelLatency", "Average", start_s, at_s)
        assert {m.at_s: m.latency_s for m in asked if m.latency_s is not None} == pytest.approx(
            {minute_s: microseconds / 1e6 for minute_s, microseconds in latency.items()}, rel=1e-12
        )
        assert {m.at_s: m.invocations for m in asked if m.invocations is not None} == invocations
        compared += len(invocations) + len(refused) + len(latency)
    assert compared > 600


def test_the_minute_that_runs_shows_its_concurrency_so_far() -> None:
    settings = WorldSettings(emit_10s=True)
    world = set_stage(fleet(model("a")), {"a": 1}, START_S, seed=1, settings=settings)
    world.arrive("a", 300, START_S, START_S + 60)
    world.advance(START_S + 45)
    found = metric_minutes(
        world, "a", START_S, START_S + 44, loaded=True, in_flight=in_flight_series(world, "a")
    )
    assert [(m.at_s, m.invocations) for m in found] == [(START_S, None)]
    assert found[0].concurrency_per_copy


@pytest.mark.parametrize("zero_points", [True, False])
def test_rises_are_those_of_the_stores_ten_second_points(zero_points: bool) -> None:
    settings = WorldSettings(emit_10s=True, concurrency_zero_points=zero_points)
    dims = {"InferenceComponentName": "a"}
    compared = 0
    for world in looks(settings, seed=5, copies=1):
        at_s = int(world.now_s)
        start_s = at_s // 60 * 60 - 240
        points = dict(
            world.metrics.statistics(
                REQUESTS,
                "ConcurrentRequestsPerCopy",
                dims,
                "Maximum",
                10,
                start_s,
                at_s,
                world.now_s,
            )
        )
        rises: dict[int, float] = {}
        for point_s, value in points.items():
            if point_s + 10 in points:
                minute_s = (point_s + 10) // 60 * 60
                rise_per_s = (points[point_s + 10] - value) / 10
                rises[minute_s] = max(rise_per_s, rises.get(minute_s, rise_per_s))
        series = in_flight_series(world, "a")
        found = metric_minutes(
            world, "a", start_s, at_s, loaded=True, in_flight=series, in_tens=True
        )
        assert {m.at_s: m.rise_per_s for m in found if m.rise_per_s is not None} == rises
        whole = metric_minutes(world, "a", start_s, at_s, loaded=True, in_flight=series)
        assert all(m.rise_per_s is None for m in whole)
        compared += len(rises)
    assert compared > 80


def test_peers_see_the_same_requests_as_the_store_in_the_end() -> None:
    seen: dict[int, tuple[int, int]] = {}
    sight = None
    for world in looks(WorldSettings(emit_10s=False), seed=9, copies=1):
        sight = sight or PeerSight(world, "a", FACTS, START_S, in_tens=False)
        for one in sight.minutes(world.now_s):
            seen[one.at_s] = (one.invocations, one.refused)
    assert sight is not None
    world.advance(world.now_s + 600)
    for one in sight.minutes(world.now_s):
        seen[one.at_s] = (one.invocations, one.refused)
    end_s = START_S + 3600
    invocations = read(world, REQUESTS, "Invocations", "Sum", START_S, end_s)
    refused = read(world, REQUESTS, "NoCapacityInvocationFailures", "Sum", START_S, end_s)
    assert {at_s: count for at_s, (count, _) in seen.items() if count and at_s < end_s} == (
        invocations
    )
    assert {at_s: count for at_s, (_, count) in seen.items() if count and at_s < end_s} == refused
