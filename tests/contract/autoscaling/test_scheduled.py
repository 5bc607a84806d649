"""Scheduled actions: when they fire, and what they do to bounds and capacity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler_localcloud.autoscaling import AutoScalingSettings, autoscaling_of, schedule
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import (
    COPIES,
    activities,
    alarm,
    breach,
    register,
    step,
)
from tests.contract.sagemaker.steps import copies_of, refused, set_copies, wait_until

HOUR_S = 3600


def utc(text: str) -> float:
    """Epoch seconds of an ISO time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def plan(cloud: LocalCloud, expression: str, name: str = "plan", **more: Any) -> None:
    """PutScheduledAction, 2 to 4 unless told."""
    given = {"ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4}} | more
    cloud.client("application-autoscaling").put_scheduled_action(
        **COPIES, ScheduledActionName=name, Schedule=expression, **given
    )


def bounds(cloud: LocalCloud) -> tuple[int, int]:
    answer = cloud.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )
    (target,) = answer["ScalableTargets"]
    return target["MinCapacity"], target["MaxCapacity"]


def fired(cloud: LocalCloud) -> list[float]:
    """When scheduled actions fired, oldest first."""
    found = activities(cloud)
    return [a["StartTime"].timestamp() for a in reversed(found) if "scheduled" in a["Cause"]]


# -- when


@pytest.mark.parametrize(
    ("expression", "zone", "now", "expected"),
    [
        pytest.param(
            "at(2026-07-01T09:00:00)",
            "UTC",
            "2026-06-01T00:00",
            ["2026-07-01T09:00"],
            id="at",
        ),
        pytest.param(
            "at(2026-07-01T09:00:00)",
            "America/New_York",
            "2026-06-01T00:00",
            ["2026-07-01T13:00"],
            id="at, New York in summer",
        ),
        pytest.param(
            "rate(90 minutes)",
            "UTC",
            "2026-06-01T00:10",
            ["2026-06-01T01:40", "2026-06-01T03:10"],
            id="rate",
        ),
        pytest.param(
            "cron(30 8 ? * MON-FRI *)",
            "UTC",
            "2026-06-05T08:30",
            ["2026-06-08T08:30", "2026-06-09T08:30"],
            id="cron over a weekend",
        ),
        pytest.param(
            "cron(30 8 * * ? *)",
            "Europe/Berlin",
            "2026-03-27T12:00",
            ["2026-03-28T07:30", "2026-03-29T06:30", "2026-03-30T06:30"],
            id="cron into summer time",
        ),
        pytest.param(
            "cron(30 8 * * ? *)",
            "Europe/Berlin",
            "2026-10-24T00:00",
            ["2026-10-24T06:30", "2026-10-25T07:30", "2026-10-26T07:30"],
            id="cron out of summer time",
        ),
        pytest.param(
            "cron(30 2 * * ? *)",
            "Europe/Berlin",
            "2026-03-28T00:00",
            ["2026-03-28T01:30", "2026-03-30T00:30"],
            id="a time that a clock change skips",
        ),
        pytest.param(
            "cron(30 2 * * ? *)",
            "Europe/Berlin",
            "2026-10-24T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"],
            id="a time that comes twice",
        ),
    ],
)
def test_when_schedules_fire(expression, zone, now, expected) -> None:
    parsed = schedule.parse(expression, zone)
    due_s = schedule.first_firing(parsed, zone, utc(now), start_s=None, end_s=None)
    found = []
    while due_s is not None and len(found) < len(expected):
        found.append(due_s)
        due_s = schedule.next_firing(parsed, zone, due_s, end_s=None)
    assert found == [utc(text) for text in expected]
    assert (due_s is None) == expression.startswith("at")


def test_start_and_end(cloud: LocalCloud) -> None:
    """It fires at its start, then as scheduled, until its end (User Guide)."""
    register(cloud)
    now_s = cloud.clock.now_s
    start_s, end_s = now_s + 100, now_s + 100 + 2 * HOUR_S
    plan(cloud, "rate(1 hour)", StartTime=start_s, EndTime=end_s)
    cloud.run_for(8 * HOUR_S)
    assert fired(cloud) == [start_s, start_s + HOUR_S, start_s + 2 * HOUR_S]


