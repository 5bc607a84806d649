"""The look queue on SQS FIFO, and the form of its messages."""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler.adapters import codec
from icscaler.adapters.batches import send_in_batches
from icscaler.adapters.clients import port_errors
from icscaler.ports import PortError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# SQS: up to 128 of these characters.
_DEDUPLICATION_ID = re.compile(r"[a-zA-Z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")


@dataclass(frozen=True, slots=True)
class LookMessage:
    """The body of a message on the look queue."""

    endpoint: str
    event_at_s: int
    cause: str


@dataclass(slots=True)
class SqsLookQueue:
    """`ports.LookQueue`: one message group per endpoint, ten messages a call."""

    sqs: "SQSClient"
    queue_url: str

    def send(self, looks: Sequence[tuple[str, int, str, str]]) -> tuple[str, ...]:
        entries = [
            {
                "Id": str(index),
                "MessageBody": codec.encode(LookMessage(endpoint, event_at_s, cause)).decode(),
                "MessageGroupId": endpoint,
                "MessageDeduplicationId": deduplication_id(wanted_id),
            }
            for index, (endpoint, event_at_s, cause, wanted_id) in enumerate(looks)
        ]
        left = send_in_batches(entries, self._send)
        return tuple(looks[int(entry["Id"])][0] for entry in left)

    def _send(self, entries: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
        batch: Any = list(entries)
        try:
            with port_errors("sqs", "SendMessageBatch"):
                answer = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=batch)
        except PortError as error:
            logger.warning("%d looks were not queued: %s", len(entries), error)
            return entries
        failed = {failure["Id"] for failure in answer.get("Failed", ())}
        return [entry for entry in entries if entry["Id"] in failed]

    def retry_soon(self, receipt_handle: str) -> None:
        """Make a received message visible again after a few seconds, instead of minutes.

        Its group waits for it, so an endpoint would stand still. Best effort: a message that can't
        be touched comes back when its visibility timeout ends.
        """
        try:
            with port_errors("sqs", "ChangeMessageVisibility"):
                self.sqs.change_message_visibility(
                    QueueUrl=self.queue_url,
                    ReceiptHandle=receipt_handle,
                    VisibilityTimeout=RETRY_AFTER_S,
                )
        except PortError as error:
            logger.warning("the message comes back only later: %s", error)


def deduplication_id(wanted: str) -> str:
    """`wanted` where SQS accepts it, else its digest (ids of events are given by others)."""
    if _DEDUPLICATION_ID.fullmatch(wanted):
        return wanted
    return hashlib.sha256(wanted.encode()).hexdigest()
