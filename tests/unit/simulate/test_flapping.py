"""A steady load near what n copies are meant for: nobody comes and goes without end."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from icscaler.entities import TargetTracking
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import WorldSettings
from tests.unit.simulate.builders import START_S, fleet, single

HOURS = 4


def changes(per_minute: int, **policy: float) -> int:
    """Changes of a single-model endpoint with a target of 210 a minute, under a Poisson load."""
    one = replace(single("a"), policy=TargetTracking("invocations", 210.0, **policy))
    stage = fleet(one)
    world = set_stage(stage, {"a": 2}, START_S, seed=3, settings=WorldSettings(emit_10s=False))
    controller = Controller(world, stage, Hands(world), check_every=1000)
    desired = [2]
    for minute, count in enumerate(np.random.default_rng(3).poisson(per_minute, 60 * HOURS)):
        at_s = START_S + 60 * minute
        world.arrive("a", int(count), at_s, at_s + 60)
        world.advance(at_s + 60)
        controller.look(at_s + 60)
        desired.append(controller.state("a-home").models["a"].observed_desired)
    return sum(now != before for before, now in pairwise(desired))


@pytest.mark.parametrize("per_minute", [200, 210, 400])
def test_a_steady_load_just_under_the_target_changes_next_to_nothing(per_minute: int) -> None:
    # Rounded to the target itself, the instance that left came back within minutes: 16 changes.
    assert changes(per_minute) <= 1


def test_a_wider_tolerance_is_for_a_noisier_load() -> None:
    assert changes(180, scale_in_tolerance_fraction=0.2) <= 1 < changes(180)