def test_a_rate_that_started_earlier_keeps_its_beat(cloud: LocalCloud) -> None:
    register(cloud)
    now_s = cloud.clock.now_s
    plan(cloud, "rate(1 hour)", StartTime=now_s - 1000)
    cloud.run_for(2 * HOUR_S)
    assert fired(cloud) == [now_s - 1000 + HOUR_S, now_s - 1000 + 2 * HOUR_S]


def test_an_update_without_times_forgets_the_old_ones(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    now_s = cloud.clock.now_s
    plan(cloud, "rate(1 hour)", EndTime=now_s + HOUR_S, Timezone="Europe/Berlin")
    scaling.put_scheduled_action(**COPIES, ScheduledActionName="plan", Schedule="rate(30 minutes)")
    (shown,) = scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert "EndTime" not in shown
    assert shown["Timezone"] == "Europe/Berlin"
    assert shown["ScalableTargetAction"] == {"MinCapacity": 2, "MaxCapacity": 4}
    cloud.run_for(HOUR_S)
    assert fired(cloud) == [now_s + 1800, now_s + HOUR_S]


# -- what


def test_it_sets_bounds_and_the_capacity_follows_at_once(serving: LocalCloud) -> None:
    register(serving)
    due_s = serving.clock.now_s + 600
    plan(serving, f"at({datetime.fromtimestamp(due_s, tz=UTC):%Y-%m-%dT%H:%M:%S})")
    serving.run_until(due_s + 5)
    assert bounds(serving) == (2, 4)
    capacity, action = activities(serving)
    assert action["Description"] == "Setting min capacity to 2 and max capacity to 4"
    assert action["Cause"] == "scheduled action name plan was triggered"
    assert action["StatusMessage"] == "Successfully set min capacity to 2 and max capacity to 4"
    assert action["StatusCode"] == "Successful"
    assert capacity["Cause"] == "minimum capacity was set to 2"
    assert copies_of(serving)[0] == 2
    serving.run_for(24 * HOUR_S)
    assert len(activities(serving)) == 2, "once"


def test_a_maximum_scales_in_and_the_other_bound_stays(serving: LocalCloud) -> None:
    set_copies(serving, 5)
    serving.run_for(600)
    register(serving, MinCapacity=1, MaxCapacity=10)
    plan(serving, "rate(10 minutes)", ScalableTargetAction={"MaxCapacity": 3})
    serving.run_for(610)
    assert (bounds(serving), copies_of(serving)[0]) == ((1, 3), 3)


def test_schedules_ignore_cooldowns(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=86_400))
    breach(serving, "busy", 1)
    wait_until(serving, lambda: copies_of(serving) == (2, 2))
    plan(serving, "rate(1 minute)", ScalableTargetAction={"MinCapacity": 3})
    serving.run_for(70)
    assert copies_of(serving)[0] == 3


def test_what_was_due_while_suspended_is_not_made_up_for(serving: LocalCloud) -> None:
    register(serving, SuspendedState={"ScheduledScalingSuspended": True})
    plan(serving, "rate(1 hour)")
    serving.run_for(HOUR_S + 60)
    assert (bounds(serving), activities(serving)) == ((0, 10), [])
    register(serving, SuspendedState={})
    serving.run_for(600)
    assert bounds(serving) == (0, 10)
    serving.run_for(HOUR_S)
    assert bounds(serving) == (2, 4)


def test_the_morning_and_the_night_of_an_office(serving: LocalCloud) -> None:
    """Two crons in a time zone: up for the working day, to zero for the night."""
    register(serving, MinCapacity=0, MaxCapacity=4)
    zone = {"Timezone": "Europe/Berlin"}
    up, down = {"MinCapacity": 2, "MaxCapacity": 4}, {"MinCapacity": 0, "MaxCapacity": 0}
    plan(serving, "cron(0 7 ? * MON-FRI *)", "up", ScalableTargetAction=up, **zone)
    plan(serving, "cron(0 19 ? * MON-FRI *)", "down", ScalableTargetAction=down, **zone)
    serving.run_until(utc("2026-06-01T05:10"))
    assert copies_of(serving) == (2, 2)
    serving.run_until(utc("2026-06-01T17:10"))
    assert copies_of(serving) == (0, 0)
    serving.run_until(utc("2026-06-02T05:20"))
    assert copies_of(serving) == (2, 2)


