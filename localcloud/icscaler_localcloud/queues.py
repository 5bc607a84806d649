"""SQS queues as event sources of Lambda functions, and the queues themselves.

Polling is driven by events, not by a timer: a poll is due when a message arrives, when one
becomes visible again, and when an invocation ends. For a FIFO queue, SQS itself keeps order and
lets one batch per message group be in flight; groups run side by side as far as virtual time is
concerned (a handler that waits lets other groups run).

A batch that the function has no concurrency for is tried again, with backoff, until its visibility
timeout ends.

Source: Lambda Developer Guide, "Using Lambda with Amazon SQS" (batch failure reporting, scaling),
Lambda Operator Guide, "Handling errors for an SQS event source", SQS Developer Guide, "Visibility
timeout", "Dead-letter queues".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.clock import Timer
from icscaler_localcloud.faults import Lane, Timekeeper
from icscaler_localcloud.lambdas import Invocation, TooManyRequestsError
from icscaler_localcloud.queue_metrics import QueueMetrics

if TYPE_CHECKING:
    from moto.sqs.models import Message

    from icscaler_localcloud.cloud import LocalCloud

MAX_FIFO_BATCH = 10
_MAX_THROTTLE_DELAY_S = 20.0
# A FIFO queue cannot have more than this many batches in flight in one mapping by default.
_MAX_CONCURRENCY = 1000


@dataclass(slots=True)
class EventSourceMapping:
    """One queue feeding one function."""

    uuid: str
    queue_arn: str
    function_name: str
    batch_size: int = 10
    report_batch_item_failures: bool = False
    maximum_concurrency: int = _MAX_CONCURRENCY
    enabled: bool = True
    in_flight: int = 0
    timer: Timer | None = None


class QueuePoller:
    """Polls the mapped queues and hands their messages to functions."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._by_queue: dict[str, list[EventSourceMapping]] = {}
        self._metrics = QueueMetrics(cloud)
        moto_seams.listen_to_queues(self._received)

    def map(self, mapping: EventSourceMapping) -> None:
        """Start polling a queue for a function."""
        self._by_queue.setdefault(mapping.queue_arn, []).append(mapping)
        self._schedule(mapping, self._cloud.clock.now_s + self._cloud.delays.queue_poll_s)

    def mappings(self) -> list[EventSourceMapping]:
        """All mappings, in the order they were made."""
        return [mapping for mappings in self._by_queue.values() for mapping in mappings]

    def enable(self, mapping: EventSourceMapping, enabled: bool) -> None:
        """Switch a mapping on or off; messages wait in the queue meanwhile."""
        mapping.enabled = enabled
        self._arrived(mapping.queue_arn)

    def _received(self, queue_arn: str) -> None:
        self._metrics.used(queue_arn)
        self._arrived(queue_arn)

    def _arrived(self, queue_arn: str) -> None:
        for mapping in self._by_queue.get(queue_arn, []):
            self._schedule(mapping, self._cloud.clock.now_s + self._cloud.delays.queue_poll_s)

    def _schedule(self, mapping: EventSourceMapping, at_s: float) -> None:
        timer = mapping.timer
        if timer is not None and timer.callback is not None:
            if timer.at_s <= at_s:
                return
            timer.cancel()
        mapping.timer = self._cloud.loop.call_at(at_s, lambda: self._poll(mapping))

    def _poll(self, mapping: EventSourceMapping) -> None:
        """Receive all batches that are visible, invoke once per batch, look again when due."""
        queues = self._cloud.queues
        while mapping.enabled and mapping.in_flight < mapping.maximum_concurrency:
            view = queues.view(mapping.queue_arn)
            messages = queues.receive(
                mapping.queue_arn, mapping.batch_size, view.visibility_timeout_s
            )
            if not messages:
                break
            # A receive has moved messages that were received too often to the dead-letter queue.
            mapping.in_flight += 1
            self._hand_over(mapping, messages)
        view = queues.view(mapping.queue_arn)
        if view.messages and view.next_visible_s is not None and mapping.enabled:
            # Strictly after: SQS shows a message again when its timeout is over, not as it ends.
            due_s = max(view.next_visible_s + 0.001, self._cloud.clock.now_s + 1)
            self._schedule(mapping, due_s)

    def _hand_over(self, mapping: EventSourceMapping, messages: list[Message]) -> None:
        cloud = self._cloud
        for late_s in cloud.faults.arrivals(Lane.QUEUE, mapping.queue_arn, mapping.function_name):
            cloud.loop.call_in(late_s, lambda: self._process(mapping, messages))

    def _process(
        self, mapping: EventSourceMapping, messages: list[Message], throttles: int = 0
    ) -> None:
        event = {"Records": [self._record(message, mapping.queue_arn) for message in messages]}
        try:
            done = self._cloud.functions.invoke(mapping.function_name, event, trigger="sqs")
        except TooManyRequestsError:
            self._throttled(mapping, messages, throttles)
            return
        except BaseException:
            self._ended(mapping)
            raise
        self._ended(mapping)
        failed = failed_message_ids(done, mapping.report_batch_item_failures, event)
        for message in messages:
            if message.id not in failed and message.receipt_handle is not None:
                self._delete(mapping, message.receipt_handle)

    def _throttled(
        self, mapping: EventSourceMapping, messages: list[Message], throttles: int
    ) -> None:
        """Try the batch again until its visibility timeout ends: then it is back in the queue."""
        delay_s = min(2.0**throttles, _MAX_THROTTLE_DELAY_S)
        visible_s = min(message.visible_at for message in messages) / 1000
        if self._cloud.clock.now_s + delay_s >= visible_s:
            self._ended(mapping)
            return
        self._cloud.loop.call_in(delay_s, lambda: self._process(mapping, messages, throttles + 1))

    def _ended(self, mapping: EventSourceMapping) -> None:
        mapping.in_flight -= 1
        self._arrived(mapping.queue_arn)

    def _delete(self, mapping: EventSourceMapping, receipt_handle: str) -> None:
        forgotten = self._cloud.faults.delete_is_forgotten(mapping.queue_arn, mapping.function_name)
        if not forgotten:
            self._cloud.queues.delete(mapping.queue_arn, receipt_handle)

    def _record(self, message: Message, queue_arn: str) -> dict[str, Any]:
        received_ms = message.approximate_first_receive_timestamp
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": self._shown_ms(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": self._shown_ms(received_ms),
        }
        if message.group_id is not None:
            attributes["MessageGroupId"] = message.group_id
        if message.sequence_number is not None:
            attributes["SequenceNumber"] = message.sequence_number
        if message.deduplication_id is not None:
            attributes["MessageDeduplicationId"] = message.deduplication_id
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {
                name: _attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": self._cloud.region,
        }

    def _shown_ms(self, at_ms: float | None) -> str:
        """A time as SQS's clock shows it."""
        return str(int((at_ms or 0) + 1000 * self._cloud.faults.skew_s(Timekeeper.SQS)))


def failed_message_ids(
    done: Invocation, report_batch_item_failures: bool, event: Mapping[str, Any]
) -> set[str]:
    """The messages of a batch that stay in the queue.

    All of them when the function failed, or when it reports failures in a way Lambda rejects: an
    identifier that is missing, empty or not of this batch. None when it returns nothing.
    """
    everything = {record["messageId"] for record in event["Records"]}
    if not done.ok:
        return everything
    if not report_batch_item_failures or not isinstance(done.result, dict):
        return set()
    failures = done.result.get("batchItemFailures") or []
    if not isinstance(failures, list):
        return everything
    reported = [f.get("itemIdentifier") if isinstance(f, dict) else None for f in failures]
    if any(identifier not in everything for identifier in reported):
        return everything
    return {str(identifier) for identifier in reported}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """A message attribute as Lambda events spell it."""
    return {
        "stringValue": value.get("StringValue"),
        "binaryValue": value.get("BinaryValue"),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
