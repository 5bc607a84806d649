"""`ports.Metrics`: in memory, and CloudWatch's adapter on the local cloud."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler.adapters.cloudwatch import SERIES_PER_CALL, CloudWatchMetrics
from icscaler.entities import Change, MetricMinute
from icscaler.ports import SeriesRequest
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.adapters.desks import FAST, LATENCY_S, CloudDesk, MemoryDesk

Desk = Any


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(world_settings=FAST, seed=1) as opened:
        yield opened


@pytest.fixture(params=["memory", "local cloud"])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "memory":
        return MemoryDesk()
    return CloudDesk(request.getfixturevalue("cloud"))


@pytest.fixture
def cloud_desk(cloud: LocalCloud) -> CloudDesk:
    return CloudDesk(cloud)


def read(desk: Desk, *requests: SeriesRequest) -> dict[str, tuple[MetricMinute, ...]]:
    return desk.metrics.minutes(requests, desk.now_s)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- both


def test_minutes_tell_requests_from_silence(desk: Desk) -> None:
    start_s = -(-desk.now_s // 60) * 60
    desk.requests("block", {0: 30, 1: 0, 2: 45})
    minutes = {
        minute.at_s: minute
        for minute in read(desk, SeriesRequest("block", start_s, concurrency=True))["block"]
    }
    assert minutes[start_s].invocations == 30
    assert minutes[start_s + 120].invocations == 45
    assert (minutes[start_s].concurrency_per_copy or 0) > 0
    quiet = minutes[start_s + 60]
    assert quiet.invocations is None
    assert quiet.heartbeat, "it is silent, not blind"


def test_only_what_was_asked_for_comes(desk: Desk) -> None:
    start_s = -(-desk.now_s // 60) * 60
    desk.requests("block", {0: 30, 1: 30})
    request = SeriesRequest("block", start_s, invocations=False, concurrency=True, heartbeat=False)
    for minute in read(desk, request)["block"]:
        assert minute == MetricMinute(minute.at_s, concurrency_per_copy=minute.concurrency_per_copy)
        assert minute.concurrency_per_copy is not None


def test_mean_latency_comes_in_seconds_and_only_where_requests_were(desk: Desk) -> None:
    start_s = -(-desk.now_s // 60) * 60
    desk.requests("block", {0: 30, 1: 0, 2: 45})
    request = SeriesRequest("block", start_s, invocations=False, heartbeat=False, latency=True)
    found = read(desk, request)["block"]
    assert [minute.at_s for minute in found] == [start_s, start_s + 120]
    for minute in found:
        assert minute == MetricMinute(minute.at_s, latency_s=minute.latency_s)
        assert minute.latency_s == pytest.approx(LATENCY_S, rel=0.5)


@pytest.mark.parametrize(
    ("deadline_s", "fraction"), [(1000 * LATENCY_S, 1.0), (LATENCY_S / 1000, 0.0)]
)
def test_the_share_within_a_deadline_comes_with_the_errors(
    cloud_desk: CloudDesk, deadline_s: float, fraction: float
) -> None:
    start_s = -(-cloud_desk.now_s // 60) * 60
    cloud_desk.requests("block", {0: 30, 1: 0})
    request = SeriesRequest(
        "block", start_s, invocations=False, heartbeat=False, deadline_s=deadline_s
    )
    (found,) = read(cloud_desk, request)["block"]
    assert found == MetricMinute(start_s, in_deadline_fraction=fraction, errors=0.0)


def test_nothing_of_a_deadline_comes_unasked(desk: Desk) -> None:
    start_s = -(-desk.now_s // 60) * 60
    desk.requests("block", {0: 30})
    found = read(desk, SeriesRequest("block", start_s))["block"][0]
    assert (found.in_deadline_fraction, found.errors) == (None, None)
    found = read(desk, SeriesRequest("block", start_s, deadline_s=60.0))["block"][0]
    assert (found.in_deadline_fraction, found.errors) == (1.0, 0.0)


def test_only_ended_minutes_from_the_start_on_oldest_first(desk: Desk) -> None:
    first_s = -(-desk.now_s // 60) * 60
    desk.requests("block", dict.fromkeys(range(6), 10))
    at_s = first_s + 5 * 60 + 59
    found = desk.metrics.minutes([SeriesRequest("block", first_s + 60)], at_s)["block"]
    assert [minute.at_s for minute in found] == [first_s + 60 * n for n in range(1, 5)]


def test_of_the_running_minute_there_is_the_concurrency_so_far(desk: Desk) -> None:
    first_s = -(-desk.now_s // 60) * 60
    desk.requests("block", dict.fromkeys(range(3), 600))
    requests = [SeriesRequest("block", first_s, concurrency=True)]
    at_s = first_s + 2 * 60 + 40
    *whole, running = desk.metrics.minutes(requests, at_s)["block"]
    assert [minute.at_s for minute in whole] == [first_s, first_s + 60]
    so_far = running.concurrency_per_copy
    assert so_far is not None
    assert running == MetricMinute(first_s + 120, concurrency_per_copy=so_far)
    ended = desk.metrics.minutes(requests, first_s + 120)["block"]
    assert ended == tuple(whole), "at its very beginning it has nothing to say"


def test_ten_second_points_tell_the_same_and_how_fast_it_rose(desk: Desk) -> None:
    start_s = -(-desk.now_s // 60) * 60
    desk.requests("block", {0: 600, 1: 600})
    ask = SeriesRequest("block", start_s, invocations=False, concurrency=True, heartbeat=False)
    whole = read(desk, ask)["block"]
    in_tens = read(desk, replace(ask, in_tens=True))["block"]
    assert [replace(minute, rise_per_s=None) for minute in in_tens] == list(whole)
    assert len(in_tens) >= 2
    assert all(type(minute.rise_per_s) is float for minute in in_tens)
    assert all(minute.rise_per_s is None for minute in whole)


def test_a_component_without_data_is_there_and_empty(desk: Desk) -> None:
    assert read(desk, SeriesRequest("never-heard-of", desk.now_s - 600)) == {"never-heard-of": ()}
    assert read(desk) == {}


# ---------------------------------------------------------------- CloudWatch alone


def test_refused_requests_at_zero_copies_are_seen(cloud: LocalCloud, cloud_desk: CloudDesk) -> None:
    cloud_desk.endpoints.set_copies(Change("block", 1, 0, "a1"), cloud_desk.now_s)
    cloud_desk.settle()
    start_s = -(-cloud_desk.now_s // 60) * 60
    cloud_desk.requests("block", {0: 1})
    request = SeriesRequest("block", start_s, invocations=False, refused=True, heartbeat=False)
    assert read(cloud_desk, request)["block"] == (MetricMinute(start_s, refused=1.0),)


def test_the_fastest_rise_between_neighbouring_points_counts(cloud_desk: CloudDesk) -> None:
    start_s = -(-cloud_desk.now_s // 60) * 60
    cloud_desk.requests("block", {0: 60, 1: 6000})
    request = SeriesRequest("block", start_s, concurrency=True, in_tens=True)
    calm, sudden = read(cloud_desk, request)["block"][:2]
    points = {
        int(at.timestamp()): value
        for at, value in cloud_desk.points("ConcurrentRequestsPerCopy", "block", start_s, 10)
    }
    rises = [(points[at + 10] - points[at]) / 10 for at in points if at + 10 in points]
    assert sudden.rise_per_s == max(rises) > 1
    assert calm.rise_per_s is not None
    assert calm.rise_per_s < sudden.rise_per_s


def test_figures_are_floats_so_that_storing_changes_no_byte(cloud_desk: CloudDesk) -> None:
    start_s = -(-cloud_desk.now_s // 60) * 60
    cloud_desk.requests("block", {0: 30, 1: 0})
    for minute in read(cloud_desk, SeriesRequest("block", start_s, concurrency=True))["block"]:
        for figure in (minute.invocations, minute.concurrency_per_copy, minute.refused):
            assert figure is None or type(figure) is float


def calls_of(desk: CloudDesk) -> list[int]:
    """Grows by the number of queries of each GetMetricData call."""
    sizes: list[int] = []

    def count(params: Any, **_: Any) -> None:
        sizes.append(len(params["MetricDataQueries"]))

    desk.metrics.cloudwatch.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData", count
    )
    return sizes


def test_five_hundred_series_a_call(cloud_desk: CloudDesk) -> None:
    sizes = calls_of(cloud_desk)
    start_s = cloud_desk.now_s // 60 * 60 - 600
    requests = [SeriesRequest(f"model-{n}", start_s, concurrency=True) for n in range(400)]
    requests.append(SeriesRequest("inline", start_s))
    answer = read(cloud_desk, *requests)
    assert len(answer) == 401
    assert answer["inline"]
    assert sizes == [500, 500, 202]


def test_a_long_hole_of_one_component_does_not_widen_the_others_call(
    cloud_desk: CloudDesk,
) -> None:
    asked: list[tuple[datetime, int]] = []
    cloud_desk.metrics.cloudwatch.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: asked.append((params["StartTime"], len(params["MetricDataQueries"]))),
    )
    now_s = cloud_desk.now_s // 60 * 60
    requests = [SeriesRequest(f"model-{n}", now_s - 300, heartbeat=False) for n in range(500)]
    requests += [SeriesRequest(f"late-{n}", now_s - 9000, heartbeat=False) for n in range(500)]
    read(cloud_desk, *requests)
    assert asked == [
        (datetime.fromtimestamp(now_s - 9000, UTC), SERIES_PER_CALL),
        (datetime.fromtimestamp(now_s - 300, UTC), SERIES_PER_CALL),
    ]


def test_a_call_that_fails_leaves_its_components_out(
    cloud: LocalCloud, cloud_desk: CloudDesk
) -> None:
    cloud.faults.throttle("cloudwatch", "GetMetricData", times=3)
    start_s = cloud_desk.now_s // 60 * 60 - 600
    requests = [
        SeriesRequest("block", start_s - 60),
        *(SeriesRequest(f"model-{n}", start_s) for n in range(249)),
        SeriesRequest("inline", start_s),
    ]
    assert list(read(cloud_desk, *requests)) == ["inline"]


class Pages:
    """A CloudWatch client that answers with prepared pages of one series after another."""

    def __init__(self, *pages: list[tuple[str, str, dict[int, float]]]) -> None:
        self._pages = list(pages)
        self.tokens: list[str | None] = []

    def get_metric_data(self, **arguments: Any) -> Any:
        self.tokens.append(arguments.get("NextToken"))
        page = self._pages.pop(0)
        results = [
            {
                "Id": series,
                "StatusCode": status,
                "Timestamps": [datetime.fromtimestamp(at_s, UTC) for at_s in values],
                "Values": list(values.values()),
            }
            for series, status, values in page
        ]
        answer: dict[str, Any] = {"MetricDataResults": results}
        if self._pages:
            answer["NextToken"] = f"page {len(self._pages)}"
        return answer


def served(*pages: list[tuple[str, str, dict[int, float]]]) -> tuple[CloudWatchMetrics, Pages]:
    client: Any = Pages(*pages)
    return CloudWatchMetrics(client), client


TWO = [SeriesRequest("a", 0, heartbeat=False), SeriesRequest("b", 0, heartbeat=False)]


def test_pages_are_put_together(caplog: pytest.LogCaptureFixture) -> None:
    metrics, client = served(
        [("m0", "PartialData", {0: 1.0}), ("m1", "Complete", {0: 5.0})],
        [("m0", "Complete", {60: 2.0})],
    )
    assert metrics.minutes(TWO, 180) == {
        "a": (MetricMinute(0, 1.0), MetricMinute(60, 2.0)),
        "b": (MetricMinute(0, 5.0),),
    }
    assert client.tokens == [None, "page 1"]
    assert caplog.messages == []


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_a_series_that_stays_incomplete_makes_its_component_blind(status: str) -> None:
    metrics, _ = served([("m0", status, {0: 1.0}), ("m1", "Complete", {0: 5.0})])
    assert metrics.minutes(TWO, 180) == {"b": (MetricMinute(0, 5.0),)}


def test_a_point_that_was_not_asked_for_is_not_taken() -> None:
    metrics, _ = served([("m0", "Complete", {0: 1.0, 60: 2.0, 120: 3.0, 180: 4.0})])
    request = SeriesRequest("a", 60, heartbeat=False)
    assert metrics.minutes([request], 239) == {"a": (MetricMinute(60, 2.0), MetricMinute(120, 3.0))}
