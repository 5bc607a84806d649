"""Wishes for batches and waves become what SageMaker accepts and what people mean."""

import pytest

from icscaler.rollout.batches import (
    Deployment,
    batch_copies,
    batches,
    deployment_config,
    smaller_batch,
)
from icscaler.rollout.entities import BatchWish, WaveWish
from icscaler.rollout.waves import BadWavesError, waves


@pytest.mark.parametrize(
    ("wish", "copies", "batch"),
    [
        pytest.param(BatchWish(copies=2), 8, 2, id="as wished"),
        pytest.param(BatchWish(copies=6), 8, 4, id="at most half"),
        pytest.param(BatchWish(copies=1), 40, 2, id="at least 5 percent"),
        pytest.param(BatchWish(percent=25), 8, 2, id="a share"),
        pytest.param(BatchWish(percent=100), 8, 4, id="all at once is half at once"),
        pytest.param(BatchWish(percent=5), 8, 1, id="a share of less than a copy is one"),
        pytest.param(BatchWish(copies=2), 3, 1, id="half of three"),
        pytest.param(BatchWish(copies=2), 2, 1, id="two copies"),
        pytest.param(BatchWish(copies=5), 1, 1, id="one copy"),
        pytest.param(BatchWish(copies=5), 0, 0, id="no copies"),
    ],
)
def test_batch_size(wish: BatchWish, copies: int, batch: int) -> None:
    assert batch_copies(wish, copies) == batch
    if copies > 1:
        assert 0.05 <= batch / copies <= 0.5


def test_number_of_batches() -> None:
    assert [batches(2, 8), batches(3, 8), batches(0, 0)] == [4, 3, 0]


@pytest.mark.parametrize(
    ("room", "batch"), [(5, 4), (3, 3), (2, 2), (1, None)], ids=lambda value: str(value)
)
def test_a_batch_is_made_to_fit(room: int, batch: int | None) -> None:
    assert smaller_batch(4, 40, room) == batch


def test_deployment_config_keeps_the_ranges_of_the_api() -> None:
    config = deployment_config(Deployment(2, 1, 4000, 60, ("a", "b")))
    policy = config["RollingUpdatePolicy"]
    assert policy["WaitIntervalInSeconds"] == 3600
    assert policy["MaximumExecutionTimeoutInSeconds"] == 600
    assert config["AutoRollbackConfiguration"] == {
        "Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]
    }
    assert "AutoRollbackConfiguration" not in deployment_config(Deployment(1, 1, 0, 600, ()))


FLEET = {f"m{number:02d}": f"e{number % 3}" for number in range(20)}


def test_the_canary_comes_first_and_then_a_tenth_half_the_rest() -> None:
    assert [len(wave) for wave in waves((), FLEET)] == [1, 1, 8, 10]


def test_every_component_is_in_exactly_one_wave_spread_over_endpoints() -> None:
    found = waves((), FLEET)
    flat = [name for wave in found for name in wave]
    assert sorted(flat) == sorted(FLEET)
    first_three = {FLEET[name] for name in flat[:3]}
    assert first_three == {"e0", "e1", "e2"}


def test_named_waves_and_the_rest() -> None:
    found = waves(
        (WaveWish(components=("m05", "m01")), WaveWish(count=2), WaveWish(percent=100)), FLEET
    )
    assert found[0] == ("m05", "m01")
    assert [len(wave) for wave in found] == [2, 2, 16]


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        pytest.param((WaveWish(components=("x",)),), "x is not one", id="unknown"),
        pytest.param(
            (WaveWish(components=("m01",)), WaveWish(components=("m01",))),
            "more than one",
            id="twice",
        ),
        pytest.param((WaveWish(percent=50),), "leave 10 of 20", id="left over"),
    ],
)
def test_waves_that_cannot_be_followed(wishes: tuple[WaveWish, ...], says: str) -> None:
    with pytest.raises(BadWavesError, match=says):
        waves(wishes, FLEET)
