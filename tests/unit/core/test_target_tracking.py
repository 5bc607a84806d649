"""Target tracking's arithmetic: what joins, what leaves, and what stays in between."""

import pytest

from icscaler.entities import TargetTracking
from icscaler.policies.target_tracking import recommend

POLICY = TargetTracking("invocations", 60.0)


@pytest.mark.parametrize(
    ("copies", "per_copy", "wanted"),
    [
        pytest.param(4, 90, 6, id="out: what the load needs"),
        pytest.param(4, 60, 4, id="on target"),
        pytest.param(4, 61, 5, id="out: just above"),
        pytest.param(6, 30, 4, id="in: 3 would have 60 each and no margin"),
        pytest.param(6, 50, 6, id="in: 5 would have 60 each"),
        pytest.param(6, 45, 5, id="in: 5 have 54 each, the margin"),
        pytest.param(2, 30, 2, id="half the load, but the last one would be on target"),
        pytest.param(2, 27, 1, id="the last one keeps the margin"),
        pytest.param(3, 0, 0, id="silence"),
    ],
)
def test_copies_for_a_load(copies: int, per_copy: float, wanted: int) -> None:
    assert recommend(POLICY, copies * per_copy, copies) == wanted


@pytest.mark.parametrize(
    ("copies", "busiest", "wanted"), [(6, 50, 5), (6, 54, 6), (2, 30, 1), (4, 90, 6)]
)
def test_the_busiest_copy_is_margin_enough(copies: int, busiest: float, wanted: int) -> None:
    peaks = TargetTracking("concurrency", 60.0)
    assert recommend(peaks, copies * busiest, copies) == wanted


@pytest.mark.parametrize("tolerance", [0.0, 0.1, 0.3])
def test_what_is_left_after_a_removal_is_no_reason_to_add(tolerance: float) -> None:
    policy = TargetTracking("invocations", 60.0, scale_in_tolerance_fraction=tolerance)
    for copies in range(1, 30):
        for load in range(0, copies * 90, 7):
            found = recommend(policy, load, copies)
            assert recommend(policy, load, found) == found
            if 0 < found < copies:
                assert load / found <= (1 - tolerance) * 60 + 1e-6
