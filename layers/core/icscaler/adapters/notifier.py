"""Events for other systems (EventBridge) and notices for people (SNS).

`ports.Notifier`, and `dispatch.People` for what concerns the whole fleet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from icscaler.adapters import codec
from icscaler.adapters.batches import send_in_batches
from icscaler.adapters.clients import port_errors
from icscaler.entities import NoticeItem
from icscaler.ports import DecisionRecord, PortError

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sns.client import SNSClient

SOURCE = "icscaler"
MAX_SUBJECT = 100
# A message may have 256 KiB; people read less.
MAX_NOTICES = 200


@dataclass(slots=True)
class AwsNotifier:
    """`CopyCountChanged` events on the controller's bus, notices to the notification topic."""

    events: "EventBridgeClient"
    sns: "SNSClient"
    bus: str
    topic_arn: str

    def copy_count_changed(self, records: Sequence[DecisionRecord]) -> None:
        left = send_in_batches([self._entry(record) for record in records], self._put)
        if left:
            raise PortError(f"events PutEvents: {len(left)} of {len(records)} were not accepted")

    def _put(self, entries: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        batch: Any = list(entries)
        with port_errors("events", "PutEvents"):
            answer = self.events.put_events(Entries=batch)
        if not answer["FailedEntryCount"]:
            return ()
        results = answer["Entries"]
        return [
            entry for entry, result in zip(entries, results, strict=True) if result.get("ErrorCode")
        ]

    def _entry(self, record: DecisionRecord) -> dict[str, Any]:
        return {
            "Time": datetime.fromtimestamp(record.at_s, UTC),
            "Source": SOURCE,
            "DetailType": "CopyCountChanged",
            "EventBusName": self.bus,
            "Detail": codec.encode(change_detail(record)).decode(),
        }

    def notify(self, endpoint: str, notices: Sequence[NoticeItem], at_s: int) -> None:
        _publish(self.sns, self.topic_arn, endpoint, notices, at_s)


@dataclass(slots=True)
class AwsPeople:
    """Notices about the fleet to the notification topic; the client is made when one is needed."""

    sns: "Callable[[], SNSClient]"
    topic_arn: str

    def notify_fleet(self, notices: Sequence[NoticeItem], at_s: int) -> None:
        _publish(self.sns(), self.topic_arn, None, notices, at_s)


def _publish(
    sns: "SNSClient",
    topic_arn: str,
    endpoint: str | None,
    notices: Sequence[NoticeItem],
    at_s: int,
) -> None:
    kinds = codec.encode(sorted({str(each.notice) for each in notices})).decode()
    attributes: Any = {"notices": {"DataType": "String.Array", "StringValue": kinds}}
    if endpoint is not None:
        attributes["endpoint"] = {"DataType": "String", "StringValue": endpoint}
    with port_errors("sns", "Publish"):
        sns.publish(
            TopicArn=topic_arn,
            Subject=notice_subject(endpoint, notices),
            Message=notice_text(endpoint, notices, at_s),
            MessageAttributes=attributes,
        )


def change_detail(record: DecisionRecord) -> dict[str, Any]:
    """The detail of a `CopyCountChanged` event, in SageMaker's spelling.

    Of a single-model variant `VariantName`, and `Model`, which is its name in the fleet file.
    """
    who = {"InferenceComponentName": record.component}
    if record.variant is not None:
        who = {"VariantName": record.variant, "Model": record.component}
    return {
        "EndpointName": record.endpoint,
        **who,
        "FromCopies": record.from_copies,
        "ToCopies": record.to_copies,
        "Steps": list(record.steps),
        "ConfigVersion": record.config_version,
        "AttemptId": record.attempt_id,
    }


def fleet_published(version: str, bus: str) -> dict[str, Any]:
    """The `FleetPublished` event, as an entry of PutEvents."""
    return {
        "Source": SOURCE,
        "DetailType": "FleetPublished",
        "EventBusName": bus,
        "Detail": codec.encode({"ConfigVersion": version}).decode(),
    }


def notice_subject(endpoint: str | None, notices: Sequence[NoticeItem]) -> str:
    """One line of ASCII without control characters, which is all that SNS accepts."""
    first = notices[0]
    more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
    about = f" ({first.subject})" if endpoint is not None and first.subject != endpoint else ""
    where = "in the fleet" if endpoint is None else f"on {endpoint}"
    line = f"icscaler: {first.notice}{about} {where}{more}"
    line = "".join(each if each.isascii() and each.isprintable() else "?" for each in line)
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 3] + "..."


def notice_text(endpoint: str | None, notices: Sequence[NoticeItem], at_s: int) -> str:
    """A paragraph for each notice, and when and where it was seen."""
    when = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [f"{'The fleet' if endpoint is None else f'Endpoint {endpoint}'}, {when}", ""]
    lines += [f"{each.notice}: {each.text}" for each in notices[:MAX_NOTICES]]
    if len(notices) > MAX_NOTICES:
        lines.append(f"... and {len(notices) - MAX_NOTICES} more")
    return "\n".join(lines)
