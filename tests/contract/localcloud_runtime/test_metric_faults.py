"""Faults of what CloudWatch and SageMaker tell: spoiled series, a clock of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud
from icscaler_localcloud.faults import FOREVER, Timekeeper
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec

START_S = DEFAULT_START_S
NAMES = ("first", "second")


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(START_S + seconds, tz=UTC)


@pytest.fixture
def measured(cloud: LocalCloud) -> LocalCloud:
    """Eight minutes of two metrics, one value a minute."""
    for minute in range(8):
        for name in NAMES:
            cloud.metrics.put("n", name, {"of": "x"}, START_S + 60 * minute, minute)
    cloud.run_for(600)
    return cloud


def ask(cloud: LocalCloud) -> dict[str, Any]:
    dimensions = [{"Name": "of", "Value": "x"}]
    answer = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {"Namespace": "n", "MetricName": name, "Dimensions": dimensions},
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, name in enumerate(NAMES)
        ],
        StartTime=at(0),
        EndTime=at(600),
        ScanBy="TimestampAscending",
    )
    return {result["Id"]: result for result in answer["MetricDataResults"]}


@pytest.mark.parametrize(
    ("status", "left"),
    [("PartialData", [0, 1, 2, 3]), ("InternalError", []), ("Forbidden", [])],
)
def test_a_spoiled_series(measured: LocalCloud, status: Any, left: list[float]) -> None:
    switch = measured.faults.spoil_series(status, about="second", times=2)
    answers = [ask(measured) for _ in range(3)]
    assert [answer["m1"]["StatusCode"] for answer in answers] == [status, status, "Complete"]
    assert answers[0]["m1"]["Values"] == left
    assert answers[0]["m1"]["Timestamps"] == [at(60 * minute) for minute in range(len(left))]
    assert all(answer["m0"]["StatusCode"] == "Complete" for answer in answers)
    assert len(answers[0]["m0"]["Values"]) == 8
    assert switch.hits == 2


def test_some_series_by_chance(measured: LocalCloud) -> None:
    measured.faults.spoil_series("InternalError", times=FOREVER, chance=0.4)
    spoiled = [row["StatusCode"] for _ in range(20) for row in ask(measured).values()]
    assert 5 < spoiled.count("InternalError") < 30


def test_a_status_that_cloudwatch_does_not_know(cloud: LocalCloud) -> None:
    with pytest.raises(ValueError, match="'Lost'"):
        cloud.faults.spoil_series("Lost")  # type: ignore[arg-type]


def test_sagemakers_clock(cloud: LocalCloud) -> None:
    cloud.world.create_endpoint(
        "e", [VariantSpec("v", "ml.p4d.24xlarge", 1, ManagedScaling(True, 0, 1))]
    )
    cloud.run_for(600)
    cloud.world.create_component("c", "e", "v", ComponentSpec(1, 4, 16_384), 1)
    cloud.run_for(1200)
    client = cloud.client("sagemaker")
    true = client.describe_inference_component(InferenceComponentName="c")
    cloud.faults.skew_clock(Timekeeper.SAGEMAKER, seconds=-9)
    shown = client.describe_inference_component(InferenceComponentName="c")
    (listed,) = client.list_inference_components()["InferenceComponents"]
    endpoint = client.describe_endpoint(EndpointName="e")
    for key in ("CreationTime", "LastModifiedTime"):
        assert (true[key] - shown[key]).total_seconds() == 9
        assert listed[key] == shown[key]
    assert endpoint["CreationTime"] == at(-9)
    assert (
        client.list_inference_components(CreationTimeBefore=true["CreationTime"])[
            "InferenceComponents"
        ]
        != []
    ), "it compares what it shows"
