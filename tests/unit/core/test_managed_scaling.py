"""What of an endpoint's managed scaling is not as the fleet file states it."""

from dataclasses import replace

import pytest

from icscaler.decide import decide
from icscaler.entities import EndpointState, EndpointView, VariantView
from icscaler.managed_scaling import ScaleIn, drifts
from icscaler.reasons import Notice
from tests.unit.core.build import P4D, T0, config, snapshot, view

IDLE = ScaleIn("IDLE_RELEASE", 1, 5)
THERE = VariantView("main", None, 1, 1, 0, 2, IDLE)


@pytest.mark.parametrize(
    ("stated", "there", "told"),
    [
        pytest.param({}, {}, [], id="nothing is stated"),
        pytest.param({"min_instances": 0, "max_instances": 2, "scale_in": IDLE}, {}, [], id="same"),
        pytest.param(
            {"min_instances": 1, "max_instances": 4},
            {},
            [
                "main: min_instances is 0, the fleet file says 1",
                "main: max_instances is 2, the fleet file says 4",
            ],
            id="limits",
        ),
        pytest.param(
            {"scale_in": replace(IDLE, strategy="CONSOLIDATION", cooldown_minutes=20)},
            {},
            [
                "main: scale_in.strategy is IDLE_RELEASE, the fleet file says CONSOLIDATION",
                "main: scale_in.cooldown_minutes is 5, the fleet file says 20",
            ],
            id="policy",
        ),
        pytest.param(
            {"max_instances": 4},
            {"min_instances": None, "max_instances": None, "scale_in": None},
            [],
            id="a maximum is planned with where nothing scales instances",
        ),
        pytest.param(
            {"min_instances": 0},
            {"min_instances": None, "max_instances": None, "scale_in": None},
            ["main: min_instances is nothing, the fleet file says 0"],
            id="a minimum needs managed scaling",
        ),
    ],
)
def test_drifts(stated, there, told: list[str]) -> None:
    seen = EndpointView("shared", "InService", {"main": replace(THERE, **there)})
    assert [str(drift) for drift in drifts({"main": replace(P4D, **stated)}, seen)] == told


def test_drift_is_told_once_while_it_lasts_and_changes_nothing() -> None:
    cfg = config(variants={"main": replace(P4D, min_instances=1)})
    state, said = EndpointState(), []
    for minute in range(3):
        at_s = T0 + 60 * minute
        state, plan = decide(cfg, state, snapshot(at_s, view(), instances=2), at_s)
        said += [(item.notice, item.subject) for item in plan.notices]
        assert not plan.changes
    assert said == [(Notice.MANAGED_SCALING_DRIFT, "main/min_instances")]
