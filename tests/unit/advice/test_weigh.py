"""What a place costs a model and loses, what it would run on, and how the picture lies."""

import numpy as np
import pytest

from icscaler_sim.advice import (
    Host,
    HostRules,
    Place,
    busiest_step,
    cheapest_own,
    hosts_for,
    more_lost,
    own_shape,
    place_of,
    scaled,
    shared_types,
    shelves,
    usage_of,
)
from icscaler_sim.pricing import Bill, HeldCopies, load_prices
from icscaler_sim.report import Requests
from icscaler_sim.scoring import ModelScore
from icscaler_sim.traces import CopyShape, build_trace, copy_shape_for
from icscaler_sim.world.specs import ServiceProfile

PRICES = load_prices(None)
P4D = PRICES.get("ml.p4d.24xlarge")
ONE, FOUR = copy_shape_for(1), copy_shape_for(4)
HOUR = [2.0] * 6
"""Two copies for an hour of ten-minute steps."""


def test_types_that_are_too_slow_or_small_or_not_allowed_are_no_hosts() -> None:
    names = [host.kind.name for host in hosts_for(FOUR, PRICES, HostRules(P4D))]
    assert "ml.p4d.24xlarge" in names
    assert "ml.g6e.12xlarge" in names, "864 of 1555 GB/s is more than half"
    assert not any("g5." in name or "g6." in name for name in names), "a third and a fifth"
    assert "ml.g6e.xlarge" not in names, "one GPU does not hold a copy of four"
    slow = HostRules(P4D, types=["ml.g6.12xlarge"], slowest=0.1)
    assert [host.kind.name for host in hosts_for(FOUR, PRICES, slow)] == ["ml.g6.12xlarge"]
    measured = HostRules(P4D, types=["ml.g6.12xlarge"], speeds={"ml.g6.12xlarge": 0.7})
    (host,) = hosts_for(FOUR, PRICES, measured)
    assert (host.workers, host.speed) == (1, 0.7)


def test_an_instance_has_as_many_workers_as_its_gpus_hold_unless_told_otherwise() -> None:
    assert hosts_for(ONE, PRICES, HostRules(P4D, types=[P4D.name]))[0].workers == 8
    assert hosts_for(ONE, PRICES, HostRules(P4D, types=[P4D.name], workers=3))[0].workers == 3
    assert hosts_for(FOUR, PRICES, HostRules(P4D, types=[P4D.name], workers=3))[0].workers == 2


def test_own_instances_follow_the_copies_and_one_always_runs() -> None:
    small = Host(PRICES.get("ml.g6e.xlarge"), 1, 0.5)
    big = Host(P4D, 8, 1.0)
    assert cheapest_own(HOUR, 600, [big, small]) == (small, pytest.approx(4 * 2.605))
    assert cheapest_own([0.0] * 6, 600, [small]) == (small, pytest.approx(2.605))
    assert cheapest_own([16.0] * 6, 600, [big, small]) == (big, pytest.approx(2 * 25.251286))
    assert cheapest_own(HOUR, 600, []) is None


def test_a_slower_gpu_takes_longer_for_everything() -> None:
    assert scaled(ONE, 0.5).profile.service_s(1000, 100) == pytest.approx(
        2 * ONE.profile.service_s(1000, 100)
    )
    own = own_shape(ONE, Host(P4D, 8, 1.0))
    assert (own.gpus, own.profile.slots_per_copy) == (8, 8 * ONE.profile.slots_per_copy)


@pytest.mark.parametrize(
    ("before", "now", "more"),
    [
        pytest.param(0.01, 0.02, True, id="more"),
        pytest.param(0.01, 0.0115, False, id="within the slack"),
        pytest.param(0.01, 0.0, False, id="less"),
        pytest.param(None, None, False, id="nobody called"),
    ],
)
def test_chance_is_not_taken_for_more_losses(
    before: float | None, now: float | None, more: bool
) -> None:
    assert more_lost(before, now) is more


def test_a_shared_endpoint_is_paid_by_gpu_hours_held() -> None:
    bill = Bill(30.0, 5.0, 40.0, 100.0, {})
    score = ModelScore("a", "", "batch", 1, False, Requests(10, 9, 1, 0), 6.0)
    assert place_of(score, bill, 30.0) == Place(20.0, 6.0, pytest.approx(0.1))
    idle = ModelScore("b", "", "batch", 1, False, Requests(), 0.0)
    assert place_of(idle, bill, 0.0) == Place(0.0, 0.0, None)


def test_a_shared_endpoint_on_faster_gpus_needs_fewer_copies() -> None:
    held = HeldCopies(600, {"a": [16.0] * 6, "b": [1.0] * 6})
    shapes = {"a": ONE, "b": ONE}
    found = {one.kind.name: one for one in shared_types(held, shapes, PRICES, HostRules(P4D), P4D)}
    assert found["ml.p4d.24xlarge"].most_instances == 3
    assert found["ml.p5en.48xlarge"].most_instances == 1, "16 / 3.1 and one copy: 7 GPUs"
    assert "ml.g6.48xlarge" not in found
    dollars = [one.dollars for one in found.values()]
    assert dollars == sorted(dollars)


def test_what_is_used_of_what_is_reserved() -> None:
    """A request of two seconds on a tenth of a copy's GPUs, 3,600 times: a fifth of an hour's."""
    profile = ServiceProfile(slots_per_copy=10, base_s=2.0, output_token_s=0.0)
    one, zero = np.array([3600]), np.array([0])
    trace = build_trace("made", ("a", "b"), 60, 3600, zero, zero, one, zero, zero)
    used = usage_of(trace, {"a": CopyShape(1, profile), "b": FOUR}, {"a": 2.0, "b": 0.0})
    assert used["a"].used_gpu_hours == pytest.approx(0.2)
    assert used["a"].fraction == pytest.approx(0.1)
    assert used["b"].fraction is None


def test_the_picture_packs_biggest_first_where_least_is_left() -> None:
    gpus = {"big": 4, "pair": 2, "one": 1}
    rows = shelves({"big": 2, "pair": 1, "one": 3}, gpus, 8)
    assert [(row.copies, row.free) for row in rows] == [
        (["big", "big"], 0),
        (["pair", "one", "one", "one"], 3),
    ]
    with pytest.raises(ValueError, match="a copy of big holds 4 GPUs"):
        shelves({"big": 1}, gpus, 1)
    assert busiest_step({"big": [1, 0, 1], "one": [0, 9, 1]}, gpus) == 1
