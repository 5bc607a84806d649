"""The same hours through handlers and local cloud, and through the simulator: the same changes.

Two worlds with one seed, made by the same calls at the same times. On one side everything runs as
deployed: schedule, bus, dispatch, queue, lease, tables, metric queries, handlers. On the other the
simulator's driver and controller.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S
from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.simulate import Fleet, Job
from icscaler_sim.simulate import events as simulated_events
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.driver import Beat, Driver
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.traces import Trace, build_trace, copy_shape_for
from icscaler_sim.world import World
from tests.e2e.rig import ENDPOINT, FLEET, Rig, bare_rig

TOKENS = (4500, 100)
MODELS = ("inline", "blocks", "flows", "typing")
# A model that has an endpoint to itself.
OWN = ("typing-home", "main")
TARGETS: dict[str, str | tuple[str, str]] = {"typing": OWN}
# Somebody asks for a model (a WakeRequested event): in this minute, so many seconds into it.
WAKES = {71: ("flows", 20), 148: ("blocks", 33)}


def counts(minutes: int) -> dict[str, list[int]]:
    """Requests a minute."""
    return {
        # A slow wave in and out of one copy's reach, with a burst every hour.
        "inline": [
            round(900 + 700 * math.sin(minute / 30)) + (2500 if minute % 60 < 8 else 0)
            for minute in range(minutes)
        ],
        # Busy, silent for longer than it is kept, busy again.
        "blocks": [300 if minute % 90 < 35 else 0 for minute in range(minutes)],
        # Single requests, seldom.
        "flows": [1 if minute % 89 in (41, 42) else 0 for minute in range(minutes)],
        # Never silent, out of one instance's reach and back.
        "typing": [round(1000 + 900 * math.sin(minute / 25)) for minute in range(minutes)],
    }


def trace(minutes: int) -> Trace:
    """The counts as a trace."""
    played = counts(minutes)
    rows = [
        (minute, index, played[name][minute])
        for minute in range(minutes)
        for index, name in enumerate(MODELS)
        if played[name][minute]
    ]
    columns = np.array(rows, dtype=np.int64)
    requests = columns[:, 2]
    return build_trace(
        "made up",
        MODELS,
        60,
        60 * minutes,
        columns[:, 0] * 60,
        columns[:, 1],
        requests,
        requests * TOKENS[0],
        requests * TOKENS[1],
    )


def deployed(stage: Rig, minutes: int) -> list[tuple[str, int, int, int]]:
    """Play everything on the local cloud; (component, from, to, at_s) of every accepted change."""
    played = counts(minutes)
    for minute in range(minutes):
        at_s = stage.cloud.clock.now_s
        for name in MODELS:
            stage.cloud.world.arrive(
                TARGETS.get(name, name),
                played[name][minute],
                at_s,
                at_s + 60,
                input_tokens=TOKENS[0],
                output_tokens=TOKENS[1],
            )
        if minute in WAKES:
            name, second = WAKES[minute]
            stage.cloud.run_until(at_s + second)
            stage.wake(name)
        stage.cloud.run_until(at_s + 60)
    assert stage.failures() == []
    return sorted(
        (record.component, record.from_copies, record.to_copies, record.at_s)
        for endpoint in (ENDPOINT, OWN[0])
        for record in stage.records(endpoint)
        if record.outcome == "Accepted"
    )


def twin(stage: Rig) -> World:
    """A world of its own with the same past, at the same moment."""
    original = stage.cloud.world
    world = World(None, seed=stage.cloud.seed, start_s=DEFAULT_START_S, metrics=MetricStore())
    for endpoint in original.endpoints():
        world.advance(endpoint.created_s)
        world.create_endpoint(endpoint.name, [variant.spec for variant in endpoint.variants])
    world.alias("typing", *OWN)
    for view in original.components():
        world.advance(view.created_s)
        world.create_component(view.name, view.endpoint, view.variant, view.spec, 1)
    world.advance(stage.cloud.clock.now_s)
    assert world.components() == original.components()
    return world


def simulated(
    world: World, fleet: Fleet, minutes: int
) -> tuple[list[tuple[str, int, int, int]], Controller]:
    """The same through the simulator, every look checked."""
    hands = Hands(world)
    controller = Controller(world, fleet, hands, check_every=1)
    driver = Driver(world, trace(minutes), controller, Beat())
    simulated_events.connect(driver, controller, fleet, Job("icscaler"))
    for minute, (name, second) in WAKES.items():
        ask = partial(driver.soon, simulated_events.EVENT_DELAY_S, partial(controller.wake, name))
        driver.at(driver.start_s + 60 * minute + second, ask)
    driver.run()
    changes = [(one.component, one.from_copies, one.to_copies, one.at_s) for one in hands.accepted]
    return sorted(changes), controller


TRACKING = (
    FLEET.replace(
        "endpoints:\n",
        "endpoints:\n  typing-home:\n    variants:\n"
        "      main: {instance_type: ml.g5.2xlarge, max_instances: 5}\n",
    )
    .replace("inline, class: critical", "inline, class: critical, endpoint: shared")
    .replace("[blocks, flows]", "[blocks, flows], endpoint: shared")
    + "  - {name: typing, endpoint: typing-home, kind: variant}\n"
)
OBJECTIVE = TRACKING.replace(
    "  policy: {target_tracking: {metric: concurrency, target_value: 16}}\n",
    "  price: 3000\n  concurrent_requests_per_copy: 32\n",
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("fleet", "minutes"),
    [
        pytest.param(TRACKING, 160, id="some hours, target tracking"),
        pytest.param(OBJECTIVE, 160, id="some hours, objective"),
        pytest.param(TRACKING, 1440, id="a day, target tracking", marks=pytest.mark.slow),
        pytest.param(OBJECTIVE, 1440, id="a day, objective", marks=pytest.mark.slow),
    ],
)
def test_handlers_and_simulator_decide_alike(tmp_path: Path, fleet: str, minutes: int) -> None:
    with bare_rig(tmp_path, WakeAlarm="disabled") as stage:
        stage.create_single_model_endpoint(OWN[0])
        stage.create_endpoint(ENDPOINT, "inline", "blocks", "flows")
        version = stage.publish(fleet)
        configs = {e: stage.store.configuration(e, version) for e in (ENDPOINT, OWN[0])}
        world = twin(stage)
        expected = deployed(stage, minutes)
        looks = len(stage.looks())
        stage.cloud.world.alias("typing", *OWN)
        fates = {name: stage.cloud.world.tally.requests(name) for name in MODELS}
        gpu_seconds = stage.cloud.world.tally.gpu_seconds()
    published = {name: config for name, config in configs.items() if config is not None}
    played = Fleet(published, {name: copy_shape_for(1) for name in MODELS})
    found, controller = simulated(world, played, minutes)
    assert found == expected
    assert len({component for component, *_ in expected}) == len(MODELS)
    assert len(expected) >= minutes / 10
    assert controller.violations == []
    # The last look of the deployed side may belong to the minute after the end.
    assert abs(controller.looks - looks) <= 1
    assert {name: world.tally.requests(name) for name in MODELS} == fates
    assert world.tally.gpu_seconds() == pytest.approx(gpu_seconds)
