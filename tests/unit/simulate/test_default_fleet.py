"""What models are worth when nobody says: by how busy they are."""

from __future__ import annotations

import pytest

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_sim.pricing import load_prices, static_peak
from icscaler_sim.simulate import SimulationError
from icscaler_sim.simulate.default_fleet import CLASS_RULE, classes_by_rule, fleet_text
from icscaler_sim.traces import default_copy_shape
from tests.unit.simulate.builders import trace

BUSY = trace({f"m{n:02d}": [40 - n, 1] for n in range(30)})


def test_the_busiest_are_critical_then_interactive_the_rest_batch() -> None:
    found = classes_by_rule(CLASS_RULE, BUSY)
    assert [name for name, kind in found.items() if kind == "critical"] == ["m00", "m01", "m02"]
    assert list(found.values()).count("interactive") == 20
    assert found["m29"] == "batch"


def test_the_classes_reach_the_fleet() -> None:
    shapes = {name: default_copy_shape(name) for name in BUSY.models}
    peaks = static_peak(BUSY, shapes)
    text = fleet_text("x", shapes, peaks, load_prices(), classes_by_rule(CLASS_RULE, BUSY))
    fleet = compile_fleet(load_fleet(text))
    models = {name: m for e in fleet.endpoints.values() for name, m in e.models.items()}
    assert (models["m00"].protected, models["m00"].min_copies) == (True, 1)
    assert (models["m29"].protected, models["m29"].min_copies) == (False, 0)
    assert models["m29"].class_name == "batch"


@pytest.mark.parametrize(
    ("rule", "critical", "batch"),
    [("none", 0, 0), ("batch", 0, 30), ("critical=1,batch", 1, 29), ("critical=99,batch", 30, 0)],
)
def test_other_rules(rule: str, critical: int, batch: int) -> None:
    kinds = list(classes_by_rule(rule, BUSY).values())
    assert (kinds.count("critical"), kinds.count("batch")) == (critical, batch)


@pytest.mark.parametrize("rule", ["", "critical=3", "gold=3,batch", "batch,critical=3"])
def test_rules_that_cannot_be_read(rule: str) -> None:
    with pytest.raises(SimulationError, match="cannot be read"):
        classes_by_rule(rule, BUSY)
