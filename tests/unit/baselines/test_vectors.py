"""The published arithmetic of every peer, on vectors worked out from its documentation."""

import random

import pytest

from icscaler_sim.baselines import hpa, knative, ray_serve
from icscaler_sim.baselines import target_tracking as tt
from icscaler_sim.baselines.hybrid_histogram import Histogram, windows_of
from icscaler_sim.baselines.knative import Windows

CALM = Windows(0, None, 0)


@pytest.mark.parametrize(
    ("cur", "metric", "wanted"),
    [
        pytest.param(4, 90, 6, id="half above: half as many more"),
        pytest.param(6, 30, 3, id="half of the target: half as many"),
        pytest.param(6, 50, 5, id="rounded up: more capacity is kept"),
        pytest.param(0, 90, 0, id="target tracking cannot leave zero"),
    ],
)
def test_target_tracking_is_proportional(cur: int, metric: float, wanted: int) -> None:
    assert tt.tracked(cur, metric, 60) == wanted


@pytest.mark.parametrize(
    ("values", "high", "low"),
    [
        pytest.param((61,) * 3, True, False, id="3 of 3 above"),
        pytest.param((61, 61, 60), False, False, id="at the target is not above"),
        pytest.param((61, None, 61), False, False, id="a missing point is no breach"),
        pytest.param((61, 61), False, False, id="too few points"),
        pytest.param((30,) * 15, False, True, id="15 of 15 below"),
        pytest.param((55,) * 15, False, False, id="55 is not below 54"),
        pytest.param((50,) * 14, False, False, id="14 points are not 15"),
        pytest.param((50,) * 7 + (None,) + (50,) * 7, False, False, id="a hole among 15"),
    ],
)
def test_alarms_of_target_tracking(values: tuple, high: bool, low: bool) -> None:
    assert tt.above(values, 3, 60) is high
    assert tt.below(values, 15, 60, 0.1) is low


@pytest.mark.parametrize(
    ("cur", "percent", "least", "after"),
    [
        pytest.param(10, 10, 0, 11, id="10 % of 10"),
        pytest.param(11, 30, 0, 14, id="3.3 is rounded down"),
        pytest.param(14, -10, 0, 13, id="-1.4 toward zero"),
        pytest.param(13, -30, 0, 10, id="-3.9 toward zero"),
        pytest.param(3, 10, 0, 4, id="0.3 is at least 1"),
        pytest.param(4, 25, 2, 6, id="MinAdjustmentMagnitude"),
        pytest.param(3, -10, 0, 2, id="-0.3 is at least -1"),
        pytest.param(3, 0, 2, 3, id="no change at all"),
    ],
)
def test_step_scaling_by_percent(cur: int, percent: float, least: int, after: int) -> None:
    assert tt.adjust(cur, "PercentChangeInCapacity", percent, least) == after


def test_step_scaling_by_number() -> None:
    assert tt.adjust(5, "ChangeInCapacity", -2) == 3
    assert tt.adjust(5, "ExactCapacity", 2) == 2


STEPS = (
    tt.Step(None, -20, -30),
    tt.Step(-20, -10, -10),
    tt.Step(10, 20, 10),
    tt.Step(20, None, 30),
)


@pytest.mark.parametrize(
    ("metric", "adjustment"),
    [
        pytest.param(50, None, id="between the steps"),
        pytest.param(60, 10, id="a lower bound above the threshold is inside"),
        pytest.param(70, 30, id="an upper bound above the threshold is outside"),
        pytest.param(40, -10, id="an upper bound below the threshold is inside"),
        pytest.param(30, -30, id="a lower bound below the threshold is outside"),
        pytest.param(0, -30, id="open below"),
        pytest.param(500, 30, id="open above"),
    ],
)
def test_step_bounds(metric: float, adjustment: float | None) -> None:
    step = tt.pick_step(STEPS, metric, 50)
    assert (step and step.adjustment) == adjustment


# ---------------------------------------------------------------- Knative


