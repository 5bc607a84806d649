"""Embedded metric format lines become metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icscaler_localcloud.cloudwatch import ingest_emf
from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.conftest import T0


def line(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_aws": {
            "Timestamp": (T0 + 30) * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "icscaler",
                    "Dimensions": [["Endpoint"], ["Endpoint", "Model"], []],
                    "Metrics": [
                        {"Name": "DesiredCopies", "Unit": "Count"},
                        {"Name": "Took", "Unit": "Milliseconds", "StorageResolution": 1},
                    ],
                }
            ],
        },
        "Endpoint": "codegen",
        "Model": "inline",
        "DesiredCopies": 3,
        "Took": [10, 20.5, 10],
        "note": "text that is no metric",
    }
    directive = document["_aws"]["CloudWatchMetrics"][0]
    for key in ("Namespace", "Dimensions", "Metrics"):
        if key in changes:
            directive[key] = changes.pop(key)
    return document | changes


def read(
    store: MetricStore, metric: str, stat: str, dims: dict[str, str], period_s: int = 60
) -> Any:
    return store.statistics("icscaler", metric, dims, stat, period_s, T0, T0 + 120, T0 + 300)


def test_a_line_becomes_metrics_in_every_dimension_set(store: MetricStore) -> None:
    assert ingest_emf(store, json.dumps(line()), T0 + 31) == 12
    sets: list[dict[str, str]] = [
        {"Endpoint": "codegen"},
        {"Endpoint": "codegen", "Model": "inline"},
        {},
    ]
    for dims in sets:
        assert read(store, "DesiredCopies", "Maximum", dims) == [(T0, 3.0)]
        assert read(store, "Took", "Sum", dims) == [(T0, 40.5)]
        assert read(store, "Took", "p50", dims, 10) == [(T0 + 30, 10.0)]
    assert store.unit("icscaler", "Took", {}) == "Milliseconds"
    assert store.unit("icscaler", "DesiredCopies", {}) == "Count"


def test_visible_after_the_lag_only(store: MetricStore) -> None:
    ingest_emf(store, json.dumps(line(Dimensions=[[]])), T0 + 31, lag_s=20)
    seen = [
        store.statistics("icscaler", "DesiredCopies", {}, "Sum", 60, T0, T0 + 60, at)
        for at in (T0 + 50.9, T0 + 51)
    ]
    assert seen == [[], [(T0, 3.0)]]


def test_without_a_timestamp_the_line_s_own_time_counts(store: MetricStore) -> None:
    document = line(Dimensions=[[]])
    del document["_aws"]["Timestamp"]
    ingest_emf(store, json.dumps(document), T0 + 61)
    assert read(store, "DesiredCopies", "Sum", {}) == [(T0 + 60, 3.0)]


def test_a_named_metric_may_be_absent(store: MetricStore) -> None:
    document = line(Dimensions=[[]])
    del document["Took"]
    assert ingest_emf(store, json.dumps(document), T0) == 1


@pytest.mark.parametrize(
    "text",
    ["", "START RequestId: 1", '{"level": "INFO", "message": "x"}', "[1, 2]", '{"a": "_aws"}'],
)
def test_other_lines_are_none_of_ours(store: MetricStore, text: str) -> None:
    reports: list[str] = []
    assert ingest_emf(store, text, T0, report=reports.append) == 0
    assert reports == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"_aws": {', "not JSON"),
        ('{"_aws": 1}', "_aws is not an object"),
        (line(_aws={}), "CloudWatchMetrics is not a list"),
        (line(_aws={"CloudWatchMetrics": [1]}), "CloudWatchMetrics is not a list of objects"),
        (line(Namespace=""), "no Namespace"),
        (line(Metrics="x"), "Metrics is not a list"),
        (line(Metrics=[{}]), "a metric has no Name"),
        (line(Metrics=[{"Name": "Took", "Unit": "Furlongs"}]), "unknown Unit 'Furlongs'"),
        (line(Metrics=[{"Name": "Took", "StorageResolution": 10}]), "StorageResolution 10"),
        (line(Dimensions=[["Absent"]]), "dimension 'Absent' has no text value"),
        (line(Dimensions=[["DesiredCopies"]]), "dimension 'DesiredCopies' has no text value"),
        (line(Dimensions=["Endpoint"]), "a dimension set is not a list"),
        (line(Took="fast"), "metric Took has the value 'fast'"),
        (line(Took=True), "metric Took has the value True"),
        (line(Took=[]), "metric Took has 0 values"),
        (line(Took=[1] * 101), "metric Took has 101 values"),
        (line(Took=float("nan")), "metric Took has the value nan"),
    ],
    ids=lambda value: value if isinstance(value, str) and "{" not in value else "",
)
def test_malformed_lines_are_reported_and_publish_nothing(
    store: MetricStore, text: str | dict[str, Any], reason: str
) -> None:
    reports: list[str] = []
    raw = text if isinstance(text, str) else json.dumps(text)
    assert ingest_emf(store, raw, T0, report=reports.append) == 0
    (report,) = reports
    assert report.startswith("malformed embedded metric format: ")
    assert reason in report
    assert store.list_metrics() == []


def test_malformed_lines_are_logged_by_default(
    store: MetricStore, caplog: pytest.LogCaptureFixture
) -> None:
    assert ingest_emf(store, '{"_aws": 1}', T0) == 0
    assert "_aws is not an object" in caplog.text
