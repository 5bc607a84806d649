"""GetMetricData and PutMetricData through boto3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from icscaler_localcloud.cloudwatch import CloudWatchService
from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.conftest import T0
from tests.contract.cloudwatch.harness import Clock, Door

NS = "AWS/SageMaker"
DIMS = [{"Name": "InferenceComponentName", "Value": "code"}]


def moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, tz=UTC)


def stat(query_id: str = "m1", **changes: Any) -> dict[str, Any]:
    metric = {"Namespace": NS, "MetricName": "Invocations", "Dimensions": DIMS}
    metric |= changes.pop("Metric", {})
    shape = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    outer = {key: changes.pop(key) for key in ("Label", "ReturnData") if key in changes}
    return {"Id": query_id, "MetricStat": shape | changes, **outer}


def ask(client: Any, queries: list[dict[str, Any]], start: int = 0, end: int = 600, **more: Any):
    return client.get_metric_data(
        MetricDataQueries=queries,
        StartTime=moment(T0 + start),
        EndTime=moment(T0 + end),
        **{"ScanBy": "TimestampAscending"} | more,
    )


def put(client: Any, **datum: Any) -> None:
    client.put_metric_data(
        Namespace=NS,
        MetricData=[
            {"MetricName": "Invocations", "Dimensions": DIMS, "Timestamp": moment(T0)} | datum
        ],
    )


def refusal(call: Any, *args: Any, **kwargs: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("datum", "expected"),
    [
        pytest.param({"Value": 3.0}, {"Sum": 3.0, "SampleCount": 1.0}, id="value"),
        pytest.param(
            {"Values": [1.0, 2.0, 10.0], "Counts": [2.0, 1.0, 1.0]},
            {"Sum": 14.0, "SampleCount": 4.0, "Average": 3.5, "Minimum": 1.0, "Maximum": 10.0},
            id="values and counts",
        ),
        pytest.param(
            {"Values": [1.0, 2.0, 10.0], "Counts": [2.0, 1.0, 1.0]},
            {"p50": 1.0, "p99": 10.0, "PR(:2)": 75.0, "TM(:2)": 4 / 3, "tm75": 4 / 3},
            id="extended statistics of a distribution",
        ),
        pytest.param(
            {"Values": [4.0, 6.0]}, {"Sum": 10.0, "SampleCount": 2.0}, id="values without counts"
        ),
        pytest.param(
            {"StatisticValues": {"SampleCount": 4, "Sum": 8, "Minimum": 1, "Maximum": 5}},
            {"Sum": 8.0, "SampleCount": 4.0, "Average": 2.0, "Minimum": 1.0, "Maximum": 5.0},
            id="statistic set",
        ),
    ],
)
def test_what_is_put_is_read(
    cloudwatch: Any, datum: dict[str, Any], expected: dict[str, float]
) -> None:
    put(cloudwatch, Unit="Count", **datum)
    queries = [stat(f"m{i}", Stat=name) for i, name in enumerate(expected)]
    results = ask(cloudwatch, queries)["MetricDataResults"]
    assert [r["Timestamps"] for r in results] == [[moment(T0)]] * len(expected)
    assert [r["Values"][0] for r in results] == pytest.approx(list(expected.values()))
    assert {r["StatusCode"] for r in results} == {"Complete"}


def test_a_statistic_set_has_no_percentiles(cloudwatch: Any) -> None:
    put(cloudwatch, StatisticValues={"SampleCount": 4, "Sum": 8, "Minimum": 1, "Maximum": 5})
    assert ask(cloudwatch, [stat(Stat="p90")])["MetricDataResults"][0]["Values"] == []


def test_points_are_unseen_until_they_are_visible(
    cloudwatch: Any, store: MetricStore, clock: Clock
) -> None:
    dims = {"InferenceComponentName": "code"}
    store.put(NS, "Invocations", dims, T0, 5.0, visible_at_s=T0 + 100)
    clock.now_s = T0 + 99
    assert ask(cloudwatch, [stat()])["MetricDataResults"][0]["Values"] == []
    clock.now_s = T0 + 100
    assert ask(cloudwatch, [stat()])["MetricDataResults"][0]["Values"] == [5.0]


def test_own_metrics_lag_when_told_to(
    cloudwatch: Any, service: CloudWatchService, clock: Clock
) -> None:
    service.lag_s = 45.0
    clock.now_s = T0
    put(cloudwatch, Value=1.0)
    clock.now_s = T0 + 44
    assert ask(cloudwatch, [stat()])["MetricDataResults"][0]["Values"] == []
    clock.now_s = T0 + 45
    assert ask(cloudwatch, [stat()])["MetricDataResults"][0]["Values"] == [1.0]


def test_ten_second_points_need_high_resolution(cloudwatch: Any) -> None:
    for offset in (0, 10, 20):
        put(cloudwatch, Timestamp=moment(T0 + offset), Value=offset + 1.0, StorageResolution=1)
    (fine,) = ask(cloudwatch, [stat(Period=10)])["MetricDataResults"]
    assert list(zip(fine["Timestamps"], fine["Values"], strict=True)) == [
        (moment(T0), 1.0),
        (moment(T0 + 10), 11.0),
        (moment(T0 + 20), 21.0),
    ]
    (minute,) = ask(cloudwatch, [stat()])["MetricDataResults"]
    assert minute["Values"] == [33.0]


def test_dimension_sets_are_exact(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1.0)
    wider = [*DIMS, {"Name": "EndpointName", "Value": "e"}]
    results = ask(cloudwatch, [stat(), stat("m2", Metric={"Dimensions": wider})])[
        "MetricDataResults"
    ]
    assert [r["Values"] for r in results] == [[1.0], []]


def test_unit_filters(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1.0, Unit="Count")
    results = ask(cloudwatch, [stat("m1", Unit="Count"), stat("m2", Unit="Seconds")])
    assert [r["Values"] for r in results["MetricDataResults"]] == [[1.0], []]


def test_labels_and_hidden_queries(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1.0)
    queries = [stat("m1", ReturnData=False), stat("m2", Label="hits"), stat("m3")]
    results = ask(cloudwatch, queries)["MetricDataResults"]
    assert [(r["Id"], r["Label"]) for r in results] == [("m2", "hits"), ("m3", "Invocations")]


def test_newest_first_is_the_default(cloudwatch: Any) -> None:
    for minute in (0, 1, 2):
        put(cloudwatch, Timestamp=moment(T0 + 60 * minute), Value=float(minute))
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[stat()], StartTime=moment(T0), EndTime=moment(T0 + 600)
    )
    assert answer["MetricDataResults"][0]["Values"] == [2.0, 1.0, 0.0]
    assert answer["Messages"] == []


def test_datapoints_are_paged_and_later_pages_show_the_first_pages_moment(
    cloudwatch: Any, store: MetricStore, clock: Clock
) -> None:
    for minute in range(7):
        for component in ("a", "b"):
            store.put(NS, "Invocations", {"C": component}, T0 + 60 * minute, float(minute))
    queries = [
        stat(f"m{c}", Metric={"Dimensions": [{"Name": "C", "Value": c}]}) for c in ("a", "b")
    ]
    first = ask(cloudwatch, queries, MaxDatapoints=5)
    assert [(r["Id"], len(r["Values"]), r["StatusCode"]) for r in first["MetricDataResults"]] == [
        ("ma", 5, "PartialData"),
        ("mb", 0, "PartialData"),
    ]
    clock.now_s += 60
    store.put(NS, "Invocations", {"C": "b"}, T0 + 60 * 7, 7.0, visible_at_s=clock.now_s)
    pages = [first]
    while token := pages[-1].get("NextToken"):
        pages.append(ask(cloudwatch, queries, MaxDatapoints=5, NextToken=token))
    gathered: dict[str, list[float]] = {"ma": [], "mb": []}
    for result in (r for page in pages for r in page["MetricDataResults"]):
        gathered[result["Id"]] += result["Values"]
    assert gathered == {"ma": [0, 1, 2, 3, 4, 5, 6], "mb": [0, 1, 2, 3, 4, 5, 6]}
    assert len(pages) == 3
    assert {r["StatusCode"] for r in pages[-1]["MetricDataResults"]} == {"Complete"}
    other = ask(cloudwatch, queries, MaxDatapoints=6)
    assert refusal(ask, cloudwatch, queries, MaxDatapoints=5, NextToken=other["NextToken"]) == (
        "InvalidNextToken",
        "The next token specified is invalid.",
    )


def test_the_paginator_of_boto3_works(cloudwatch: Any, store: MetricStore) -> None:
    for minute in range(9):
        store.put(NS, "Invocations", {}, T0 + 60 * minute, 1.0)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[stat(Metric={"Dimensions": []})],
        StartTime=moment(T0),
        EndTime=moment(T0 + 600),
        MaxDatapoints=4,
    )
    counts = [len(page["MetricDataResults"][0]["Values"]) for page in pages]
    assert counts == [4, 4, 1]


@pytest.mark.parametrize(
    ("queries", "more", "text"),
    [
        pytest.param(
            [stat(f"m{i}") for i in range(501)],
            {},
            "must not have a size greater than 500",
            id="501",
        ),
        pytest.param([stat("m1"), stat("m1")], {}, "are not unique: m1", id="id twice"),
        pytest.param([stat("M1")], {}, "must start with a lowercase letter", id="capital id"),
        pytest.param([{"Id": "m1"}], {}, "Exactly one of the parameters", id="neither"),
        pytest.param([stat(Period=45)], {}, "The value 45 for parameter", id="period"),
        pytest.param([stat(Stat="p101")], {}, "'p101'", id="percentile over 100"),
        pytest.param([stat(Stat="Median")], {}, "'Median'", id="unknown statistic"),
        pytest.param(
            [stat(Metric={"Namespace": "x" * 256})], {}, "length less than", id="too long"
        ),
        pytest.param([stat(Unit="Furlongs")], {}, "enum value set", id="unknown unit"),
        pytest.param([stat(ReturnData=False)], {}, "must return data", id="all hidden"),
        pytest.param([stat(Label="${LAST}")], {}, "dynamic labels", id="dynamic label"),
        pytest.param([stat()], {"start": 600}, "StartTime must be less", id="empty range"),
        pytest.param([stat()], {"MaxDatapoints": 100_801}, "1 and 100800", id="too many points"),
    ],
)
def test_requests_that_are_refused(
    cloudwatch: Any, queries: list[dict[str, Any]], more: dict[str, Any], text: str
) -> None:
    code, message = refusal(ask, cloudwatch, queries, **more)
    assert code == "ValidationError"
    assert text in message


@pytest.mark.parametrize(
    ("datum", "code", "text"),
    [
        ({}, "MissingParameter", "At least one of the parameters must be specified"),
        ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"Values": [1.0] * 151}, "InvalidParameterValue", "1 to 150 values"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterCombination", "same size"),
        ({"Value": 1.0, "StorageResolution": 10}, "InvalidParameterValue", "must be 1 or 60"),
        ({"Value": float("inf")}, "InvalidParameterValue", "within -2^360 to 2^360"),
        (
            {"Value": 1.0, "Timestamp": moment(T0 - 15 * 86_400)},
            "InvalidParameterValue",
            "two weeks",
        ),
        ({"Value": float("nan")}, "InvalidParameterValue", "within -2^360 to 2^360"),
        ({"Value": 1.0, "Timestamp": moment(T0 + 4 * 3600)}, "InvalidParameterValue", "two hours"),
        ({"Value": 1.0, "Unit": "Furlongs"}, "ValidationError", "enum value set"),
        ({"Value": 1.0, "Dimensions": DIMS * 2}, "InvalidParameterValue", "a name twice"),
    ],
)
def test_data_that_is_refused(
    cloudwatch: Any, store: MetricStore, datum: dict[str, Any], code: str, text: str
) -> None:
    got_code, message = refusal(put, cloudwatch, **datum)
    assert got_code == code
    assert text in message
    assert store.list_metrics() == []


def test_one_bad_datum_publishes_nothing(cloudwatch: Any, store: MetricStore) -> None:
    good = {"MetricName": "a", "Value": 1.0}
    refusal(cloudwatch.put_metric_data, Namespace=NS, MetricData=[good, {"MetricName": "b"}])
    assert store.list_metrics() == []


def test_a_thousand_metrics_a_call(door: Door, store: MetricStore) -> None:
    data = [{"MetricName": f"m{i}", "Value": 1.0} for i in range(1001)]
    cloudwatch = door.client("cloudwatch", Config(disable_request_compression=True))
    code, message = refusal(cloudwatch.put_metric_data, Namespace=NS, MetricData=data)
    assert (code, "size greater than 1000" in message) == ("InvalidParameterValue", True)
    cloudwatch.put_metric_data(Namespace=NS, MetricData=data[:1000])
    assert len(store.list_metrics()) == 1000


def test_calls_and_series_are_counted(cloudwatch: Any, service: CloudWatchService) -> None:
    ask(cloudwatch, [stat("m1"), stat("m2")])
    refusal(ask, cloudwatch, [stat(Period=7)])
    cloudwatch.list_metrics()
    assert service.gate.calls == {"GetMetricData": 2, "ListMetrics": 1}
    assert service.series_requested == 3
