"""What holds a policy back, and what several policies of one target do together."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.autoscaling import AutoScalingSettings, autoscaling_of
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import (
    CONCURRENCY,
    PER_COPY,
    activities,
    alarm,
    alarms_named,
    breach,
    desired,
    register,
    settled,
    step,
    track,
)
from tests.contract.sagemaker.steps import copies_of, set_copies, wait_until

# -- cooldowns


def test_within_a_cooldown_only_a_larger_scale_out_passes(serving: LocalCloud) -> None:
    """The API Reference's example: +2, then +3 adds one, then +2 adds nothing."""
    register(serving)
    arn = step(serving, (0, 10, 2), (10, None, 3), Cooldown=600)
    alarm(serving, arn)
    breach(serving, "busy", 1)
    settled(serving)
    breach(serving, "busy", 12)
    assert desired(serving) == 4
    settled(serving)
    breach(serving, "busy", 1)
    assert desired(serving) == 4
    serving.run_for(600)
    breach(serving, "busy", 1)
    assert desired(serving) == 6


def test_a_cooldown_starts_when_the_change_is_complete(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=300))
    breach(serving, "busy", 1)
    settled(serving)
    serving.run_for(250)
    breach(serving, "busy", 1)
    assert desired(serving) == 2
    serving.run_for(50)
    breach(serving, "busy", 1)
    assert desired(serving) == 3


def test_a_cooldown_from_acceptance_is_over_earlier(serving: LocalCloud) -> None:
    autoscaling_of(serving).settings = AutoScalingSettings(cooldown_from="acceptance")
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=60))
    breach(serving, "busy", 1)
    settled(serving)
    breach(serving, "busy", 1)
    assert desired(serving) == 3


def test_a_scale_out_ends_the_cooldown_of_a_scale_in(serving: LocalCloud) -> None:
    set_copies(serving, 5)
    settled(serving)
    register(serving)
    alarm(serving, step(serving, (0, None, 1), name="out"))
    down = step(serving, (None, 0, -1), name="in", Cooldown=3600)
    alarm(serving, down, name="idle", comparison="LessThanOrEqualToThreshold")
    breach(serving, "idle", -1)
    settled(serving)
    assert desired(serving) == 4
    breach(serving, "idle", -1)
    assert desired(serving) == 4, "the scale-in cools down"
    breach(serving, "busy", 1)
    settled(serving)
    assert desired(serving) == 5, "a scale-out passes at once"
    breach(serving, "idle", -1)
    assert desired(serving) == 4, "and ended the scale-in's cooldown"


@pytest.mark.parametrize(("old_counts", "expected"), [(False, 2), (True, 4)])
def test_an_alarm_that_outlasts_the_start_it_asked_for(serving: LocalCloud, old_counts, expected):
    """One datapoint keeps an alarm on five minutes on for a quarter of an hour."""
    autoscaling_of(serving).settings = AutoScalingSettings(act_on_old_data=old_counts)
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=240), threshold=50, period_s=300)
    serving.client("cloudwatch").put_metric_data(
        Namespace="Test", MetricData=[{"MetricName": "Load", "Value": 60}]
    )
    serving.run_for(1200)
    assert copies_of(serving) == (expected, expected)


def test_an_overridden_change_leaves_no_cooldown(serving: LocalCloud) -> None:
    autoscaling_of(serving).settings = AutoScalingSettings(poll_s=600)
    register(serving)
    alarm(serving, step(serving, (0, None, 2), Cooldown=86_400))
    breach(serving, "busy", 1)
    wait_until(serving, lambda: copies_of(serving) == (3, 3), step_s=1)
    set_copies(serving, 2)  # before the change was looked at
    serving.run_for(600)
    assert activities(serving)[0]["StatusCode"] == "Overridden"
    breach(serving, "busy", 1)
    assert desired(serving) == 4


def test_a_change_that_another_policy_overrides_leaves_no_cooldown(serving: LocalCloud) -> None:
    autoscaling_of(serving).settings = AutoScalingSettings(poll_s=600)
    register(serving)
    for name, amount in (("one", 1), ("two", 2)):
        alarm(serving, step(serving, (0, None, amount), name=name, Cooldown=86_400), name=name)
        serving.run_for(1)
    for name, expected in (("one", 2), ("two", 4), ("one", 5)):
        breach(serving, name, 1)
        assert desired(serving) == expected
        settled(serving)


def test_an_updated_policy_still_cools_down(serving: LocalCloud) -> None:
    register(serving)
    for _ in range(2):
        alarm(serving, step(serving, (0, None, 1), Cooldown=86_400))
        breach(serving, "busy", 1)
        settled(serving)
    assert desired(serving) == 2


