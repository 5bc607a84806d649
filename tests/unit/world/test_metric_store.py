"""Statistics, visibility, alignment and retention of the metric store."""

import pytest

from icscaler_sim.metrics import MetricStore
from icscaler_sim.metrics.store import DAY_S, HOUR_S

START_S = 1_700_006_400
DIMS = {"InferenceComponentName": "chat"}
HUNDRED = tuple(float(value) for value in range(1, 101))


def one_period(stat: str, store: MetricStore) -> float | None:
    found = store.statistics("n", "m", DIMS, stat, 60, START_S, START_S + 60, START_S + 1)
    assert len(found) <= 1
    return found[0][1] if found else None


@pytest.fixture
def hundred() -> MetricStore:
    """The values 1 to 100, once each."""
    store = MetricStore()
    store.put_distribution("n", "m", DIMS, START_S, HUNDRED, (1.0,) * 100)
    return store


@pytest.mark.parametrize(
    ("stat", "value"),
    [
        pytest.param("SampleCount", 100, id="count"),
        pytest.param("Sum", 5_050, id="sum"),
        pytest.param("Average", 50.5, id="average"),
        pytest.param("Minimum", 1, id="minimum"),
        pytest.param("Maximum", 100, id="maximum"),
        pytest.param("p50", 50, id="median"),
        pytest.param("p99.9", 100, id="percentile with a decimal"),
        pytest.param("p0", 1, id="lowest percentile"),
        pytest.param("tm90", 45.5, id="trimmed mean: without the highest tenth"),
        pytest.param("TM(10%:90%)", 50.5, id="trimmed mean, both sides"),
        pytest.param("TM(:90%)", 45.5, id="trimmed mean, open below"),
        pytest.param("TM(10:20)", 15.5, id="trimmed mean by value: 11 to 20"),
        pytest.param("IQM", 50.5, id="interquartile mean"),
        pytest.param("TC(10:20)", 10, id="trimmed count"),
        pytest.param("tc90", 90, id="trimmed count by share"),
        pytest.param("TS(90%:)", 955, id="trimmed sum of the highest tenth"),
        pytest.param("wm90", 49.95, id="winsorized mean: the highest tenth counts as 90"),
        pytest.param("PR(:30)", 30, id="percentile rank, upper bound belongs"),
        pytest.param("PR(30:)", 70, id="percentile rank, lower bound does not"),
        pytest.param("PR(10:20)", 10, id="percentile rank between"),
    ],
)
def test_statistics(hundred: MetricStore, stat: str, value: float) -> None:
    assert one_period(stat, hundred) == pytest.approx(value)


@pytest.mark.parametrize(
    "stat", ["", "p101", "median", "PR", "PR(:)", "PR(10%:20%)", "TM(10%:20)", "average", "p-1"]
)
def test_unknown_statistics_are_refused(hundred: MetricStore, stat: str) -> None:
    with pytest.raises(ValueError, match="unknown statistic"):
        one_period(stat, hundred)


@pytest.mark.parametrize("period_s", [0, -60, 7, 45, 90])
def test_unknown_periods_are_refused(hundred: MetricStore, period_s: int) -> None:
    with pytest.raises(ValueError, match="period"):
        hundred.statistics("n", "m", DIMS, "Sum", period_s, START_S, START_S + 60, START_S)


def test_counts_weigh_values() -> None:
    store = MetricStore()
    store.put_distribution("n", "m", DIMS, START_S, (10.0, 1_000.0), (99.0, 1.0))
    assert one_period("SampleCount", store) == 100
    assert one_period("Average", store) == pytest.approx(19.9)
    assert one_period("p99", store) == 10
    assert one_period("p99.5", store) == 1_000
    assert one_period("PR(:500)", store) == pytest.approx(99)


def test_percentiles_need_distributions() -> None:
    store = MetricStore()
    store.put_statistic_set("n", "m", DIMS, START_S, sample_count=4, total=10, minimum=1, maximum=4)
    assert one_period("Average", store) == 2.5
    assert one_period("p50", store) is None
    assert one_period("PR(:2)", store) is None


def test_a_flat_statistic_set_has_percentiles() -> None:
    store = MetricStore()
    store.put_statistic_set("n", "m", DIMS, START_S, sample_count=4, total=12, minimum=3, maximum=3)
    assert one_period("p90", store) == 3


def test_absent_is_not_zero(hundred: MetricStore) -> None:
    args = ("Sum", 60, START_S - 600, START_S + 600, START_S + 600)
    assert [at_s for at_s, _ in hundred.statistics("n", "m", DIMS, *args)] == [START_S]
    assert hundred.statistics("n", "other", DIMS, *args) == []
    assert hundred.statistics("n", "m", {**DIMS, "EndpointName": "e"}, *args) == []


