"""SQS FIFO queues as event sources."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S
from icscaler_localcloud.lambdas import Invocation
from icscaler_localcloud.queues import failed_message_ids

from .conftest import Plumbing


def sizes(plumbing: Plumbing) -> list[int]:
    return [len(done.event["Records"]) for done in plumbing.log(trigger="sqs")]


def test_a_record_has_the_shape_lambda_gives_it(plumbing: Plumbing) -> None:
    message_id = plumbing.send({"do": "log"}, group="endpoint", key="minute-1")
    plumbing.cloud.run_for(1)
    (done,) = plumbing.log(trigger="sqs")
    (record,) = done.event["Records"]
    arrived_ms = int((DEFAULT_START_S + plumbing.cloud.delays.queue_poll_s) * 1000)
    attributes = record.pop("attributes")
    assert attributes.pop("SequenceNumber").isdigit()
    assert attributes == {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": str(DEFAULT_START_S * 1000),
        "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
        "ApproximateFirstReceiveTimestamp": str(arrived_ms),
        "MessageGroupId": "endpoint",
        "MessageDeduplicationId": "minute-1",
    }
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": message_id,
        "body": '{"do": "log"}',
        "messageAttributes": {},
        "md5OfBody": record["md5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": plumbing.stack.attribute("Work", "Arn"),
        "awsRegion": "us-east-1",
    }


def test_a_handled_message_is_gone(plumbing: Plumbing) -> None:
    plumbing.send({"do": "put", "key": "a"})
    plumbing.cloud.run_for(200)
    assert plumbing.keys() == {"a", "a-second"}
    assert plumbing.queued("Work") == []
    assert sizes(plumbing) == [1]


def test_messages_that_wait_come_in_one_batch_up_to_its_size(plumbing: Plumbing) -> None:
    for _ in range(12):
        plumbing.send({})
    plumbing.cloud.run_for(2)
    assert sizes(plumbing) == [10, 2]


def test_a_group_keeps_its_order_while_others_run_beside_it(plumbing: Plumbing) -> None:
    def send_more() -> None:
        plumbing.send({"do": "put", "key": "after-slow"}, group="slow")
        plumbing.send({"do": "put", "key": "fast"}, group="fast")

    plumbing.send({"do": "sleep", "seconds": 20}, group="slow")
    plumbing.cloud.loop.call_in(1, send_more)
    plumbing.cloud.run_for(30)
    fast, slow, after = plumbing.log(trigger="sqs")
    assert slow.at_s < fast.at_s <= fast.ended_s < slow.ended_s <= after.at_s
    assert plumbing.keys() == {"fast", "fast-second", "after-slow", "after-slow-second"}


def test_a_failed_batch_comes_back_after_the_visibility_timeout_and_then_dies(
    plumbing: Plumbing,
) -> None:
    plumbing.send({"do": "raise"}, group="bad")
    plumbing.send({"do": "log"}, group="bad")
    plumbing.send({"do": "log"}, group="good")
    plumbing.cloud.run_for(300)
    runs = plumbing.log(trigger="sqs")
    # All three come in one batch; a batch whose function fails comes back whole.
    assert [len(done.event["Records"]) for done in runs] == [3, 3]
    assert 60 < runs[1].at_s - runs[0].at_s < 62
    counts = [r["attributes"]["ApproximateReceiveCount"] for r in runs[1].event["Records"]]
    assert counts == ["2", "2", "2"]
    assert len(plumbing.queued("WorkDead")) == 3
    assert plumbing.queued("Work") == []


def test_only_reported_failures_come_back(plumbing: Plumbing) -> None:
    rejected = plumbing.send({"do": "reject"}, group="a")
    plumbing.send({"do": "put", "key": "b"}, group="b")
    plumbing.cloud.run_for(300)
    first, second = plumbing.log(trigger="sqs")
    assert first.result == {"batchItemFailures": [{"itemIdentifier": rejected}]}
    assert [r["messageId"] for r in second.event["Records"]] == [rejected]
    assert plumbing.queued("WorkDead") == [{"do": "reject"}]


def test_a_poisoned_group_does_not_hold_up_another(plumbing: Plumbing) -> None:
    plumbing.send({"do": "raise"}, group="poisoned")
    plumbing.cloud.run_for(10)
    plumbing.send({"do": "put", "key": "healthy"}, group="healthy")
    plumbing.cloud.run_for(1)
    assert plumbing.keys() == {"healthy", "healthy-second"}


def test_a_killed_function_leaves_its_message_for_the_next_receive(plumbing: Plumbing) -> None:
    plumbing.cloud.faults.kill_before_call("Worker", "dynamodb", "PutItem", nth=2)
    plumbing.send({"do": "put", "key": "a"})
    plumbing.cloud.run_for(30)
    assert plumbing.keys() == {"a"}
    plumbing.cloud.run_for(60)
    assert plumbing.keys() == {"a", "a-second"}
    first, second = plumbing.log(trigger="sqs")
    assert (first.ok, first.result["errorType"]) == (False, "Runtime.ExitError")
    assert (second.ok, second.cold) == (True, True)


def test_a_throttled_function_gets_its_message_later(plumbing: Plumbing) -> None:
    function = plumbing.cloud.functions.get("Worker")
    function.reserved_concurrency = 0
    plumbing.send({})
    plumbing.cloud.run_for(10)
    assert plumbing.log(trigger="sqs") == []
    function.reserved_concurrency = None
    plumbing.cloud.run_for(60)
    assert sizes(plumbing) == [1]


def test_maximum_concurrency_bounds_what_runs_side_by_side(plumbing: Plumbing) -> None:
    (mapping,) = plumbing.cloud.poller.mappings()
    mapping.batch_size, mapping.maximum_concurrency = 1, 2
    for n in range(5):
        plumbing.send({"do": "sleep", "seconds": 10}, group=f"g{n}")
    plumbing.cloud.run_for(60)
    spans = sorted((done.at_s, done.ended_s) for done in plumbing.log(trigger="sqs"))
    beside = [sum(begun <= at_s < ended for begun, ended in spans) for at_s, _ in spans]
    assert (len(spans), max(beside)) == (5, 2)


def test_a_disabled_mapping_lets_messages_wait(plumbing: Plumbing) -> None:
    client = plumbing.cloud.client("lambda")
    (mapping,) = client.list_event_source_mappings()["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    plumbing.send({})
    plumbing.cloud.run_for(30)
    assert plumbing.log(trigger="sqs") == []
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    plumbing.cloud.run_for(30)
    assert sizes(plumbing) == [1]


def test_queues_measure_themselves(plumbing: Plumbing) -> None:
    plumbing.cloud.functions.get("Worker").reserved_concurrency = 0
    plumbing.cloud.run_for(30)
    plumbing.send({})
    plumbing.cloud.run_for(200)
    name = plumbing.stack.attribute("Work", "QueueName")

    def series(metric: str) -> list[float]:
        points = plumbing.cloud.metrics.statistics(
            "AWS/SQS",
            metric,
            {"QueueName": name},
            "Maximum",
            60,
            DEFAULT_START_S,
            DEFAULT_START_S + 300,
            DEFAULT_START_S + 300,
        )
        return [value for _, value in points]

    # Throttled receives count: after two of them the message is a dead letter.
    assert series("ApproximateAgeOfOldestMessage") == [60, 120, 0]
    assert max(series("ApproximateNumberOfMessagesNotVisible")) == 1


def test_messages_expire_unseen(plumbing: Plumbing) -> None:
    plumbing.cloud.functions.get("Worker").reserved_concurrency = 0
    plumbing.send({})
    plumbing.cloud.run_for(601)
    plumbing.cloud.functions.get("Worker").reserved_concurrency = None
    plumbing.cloud.run_for(120)
    assert plumbing.log(trigger="sqs") == []
    assert plumbing.queued("Work") == []


@pytest.mark.parametrize(
    ("ok", "result", "reports", "kept"),
    [
        pytest.param(True, None, True, "", id="nothing returned"),
        pytest.param(True, {}, True, "", id="empty object"),
        pytest.param(True, {"batchItemFailures": []}, True, "", id="no failures"),
        pytest.param(True, {"batchItemFailures": None}, True, "", id="null failures"),
        pytest.param(True, {"batchItemFailures": [{"itemIdentifier": "a"}]}, True, "a", id="one"),
        pytest.param(True, {"batchItemFailures": [{"itemIdentifier": ""}]}, True, "ab", id="empty"),
        pytest.param(
            True, {"batchItemFailures": [{"itemIdentifier": None}]}, True, "ab", id="null"
        ),
        pytest.param(True, {"batchItemFailures": [{"item": "a"}]}, True, "ab", id="wrong key"),
        pytest.param(
            True, {"batchItemFailures": [{"itemIdentifier": "z"}]}, True, "ab", id="alien"
        ),
        pytest.param(True, {"batchItemFailures": "a"}, True, "ab", id="not a list"),
        pytest.param(
            True, {"batchItemFailures": [{"itemIdentifier": "a"}]}, False, "", id="not asked for"
        ),
        pytest.param(False, {"errorMessage": "x"}, True, "ab", id="function failed"),
    ],
)
def test_what_a_response_keeps_in_the_queue(
    ok: bool, result: Any, reports: bool, kept: str
) -> None:
    done = Invocation(
        function="f",
        logical_id="F",
        request_id="r",
        at_s=0,
        ended_s=0,
        trigger="sqs",
        attempt=1,
        event={},
        ok=ok,
        result=result,
        error=None,
        lines=(),
        cold=False,
        real_ms=0,
    )
    event = {"Records": [{"messageId": "a"}, {"messageId": "b"}]}
    assert failed_message_ids(done, reports, event) == set(kept)
