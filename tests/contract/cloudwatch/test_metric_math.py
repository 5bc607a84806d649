"""Metric math through GetMetricData."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.conftest import T0
from tests.contract.cloudwatch.test_metric_data import ask, moment, refusal, stat

NS = "AWS/SageMaker"
# Minute 0, 1, 2, ... of each series; None: no point.
SERIES: dict[str, list[float | None]] = {
    "m1": [1.0, 2.0, None, 4.0],
    "m2": [10.0, 0.0, 30.0, None],
    "gap": [None, 5.0, None, 9.0],
}


@pytest.fixture(autouse=True)
def series(store: MetricStore) -> None:
    for name, values in SERIES.items():
        for minute, value in enumerate(values):
            if value is not None:
                store.put(NS, name, {}, T0 + 60 * minute, value)


def queries(expression: str, **more: Any) -> list[dict[str, Any]]:
    metrics = [
        stat(name, Metric={"MetricName": name, "Dimensions": []}, ReturnData=False)
        for name in SERIES
    ]
    return [*metrics, {"Id": "e1", "Expression": expression, **more}]


def minutes(client: Any, expression: str, **more: Any) -> dict[int, float]:
    (result,) = ask(client, queries(expression, **more), end=240)["MetricDataResults"]
    times = [int((at - moment(T0)).total_seconds()) // 60 for at in result["Timestamps"]]
    return dict(zip(times, result["Values"], strict=True))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # arithmetic: a point only where both have one, none where the divisor is 0
        ("m1 + m2", {0: 11.0, 1: 2.0}),
        ("m2 - m1", {0: 9.0, 1: -2.0}),
        ("m1 / m2", {0: 0.1}),
        ("m1 * 2 + 1", {0: 3.0, 1: 5.0, 3: 9.0}),
        ("1 + m1 * 2", {0: 3.0, 1: 5.0, 3: 9.0}),
        ("(1 + m1) * 2", {0: 4.0, 1: 6.0, 3: 10.0}),
        ("2 ^ m1 ^ 1", {0: 2.0, 1: 4.0, 3: 16.0}),
        ("-m1", {0: -1.0, 1: -2.0, 3: -4.0}),
        ("10 - 4 - 3 + m1 * 0", {0: 3.0, 1: 3.0, 3: 3.0}),
        ("1.5e1 * m1", {0: 15.0, 1: 30.0, 3: 60.0}),
        # comparison and logic give 1 and 0
        ("m1 > 1", {0: 0.0, 1: 1.0, 3: 1.0}),
        ("m1 >= 2 AND m1 < 4", {0: 0.0, 1: 1.0, 3: 0.0}),
        ("m1 == 1 || m1 != 2", {0: 1.0, 1: 0.0, 3: 1.0}),
        ("m1 <= m2", {0: 1.0, 1: 0.0}),
        # over series at each time, whoever has a point counts
        ("SUM([m1, m2])", {0: 11.0, 1: 2.0, 2: 30.0, 3: 4.0}),
        ("AVG([m1, m2])", {0: 5.5, 1: 1.0, 2: 30.0, 3: 4.0}),
        ("MAX([m1, m2])", {0: 10.0, 1: 2.0, 2: 30.0, 3: 4.0}),
        ("MIN([m1, 3])", {0: 1.0, 1: 2.0, 2: 3.0, 3: 3.0}),
        ("SUM(METRICS())", {0: 11.0, 1: 7.0, 2: 30.0, 3: 13.0}),
        ('SUM(METRICS("m"))', {0: 11.0, 1: 2.0, 2: 30.0, 3: 4.0}),
        ("SUM(METRICS('gap'))", {1: 5.0, 3: 9.0}),
        ("m1 * 0 + METRIC_COUNT(METRICS())", {0: 3.0, 1: 3.0, 3: 3.0}),
        # over time: one number
        ("m1 - MIN(m1)", {0: 0.0, 1: 1.0, 3: 3.0}),
        ("m1 * 0 + AVG(m2)", {0: 40 / 3, 1: 40 / 3, 3: 40 / 3}),
        ("m1 * 0 + SUM(m1)", {0: 7.0, 1: 7.0, 3: 7.0}),
        ("m1 * 0 + DATAPOINT_COUNT(m1)", {0: 3.0, 1: 3.0, 3: 3.0}),
        ("m1 / PERIOD(m1)", {0: 1 / 60, 1: 2 / 60, 3: 4 / 60}),
        # filling
        ("FILL(m1, 0)", {0: 1.0, 1: 2.0, 2: 0.0, 3: 4.0}),
        ("FILL(m1, REPEAT)", {0: 1.0, 1: 2.0, 2: 2.0, 3: 4.0}),
        ("FILL(m1, LINEAR)", {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}),
        ("FILL(gap, REPEAT)", {1: 5.0, 2: 5.0, 3: 9.0}),
        ("FILL(m1, m2)", {0: 1.0, 1: 2.0, 2: 30.0, 3: 4.0}),
        ("FILL(m1, 0) + FILL(m2, 0)", {0: 11.0, 1: 2.0, 2: 30.0, 3: 4.0}),
        # choosing
        ("IF(m1 > 1, m1, 0)", {0: 0.0, 1: 2.0, 3: 4.0}),
        ("IF(m1 > 1, m1)", {1: 2.0, 3: 4.0}),
        ("IF(m1 > 1, m2, 7)", {0: 7.0, 1: 0.0}),
        ("IF(1 > 2, m1, m2)", {0: 10.0, 1: 0.0, 2: 30.0}),
        # per value and per step
        ("CEIL(m1 / 3)", {0: 1.0, 1: 1.0, 3: 2.0}),
        ("FLOOR(m1 / 3)", {0: 0.0, 1: 0.0, 3: 1.0}),
        ("ABS(0 - m1)", {0: 1.0, 1: 2.0, 3: 4.0}),
        ("RATE(m1)", {1: 1 / 60, 3: 2 / 120}),
        ("DIFF(m1)", {1: 1.0, 3: 2.0}),
        ("DIFF_TIME(m1)", {1: 60.0, 3: 120.0}),
        ("RUNNING_SUM(m1)", {0: 1.0, 1: 3.0, 3: 7.0}),
        ("LOG10(m2)", {0: 1.0, 2: pytest.approx(1.4771212547)}),
        ("TIME_SERIES(5)", {0: 5.0, 1: 5.0, 2: 5.0, 3: 5.0}),
        ("EPOCH(m1) - EPOCH(m1) + 1", {0: 1.0, 1: 1.0, 3: 1.0}),
        ("sum([m1,m2])", {0: 11.0, 1: 2.0, 2: 30.0, 3: 4.0}),
    ],
)
def test_expressions(cloudwatch: Any, expression: str, expected: dict[int, float]) -> None:
    assert minutes(cloudwatch, expression) == pytest.approx(expected)


def test_an_expression_may_use_another(cloudwatch: Any) -> None:
    asked = queries("e2 * 2")
    asked.append({"Id": "e2", "Expression": "m1 + 1", "ReturnData": False})
    (result,) = ask(cloudwatch, asked, end=240)["MetricDataResults"]
    assert result["Values"] == [4.0, 6.0, 10.0]
    assert result["Label"] == "e1"


def test_an_array_is_one_result_per_series(cloudwatch: Any) -> None:
    results = ask(cloudwatch, queries("METRICS() * 10"), end=240)["MetricDataResults"]
    assert [(r["Id"], r["Label"], r["Values"]) for r in results] == [
        ("e1", "m1", [10.0, 20.0, 40.0]),
        ("e1", "m2", [100.0, 0.0, 300.0]),
        ("e1", "gap", [50.0, 90.0]),
    ]


def test_mixed_periods_meet_at_the_longest(cloudwatch: Any) -> None:
    asked = [
        stat("m1", Metric={"MetricName": "m1", "Dimensions": []}, ReturnData=False),
        stat("m2", Metric={"MetricName": "m2", "Dimensions": []}, Period=120, ReturnData=False),
        {"Id": "e1", "Expression": "m1 + m2"},
    ]
    (result,) = ask(cloudwatch, asked, end=240)["MetricDataResults"]
    assert result["Timestamps"] == [moment(T0), moment(T0 + 120)]
    assert result["Values"] == [3.0 + 10.0, 4.0 + 30.0]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("m1 +", "ends unexpectedly"),
        ("m1 m2", "Syntax error"),
        ("(m1", "expected ')'"),
        ("m1 $ 2", "Syntax error in expression at '$ 2'"),
        ("m9 + 1", "'m9' is not the id of a query"),
        ("e1 + 1", "'e1' refers to itself"),
        ("SEARCH('{AWS/SageMaker}', 'Sum', 60)", "The function SEARCH is not supported"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND is not supported"),
        ("1 + 1", "a time series or an array is expected"),
        ("AVG(m1)", "a time series or an array is expected"),
        ("METRICS() + METRICS()", "cannot join two arrays"),
        ("IF(METRICS(), 1, 0)", "IF takes a time series or a number"),
        ("FILL(m1)", "FILL takes 2 arguments, not 1"),
        ("AVG(m1, m2)", "AVG takes 1 arguments, not 2"),
        ("PERIOD(5) + m1", "PERIOD takes one time series"),
        ("'text' + m1", "may only stand inside METRICS()"),
        ("SUM([])", "is empty"),
        ("(" * 60 + "m1" + ")" * 60, "nested too deeply"),
    ],
)
def test_expressions_that_are_refused(cloudwatch: Any, expression: str, text: str) -> None:
    code, message = refusal(ask, cloudwatch, queries(expression), end=240)
    assert code == "ValidationError"
    assert message.startswith("Error in expression 'e1': ")
    assert text in message


def test_circles_are_refused(cloudwatch: Any) -> None:
    asked = [{"Id": "e1", "Expression": "e2 + 1"}, {"Id": "e2", "Expression": "e1 + 1"}]
    code, message = refusal(ask, cloudwatch, asked)
    assert code == "ValidationError"
    assert "refers to itself" in message
