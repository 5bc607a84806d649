"""A cloud with an alarm on it: publish, let time pass, see what alarms did and told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from icscaler_localcloud.cloud import LocalCloud

ACCOUNT, REGION = "123456789012", "us-east-1"
NAMESPACE = "Probe"
METRIC = {"Namespace": NAMESPACE, "MetricName": "Signal"}
ALARM: dict[str, Any] = {
    **METRIC,
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "DatapointsToAlarm": 1,
    "Threshold": 50.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def seconds(text: str) -> float:
    """Epoch seconds of a time in UTC: 2026-09-14 05:42:58."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def arn_of(alarm: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"


def refused(call: Any, **params: Any) -> tuple[str, str]:
    """Code and text of the refusal a call meets."""
    try:
        call(**params)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("the call was not refused")


@dataclass(frozen=True)
class Change:
    """One state change of an alarm's history."""

    at_s: float
    value: str
    reason: str
    data: Any


class Bench:
    """The cloud and short ways to use it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.cloudwatch = cloud.client("cloudwatch")
        self._queues: dict[str, str] = {}

    # -- alarms

    def put(self, name: str = "probe", **changes: Any) -> None:
        """Put an alarm like ALARM; a change to None leaves the parameter out."""
        params = {k: v for k, v in {**ALARM, **changes}.items() if v is not None}
        with self.cloud.alarms.unmetered():
            self.cloudwatch.put_metric_alarm(AlarmName=name, **params)

    def put_query(self, name: str, queries: Sequence[Mapping[str, Any]], **changes: Any) -> None:
        """Put an alarm on expressions."""
        single = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
        self.put(name, **single, Metrics=list(queries), **changes)

    def set(self, value: str, name: str = "probe", reason: str = "by hand", **more: Any) -> None:
        with self.cloud.alarms.unmetered():
            self.cloudwatch.set_alarm_state(
                AlarmName=name, StateValue=value, StateReason=reason, **more
            )

    def alarm(self, name: str = "probe") -> Any:
        """What DescribeAlarms shows of one alarm of any type."""
        with self.cloud.alarms.unmetered():
            found = self.cloudwatch.describe_alarms(
                AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
        return alarm

    def state(self, name: str = "probe") -> str:
        return str(self.alarm(name)["StateValue"])

    def changes(self, name: str = "probe") -> list[Change]:
        """Every state change so far, oldest first."""
        items = self.history(name, HistoryItemType="StateUpdate")
        data = [json.loads(item["HistoryData"])["newState"] for item in items]
        return [
            Change(
                item["Timestamp"].timestamp(),
                new["stateValue"],
                new["stateReason"],
                new.get("stateReasonData"),
            )
            for item, new in zip(items, data, strict=True)
        ]

    def history(self, name: str = "probe", **more: Any) -> list[Any]:
        """History items of an alarm, oldest first."""
        with self.cloud.alarms.unmetered():
            answer = self.cloudwatch.describe_alarm_history(
                AlarmName=name,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                ScanBy="TimestampAscending",
                **more,
            )
        return list(answer["AlarmHistoryItems"])

    def contributors(self, name: str = "probe") -> Any:
        with self.cloud.alarms.unmetered():
            answer = self.cloudwatch.describe_alarm_contributors(AlarmName=name)
        return answer["AlarmContributors"]

    # -- metrics

    def publish(
        self,
        *values: float,
        at_s: float | None = None,
        name: str = "Signal",
        dimensions: Mapping[str, str] | None = None,
        high_resolution: bool = False,
        **more: Any,
    ) -> None:
        """Publish values of one metric through PutMetricData, at `at_s` or now."""
        counted = {"Values": list(values)} if values else {}
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": k, "Value": v} for k, v in (dimensions or {}).items()],
            "Timestamp": self.cloud.clock.now_s if at_s is None else at_s,
            "StorageResolution": 1 if high_resolution else 60,
            **counted,
            **more,
        }
        self.cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    # -- what is told

    def queue(self, name: str, principal: str) -> str:
        """A queue that an AWS service may send to; its ARN."""
        sqs = self.cloud.client("sqs")
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
        return arn

    def record_events(self) -> None:
        """Keep every alarm event of the default bus from now on."""
        arn = self.queue("events", "events.amazonaws.com")
        client = self.cloud.client("events")
        client.put_rule(Name="alarms", EventPattern=json.dumps({"source": ["aws.cloudwatch"]}))
        client.put_targets(Rule="alarms", Targets=[{"Id": "queue", "Arn": arn}])

    def events(self, kind: str | None = None, alarm: str | None = None) -> list[Any]:
        """The recorded events in the order they came."""
        bodies = self.cloud.queues.bodies(f"arn:aws:sqs:{REGION}:{ACCOUNT}:events")
        events = [json.loads(body) for body in bodies]
        return [
            event
            for event in events
            if kind in (None, event["detail-type"])
            and alarm in (None, event["detail"]["alarmName"])
        ]

    def topic(self, name: str = "people", **attributes: str) -> str:
        """A topic whose notifications are kept; its ARN."""
        sns = self.cloud.client("sns")
        topic = str(sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])
        queue = self.queue(name, "sns.amazonaws.com")
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        return topic

    def notifications(self, name: str = "people") -> list[tuple[str, Any]]:
        """(subject, message) of each notification so far."""
        bodies = self.cloud.queues.bodies(f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
        envelopes = [json.loads(body) for body in bodies]
        return [(envelope["Subject"], json.loads(envelope["Message"])) for envelope in envelopes]
