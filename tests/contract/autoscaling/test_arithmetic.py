"""Step scaling, target tracking and cooldowns as formulas.

Vectors are the examples of the Application Auto Scaling User Guide and of the API Reference.
"""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icscaler_localcloud.autoscaling.cooldown import (
    Cooldown,
    after_scale_out,
    blocks_scale_in,
    out_to,
)
from icscaler_localcloud.autoscaling.model import Key, Target
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.steps import Step, Steps, aggregated, ordered, problem_with
from icscaler_localcloud.autoscaling.tracking import tracked_capacity

PERCENT = "PercentChangeInCapacity"
# The guide's policies: out at 50 + [0, 10, 20), in at 50 - (.., -10, -20].
OUT = ordered([Step(0, 0, 10), Step(10, 10, 20), Step(30, 20, inf)])
IN = ordered([Step(0, -10, 0), Step(-10, -20, -10), Step(-30, -inf, -20)])
EXACTLY = AutoScalingSettings()


@pytest.mark.parametrize(
    ("steps", "base", "metric", "expected"),
    [
        pytest.param(OUT, 10, 60, 11, id="10 and 10 percent"),
        pytest.param(OUT, 11, 70, 14, id="11 and 30 percent, 3.3 is 3"),
        pytest.param(IN, 14, 40, 13, id="14 less 10 percent, 1.4 is 1"),
        pytest.param(IN, 13, 30, 10, id="13 less 30 percent, 3.9 is 3"),
        pytest.param(OUT, 3, 60, 4, id="0.3 is 1"),
        pytest.param(OUT, 10, 55, 10, id="a step of nothing"),
    ],
)
def test_the_guides_example_of_percent_steps(steps, base, metric, expected) -> None:
    policy = Steps(PERCENT, steps)
    assert policy.capacity(base, metric - 50, above=metric > 50) == expected


@pytest.mark.parametrize(
    ("kind", "base", "amount", "magnitude", "expected"),
    [
        pytest.param("ChangeInCapacity", 4, 3, 0, 7, id="change"),
        pytest.param("ChangeInCapacity", 4, -6, 0, 0, id="change, never below zero"),
        pytest.param("ExactCapacity", 4, 9, 0, 9, id="exact"),
        pytest.param("ExactCapacity", 4, 0, 0, 0, id="exact zero"),
        pytest.param(PERCENT, 4, 25, 2, 6, id="magnitude 2 of 1"),
        pytest.param(PERCENT, 4, -25, 2, 2, id="magnitude 2 of -1"),
        pytest.param(PERCENT, 40, 25, 2, 50, id="magnitude 2 of 10"),
        pytest.param(PERCENT, 0, 50, 0, 0, id="a share of nothing"),
        pytest.param(PERCENT, 0, 50, 3, 3, id="magnitude from zero"),
        pytest.param(PERCENT, 4, -15, 0, 3, id="-0.6 is -1"),
        pytest.param(PERCENT, 10, -67, 0, 4, id="-6.7 is -6"),
        pytest.param(PERCENT, 10, 67, 0, 16, id="6.7 is 6"),
    ],
)
def test_adjustment_types(kind, base, amount, magnitude, expected) -> None:
    policy = Steps(kind, (Step(amount),), magnitude)
    assert policy.capacity(base, 0.0, above=True) == expected


@pytest.mark.parametrize(
    ("difference", "above", "adjustment"),
    [
        pytest.param(0.0, True, 1, id="at the threshold, lower bound included"),
        pytest.param(4.99, True, 1, id="below the next step"),
        pytest.param(5.0, True, 2, id="upper bound excluded"),
        pytest.param(-1.0, True, None, id="no step"),
        pytest.param(0.0, False, -1, id="at the threshold from below, upper bound included"),
        pytest.param(-4.99, False, -1, id="above the next step"),
        pytest.param(-5.0, False, -2, id="lower bound excluded"),
    ],
)
def test_which_step_holds_a_difference(difference, above, adjustment) -> None:
    steps = [Step(1, 0, 5), Step(2, 5, inf)] if above else [Step(-1, -5, 0), Step(-2, -inf, -5)]
    found = Steps("ChangeInCapacity", ordered(steps)).capacity(10, difference, above=above)
    assert found == (None if adjustment is None else 10 + adjustment)


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        pytest.param([], "At least one step", id="none"),
        pytest.param([Step(1, 0, 5), Step(2, 4, inf)], "overlap", id="overlap"),
        pytest.param([Step(1, 0, 5), Step(2, 6, inf)], "gaps", id="gap"),
        pytest.param([Step(1, 5, 5)], "greater than the lower", id="empty step"),
        pytest.param([Step(1, 0, inf), Step(2, 5, inf)], "overlap", id="two without upper bound"),
        pytest.param([Step(1), Step(2, 0, 5)], "overlap", id="one holds everything"),
        pytest.param([Step(-1, -5, 0)], "unspecified lower bound", id="negative, but ends"),
        pytest.param([Step(1, 0, 5)], "unspecified upper bound", id="positive, but ends"),
    ],
)
def test_steps_that_are_refused(steps, text) -> None:
    assert text in str(problem_with(steps))


@pytest.mark.parametrize("steps", [OUT, IN, [Step(1, 0, inf)], [Step(1)]], ids=str)
def test_steps_that_are_fine(steps) -> None:
    assert problem_with(steps) is None


def test_aggregation_of_datapoints() -> None:
    values = [3.0, 1.0, 2.0]
    assert [aggregated(values, kind) for kind in ("Average", "Minimum", "Maximum")] == [2, 1, 3]


