"""Sizes, homes and first copies of the simulated fleet, and fleets that cannot be simulated."""

from dataclasses import replace

import pytest

from icscaler.entities import EndpointConfig
from icscaler_sim.simulate import Fleet, Scenario, SimulationError, first_copies, strata_of
from icscaler_sim.simulate.fleet import alone, packed
from tests.unit.simulate.builders import P4D, PRICES, START_S, fleet, model, trace


def test_everybody_begins_with_what_the_first_ten_minutes_need() -> None:
    played = trace({"busy": [900] * 10 + [3000], "later": [0] * 10 + [10], "warm": [0] * 11})
    members = fleet(model("busy"), model("later"), model("warm", min_copies=2))
    # 900 a minute of 2 s: 30 in flight, ten a copy.
    assert first_copies(members, played) == {"busy": 3, "later": 0, "warm": 2}


def test_first_copies_respect_ceilings_and_room() -> None:
    played = trace({"busy": [3000] * 10, "other": [10] * 10})
    assert first_copies(fleet(model("busy", max_copies=4), model("other")), played)["busy"] == 4
    tight = fleet(model("busy", gpus=8, max_copies=8, min_copies=1), model("other"))
    assert first_copies(tight, played) == {"busy": 1, "other": 0}  # 8 x 8 GPUs do not fit 4 x 8


def test_without_a_limit_there_is_room_for_every_ceiling() -> None:
    open_ended = replace(P4D, max_instances=None)
    members = {"a": model("a", gpus=4, max_copies=5), "b": model("b", max_copies=3)}
    config = EndpointConfig("shared", "v1", {"main": open_ended}, members)
    shapes = fleet(*members.values()).shapes
    assert Fleet({"shared": config}, shapes).max_instances("shared", "main") == 3


def test_alone_each_called_model_has_an_endpoint_of_its_own() -> None:
    found = alone(
        fleet(model("a", gpus=4), model("b"), model("never")), {"a": 3, "b": 9, "never": 0}
    )
    assert dict(found.fixed_instances) == {"a-alone": 2, "b-alone": 2}
    assert found.endpoints["a-alone"].models["a"].max_copies == 3


def test_packed_raises_ceilings_and_instances_as_needed() -> None:
    found = packed(fleet(model("a", gpus=4), model("b")), {"a": 12, "b": 1})
    config = found.endpoints["shared"]
    assert config.models["a"].max_copies == 12
    assert config.models["b"].max_copies == 8
    assert config.variants["main"].max_instances == 7


def test_strata_by_mean_rate() -> None:
    minutes = 100
    counts = {
        "never": [0] * minutes,
        "rare": [1] + [0] * (minutes - 1),
        "cold": [3] * minutes,
        "warm": [30] * minutes,
        "hot": [300] * minutes,
        "very_hot": [3000] * minutes,
    }
    assert strata_of(trace(counts)) == {name: name.replace("never", "idle") for name in counts}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        pytest.param((model("a"),), "does not know b", id="unknown model"),
        pytest.param((model("a"), model("b", adapter_of="a")), "b is an adapter", id="adapter"),
        pytest.param((model("a"), model("b", gpus=0)), "b is a model without GPUs", id="no GPUs"),
        pytest.param((model("a"), model("b", gpus=16)), "needs 16 GPUs", id="too big"),
    ],
)
def test_fleets_that_cannot_be_simulated(members: tuple, says: str) -> None:
    shapes = fleet(model("a"), model("b")).shapes
    config = EndpointConfig("shared", "v1", {"main": P4D}, {one.name: one for one in members})
    with pytest.raises(SimulationError, match=says):
        Scenario(trace({"a": [1], "b": [1]}), Fleet({"shared": config}, shapes), PRICES, START_S)


def test_an_instance_type_that_nobody_knows() -> None:
    strange = replace(P4D, instance_type="ml.z9.large")
    config = EndpointConfig("shared", "v1", {"main": strange}, {"a": model("a")})
    with pytest.raises(SimulationError, match="not known to this world"):
        Scenario(
            trace({"a": [1]}), Fleet({"shared": config}, fleet(model("a")).shapes), PRICES, START_S
        )
