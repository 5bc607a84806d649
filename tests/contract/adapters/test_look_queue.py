"""`ports.LookQueue`: in memory and on SQS FIFO."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler.adapters import clients
from icscaler.adapters.memory import MemoryLookQueue
from icscaler.adapters.sqs import SqsLookQueue, deduplication_id
from tests.contract.adapters.values import AT_S


class MemoryDesk:
    """The in-memory queue, and how to see what is in it."""

    def __init__(self) -> None:
        self.queue = MemoryLookQueue()

    def received(self) -> list[tuple[str, int, str]]:
        return self.queue.messages


class SqsDesk:
    """The SQS adapter on moto, and how to see what is in the queue."""

    def __init__(self) -> None:
        self.sqs = clients.client("sqs")
        attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup"}
        self.url = self.sqs.create_queue(QueueName="looks.fifo", Attributes=attributes)["QueueUrl"]
        self.queue = SqsLookQueue(self.sqs, self.url)

    def messages(self) -> list[Any]:
        messages = []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return messages
            for message in answer["Messages"]:
                messages.append(message)
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def received(self) -> list[tuple[str, int, str]]:
        bodies = [json.loads(message["Body"]) for message in self.messages()]
        return [(body["endpoint"], body["event_at_s"], body["cause"]) for body in bodies]


@pytest.fixture(params=["memory", "sqs"])
def desk(request: pytest.FixtureRequest) -> MemoryDesk | SqsDesk:
    if request.param == "memory":
        return MemoryDesk()
    request.getfixturevalue("aws")
    return SqsDesk()


@pytest.fixture
def sqs_desk(aws: None) -> SqsDesk:
    return SqsDesk()


def looks(count: int, at_s: int = AT_S) -> list[tuple[str, int, str, str]]:
    return [(f"endpoint-{n}", at_s, "Tick", f"endpoint-{n}-{at_s // 60}") for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 10, 27])
def test_every_look_is_queued_once(desk: Any, count: int) -> None:
    assert desk.queue.send(looks(count)) == ()
    assert sorted(desk.received()) == sorted(look[:3] for look in looks(count))


def test_a_repeated_tick_is_queued_once(desk: Any) -> None:
    desk.queue.send(looks(3))
    desk.queue.send(looks(3))
    assert len(desk.received()) == 3


def test_the_next_minute_is_queued_again(desk: Any) -> None:
    desk.queue.send(looks(2))
    desk.queue.send(looks(2, AT_S + 60))
    assert sorted(desk.received()) == sorted(look[:3] for look in looks(2) + looks(2, AT_S + 60))


# ---------------------------------------------------------------- SQS alone


def test_one_group_for_each_endpoint(sqs_desk: SqsDesk) -> None:
    sqs_desk.queue.send(looks(12))
    for message in sqs_desk.messages():
        endpoint = json.loads(message["Body"])["endpoint"]
        assert message["Attributes"]["MessageGroupId"] == endpoint
        assert message["Attributes"]["MessageDeduplicationId"] == f"{endpoint}-{AT_S // 60}"


class Failing:
    """An SQS client that does not take some messages, for a number of calls."""

    def __init__(self, sqs: Any, refused: set[str], calls: int = 99) -> None:
        self._sqs, self._refused, self._left = sqs, refused, calls
        self.calls = 0

    def send_message_batch(self, **arguments: Any) -> Any:
        self.calls += 1
        if self._left <= 0:
            return self._sqs.send_message_batch(**arguments)
        self._left -= 1
        if not self._refused:
            error = {"Error": {"Code": "RequestThrottled", "Message": "slow down"}}
            raise ClientError(error, "SendMessageBatch")
        entries = arguments["Entries"]
        good = [each for each in entries if each["MessageGroupId"] not in self._refused]
        answer = {"Successful": [], "Failed": []}
        if good:
            answer = self._sqs.send_message_batch(QueueUrl=arguments["QueueUrl"], Entries=good)
        failed = [
            {"Id": each["Id"], "Code": "InternalError", "SenderFault": False}
            for each in entries
            if each not in good
        ]
        return {**answer, "Failed": failed}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icscaler.adapters.batches.time.sleep", lambda seconds: None)


def test_what_failed_for_a_moment_is_sent_again_alone(sqs_desk: SqsDesk) -> None:
    failing = Failing(sqs_desk.sqs, {"endpoint-3", "endpoint-7"}, calls=1)
    queue: Any = SqsLookQueue(failing, sqs_desk.url)  # type: ignore[arg-type]
    assert queue.send(looks(12)) == ()
    assert len(sqs_desk.received()) == 12
    assert failing.calls == 3


def test_what_keeps_failing_is_named_and_the_rest_is_queued(sqs_desk: SqsDesk) -> None:
    failing: Any = Failing(sqs_desk.sqs, {"endpoint-3", "endpoint-11"})
    assert SqsLookQueue(failing, sqs_desk.url).send(looks(12)) == ("endpoint-3", "endpoint-11")
    assert len(sqs_desk.received()) == 10


def test_a_call_that_fails_does_not_stop_the_other_batches(sqs_desk: SqsDesk) -> None:
    failing: Any = Failing(sqs_desk.sqs, set(), calls=3)
    left = SqsLookQueue(failing, sqs_desk.url).send(looks(12))
    assert left == tuple(f"endpoint-{n}" for n in range(10))
    assert len(sqs_desk.received()) == 2


def test_a_failed_message_comes_back_soon(sqs_desk: SqsDesk) -> None:
    calls: list[dict[str, Any]] = []

    class Recording:
        def change_message_visibility(self, **arguments: Any) -> None:
            calls.append(arguments)

    queue: Any = SqsLookQueue(Recording(), sqs_desk.url)  # type: ignore[arg-type]
    queue.retry_soon("receipt")
    assert calls == [{"QueueUrl": sqs_desk.url, "ReceiptHandle": "receipt", "VisibilityTimeout": 5}]


def test_a_message_that_is_gone_cannot_come_back_and_that_is_fine(sqs_desk: SqsDesk) -> None:
    sqs_desk.queue.retry_soon("no such receipt")


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("code-29671741", id="short"),
        pytest.param("x" * 128, id="longest"),
    ],
)
def test_a_deduplication_id_that_sqs_takes_stays(wanted: str) -> None:
    assert deduplication_id(wanted) == wanted


@pytest.mark.parametrize("wanted", ["x" * 129, "a b", "", "caf\u00e9"], ids=repr)
def test_a_deduplication_id_that_sqs_refuses_is_digested(wanted: str) -> None:
    found = deduplication_id(wanted)
    assert len(found) == 64
    assert found.isalnum()
    assert found == deduplication_id(wanted) != deduplication_id(wanted + "x")
