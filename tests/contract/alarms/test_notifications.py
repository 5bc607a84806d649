"""Alarm actions on SNS topics: what is said, and whether CloudWatch may say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.alarms.bench import ACCOUNT, REGION, Bench, arn_of


def test_what_a_topic_gets(bench: Bench) -> None:
    """Member by member as real notifications have it, in their order."""
    topic = bench.topic()
    bench.put(
        AlarmDescription="too much",
        Dimensions=[{"Name": "A", "Value": "1"}],
        Unit="Percent",
        AlarmActions=[topic],
        TreatMissingData="ignore",
    )
    bench.cloud.run_for(5)
    bench.set("ALARM", reason="seen")
    bench.cloud.run_for(1)
    ((subject, message),) = bench.notifications()
    assert subject == 'ALARM: "probe" in US East (N. Virginia)'
    expected = {
        "AlarmName": "probe",
        "AlarmDescription": "too much",
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2026-06-01T09:00:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "seen",
        "StateChangeTime": "2026-06-01T09:00:05.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": arn_of("probe"),
        "OldStateValue": "INSUFFICIENT_DATA",
        "ActionExecutedAfterMuteWindow": False,
        "OKActions": [],
        "AlarmActions": [topic],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Signal",
            "Namespace": "Probe",
            "StatisticType": "Statistic",
            "Statistic": "AVERAGE",
            "Unit": "Percent",
            "Dimensions": [{"value": "1", "name": "A"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 50.0,
            "TreatMissingData": "ignore",
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    assert message == expected
    assert list(message) == list(expected)


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        pytest.param(
            {"Statistic": "SampleCount"},
            {"StatisticType": "Statistic", "Statistic": "SAMPLE_COUNT", "Unit": None},
            id="sample count",
        ),
        pytest.param(
            {
                "Statistic": None,
                "ExtendedStatistic": "p90",
                "EvaluateLowSampleCountPercentile": "ignore",
            },
            {
                "StatisticType": "ExtendedStatistic",
                "ExtendedStatistic": "p90",
                "EvaluateLowSampleCountPercentile": "ignore",
                "TreatMissingData": "",
            },
            id="percentile",
        ),
    ],
)
def test_triggers(bench: Bench, changes: dict[str, Any], trigger: dict[str, Any]) -> None:
    bench.put(AlarmActions=[bench.topic()], **changes)
    bench.set("ALARM")
    bench.cloud.run_for(1)
    ((_, message),) = bench.notifications()
    assert trigger.items() <= message["Trigger"].items()


def test_a_composite_alarm_names_the_child(bench: Bench) -> None:
    topic = bench.topic()
    bench.put("a", TreatMissingData="ignore")
    bench.cloudwatch.put_composite_alarm(
        AlarmName="all", AlarmRule="ALARM(a)", AlarmActions=[topic]
    )
    bench.set("ALARM", "a")
    bench.cloud.run_for(1)
    ((_, message),) = bench.notifications()
    assert message["AlarmRule"] == "ALARM(a)"
    assert message["TriggeringChildren"] == [
        {
            "Arn": arn_of("a"),
            "State": {"Value": "ALARM", "Timestamp": "2026-06-01T09:00:00.000+0000"},
        }
    ]
    assert "Trigger" not in message


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("x" * 255, 'ALARM: "' + "x" * 63 + '..." in US East (N. Virginia)'),
        ("große Last", 'ALARM: "gro_e Last" in US East (N. Virginia)'),
    ],
)
def test_subjects_are_100_printable_characters(bench: Bench, name: str, subject: str) -> None:
    bench.put(name, AlarmActions=[bench.topic()])
    bench.set("ALARM", name)
    bench.cloud.run_for(1)
    ((told, message),) = bench.notifications()
    assert told == subject
    assert len(told) <= 100
    assert message["AlarmName"] == name


FOR_EVENTS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "*",
        }
    ],
}
FOR_ALARMS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "*",
        }
    ],
}


def test_a_topic_may_name_cloudwatch(bench: Bench) -> None:
    topic = bench.topic()
    bench.cloud.client("sns").set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(FOR_ALARMS)
    )
    bench.put(AlarmActions=[topic])
    bench.set("ALARM")
    bench.cloud.run_for(1)
    assert len(bench.notifications()) == 1


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        pytest.param({"KmsMasterKeyId": "alias/aws/sns"}, "cannot use alias/aws/sns", id="key"),
        pytest.param(
            {"Policy": '{"Version":"2012-10-17","Statement":[]}'}, "has no policy", id="policy"
        ),
        pytest.param({"Policy": json.dumps(FOR_EVENTS)}, "has no policy", id="for others"),
    ],
)
def test_topics_that_cloudwatch_may_not_use(
    bench: Bench, attributes: dict[str, str], says: str
) -> None:
    topic = bench.topic()
    client = bench.cloud.client("sns")
    for name, value in attributes.items():
        client.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    bench.put(AlarmActions=[topic])
    bench.set("ALARM")
    bench.cloud.run_for(1)
    assert bench.notifications() == []
    (undelivered,) = bench.cloud.undelivered
    assert says in undelivered


def test_a_topic_that_does_not_exist(bench: Bench) -> None:
    bench.put(AlarmActions=[f"arn:aws:sns:{REGION}:{ACCOUNT}:ghost"])
    bench.set("ALARM")
    bench.cloud.run_for(1)
    (undelivered,) = bench.cloud.undelivered
    assert "RESOURCE_NOT_FOUND" in undelivered
