"""The bounds on cases that can be worked out by hand."""

import numpy as np
import pytest

from icscaler_sim.simulate import Job, run_job
from icscaler_sim.simulate.clairvoyant import Demand, refusing, serving_all, worth_holding
from tests.unit.simulate.builders import model, scenario

MINUTE_S = 60


def demand(*loads: float) -> Demand:
    """Offered load by minute; 100 requests for every copy's worth of it."""
    load = np.array(loads, dtype=np.float64)
    return Demand(MINUTE_S, load, load * 100)


@pytest.mark.parametrize(
    ("loads", "start", "copy_minutes", "starts"),
    [
        pytest.param((0.5, 0.5), 120, 2, 0, id="there from the beginning"),
        pytest.param((0, 0, 0, 0, 0.5), 120, 3, 1, id="started two minutes ahead"),
        pytest.param((0, 0.5), 120, 2, 0, id="too early to start: it was there"),
        pytest.param((1, 0, 1), 120, 3, 0, id="a short gap is held"),
        pytest.param((1, 0, 0, 0, 1), 120, 4, 1, id="a long gap is not"),
        pytest.param((1, 0, 0, 1), 120, 4, 0, id="as dear as starting: kept"),
        pytest.param((1, 0, 0, 0, 1), 90, 3.5, 1, id="part of a minute"),
        pytest.param((1.5, 2.5, 0.1), 60, 7, 0, id="levels of 3, 2 and 1 + 1 minutes"),
        pytest.param((1, 1.0000000001, 1), 60, 3, 0, id="a rounding error is no copy"),
        pytest.param((0, 0), 60, 0, 0, id="never called"),
    ],
)
def test_serving_all(
    loads: tuple[float, ...], start: float, copy_minutes: float, starts: int
) -> None:
    held = serving_all(demand(*loads), start)
    assert held.copy_seconds.sum() / MINUTE_S == pytest.approx(copy_minutes)
    assert held.starts == starts
    assert held.served == pytest.approx(sum(loads) * 100)


def test_a_floor_is_held_all_the_time() -> None:
    held = serving_all(demand(0, 0, 2, 0), 60, floor=1)
    assert held.copy_seconds.tolist() == [60, 120, 120, 60]


@pytest.mark.parametrize(
    ("worth_s", "served", "copy_minutes"),
    [
        pytest.param(0.1, 0, 0, id="worth next to nothing: all refused"),
        pytest.param(2.0, 200, 4, id="the long call pays, the short one does not"),
        pytest.param(100.0, 210, 7, id="worth a lot: all served"),
    ],
)
def test_refusing_weighs_requests_against_gpu_time(
    worth_s: float, served: float, copy_minutes: float
) -> None:
    # Two busy minutes, then long silence, then a minute with ten requests; starts take two.
    held = refusing(demand(0, 0, 1, 1, 0, 0, 0, 0, 0.1), 120, 1, worth_s)
    assert held.served == pytest.approx(served)
    assert held.copy_seconds.sum() / MINUTE_S == pytest.approx(copy_minutes)


def test_bigger_copies_must_earn_more() -> None:
    one, eight = (refusing(demand(1, 1), 60, gpus, 3.0) for gpus in (1, 8))
    assert one.served == 200
    assert eight.served == 0


def test_worth_holding_bridges_a_gap_that_costs_less_than_a_start() -> None:
    gain = [10, -3, 10, -30, 10]
    assert worth_holding(gain, 5).tolist() == [True, True, True, False, True]
    assert worth_holding(gain, 12).tolist() == [True, True, True, False, False]
    assert worth_holding([], 5).tolist() == []


def test_as_a_policy_it_serves_everybody_and_respects_floors() -> None:
    played = scenario(
        {"busy": [600] * 60, "seldom": [0] * 50 + [3] + [0] * 9, "never": [0] * 60},
        model("busy", gpus=2),
        model("seldom"),
        model("never", min_copies=1),
    )
    score = run_job(played, Job("clairvoyant"))
    assert score.kind == "bound"
    assert score.lost_fraction == 0
    by_name = {one.name: one for one in score.models}
    assert by_name["busy"].gpu_hours == pytest.approx(2 * 2)
    assert by_name["never"].gpu_hours == pytest.approx(1)
    # One minute of use, and the median start-up: 15 GB at 5.25 s each, 100 s of engine.
    assert by_name["seldom"].gpu_hours * 3600 == pytest.approx(60 + 15 * 5.25 + 100)
    assert score.on_reference.instance_hours == pytest.approx(1.0)


def test_who_may_refuse_needs_no_more_than_who_serves_everybody() -> None:
    played = scenario({"busy": [600, 10, 900] * 20, "seldom": [0] * 50 + [3] + [0] * 9})
    everybody = run_job(played, Job("clairvoyant"))
    shares = []
    for worth in (0.003, 0.1, 3.0):
        some = run_job(played, Job("clairvoyant-refusing", {"gpu_minutes_per_request": worth}))
        assert some.gpu_hours <= everybody.gpu_hours + 1e-9
        shares.append(some.lost_fraction)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
