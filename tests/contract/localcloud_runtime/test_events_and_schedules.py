"""EventBridge and Scheduler: envelopes, patterns, targets, dead letters, expressions."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud import schedules
from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud

from .conftest import TEMPLATES, Plumbing


def test_an_event_reaches_a_function_in_its_envelope(plumbing: Plumbing) -> None:
    answer = plumbing.put_event("shop", "Order", {"amount": 11, "do": "log"})
    assert plumbing.log() == []  # delivery is asynchronous
    plumbing.cloud.run_for(2)
    (done,) = plumbing.log()
    assert done.event == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "Order",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-06-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"amount": 11, "do": "log"},
    }
    assert done.trigger == "events.amazonaws.com"


def test_an_event_that_no_pattern_matches_goes_nowhere(plumbing: Plumbing) -> None:
    plumbing.put_event("shop", "Order", {"amount": 10})
    plumbing.cloud.run_for(5)
    assert plumbing.log() == []
    assert plumbing.cloud.undelivered == []


def test_an_input_transformer_makes_the_message(plumbing: Plumbing) -> None:
    plumbing.put_event("x", "Order Placed", {"customer": 'Ann "A"', "items": [1, 2]})
    plumbing.cloud.run_for(2)
    assert plumbing.queued("Inbox") == [
        {"customer": 'Ann "A"', "text": 'Ann "A" ordered', "items": [1, 2]}
    ]


def test_a_target_without_permission_gets_nothing_but_a_dead_letter(plumbing: Plumbing) -> None:
    plumbing.put_event("x", "Order Lost", {"n": 1})
    plumbing.cloud.run_for(2)
    assert plumbing.log("Second") == []
    (letter,) = plumbing.queued("Undelivered")
    assert letter["detail"] == {"n": 1}
    message = plumbing.cloud.client("sqs").receive_message(
        QueueUrl=plumbing.stack.physical_id("Undelivered"), MessageAttributeNames=["All"]
    )["Messages"][0]
    told = {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "NO_PERMISSIONS"
    assert told["RULE_ARN"] == plumbing.stack.attribute("ToNobody", "Arn")
    assert told["TARGET_ARN"] == plumbing.stack.attribute("Second", "Arn")


def test_what_has_no_dead_letter_queue_is_noted(plumbing: Plumbing) -> None:
    events = plumbing.cloud.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["nowhere"]}')
    gone = "arn:aws:lambda:us-east-1:123456789012:function:gone"
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": gone}])
    plumbing.cloud.events.publish("nowhere", "X", {})
    plumbing.cloud.run_for(2)
    (note,) = plumbing.cloud.undelivered
    assert "no function" in note


def test_an_archive_keeps_matching_events(plumbing: Plumbing) -> None:
    for source in ("shop", "other", "shop"):
        plumbing.put_event(source, "Order", {"amount": 1})
    plumbing.cloud.run_for(2)
    events = plumbing.cloud.client("events")
    archive = events.describe_archive(ArchiveName=plumbing.stack.physical_id("Archive"))
    assert archive["EventCount"] == 2


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": ""}, "InvalidArgument"),
        ({"Detail": ""}, "InvalidArgument"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Source": "aws.sagemaker"}, "NotAuthorizedForSourceException"),
    ],
)
def test_bad_entries_fail_alone(cloud: LocalCloud, entry: dict[str, str], code: str) -> None:
    good = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    answer = cloud.client("events").put_events(Entries=[good | entry, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    assert "EventId" in answer["Entries"][1]


def test_more_than_ten_entries_are_refused(cloud: LocalCloud) -> None:
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}"}
    with pytest.raises(ClientError, match="failed to satisfy constraint"):
        cloud.client("events").put_events(Entries=[entry] * 11)


def test_own_services_publish_as_aws(plumbing: Plumbing) -> None:
    rule = plumbing.cloud.client("events").put_rule(
        Name="r", EventPattern='{"source": ["aws.sagemaker"], "resources": [{"prefix": "arn:"}]}'
    )
    inbox = plumbing.stack.attribute("Inbox", "Arn")
    plumbing.cloud.client("events").put_targets(
        Rule="r", Targets=[{"Id": "t", "Arn": inbox, "InputPath": "$.detail"}]
    )
    assert rule["RuleArn"].endswith(":rule/r")
    plumbing.cloud.events.publish("aws.sagemaker", "Changed", {"n": 1}, resources=["arn:x"])
    plumbing.cloud.run_for(2)
    assert plumbing.queued("Inbox") == [{"n": 1}]


# -- schedules


def test_a_rate_rule_sends_the_scheduled_event(plumbing: Plumbing) -> None:
    plumbing.cloud.run_for(601)
    ticks = plumbing.log(trigger="events.amazonaws.com")
    assert [done.event["time"][11:] for done in ticks] == ["00:05:00Z", "00:10:00Z"]
    event = ticks[0].event
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["detail"] == {}
    assert event["resources"] == [plumbing.stack.attribute("WorkerTick", "Arn")]


def test_a_schedule_sends_its_input_with_context(cloud: LocalCloud) -> None:
    template = TEMPLATES / "plumbing.yaml"
    plumbing = Plumbing(cloud, cloud.deploy(template, parameters={"Stage": "live"}))
    cloud.run_for(150)
    runs = [done for done in plumbing.log() if ":schedule/" in done.trigger]
    assert [done.event["at"] for done in runs] == ["2026-06-01T00:01:00Z", "2026-06-01T00:02:00Z"]
    assert cloud.undelivered == []


def test_a_schedule_whose_role_may_not_is_noted(cloud: LocalCloud) -> None:
    template = TEMPLATES / "plumbing.yaml"
    stack = cloud.deploy(template, parameters={"Stage": "live"})
    role = cloud.iam.roles[stack.attribute("MinutelyRole", "Arn")]
    cloud.iam.attach(role.arn, "invoke", {"Statement": []})
    cloud.run_for(90)
    (note,) = cloud.undelivered
    assert "may not lambda:InvokeFunction" in note


def test_schedules_made_and_changed_at_run_time(plumbing: Plumbing) -> None:
    scheduler = plumbing.cloud.client("scheduler")
    schedule: dict[str, Any] = {
        "Name": "later",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": plumbing.stack.attribute("Worker", "Arn"),
            "RoleArn": plumbing.stack.attribute("MinutelyRole", "Arn"),
        },
    }
    scheduler.create_schedule(ScheduleExpression="cron(30 9 ? * MON-FRI *)", **schedule)
    plumbing.cloud.run_until(DEFAULT_START_S + 10 * 3600)
    (done,) = [d for d in plumbing.log() if ":schedule/" in d.trigger]
    assert done.event["time"] == "2026-06-01T09:30:00Z"
    assert (done.event["source"], done.event["detail"]) == ("aws.scheduler", "{}")
    scheduler.update_schedule(ScheduleExpression="rate(1 hour)", State="DISABLED", **schedule)
    plumbing.cloud.run_for(7200)
    assert len([d for d in plumbing.log() if ":schedule/" in d.trigger]) == 1


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        ("rate(1 minute)", "UTC", "2026-06-01 00:00:30", "2026-06-01 00:01:30"),
        ("rate(2 hours)", "UTC", "2026-06-01 00:00:00", "2026-06-01 02:00:00"),
        ("rate(3 days)", "UTC", "2026-06-01 00:00:00", "2026-06-04 00:00:00"),
        ("cron(0/15 * * * ? *)", "UTC", "2026-06-01 00:15:00", "2026-06-01 00:30:00"),
        ("cron(5,50 8-9 * * ? *)", "UTC", "2026-06-01 09:50:00", "2026-06-02 08:05:00"),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2026-06-05 08:00:00", "2026-06-08 08:00:00"),
        ("cron(0 8 ? * 1 *)", "UTC", "2026-06-01 00:00:00", "2026-06-07 08:00:00"),
        ("cron(0 0 1 JAN ? *)", "UTC", "2026-06-01 00:00:00", "2027-01-01 00:00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2026-06-01 00:00:00", "2028-02-29 00:00:00"),
        ("cron(0 0 1 1 ? 2030)", "UTC", "2026-06-01 00:00:00", "2030-01-01 00:00:00"),
        # Berlin is UTC+2 in June; 2:30 does not exist on 2026-03-29 there.
        ("cron(0 8 * * ? *)", "Europe/Berlin", "2026-06-01 00:00:00", "2026-06-01 06:00:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28 12:00:00", "2026-03-30 00:30:00"),
    ],
)
def test_when_an_expression_fires_next(
    expression: str, zone: str, after: str, expected: str
) -> None:
    assert schedules.parse(expression).after(at(after), zone) == at(expected)


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("rate(1 minutes)", "singular"),
        ("rate(5 minute)", "singular"),
        ("rate(0 minutes)", "refused"),
        ("every minute", "neither rate"),
        ("cron(0 8 * * ?)", "six fields"),
        ("cron(0 8 * * * *)", "exactly one"),
        ("cron(0 8 ? * ? *)", "exactly one"),
        ("cron(60 8 * * ? *)", "not within 0-59"),
        ("cron(0 8 L * ? *)", "not supported"),
        ("cron(0 8 ? * 2#1 *)", "cannot read"),
    ],
)
def test_bad_expressions_say_what_is_wrong(expression: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        schedules.parse(expression)


def test_a_date_that_never_comes_is_an_error() -> None:
    with pytest.raises(ValueError, match="never fires"):
        schedules.parse("cron(0 0 30 2 ? *)").after(DEFAULT_START_S, "UTC")


def test_two_runs_of_the_same_inputs_are_the_same() -> None:
    def run(hosts_seed: int) -> Any:
        random.seed(hosts_seed)
        with LocalCloud(seed=7) as cloud:
            plumbing = Plumbing(
                cloud, cloud.deploy(TEMPLATES / "plumbing.yaml", parameters={"Stage": "live"})
            )
            cloud.faults.throttle("dynamodb", times=5)
            for n in range(6):
                plumbing.send({"do": "put", "key": f"k{n}"}, group=f"g{n}")
                plumbing.send({"do": "sleep", "seconds": n}, group=f"g{n % 3}")
                plumbing.put_event("shop", "Order", {"amount": 10 + n})
            cloud.run_for(400)
            return json.dumps(
                [(d.function, d.request_id, d.at_s, d.ended_s, d.event) for d in cloud.lambda_log]
            )

    assert run(1) == run(2)
    assert random.random() == random.Random(2).random()  # the host's generator went on as it was
