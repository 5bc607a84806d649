"""GetMetricStatistics, ListMetrics, alarms, and the protocols that clients speak."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud import moto_seams
from icscaler_localcloud.cloudwatch import CloudWatchService
from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.conftest import T0
from tests.contract.cloudwatch.harness import Door
from tests.contract.cloudwatch.test_metric_data import ask, moment, refusal, stat

NS = "AWS/SageMaker"
ALARM = {
    "Namespace": NS,
    "MetricName": "Invocations",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture(autouse=True)
def empty_moto() -> None:
    moto_seams.reset_moto(0)


def statistics(client: Any, **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "Namespace": NS,
        "MetricName": "ModelLatency",
        "StartTime": moment(T0),
        "EndTime": moment(T0 + 3600),
        "Period": 60,
        "Statistics": ["Sum", "Maximum"],
    }
    asked |= changes
    return client.get_metric_statistics(**{k: v for k, v in asked.items() if v is not None})


def test_statistics_of_one_metric(cloudwatch: Any, store: MetricStore) -> None:
    store.put_distribution(NS, "ModelLatency", {}, T0, [1.0, 9.0], [3.0, 1.0], unit="Microseconds")
    answer = statistics(cloudwatch)
    assert answer["Label"] == "ModelLatency"
    assert answer["Datapoints"] == [
        {"Timestamp": moment(T0), "Sum": 12.0, "Maximum": 9.0, "Unit": "Microseconds"}
    ]
    extended = statistics(cloudwatch, Statistics=None, ExtendedStatistics=["p50", "p99"])
    assert extended["Datapoints"][0]["ExtendedStatistics"] == {"p50": 1.0, "p99": 9.0}
    assert statistics(cloudwatch, Unit="Seconds")["Datapoints"] == []


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"Statistics": None}, "InvalidParameterCombination", "Must specify either Statistics"),
        ({"ExtendedStatistics": ["p50"]}, "InvalidParameterCombination", "Must specify either"),
        ({"Period": 61}, "InvalidParameterValue", "multiple of 60"),
        ({"EndTime": moment(T0)}, "InvalidParameterCombination", "StartTime must be less"),
        (
            {"EndTime": moment(T0 + 86_460)},
            "InvalidParameterCombination",
            "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440.",
        ),
        (
            {"Statistics": None, "ExtendedStatistics": ["p200"]},
            "InvalidParameterValue",
            "p200",
        ),
        ({"Statistics": ["Median"]}, "ValidationError", "enum value set"),
    ],
)
def test_statistics_that_are_refused(
    cloudwatch: Any, changes: dict[str, Any], code: str, text: str
) -> None:
    got, message = refusal(statistics, cloudwatch, **changes)
    assert got == code
    assert text in message


def test_metrics_are_listed_in_pages_and_by_dimension(cloudwatch: Any, store: MetricStore) -> None:
    for index in range(1201):
        dims = {
            "InferenceComponentName": f"c{index:04}",
            "Kind": "even" if index % 2 == 0 else "odd",
        }
        store.put(NS, "Invocations", dims, T0, 1.0)
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=NS))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 201]
    even = cloudwatch.list_metrics(Dimensions=[{"Name": "Kind", "Value": "even"}])
    assert len(even["Metrics"]) == 500
    assert "NextToken" in even
    one = cloudwatch.list_metrics(
        Dimensions=[{"Name": "InferenceComponentName", "Value": "c0007"}, {"Name": "Kind"}]
    )
    assert one["Metrics"] == [
        {
            "Namespace": NS,
            "MetricName": "Invocations",
            "Dimensions": [
                {"Name": "InferenceComponentName", "Value": "c0007"},
                {"Name": "Kind", "Value": "odd"},
            ],
        }
    ]
    assert cloudwatch.list_metrics(MetricName="Absent")["Metrics"] == []
    assert refusal(cloudwatch.list_metrics, NextToken="x")[0] == "InvalidNextToken"


def alarm_state(client: Any, name: str = "busy") -> tuple[str, str]:
    (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarm["StateValue"], alarm["StateReason"]


def test_alarms_are_kept_and_keep_their_state(cloudwatch: Any, service: CloudWatchService) -> None:
    heard: list[tuple[str, str]] = []
    service.alarms.listen(lambda name, state: heard.append((name, state)))
    cloudwatch.put_metric_alarm(AlarmName="busy", **ALARM)
    assert alarm_state(cloudwatch) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="seen")
    cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="still seen")
    assert service.alarms.is_on("busy")
    cloudwatch.put_metric_alarm(AlarmName="busy", **ALARM | {"Threshold": 2.0})
    assert alarm_state(cloudwatch) == ("ALARM", "seen"), "a state it is in already changes nothing"
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["busy"])["MetricAlarms"]
    assert (alarm["Threshold"], alarm["MetricName"]) == (2.0, "Invocations")
    assert alarm["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:busy"
    cloudwatch.delete_alarms(AlarmNames=["busy"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert not service.alarms.is_on("busy")
    assert heard == [("busy", "ALARM")]


def test_an_alarm_that_does_not_exist_has_no_state(cloudwatch: Any) -> None:
    code, _ = refusal(
        cloudwatch.set_alarm_state, AlarmName="ghost", StateValue="OK", StateReason="-"
    )
    assert code == "ResourceNotFound"


def test_metrics_and_alarms_share_one_endpoint(cloudwatch: Any) -> None:
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 1.0}])
    cloudwatch.put_metric_alarm(AlarmName="busy", **ALARM)
    assert len(cloudwatch.list_metrics()["Metrics"]) == 1
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 1


def test_what_is_not_there_is_refused_by_name(cloudwatch: Any) -> None:
    code, message = refusal(
        cloudwatch.put_anomaly_detector, Namespace=NS, MetricName="m", Stat="Sum"
    )
    assert code == "UnknownOperationException"
    assert message == "CloudWatch's PutAnomalyDetector is not supported by the local cloud."


def test_the_newest_protocol_gives_the_same_answers(
    door: Door, store: MetricStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore 1.44 speaks JSON 1.0 to CloudWatch; its model prefers smithy-rpc-v2-cbor."""
    plain = door.client("cloudwatch")
    monkeypatch.setattr(
        "botocore.args.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", ("smithy-rpc-v2-cbor",), raising=False
    )
    monkeypatch.setattr(
        "botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS",
        ("smithy-rpc-v2-cbor",),
        raising=False,
    )
    cbor = door.client("cloudwatch")
    protocols = [c.meta.service_model.resolved_protocol for c in (plain, cbor)]
    assert protocols == ["json", "smithy-rpc-v2-cbor"]
    store.put(NS, "Invocations", {"InferenceComponentName": "code"}, T0, 7.0)
    asked = [stat(), {"Id": "e1", "Expression": "m1 * 2"}]
    answers = [ask(client, asked)["MetricDataResults"] for client in (plain, cbor)]
    assert answers[0] == answers[1]
    assert [r["Values"] for r in answers[1]] == [[7.0], [14.0]]
    for client in (plain, cbor):
        client.put_metric_data(
            Namespace="Own", MetricData=[{"MetricName": "m", "Value": 1.5, "Timestamp": moment(T0)}]
        )
        client.put_metric_alarm(AlarmName="busy", **ALARM)
        assert alarm_state(client)[0] == "INSUFFICIENT_DATA"
        assert refusal(ask, client, [stat(Period=7)])[0] == "ValidationError"
    (point,) = store.statistics("Own", "m", {}, "Sum", 60, T0, T0 + 60, T0 + 7200)
    assert point == (T0, 3.0)
