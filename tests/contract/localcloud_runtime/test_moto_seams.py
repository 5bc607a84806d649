"""Each place where we lean on moto's inside. One of these failing means: moto changed under us."""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import moto
import pytest
from moto.core import utils as core_utils

from icscaler_localcloud import moto_seams
from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud


@pytest.fixture
def fifo(cloud: LocalCloud) -> str:
    """The URL of a FIFO queue with a dead-letter queue after two receives."""
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})
    redrive = {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:dead.fifo",
        "maxReceiveCount": 2,
    }
    attributes = {
        "FifoQueue": "true",
        "VisibilityTimeout": "60",
        "MessageRetentionPeriod": "900",
        "RedrivePolicy": json.dumps(redrive),
    }
    return str(sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"])


def send(
    cloud: LocalCloud, url: str, body: str, *, group: str = "g", key: str | None = None
) -> Any:
    return cloud.client("sqs").send_message(
        QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=key or body
    )


def receive(cloud: LocalCloud, url: str, **kwargs: Any) -> list[Any]:
    answer = cloud.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], **kwargs
    )
    return list(answer.get("Messages", []))


def bodies(messages: list[Any]) -> list[str]:
    return [message["Body"] for message in messages]


# -- version and time


def test_moto_is_the_pinned_one() -> None:
    assert moto.__version__ == moto_seams.PINNED_MOTO


def test_another_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto, "__version__", "5.2.6")
    monkeypatch.delitem(sys.modules, "icscaler_localcloud.moto_seams")
    with pytest.raises(ImportError, match=r"moto 5\.2\.5, found 5\.2\.6"):
        importlib.import_module("icscaler_localcloud.moto_seams")


@pytest.mark.parametrize(
    "module", ["sqs", "dynamodb", "sns", "events", "scheduler", "logs", "iam", "stepfunctions"]
)
def test_every_module_takes_its_time_from_utcnow(module: str) -> None:
    """They either hold our dispatcher or only `unix_time`, which calls it."""
    models = importlib.import_module(f"moto.{module}.models")
    for name in ("utcnow", "unix_time", "unix_time_millis"):
        held = getattr(models, name, None)
        assert held is None or held is getattr(core_utils, name)
    assert core_utils.utcnow is moto_seams.virtual_utcnow


def test_moto_time_is_virtual_in_a_cloud_and_real_outside() -> None:
    with LocalCloud(start_s=DEFAULT_START_S) as cloud:
        cloud.run_for(90)
        assert core_utils.unix_time() == DEFAULT_START_S + 90
    real_s = datetime.now(UTC).timestamp()
    assert abs(core_utils.unix_time() - real_s) < 60


def test_tables_are_created_in_virtual_time(cloud: LocalCloud) -> None:
    dynamodb = cloud.client("dynamodb")
    cloud.run_for(600)
    created = dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert created["TableDescription"]["CreationDateTime"].timestamp() == DEFAULT_START_S + 600


def test_ids_are_seeded(cloud: LocalCloud) -> None:
    first = [moto_seams.new_id() for _ in range(3)]
    cloud.close()
    with LocalCloud(seed=0):
        assert [moto_seams.new_id() for _ in range(3)] == first
    with LocalCloud(seed=1):
        assert [moto_seams.new_id() for _ in range(3)] != first


# -- requests


def test_moto_answers_without_flask(cloud: LocalCloud) -> None:
    status, _, body = moto_seams.call_moto(
        "POST",
        "https://sqs.us-east-1.amazonaws.com/",
        {"x-amz-target": "AmazonSQS.ListQueues", "content-type": "application/x-amz-json-1.0"},
        b"{}",
    )
    assert (status, json.loads(body)) == (200, {})


def test_no_service_and_no_path_are_told_apart() -> None:
    with pytest.raises(LookupError, match="no service at https://nothing"):
        moto_seams.call_moto("GET", "https://nothing.example.com/", {}, b"")
    with pytest.raises(LookupError, match="answers nothing at"):
        moto_seams.call_moto("GET", "https://scheduler.us-east-1.amazonaws.com/no", {}, b"")