def test_points_appear_when_they_become_visible() -> None:
    store = MetricStore()
    store.put("n", "m", DIMS, START_S, 5.0, visible_at_s=START_S + 95.0)
    seen = [
        store.statistics("n", "m", DIMS, "Sum", 60, START_S, START_S + 60, START_S + at_s)
        for at_s in (94, 95)
    ]
    assert seen == [[], [(START_S, 5.0)]]


def test_periods_are_aligned_and_merge_points_in_any_order() -> None:
    store = MetricStore()
    for at_s, value in ((70, 4.0), (10, 1.0), (130, 16.0), (50, 2.0), (-10, 100.0)):
        store.put("n", "m", DIMS, START_S + at_s, value, period_s=10)
    read = store.statistics("n", "m", DIMS, "Sum", 120, START_S + 30, START_S + 240, START_S + 240)
    assert read == [(START_S, 7.0), (START_S + 120, 16.0)]
    fine = store.statistics("n", "m", DIMS, "Sum", 10, START_S, START_S + 60, START_S + 240)
    assert fine == [(START_S + 10, 1.0), (START_S + 50, 2.0)]


def test_minute_points_read_at_ten_seconds_leave_gaps() -> None:
    store = MetricStore()
    store.put("n", "m", DIMS, START_S, 1.0)
    store.put("n", "m", DIMS, START_S + 60, 2.0)
    read = store.statistics("n", "m", DIMS, "Sum", 10, START_S, START_S + 120, START_S + 120)
    assert read == [(START_S, 1.0), (START_S + 60, 2.0)]


@pytest.mark.parametrize(
    ("period_s", "age_s", "found"),
    [
        pytest.param(10, 3 * HOUR_S - 60, True, id="10 s within 3 hours"),
        pytest.param(10, 3 * HOUR_S + 60, False, id="10 s after 3 hours"),
        pytest.param(60, 3 * HOUR_S + 60, True, id="the same points by the minute"),
        pytest.param(60, 15 * DAY_S + 60, False, id="minutes after 15 days"),
        pytest.param(300, 15 * DAY_S + 300, True, id="5 minutes after 15 days"),
        pytest.param(300, 63 * DAY_S + 300, False, id="5 minutes after 63 days"),
        pytest.param(3_600, 63 * DAY_S + 3_600, True, id="hours after 63 days"),
    ],
)
def test_retention(period_s: int, age_s: int, found: bool) -> None:
    store = MetricStore()
    store.put("n", "m", DIMS, START_S, 1.0, period_s=10)
    now_s = START_S + age_s
    assert bool(store.statistics("n", "m", DIMS, "Sum", period_s, 0, now_s, now_s)) is found


def test_memory_is_bounded_when_asked() -> None:
    store = MetricStore(keep_s=600.0)
    for minute in range(1_000):
        store.put("n", "m", DIMS, START_S + 60 * minute, 1.0)
    end_s = START_S + 60_000
    kept = store.statistics("n", "m", DIMS, "Sum", 60, START_S, end_s, end_s)
    assert 10 <= len(kept) <= 22


def test_the_latest_minutes_at_once() -> None:
    store = MetricStore()
    for minute, value in ((0, 3.0), (1, 4.0), (3, 6.0)):
        store.put("n", "m", DIMS, START_S + 60 * minute, value)
    series = store.find("n", "m", DIMS)
    assert series is not None
    assert series.minutes("Sum", START_S + 60, 3, START_S + 600) == [4.0, None, 6.0]


def test_listing_matches_dimensions_and_hides_empty_series() -> None:
    store = MetricStore()
    store.put("n", "m", DIMS, START_S, 1.0, unit="Percent")
    store.put("n", "m", {"EndpointName": "e", "VariantName": "v"}, START_S, 1.0)
    store.put("other", "m", DIMS, START_S, 1.0)
    assert len(store.list_metrics()) == 3
    assert [key.namespace for key in store.list_metrics(dims=DIMS)] == ["n", "other"]
    assert [key.dims for key in store.list_metrics("n", dims={"VariantName": None})] == [
        (("EndpointName", "e"), ("VariantName", "v"))
    ]
    assert store.unit("n", "m", DIMS) == "Percent"
    assert store.unit("n", "x", DIMS) is None


@pytest.mark.parametrize(("values", "counts"), [((), ()), ((1.0,), (1.0, 2.0))])
def test_distributions_must_be_well_formed(
    values: tuple[float, ...], counts: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="as many"):
        MetricStore().put_distribution("n", "m", DIMS, START_S, values, counts)
