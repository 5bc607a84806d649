"""The default fleet rule, on names whose md5 was taken with `md5sum`."""

import pytest

from icscaler_sim.traces import copy_shape_for, default_copy_shape
from icscaler_sim.traces.fleet_rule import name_fraction


@pytest.mark.parametrize(
    ("model", "digits", "gpus", "prefill", "output"),
    [
        pytest.param("sg-m-mid-060", "118e1889", 1, 10_000.0, 0.015, id="first of the fleet"),
        pytest.param("sg-m-small-038", "7cd6aeb9", 1, 10_000.0, 0.015, id="just under a half"),
        pytest.param("sg-mm-image-012", "998cc9a5", 2, 8_000.0, 0.020, id="two GPUs"),
        pytest.param("azure-code", "c90c3cd3", 2, 8_000.0, 0.020, id="just under four fifths"),
        pytest.param("model-2", "e5f400fd", 4, 6_000.0, 0.030, id="four GPUs"),
    ],
)
def test_vector(model: str, digits: str, gpus: int, prefill: float, output: float) -> None:
    shape = default_copy_shape(model)

    assert name_fraction(model) == int(digits, 16) / 2**32
    profile = shape.profile
    assert (shape.gpus, profile.prefill_tokens_per_s, profile.output_token_s) == (
        gpus,
        prefill,
        output,
    )
    assert (profile.slots_per_copy, profile.base_s) == (32, 0.05)


def test_service_time_is_base_plus_prefill_plus_output() -> None:
    assert default_copy_shape("sg-m-mid-060").profile.service_s(20_000, 100) == pytest.approx(3.55)


@pytest.mark.parametrize(("gpus", "prefill"), [(1, 10_000), (2, 8_000), (3, 8_000), (8, 6_000)])
def test_shape_by_size(gpus: int, prefill: float) -> None:
    assert copy_shape_for(gpus).profile.prefill_tokens_per_s == prefill


def test_a_copy_holds_a_gpu() -> None:
    with pytest.raises(ValueError, match="at least one GPU"):
        copy_shape_for(0)