# -- queues


def test_visibility_timeout_and_receive_count_follow_the_clock(
    cloud: LocalCloud, fifo: str
) -> None:
    send(cloud, fifo, "a")
    cloud.run_for(10)
    (first,) = receive(cloud, fifo)
    assert receive(cloud, fifo) == []
    cloud.run_for(59)
    assert receive(cloud, fifo) == []
    cloud.run_for(1.001)
    (again,) = receive(cloud, fifo)
    assert first["Attributes"] | {"ApproximateReceiveCount": "2"} == again["Attributes"]
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    assert first["Attributes"]["SentTimestamp"] == str(DEFAULT_START_S * 1000)
    assert again["Attributes"]["ApproximateFirstReceiveTimestamp"] == str(
        (DEFAULT_START_S + 10) * 1000
    )


def test_a_message_received_too_often_is_moved(cloud: LocalCloud, fifo: str) -> None:
    send(cloud, fifo, "a")
    send(cloud, fifo, "b")
    for _ in range(2):
        assert bodies(receive(cloud, fifo)) == ["a", "b"]
        cloud.run_for(61)
    assert receive(cloud, fifo) == []
    dead = fifo.replace("q.fifo", "dead.fifo")
    moved = receive(cloud, dead)
    assert bodies(moved) == ["a", "b"]
    assert moved[0]["Attributes"]["MessageGroupId"] == "g"


def test_one_batch_of_a_group_is_in_flight_at_a_time(cloud: LocalCloud, fifo: str) -> None:
    for body, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        send(cloud, fifo, body, group=group)
    answer = cloud.client("sqs").receive_message(QueueUrl=fifo, MaxNumberOfMessages=1)
    assert bodies(answer["Messages"]) == ["a1"]
    assert bodies(receive(cloud, fifo)) == ["b1"]
    cloud.client("sqs").delete_message(
        QueueUrl=fifo, ReceiptHandle=answer["Messages"][0]["ReceiptHandle"]
    )
    assert bodies(receive(cloud, fifo)) == ["a2"]


def test_a_duplicate_is_dropped_for_five_minutes_also_after_deletion(
    cloud: LocalCloud, fifo: str
) -> None:
    send(cloud, fifo, "first", key="k")
    (message,) = receive(cloud, fifo)
    cloud.client("sqs").delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    cloud.run_for(299)
    send(cloud, fifo, "duplicate", key="k")
    assert receive(cloud, fifo) == []
    cloud.run_for(1)
    send(cloud, fifo, "new", key="k")
    assert bodies(receive(cloud, fifo)) == ["new"]


@pytest.mark.parametrize(
    ("scope", "expected"), [("queue", ["one"]), ("messageGroup", ["one", "two"])]
)
def test_the_scope_of_deduplication(cloud: LocalCloud, scope: str, expected: list[str]) -> None:
    sqs = cloud.client("sqs")
    attributes = {"FifoQueue": "true", "DeduplicationScope": scope}
    url = sqs.create_queue(QueueName="scoped.fifo", Attributes=attributes)["QueueUrl"]
    send(cloud, url, "one", group="a", key="same")
    send(cloud, url, "two", group="b", key="same")
    assert bodies(receive(cloud, url)) == expected


def test_sequence_numbers_grow(cloud: LocalCloud, fifo: str) -> None:
    for body in "abc":
        send(cloud, fifo, body)
    numbers = [int(m["Attributes"]["SequenceNumber"]) for m in receive(cloud, fifo)]
    assert numbers == sorted(set(numbers))
    assert all(len(str(number)) == 20 for number in numbers)


def test_an_expired_message_is_gone_and_blocks_nobody(cloud: LocalCloud, fifo: str) -> None:
    send(cloud, fifo, "old")
    cloud.run_for(890)
    send(cloud, fifo, "young")
    cloud.run_for(10)
    assert bodies(receive(cloud, fifo)) == ["young"]