@pytest.mark.parametrize(
    ("ready", "stable", "panic", "before", "copies", "panics"),
    [
        pytest.param(3, 50, 50, CALM, 8, True, id="8 wished of 3 ready: panic"),
        pytest.param(10, 21, 20, CALM, 5, False, id="at most half leave"),
        pytest.param(10, 0, 0, CALM, 5, False, id="first tick of silence"),
        pytest.param(5, 0, 0, CALM, 2, False, id="second"),
        pytest.param(2, 0, 0, CALM, 1, False, id="third"),
        pytest.param(1, 0, 0, CALM, 0, False, id="last"),
        pytest.param(12, 20, 20, Windows(12, 0, 12), 12, True, id="never fewer in panic"),
        pytest.param(12, 84, 84, Windows(12, -61, 12), 12, False, id="panic ends after a window"),
    ],
)
def test_knative_tick(
    ready: int, stable: float, panic: float, before: Windows, copies: int, panics: bool
) -> None:
    after = knative.tick(0, ready, stable, panic, 7, before)
    assert after.copies == copies
    assert (after.panic_s is not None) is panics


def test_knative_without_a_reachable_revision_may_go_to_zero_at_once() -> None:
    assert knative.tick(0, 10, 0, 0, 7, CALM, reachable=False).copies == 0


def test_knative_activation_scale_is_the_least_when_leaving_zero() -> None:
    assert knative.tick(0, 0, 1, 1, 7, CALM, activation=3).copies == 3
    assert knative.tick(0, 0, 0, 0, 7, CALM, activation=3).copies == 0


@pytest.mark.parametrize(
    ("ready", "burst", "panic", "spare"),
    [
        pytest.param(3, 211, 50, -231, id="the default burst"),
        pytest.param(3, 0, 50, 0, id="proxy only at zero"),
        pytest.param(3, -1, 50, -1, id="proxy always"),
    ],
)
def test_knative_excess_burst(ready: int, burst: float, panic: float, spare: int) -> None:
    assert knative.excess_burst(ready, 10, burst, panic) == spare


@pytest.mark.parametrize(("buckets", "weight"), [(60, 0.2), (6, 0.78456)])
def test_knative_weight_of_the_newest_bucket(buckets: int, weight: float) -> None:
    assert knative.weight_of_newest(buckets) == pytest.approx(weight, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        pytest.param([10, 10, 5, 5], 5.544, id="falling"),
        pytest.param([5, 5, 10, 10], 9.072, id="rising"),
    ],
)
def test_knative_weighted_mean(values: list[float], mean: float) -> None:
    assert knative.weighted_mean(values, 0.6) == pytest.approx(mean)


# ---------------------------------------------------------------- Kubernetes


@pytest.mark.parametrize(
    ("cur", "ratio", "wanted"),
    [
        pytest.param(3, 1.5, 5, id="rounded up"),
        pytest.param(10, 1.11, 12, id="just outside the tolerance"),
        pytest.param(10, 0.89, 9, id="just outside below"),
        pytest.param(10, 0.90, 10, id="inside below"),
        pytest.param(10, 1.1, 11, id="1.1 is a little more than 0.1 away in binary"),
    ],
)
def test_hpa_by_ratio(cur: int, ratio: float, wanted: int) -> None:
    assert hpa.by_ratio(ratio, cur) == wanted


@pytest.mark.parametrize(
    ("cur", "added", "most"),
    [
        pytest.param(3, 0, 7, id="4 pods are more than double"),
        pytest.param(7, 4, 7, id="this period's are used up"),
        pytest.param(10, 0, 20, id="double is more than 4 pods"),
    ],
)
def test_hpa_limits_scale_out(cur: int, added: int, most: int) -> None:
    assert hpa.out_limit(cur, added) == most