@given(
    base=st.integers(0, 500),
    percent=st.integers(-100, 300),
    magnitude=st.integers(0, 20),
)
def test_a_percentage_moves_at_least_its_magnitude_and_the_right_way(base, percent, magnitude):
    asked = Steps(PERCENT, (Step(percent),), magnitude).capacity(base, 0.0, above=True)
    assert asked is not None
    assert asked >= 0
    moved = asked - base
    assert moved * percent >= 0
    if percent > 0:
        assert moved >= magnitude
        assert moved >= min(1, base)
        assert moved <= max(base * percent / 100, magnitude, 1)


# -- target tracking


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        pytest.param(4, 90, 6, id="out in proportion"),
        pytest.param(6, 30, 3, id="in in proportion"),
        pytest.param(6, 50, 5, id="rounded toward more capacity"),
        pytest.param(6, 55, None, id="not a tenth below"),
        pytest.param(6, 54, None, id="exactly a tenth below"),
        pytest.param(6, 60, None, id="at the target"),
        pytest.param(6, 60.1, 7, id="just above"),
        pytest.param(1, 0, 0, id="to zero"),
        pytest.param(1, 0.5, 1, id="some traffic keeps the last copy"),
        pytest.param(0, 90, None, id="zero has no ratio"),
    ],
)
def test_target_tracking_of_60(base, value, expected) -> None:
    assert tracked_capacity(base, [(value, base)], 60, EXACTLY) == expected


def test_rounding_forgives_floats() -> None:
    assert 1 * 2.1 / 0.3 > 7
    assert tracked_capacity(1, [(2.1, 1)], 0.3, EXACTLY) == 7


def test_gradual_scale_in_removes_a_tenth() -> None:
    gradual = AutoScalingSettings(gradual_scale_in=True)
    found = [tracked_capacity(base, [(6, base)], 60, gradual) for base in (30, 6, 1)]
    assert found == [27, 5, 1]
    assert tracked_capacity(30, [(90, 30)], 60, gradual) == 45


def test_the_value_is_the_mean_of_the_datapoints_or_the_newest() -> None:
    newest_first = [(20.0, 10), (40.0, 10), (60.0, 10)]
    assert tracked_capacity(10, newest_first, 10, EXACTLY) == 40
    assert (
        tracked_capacity(10, newest_first, 10, AutoScalingSettings(tracking_value="latest")) == 20
    )
    assert tracked_capacity(10, [], 10, EXACTLY) is None


@pytest.mark.parametrize(
    ("base", "points", "expected"),
    [
        pytest.param(3, [(20.1, 3), (60, 1), (60, 1)], 4, id="the load was 60 all along"),
        pytest.param(9, [(60, 1), (60, 1)], 9, id="a high metric never takes away"),
        pytest.param(1, [(5, 9), (5, 9)], 1, id="a low metric never adds"),
    ],
)
def test_points_count_with_the_capacity_of_their_time(base, points, expected) -> None:
    assert tracked_capacity(base, points, 20, EXACTLY) == expected


@given(
    base=st.integers(1, 200),
    value=st.just(0.0) | st.floats(1e-6, 1e4),
    target=st.floats(0.1, 1e3),
)
def test_what_target_tracking_asks_for_keeps_the_metric_at_its_target(base, value, target):
    asked = tracked_capacity(base, [(value, base)], target, EXACTLY)
    if asked is None:
        return
    assert base * value <= asked * target * (1 + 1e-6)
    if asked > base:
        assert base * value > (asked - 1) * target * (1 - 1e-6)
    assert (asked > base) == (value > target) or asked == base


def test_the_capacity_of_a_time() -> None:
    target = Target(Key("sagemaker", "r", "d"), "arn", 0, 9, "role", 0.0, {})
    assert target.count_at(50, now=7) == 7, "nothing was read"
    for at_s, count in ((100, 1), (200, 1), (300, 4), (400, 2)):
        target.saw(at_s, count)
    assert target.counts == [(100, 1), (300, 4), (400, 2)]
    assert [target.count_at(at_s, now=7) for at_s in (50, 250, 300, 399, 500)] == [1, 1, 4, 4, 2]
    assert target.count_at(0.0, now=7) == 7, "a datapoint without a time"
    for at_s in range(500, 700):
        target.saw(at_s, at_s)
    assert len(target.counts) == 64


# -- cooldowns


def test_the_references_example_of_a_larger_scale_out() -> None:
    """+2 is done; within the cooldown +3 adds one more, another +2 nothing."""
    cooldown = Cooldown(before=10, after=12, until_s=300)
    assert out_to(cooldown, 100, base=12, asked=15) == 13
    assert out_to(cooldown, 100, base=12, asked=14) == 12
    assert out_to(cooldown, 300, base=12, asked=14) == 14
    # While the two are still on their way, the count starts from what is there.
    assert out_to(Cooldown(10, 12), 100, base=10, asked=13) == 13


def test_escalations_count_from_where_the_first_began() -> None:
    first = Cooldown(10, 12, until_s=300)
    second = after_scale_out(first, 100, base=12, capacity=13)
    assert (second.before, second.after, second.until_s) == (10, 13, None)
    assert after_scale_out(first, 400, base=12, capacity=15).before == 12


def test_a_scale_in_blocks_scale_ins_only() -> None:
    cooldown = Cooldown(5, 3, until_s=300)
    assert blocks_scale_in(cooldown, 299)
    assert not blocks_scale_in(cooldown, 300)
    assert out_to(cooldown, 100, base=3, asked=4) == 4
    assert not blocks_scale_in(Cooldown(3, 5), 100)
    assert not blocks_scale_in(None, 100)
    assert blocks_scale_in(Cooldown(5, 3), 1e9), "in progress"