def test_a_long_poll_answers_at_once(cloud: LocalCloud, fifo: str) -> None:
    assert receive(cloud, fifo, WaitTimeSeconds=20) == []
    assert cloud.clock.now_s == DEFAULT_START_S


def test_a_queue_view(cloud: LocalCloud, fifo: str) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:q.fifo"
    send(cloud, fifo, "a")
    cloud.run_for(5)
    receive(cloud, fifo)
    view = cloud.queues.view(arn)
    assert view.fifo
    assert (view.visibility_timeout_s, view.max_receive_count) == (60, 2)
    assert view.dead_letter_arn == arn.replace("q.fifo", "dead.fifo")
    assert (view.messages, view.visible, view.next_visible_s) == (1, 0, DEFAULT_START_S + 65)
    assert view.oldest_sent_s == DEFAULT_START_S
    assert (cloud.queues.exists(arn), cloud.queues.exists(f"{arn}x")) == (True, False)


def test_listeners_hear_of_messages(cloud: LocalCloud, fifo: str) -> None:
    heard: list[str] = []
    moto_seams.listen_to_queues(heard.append)
    send(cloud, fifo, "a")
    send(cloud, fifo, "a")  # a duplicate is no message
    assert heard == ["arn:aws:sqs:us-east-1:123456789012:q.fifo"]


# -- events, schedules, topics


def test_rules_are_read_with_their_targets(cloud: LocalCloud) -> None:
    events = cloud.client("events")
    events.create_event_bus(Name="bus")
    events.put_rule(Name="on", EventBusName="bus", EventPattern='{"source": ["a"]}')
    events.put_rule(Name="off", EventBusName="bus", EventPattern="{}", State="DISABLED")
    events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)")
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:123456789012:q", "Input": "{}"}
    events.put_targets(Rule="on", EventBusName="bus", Targets=[target])
    (rule,) = moto_seams.event_rules(cloud.account, cloud.region, "bus")
    assert (rule.name, rule.bus, rule.schedule, rule.targets) == ("on", "bus", None, (target,))
    assert rule.matches({"source": "a"})
    assert not rule.matches({"source": "b"})
    everything = list(moto_seams.event_rules(cloud.account, cloud.region))
    assert {r.name: r.schedule for r in everything} == {"tick": "rate(1 minute)", "on": None}
    assert moto_seams.event_bus_names(cloud.account, cloud.region) == ["default", "bus"]


def test_schedules_are_read(cloud: LocalCloud) -> None:
    scheduler = cloud.client("scheduler")
    for name, state in (("on", "ENABLED"), ("off", "DISABLED")):
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            State=state,
            Target={
                "Arn": "arn:aws:sqs:us-east-1:123456789012:q",
                "RoleArn": "arn:aws:iam::1:role/r",
            },
        )
    (schedule,) = moto_seams.schedules(cloud.account, cloud.region)
    assert (schedule.name, schedule.expression, schedule.timezone) == (
        "on",
        "rate(1 minute)",
        "UTC",
    )
    assert schedule.arn == "arn:aws:scheduler:us-east-1:123456789012:schedule/default/on"
    assert schedule.target["Arn"].endswith(":q")


def test_a_lambda_subscription_is_handed_to_us_and_http_is_not_called(cloud: LocalCloud) -> None:
    sent: list[Any] = []
    moto_seams.deliver_sns_to(lambda *arguments: sent.append(arguments))
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    function = "arn:aws:lambda:us-east-1:123456789012:function:f"
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://localhost:1/")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sns.publish(TopicArn=topic, Message="hello", Subject="s")
    ((endpoint, subscription, notification),) = sent
    assert endpoint == function
    assert subscription.startswith(topic)
    assert (notification["Message"], notification["Subject"]) == ("hello", "s")
    assert notification["Timestamp"].startswith("2026-06-01T00:00:00")


def test_moto_is_empty_again_after_closing() -> None:
    with LocalCloud() as cloud:
        cloud.client("sqs").create_queue(QueueName="q")
    with LocalCloud() as cloud:
        assert "QueueUrls" not in cloud.client("sqs").list_queues()
