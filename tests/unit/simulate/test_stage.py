"""Endpoints of the simulated stage have the scale-in policy that the fleet file states."""

from dataclasses import replace

from icscaler.managed_scaling import ScaleIn
from icscaler_sim.simulate.stage import scale_in_of, set_stage
from icscaler_sim.world import WorldSettings
from tests.unit.simulate.builders import P4D, START_S, fleet, model


def test_as_stated_or_else_consolidating_as_fast_as_allowed() -> None:
    assert scale_in_of(P4D, 4) == ("CONSOLIDATION", 4, 5)
    stated = replace(P4D, scale_in=ScaleIn("IDLE_RELEASE", 2, 30))
    assert scale_in_of(stated, 4) == ("IDLE_RELEASE", 2, 30)


def test_a_minimum_of_instances_stays_though_nobody_needs_it() -> None:
    found = {}
    for least in (None, 2):
        stage = fleet(model("a"))
        (config,) = stage.endpoints.values()
        kept = replace(config, variants={"main": replace(P4D, min_instances=least)})
        world = set_stage(
            replace(stage, endpoints={"shared": kept}),
            {"a": 0},
            START_S,
            seed=0,
            settings=WorldSettings(emit_10s=False),
        )
        (variant,) = world.endpoint("shared").variants
        found[least] = variant.current_instances
    assert found == {None: 0, 2: 2}