@pytest.mark.parametrize(
    ("total", "ready", "unready", "wanted"),
    [
        pytest.param(150, 2, 0, 3, id="nobody starts"),
        pytest.param(150, 2, 1, 3, id="the one that starts will do"),
        pytest.param(300, 2, 1, 6, id="more than that is needed"),
        pytest.param(130, 2, 4, 6, id="enough start already: no flip to fewer"),
        pytest.param(80, 2, 2, 2, id="below target the ready ones count"),
        pytest.param(0, 0, 3, 3, id="all start: nothing is known"),
    ],
)
def test_hpa_counts_starting_pods_as_idle(
    total: float, ready: int, unready: int, wanted: int
) -> None:
    assert hpa.with_unready(total, 50, ready, unready) == wanted


@pytest.mark.parametrize(
    ("value", "cur", "wanted"),
    [
        pytest.param(0, 0, 0, id="nothing at zero"),
        pytest.param(1, 0, 1, id="anything leaves zero"),
        pytest.param(109, 2, 2, id="inside the tolerance"),
        pytest.param(120, 2, 3, id="outside"),
    ],
)
def test_hpa_external_metric(value: float, cur: int, wanted: int) -> None:
    assert hpa.by_total(value, 50, cur) == wanted


# ---------------------------------------------------------------- Ray Serve


@pytest.mark.parametrize(
    ("cur", "requests", "factor", "wanted"),
    [
        pytest.param(2, 10, 1.0, 5, id="10 requests at 2 each"),
        pytest.param(4, 6, 0.5, 3, id="half the step would stay: one goes all the same"),
        pytest.param(4, 7, 0.5, 4, id="3.5 replicas are 4: nothing to get stuck on"),
    ],
)
def test_ray_serve_desired(cur: int, requests: float, factor: float, wanted: int) -> None:
    assert ray_serve.desired(cur, requests, 2, factor, factor) == wanted


# ---------------------------------------------------------------- hybrid histogram


def _histogram(counts: dict[int, int]) -> Histogram:
    return Histogram(tuple(counts.get(place, 0) for place in range(240)))


def test_histogram_of_hourly_calls() -> None:
    hourly = _histogram({58: 10, 59: 20, 60: 40, 61: 20, 62: 10})
    assert hourly.variation() == pytest.approx(7.84, abs=0.005)
    windows = windows_of(hourly)
    assert windows.load_s == pytest.approx(52.2 * 60)
    assert windows.unload_s == pytest.approx(69.3 * 60)


def test_flat_histogram_is_not_representative() -> None:
    flat = _histogram(dict.fromkeys(range(240), 1))
    assert flat.variation() == 0
    assert windows_of(flat) == (None, 240 * 60)


@pytest.mark.parametrize("count", [1, 5, 1000])
def test_one_bin_has_the_same_variation_whatever_its_count(count: int) -> None:
    assert _histogram({7: count}).variation() == pytest.approx(15.46, abs=0.005)


def test_few_samples_fall_back_although_they_look_representative() -> None:
    assert windows_of(_histogram({60: 9})) == (None, 240 * 60)
    assert windows_of(_histogram({60: 10})).load_s == pytest.approx(54 * 60)


@pytest.mark.parametrize(
    ("samples", "low", "high"),
    [pytest.param(200, 2.2, 2.9, id="200"), pytest.param(3000, 2.1, 2.4, id="3000")],
)
def test_the_gate_passes_a_memoryless_process(samples: int, low: float, high: float) -> None:
    rng = random.Random(11)
    histogram = _histogram({})
    for _ in range(samples):
        histogram = histogram.add(rng.expovariate(1 / 1200))
    assert low < histogram.variation() < high


def test_calls_rarer_than_the_range_are_forecast() -> None:
    rare = _histogram({3: 1}).add(5 * 3600).add(7 * 3600)
    windows = windows_of(rare)
    assert windows.load_s == pytest.approx(0.85 * 6 * 3600)
    assert windows.unload_s == pytest.approx(1.15 * 6 * 3600)


def test_a_head_of_zero_means_never_unload_before_the_tail() -> None:
    assert windows_of(_histogram({0: 100})) == (None, pytest.approx(66))
