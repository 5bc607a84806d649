"""Metrics Insights queries through GetMetricData."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.conftest import T0
from tests.contract.cloudwatch.test_metric_data import NS, ask, moment, refusal, stat

BY_MODEL = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/SageMaker", InferenceComponentName) '
    "GROUP BY InferenceComponentName ORDER BY SUM() DESC"
)


@pytest.fixture(autouse=True)
def two_models(store: MetricStore) -> None:
    for name, values in {"code": (1.0, 2.0), "chat": (10.0, None)}.items():
        for minute, value in enumerate(values):
            if value is not None:
                dimensions = {"InferenceComponentName": name}
                at_s = T0 + 60 * minute
                store.put(
                    NS, "Invocations", dimensions, at_s, value, period_s=60, visible_at_s=at_s
                )


def insights(expression: str = BY_MODEL, **more: Any) -> dict[str, Any]:
    return {"Id": "q1", "Expression": expression, "Period": 60, **more}


def test_each_group_is_a_series_with_its_name(cloudwatch: Any) -> None:
    chat, code = ask(cloudwatch, [insights()])["MetricDataResults"]
    assert (chat["Id"], chat["Label"], chat["Values"]) == ("q1", "chat", [10.0])
    assert (code["Label"], code["Values"]) == ("code", [1.0, 2.0])
    assert code["Timestamps"] == [moment(T0), moment(T0 + 60)]


def test_without_groups_it_is_one_series_over_all(cloudwatch: Any) -> None:
    query = insights(BY_MODEL.partition(" GROUP")[0], Period=300)
    (whole,) = ask(cloudwatch, [query])["MetricDataResults"]
    assert (whole["Label"], whole["Values"]) == ("Invocations", [13.0])


def test_metric_math_reads_a_query_by_its_id(cloudwatch: Any) -> None:
    asked = [insights(ReturnData=False), {"Id": "e1", "Expression": "SUM(q1)"}]
    (total,) = ask(cloudwatch, asked)["MetricDataResults"]
    assert total["Values"] == [11.0, 2.0]


def test_no_metric_gives_no_series(cloudwatch: Any) -> None:
    query = insights(BY_MODEL.replace("Invocations", "Nothing"))
    assert ask(cloudwatch, [query])["MetricDataResults"] == []


@pytest.mark.parametrize(
    ("queries", "says"),
    [
        pytest.param(
            [insights(), {**insights(), "Id": "q2"}], "one Metrics Insights query", id="two"
        ),
        pytest.param([{"Id": "q1", "Expression": BY_MODEL}], "Period is required", id="no period"),
        pytest.param(
            [insights("SELECT MODE(Invocations) FROM X")], "Unknown function", id="function"
        ),
        pytest.param([insights("SELECT")], "ends unexpectedly", id="half"),
        pytest.param([stat(), {"Id": "e1", "Expression": f"m1 + {BY_MODEL}"}], "", id="in math"),
    ],
)
def test_what_cannot_be_answered(cloudwatch: Any, queries: list[Any], says: str) -> None:
    code, message = refusal(ask, cloudwatch, queries)
    assert code == "ValidationError"
    assert says in message