# -- several policies


def test_the_largest_of_several_scale_outs_wins(serving: LocalCloud) -> None:
    register(serving)
    for name, amount in (("some", 1), ("more", 4), ("few", 2)):
        alarm(serving, step(serving, (0, None, amount), name=name), name=name)
        serving.run_for(2)
    for name in ("some", "more", "few"):
        breach(serving, name, 1, wait_s=1)
    serving.run_for(20)
    assert desired(serving) == 5
    (activity,) = activities(serving)
    assert activity["Cause"].endswith("policy more")


def test_a_scale_out_beats_a_scale_in(serving: LocalCloud) -> None:
    set_copies(serving, 3)
    settled(serving)
    register(serving)
    down = step(serving, (None, 0, -2), name="in")
    alarm(serving, down, name="idle", comparison="LessThanOrEqualToThreshold")
    alarm(serving, step(serving, (0, None, 1), name="out"))
    breach(serving, "idle", -1, wait_s=1)
    breach(serving, "busy", 1)
    assert desired(serving) == 4


def low_alarm(cloud: LocalCloud, which: int = 0) -> str:
    found = [a["AlarmName"] for a in alarms_named(cloud, "TargetTracking-")]
    return [name for name in found if "-AlarmLow-" in name][which]


LOAD = {"Namespace": "Test", "MetricName": "Load", "Statistic": "Average"}


def two_trackers(cloud: LocalCloud, **of_load: Any) -> tuple[str, str]:
    """Policies `calls` (target 10) and `load` (target 60) on six copies; their AlarmLow."""
    set_copies(cloud, 6)
    settled(cloud)
    register(cloud)
    names = []
    for name, metric, value, more in (
        ("calls", PER_COPY, 10.0, {}),
        ("load", LOAD, 60.0, of_load),
    ):
        answer = track(cloud, name, metric=metric, value=value, **more)
        names.append(answer["Alarms"][1]["AlarmName"])
        cloud.run_for(1)
    return names[0], names[1]


def test_target_tracking_scales_in_when_all_its_policies_agree(serving: LocalCloud) -> None:
    calls, load = two_trackers(serving)
    breach(serving, calls, 2)  # asks for 2 of 6; the other policy has no data
    assert desired(serving) == 6
    breach(serving, load, 40, wait_s=1)  # asks for 4 of 6
    breach(serving, calls, 2)
    assert desired(serving) == 4, "the larger of both"
    (activity,) = activities(serving)
    assert activity["Cause"].endswith("triggered policy load")


def test_a_policy_whose_metric_rose_again_does_not_agree(serving: LocalCloud) -> None:
    calls, load = two_trackers(serving)
    breach(serving, load, 40, wait_s=1)
    serving.client("cloudwatch").set_alarm_state(
        AlarmName=load, StateValue="OK", StateReason="it rose"
    )
    breach(serving, calls, 2)
    assert desired(serving) == 6


def test_a_policy_that_cools_down_does_not_agree(serving: LocalCloud) -> None:
    calls, load = two_trackers(serving, ScaleInCooldown=3600)
    breach(serving, calls, 2, wait_s=1)
    breach(serving, load, 40)  # the winner, at 4: it cools down now
    settled(serving)
    serving.run_for(400)
    breach(serving, load, 10, wait_s=1)  # asks for 1 of 4
    breach(serving, calls, 6)  # asks for 3 of 4, and its own cooldown is none
    assert desired(serving) == 4


def test_a_step_policy_scales_in_alone_and_the_larger_capacity_wins(serving: LocalCloud) -> None:
    calls, load = two_trackers(serving)
    down = step(serving, (None, 0, -1), name="in", Cooldown=0)
    alarm(serving, down, name="idle", comparison="LessThanOrEqualToThreshold")
    breach(serving, "idle", -1)
    settled(serving)
    assert desired(serving) == 5, "without waiting for target tracking"
    for name, value in (("idle", -1), (load, 12), (calls, 2)):
        breach(serving, name, value, wait_s=1)
        serving.run_for(1)
    serving.run_for(20)
    assert desired(serving) == 4, "one less, not the one copy that target tracking needs"


def test_a_policy_without_scale_in_holds_nothing_back(serving: LocalCloud) -> None:
    set_copies(serving, 6)
    settled(serving)
    register(serving)
    track(serving, "calls", value=10)
    serving.run_for(1)
    track(serving, "concurrency", metric=CONCURRENCY, DisableScaleIn=True)
    breach(serving, low_alarm(serving), 5)
    assert desired(serving) == 3
