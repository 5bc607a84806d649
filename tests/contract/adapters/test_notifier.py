"""`ports.Notifier`: in memory and on EventBridge and SNS."""

import json
from typing import Any

import pytest

from icscaler.adapters import clients
from icscaler.adapters.memory import MemoryNotifier
from icscaler.adapters.notifier import AwsNotifier, AwsPeople
from icscaler.entities import NoticeItem
from icscaler.ports import PortError
from icscaler.reasons import Notice
from tests.contract.adapters import values
from tests.contract.adapters.values import AT_S

BUS = "icscaler"
NOTICES = (
    NoticeItem(Notice.SHORTAGE, "flow-generation", "No room for flow-generation."),
    NoticeItem(Notice.COMPONENT_FAILED, "caption", "caption is Failed."),
)


class MemoryDesk:
    def __init__(self) -> None:
        self.notifier = MemoryNotifier()

    def changes(self) -> list[tuple[str, int, int]]:
        return [(r.component, r.from_copies, r.to_copies) for r in self.notifier.changes]

    def notices(self) -> list[tuple[str, int, set[str]]]:
        found: dict[tuple[str, int], set[str]] = {}
        for endpoint, at_s, item in self.notifier.notices:
            found.setdefault((endpoint, at_s), set()).add(str(item.notice))
        return [(*key, kinds) for key, kinds in found.items()]


class AwsDesk:
    """The AWS adapter on moto; a queue behind the bus and one behind the topic."""

    def __init__(self) -> None:
        self.events, sns, self.sqs = (clients.client(n) for n in ("events", "sns", "sqs"))
        self.events.create_event_bus(Name=BUS)
        topic = sns.create_topic(Name="notices")["TopicArn"]
        self.urls = {
            name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("heard", "read")
        }
        arns = {
            name: self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
                "Attributes"
            ]["QueueArn"]
            for name, url in self.urls.items()
        }
        pattern = {"source": ["icscaler"], "detail-type": ["CopyCountChanged"]}
        self.events.put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps(pattern))
        self.events.put_targets(
            Rule="all", EventBusName=BUS, Targets=[{"Id": "1", "Arn": arns["heard"]}]
        )
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["read"])
        self.notifier = AwsNotifier(self.events, sns, BUS, topic)
        self.sns, self.topic = sns, topic

    def received(self, name: str) -> list[Any]:
        found = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.urls[name], MaxNumberOfMessages=10
        ).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
        return found

    def changes(self) -> list[tuple[str, int, int]]:
        details = [event["detail"] for event in self.received("heard")]
        return [(d["InferenceComponentName"], d["FromCopies"], d["ToCopies"]) for d in details]

    def notices(self) -> list[tuple[str, int, set[str]]]:
        attributes = [message["MessageAttributes"] for message in self.received("read")]
        return [
            (a["endpoint"]["Value"], AT_S, set(json.loads(a["notices"]["Value"])))
            for a in attributes
        ]


@pytest.fixture(params=["memory", "aws"])
def desk(request: pytest.FixtureRequest) -> MemoryDesk | AwsDesk:
    if request.param == "memory":
        return MemoryDesk()
    request.getfixturevalue("aws")
    return AwsDesk()


@pytest.fixture
def aws_desk(aws: None, monkeypatch: pytest.MonkeyPatch) -> AwsDesk:
    monkeypatch.setattr("icscaler.adapters.batches.time.sleep", lambda seconds: None)
    return AwsDesk()


@pytest.mark.parametrize("count", [0, 1, 23])
def test_one_event_for_each_change(desk: Any, count: int) -> None:
    desk.notifier.copy_count_changed([values.record(f"model-{n:02d}") for n in range(count)])
    assert sorted(desk.changes()) == [(f"model-{n:02d}", 1, 2) for n in range(count)]


def test_people_hear_of_notices(desk: Any) -> None:
    desk.notifier.notify("code", NOTICES, AT_S)
    assert desk.notices() == [("code", AT_S, {"Shortage", "ComponentFailed"})]


# ---------------------------------------------------------------- AWS alone


def test_an_event_has_the_time_of_the_look(aws_desk: AwsDesk) -> None:
    aws_desk.notifier.copy_count_changed([values.record()])
    (event,) = aws_desk.received("heard")
    assert event["time"] == "2026-06-01T00:00:00Z"


def test_a_notice_reads_well(aws_desk: AwsDesk) -> None:
    aws_desk.notifier.notify("code", NOTICES, AT_S)
    (message,) = aws_desk.received("read")
    assert message["Subject"] == "icscaler: Shortage (flow-generation) on code and 1 more"
    assert "caption is Failed." in message["Message"]


def test_what_concerns_the_fleet_names_no_endpoint(aws_desk: AwsDesk) -> None:
    people = AwsPeople(lambda: aws_desk.sns, aws_desk.topic)
    people.notify_fleet([NoticeItem(Notice.METRICS_VANISHED, "fleet", "All vanished.")], AT_S)
    (message,) = aws_desk.received("read")
    assert message["Subject"] == "icscaler: MetricsVanished in the fleet"
    assert message["Message"].splitlines()[0] == "The fleet, 2026-06-01 00:00:00 UTC"
    assert sorted(message["MessageAttributes"]) == ["notices"]


class Failing:
    """An EventBridge client that does not accept events of some models, for some calls."""

    def __init__(self, events: Any, refused: set[str], calls: int = 99) -> None:
        self._events, self._refused, self._left = events, refused, calls
        self.sizes: list[int] = []

    def put_events(self, Entries: list[Any]) -> Any:  # noqa: N803 as boto3 has it
        self.sizes.append(len(Entries))
        self._left -= 1
        good = [e for e in Entries if self._left < 0 or not self._is_refused(e)]
        if good:
            self._events.put_events(Entries=good)
        results = [
            {"EventId": "1"}
            if entry in good
            else {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
            for entry in Entries
        ]
        return {"FailedEntryCount": len(Entries) - len(good), "Entries": results}

    def _is_refused(self, entry: Any) -> bool:
        return json.loads(entry["Detail"])["InferenceComponentName"] in self._refused


def test_events_that_failed_for_a_moment_are_sent_again_alone(aws_desk: AwsDesk) -> None:
    failing: Any = Failing(aws_desk.events, {"model-1", "model-7"}, calls=1)
    notifier = AwsNotifier(failing, aws_desk.sns, BUS, aws_desk.topic)
    notifier.copy_count_changed([values.record(f"model-{n}") for n in range(12)])
    assert failing.sizes == [10, 2, 2]
    assert len(aws_desk.changes()) == 12


def test_events_that_keep_failing_are_an_error_that_counts_them(aws_desk: AwsDesk) -> None:
    failing: Any = Failing(aws_desk.events, {"model-1"})
    notifier = AwsNotifier(failing, aws_desk.sns, BUS, aws_desk.topic)
    with pytest.raises(PortError, match="1 of 3 were not accepted"):
        notifier.copy_count_changed([values.record(f"model-{n}") for n in range(3)])
    assert len(aws_desk.changes()) == 2


def test_a_topic_that_is_gone_is_a_port_error(aws_desk: AwsDesk) -> None:
    notifier = AwsNotifier(aws_desk.events, aws_desk.sns, BUS, aws_desk.topic + "-gone")
    with pytest.raises(PortError, match="sns Publish: NotFound"):
        notifier.notify("code", NOTICES, AT_S)
