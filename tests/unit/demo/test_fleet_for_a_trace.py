"""The fleet that a trace without a fleet file gets, and the copies it begins with."""

import numpy as np
import pytest

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.demo.room import first_copies, first_instances, max_instances
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate.default_fleet import MODELS_PER_ENDPOINT, fleet_text, most_copies, spread
from icscaler_sim.traces import Trace, build_trace, copy_shape_for, default_copy_shape


def _fleet(models: list[str], peaks: dict[str, int]) -> CompiledFleet:
    shapes = {name: default_copy_shape(name) for name in models}
    wanted = {name: peaks.get(name, 0) for name in models}
    return compile_fleet(load_fleet(fleet_text("a trace", shapes, wanted, load_prices())))


def test_every_model_has_its_size_and_room_to_grow() -> None:
    fleet = _fleet(["sg-m-mid-060", "azure-code", "model-2"], {"sg-m-mid-060": 9, "azure-code": 1})
    (endpoint,) = fleet.endpoints.values()

    assert {name: model.resources.gpus for name, model in endpoint.models.items()} == {
        "sg-m-mid-060": 1,
        "azure-code": 2,
        "model-2": 4,
    }
    assert endpoint.models["sg-m-mid-060"].max_copies == 14
    assert endpoint.models["model-2"].max_copies == 2
    # 9 + 2 + 4 GPUs at the busiest minutes are two instances, and one is to spare.
    assert endpoint.variants["AllTraffic"].max_instances == 3
    assert not fleet.warnings


@pytest.mark.parametrize(
    ("models", "endpoints"),
    [(1, 1), (MODELS_PER_ENDPOINT, 1), (MODELS_PER_ENDPOINT + 1, 2), (157, 3)],
)
def test_many_models_are_spread_over_endpoints(models: int, endpoints: int) -> None:
    groups = spread([f"m{place}" for place in range(models)])

    assert len(groups) == endpoints
    sizes = [len(group) for group in groups.values()]
    assert max(sizes) <= MODELS_PER_ENDPOINT
    assert max(sizes) - min(sizes) <= 1
    assert len({model for group in groups.values() for model in group}) == models


@pytest.mark.parametrize("name", ["on", "No", "null", "007", "1e5", "0x1F", "12-30", "y"])
def test_names_that_yaml_would_misread_stay_names(name: str) -> None:
    (endpoint,) = _fleet([name], {}).endpoints.values()

    assert list(endpoint.models) == [name]


@pytest.mark.parametrize(("peak", "most"), [(0, 2), (1, 2), (2, 3), (9, 14)])
def test_ceiling(peak: int, most: int) -> None:
    assert most_copies(peak) == most


SHAPES = {"busy": copy_shape_for(1), "rare": copy_shape_for(4)}
FLEET = """
version: 1
defaults: {{max_copies: 5, policy: {{target_tracking: {{metric: concurrency, target_value: 24}}}}}}
endpoints:
  e: {{variants: {{v: {{instance_type: ml.p4d.24xlarge{limit}}}}}}}
models:
  - {{name: busy, resources: {{gpus: 1, memory_mb: 1024}}}}
  - {{name: rare, min_copies: {floor}, resources: {{gpus: 4, memory_mb: 1024}}}}
"""


class TestFirstCopies:
    def _trace(self, requests: int) -> Trace:
        one = np.array([requests], dtype=np.int64)
        zero = np.array([0], dtype=np.int64)
        return build_trace("t", ("busy",), 60, 3600, zero, zero, one, zero, one * 100)

    def _copies(self, requests: int, *, limit: str = "", floor: int = 0) -> dict[str, int]:
        fleet = compile_fleet(load_fleet(FLEET.format(limit=limit, floor=floor)))
        return first_copies(fleet, self._trace(requests), SHAPES)

    def test_what_the_first_minutes_need_and_one_at_least(self) -> None:
        # 1.55 s of work a request: 3,000 a minute keep 77.5 of 32 slots a copy busy.
        assert self._copies(3_000) == {"busy": 3, "rare": 1}
        assert self._copies(0) == {"busy": 1, "rare": 1}

    def test_no_more_than_the_ceiling_no_less_than_the_floor(self) -> None:
        assert self._copies(100_000, floor=2) == {"busy": 5, "rare": 2}

    def test_without_room_all_begin_with_their_floor(self) -> None:
        limited = ", max_instances: 1"

        assert self._copies(3_000, limit=limited) == {"busy": 3, "rare": 1}
        assert self._copies(100_000, limit=limited) == {"busy": 1, "rare": 1}

    def test_instances(self) -> None:
        fleet = compile_fleet(load_fleet(FLEET.format(limit="", floor=0)))
        endpoint = fleet.endpoints["e"]

        assert first_instances(endpoint, "v", {"busy": 5, "rare": 1}, SHAPES) == 2
        assert max_instances(endpoint, "v") == 4
