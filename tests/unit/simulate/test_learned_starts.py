"""Start-up phases as they are learned, against what the world knows of each start."""

import pytest

from icscaler.entities import EndpointConfig, Plan, Snapshot
from icscaler.learned import FinishedStart
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import WorldSettings
from tests.unit.simulate.builders import START_S, fleet, model

LOOK_S = 60
BUSY, SILENT = 10, 50
"""Minutes: called for ten, then idle for long enough to be unloaded and its instance released."""


@pytest.mark.parametrize("seed", [1, 2])
def test_wakes_are_split_as_they_were(seed: int) -> None:
    stage = fleet(model("a", idle_s=300))
    world = set_stage(stage, {"a": 0}, START_S, seed=seed, settings=WorldSettings(emit_10s=False))
    told: list[FinishedStart] = []

    def listen(_: EndpointConfig, __: Snapshot, plan: Plan) -> None:
        told.extend(plan.started)

    controller = Controller(world, stage, Hands(world), on_plan=listen)
    at_s = START_S
    for number in range(6 * (BUSY + SILENT)):
        world.arrive("a", 20 if number % (BUSY + SILENT) < BUSY else 0, at_s, at_s + 60)
        at_s += LOOK_S
        world.advance(at_s)
        controller.look(at_s)
    wakes = [wake for wake in world.tally.wakes if wake.copy_ready_s is not None]
    assert len(told) == len(wakes) >= 5
    for start, wake in zip(told, wakes, strict=True):
        in_world = {"image": 0.0, "weights": 0.0, "instance": 0.0, **wake.phases}
        copy_s = in_world["image"] + in_world["weights"] + in_world["engine"]
        assert start.total_s == pytest.approx(in_world["instance"] + copy_s, abs=LOOK_S)
        assert start.instance_s == pytest.approx(in_world["instance"], abs=LOOK_S)
        assert start.decision_s == pytest.approx(in_world["decision"], abs=LOOK_S)
        assert (start.phase == "launched") == (in_world["instance"] > 0)
    learned = controller.state("shared").models["a"].starts
    assert learned.total_s == tuple(start.total_s for start in told)