# -- kept, found, refused


def test_actions_are_shown_found_and_deleted(cloud: LocalCloud, scaling: Any) -> None:
    register(cloud)
    for name in ("one", "two"):
        plan(cloud, "rate(1 hour)", name)
    answer = scaling.describe_scheduled_actions(
        ServiceNamespace="sagemaker", ScheduledActionNames=["two"]
    )
    (shown,) = answer["ScheduledActions"]
    assert shown["ScheduledActionARN"].startswith(
        "arn:aws:autoscaling:us-east-1:123456789012:scheduledAction:"
    )
    assert shown["ScheduledActionARN"].endswith(
        ":resource/sagemaker/inference-component/inline:scheduledActionName/two"
    )
    assert (shown["Schedule"], "Timezone" in shown) == ("rate(1 hour)", False)
    assert shown["CreationTime"].timestamp() == cloud.clock.now_s
    pages = scaling.get_paginator("describe_scheduled_actions").paginate(
        ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}
    )
    assert [len(page["ScheduledActions"]) for page in pages] == [1, 1]
    for name in ("one", "two"):
        scaling.delete_scheduled_action(**COPIES, ScheduledActionName=name)
    cloud.run_for(2 * HOUR_S)
    assert fired(cloud) == []
    code, message = refused(scaling.delete_scheduled_action, **COPIES, ScheduledActionName="one")
    assert code == "ObjectNotFoundException"
    assert message.endswith("scheduled action name: one")


@pytest.mark.parametrize(
    ("expression", "more", "text"),
    [
        pytest.param("every day", {}, "neither rate", id="no schedule"),
        pytest.param("cron(0 8 * * * *)", {}, "exactly one of", id="two days"),
        pytest.param("rate(1 hours)", {}, "singular", id="plural"),
        pytest.param("rate(1 hour)", {"Timezone": "Mars/Olympus"}, "time zone", id="zone"),
        pytest.param("at(2020-01-01T00:00:00)", {}, "in the past", id="past"),
        pytest.param("at(2026-13-01T00:00:00)", {}, "Invalid schedule", id="month 13"),
        pytest.param(
            "at(2027-03-28T02:30:00)",
            {"Timezone": "Europe/Berlin"},
            "does not exist",
            id="skipped by the clock",
        ),
        pytest.param(
            "rate(1 hour)",
            {"StartTime": 1_800_000_000, "EndTime": 1_790_000_000},
            "after",
            id="end",
        ),
        pytest.param("rate(1 hour)", {"ScalableTargetAction": {}}, "MinCapacity", id="nothing"),
        pytest.param(
            "rate(1 hour)",
            {"ScalableTargetAction": {"MinCapacity": 4, "MaxCapacity": 2}},
            "cannot be less",
            id="bounds",
        ),
        pytest.param(
            "rate(1 hour)", {"ScalableTargetAction": {"MinCapacity": -1}}, "negative", id="negative"
        ),
    ],
)
def test_actions_that_are_refused(cloud: LocalCloud, expression, more, text) -> None:
    register(cloud)
    code, message = refused(plan, cloud, expression, **more)
    assert (code, text in message) == ("ValidationException", True), message


def test_an_action_needs_a_target_and_room(cloud: LocalCloud) -> None:
    code, message = refused(plan, cloud, "rate(1 hour)")
    assert code == "ObjectNotFoundException"
    assert message.startswith("No scalable target registered for service namespace: sagemaker")
    autoscaling_of(cloud).settings = AutoScalingSettings(max_scheduled_actions=1)
    register(cloud)
    plan(cloud, "rate(1 hour)")
    plan(cloud, "rate(2 hours)")
    code, _ = refused(plan, cloud, "rate(1 hour)", "another")
    assert code == "LimitExceededException"
