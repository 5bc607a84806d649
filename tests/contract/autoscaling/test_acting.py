"""From alarms to copies and instances: who acts when, on what, and what is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.autoscaling import AutoScalingSettings, autoscaling_of
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.autoscaling.steps import (
    COPIES,
    INSTANCES,
    activities,
    alarm,
    alarms_named,
    breach,
    desired,
    reasons,
    register,
    settled,
    step,
    track,
)
from tests.contract.sagemaker.steps import copies_of, set_copies, status_of, wait_until


def instances(cloud: LocalCloud) -> tuple[int, int]:
    """(desired, current) instances of the classic endpoint."""
    answer = cloud.client("sagemaker").describe_endpoint(EndpointName="classic")
    variant = answer["ProductionVariants"][0]
    return variant["DesiredInstanceCount"], variant["CurrentInstanceCount"]


# -- step scaling


def test_an_alarm_that_acts_on_a_step_policy_adds_copies(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, 10, 1), (10, None, 3)), threshold=50)
    breach(serving, "busy", 60)
    (activity,) = activities(serving)
    assert desired(serving) == 4
    assert activity["Cause"] == "monitor alarm busy in state ALARM triggered policy step"
    assert activity["Description"] == "Setting desired copy count to 4."
    settled(serving)
    assert activities(serving)[0]["StatusCode"] == "Successful"
    assert copies_of(serving) == (4, 4)


@pytest.mark.parametrize(
    ("aggregation", "expected"), [("Average", 3), ("Minimum", 2), ("Maximum", 4), (None, 3)]
)
def test_datapoints_are_aggregated(serving: LocalCloud, aggregation, expected) -> None:
    register(serving)
    more = {} if aggregation is None else {"MetricAggregationType": aggregation}
    alarm(serving, step(serving, (0, 10, 1), (10, 20, 2), (20, None, 3), **more))
    breach(serving, "busy", 5, 12, 25)
    assert desired(serving) == expected


def test_an_alarm_below_its_threshold_removes_copies(serving: LocalCloud) -> None:
    set_copies(serving, 6)
    settled(serving)
    register(serving)
    arn = step(serving, (-10, 0, -1), (None, -10, -4))
    alarm(serving, arn, name="idle", threshold=50, comparison="LessThanOrEqualToThreshold")
    breach(serving, "idle", 50)
    assert desired(serving) == 5


def test_an_alarm_without_datapoints_says_nothing(serving: LocalCloud) -> None:
    """SetAlarmState without StateReasonData (API Reference: the policy uses it to act)."""
    register(serving)
    alarm(serving, step(serving, (0, None, 1)))
    breach(serving, "busy")
    assert (desired(serving), activities(serving)) == (1, [])


def test_an_alarm_in_force_acts_again_every_minute(serving: LocalCloud) -> None:
    """Real data this time: the alarm stays on, so the policy is asked once a minute."""
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=0), threshold=50)
    for _ in range(20):
        serving.client("cloudwatch").put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "Load", "Value": 60}]
        )
        serving.run_for(60)
    causes = [activity["Cause"] for activity in activities(serving)]
    assert desired(serving) > 2
    assert set(causes) == {"monitor alarm busy in state ALARM triggered policy step"}


def test_a_copy_on_its_way_counts_once(serving: LocalCloud) -> None:
    """+1 asked again while the first +1 starts is the same +1."""
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=0))
    breach(serving, "busy", 1)
    assert copies_of(serving) == (2, 1)
    breach(serving, "busy", 1)
    assert len(activities(serving)) == 1
    assert reasons(serving) == [{"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": 2}]


def test_a_copy_on_its_way_may_be_counted_from(serving: LocalCloud) -> None:
    """From the desired count the same +1 is another one, which the busy component refuses."""
    autoscaling_of(serving).settings = AutoScalingSettings(
        counts_from="desired", cooldown_from="acceptance"
    )
    register(serving)
    alarm(serving, step(serving, (0, None, 1), Cooldown=0))
    breach(serving, "busy", 1)
    breach(serving, "busy", 1)
    refused, _ = activities(serving)
    assert refused["Description"] == "Setting desired copy count to 3."
    assert refused["StatusCode"] == "Failed"


# -- target tracking on real traffic


def test_target_tracking_follows_traffic_out_and_in(serving: LocalCloud) -> None:
    """A call a second on one copy against 20 a minute: 3 copies; then silence: none."""
    register(serving)
    track(serving, value=20)
    start_s = -(-serving.clock.now_s // 60) * 60
    serving.run_until(start_s)
    serving.world.arrive("inline", 600, start_s, start_s + 600, input_tokens=10, output_tokens=10)
    serving.run_for(300)
    (out,) = activities(serving)
    assert out["Description"] == "Setting desired copy count to 3."
    assert "-AlarmHigh-" in out["Cause"]
    serving.run_for(300)
    assert copies_of(serving) == (3, 3)
    last_s = serving.clock.now_s
    wait_until(serving, lambda: desired(serving) == 0)
    assert 900 <= serving.clock.now_s - last_s <= 1100
    assert "-AlarmLow-" in activities(serving)[0]["Cause"]
    serving.run_for(3600)
    assert desired(serving) == 0


def test_target_tracking_cannot_leave_zero(serving: LocalCloud) -> None:
    register(serving)
    track(serving, value=20)
    set_copies(serving, 0)
    settled(serving)
    high = alarms_named(serving, "TargetTracking-")[0]["AlarmName"]
    breach(serving, high, 500)
    assert (desired(serving), reasons(serving)) == (0, [])


def test_missing_data_freezes(cloud: LocalCloud, serving: LocalCloud) -> None:
    """No points, no scaling: a metric that stops is never read as low."""
    custom = {"Namespace": "Test", "MetricName": "Load", "Statistic": "Average"}
    register(serving)
    track(serving, metric=custom, value=60)
    for _ in range(12):
        cloud.client("cloudwatch").put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "Load", "Value": 1}]
        )
        serving.run_for(60)
    serving.run_for(3600)
    states = {a["StateValue"] for a in alarms_named(serving, "TargetTracking-")}
    assert states == {"INSUFFICIENT_DATA"}
    assert (desired(serving), activities(serving)) == (1, [])


def test_alarms_of_others_do_not_drive_target_tracking(serving: LocalCloud) -> None:
    register(serving)
    arn = track(serving)["PolicyARN"]
    alarm(serving, arn)
    breach(serving, "busy", 500)
    assert (desired(serving), activities(serving, IncludeNotScaledActivities=True)) == (1, [])


# -- bounds, suspension, refusals


def test_bounds_hold_and_are_named(serving: LocalCloud) -> None:
    register(serving, MinCapacity=1, MaxCapacity=3)
    alarm(serving, step(serving, (0, None, 9), name="out", Cooldown=0))
    down = step(serving, (None, 0, -9), name="in", Cooldown=0)
    alarm(serving, down, name="idle", comparison="LessThanOrEqualToThreshold")
    breach(serving, "busy", 1)
    assert desired(serving) == 3
    settled(serving)
    breach(serving, "busy", 1)
    breach(serving, "busy", 1)
    assert reasons(serving) == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 3}]
    (failed,) = activities(serving, IncludeNotScaledActivities=True)[:1]
    assert failed["Description"] == "Attempting to scale due to alarm triggered"
    assert failed["StatusCode"] == "Failed"
    assert len(activities(serving)) == 1, "shown on demand only"
    breach(serving, "idle", -1)
    assert desired(serving) == 1
    settled(serving)
    breach(serving, "idle", -1)
    assert reasons(serving)[0] == {"Code": "AlreadyAtMinCapacity", "MinCapacity": 1}


@pytest.mark.parametrize(
    ("switch", "expected"),
    [("DynamicScalingOutSuspended", (3, 2)), ("DynamicScalingInSuspended", (4, 4))],
)
def test_suspension_by_kind(serving: LocalCloud, switch, expected) -> None:
    set_copies(serving, 3)
    settled(serving)
    register(serving, SuspendedState={switch: True})
    alarm(serving, step(serving, (0, None, 1), name="out", Cooldown=0))
    down = step(serving, (None, 0, -1), name="in", Cooldown=0)
    alarm(serving, down, name="idle", comparison="LessThanOrEqualToThreshold")
    counts = []
    for name, value in (("busy", 1), ("idle", -1)):
        breach(serving, name, value)
        settled(serving)
        counts.append(desired(serving))
    assert tuple(counts) == expected
    register(serving, SuspendedState={})
    breach(serving, "busy", 1)
    assert desired(serving) == expected[1] + 1


def test_a_refused_change_is_a_failed_activity_and_the_alarms_next_turn(
    serving: LocalCloud,
) -> None:
    """Somebody else changes the copies: the component is Updating when the policy writes."""
    register(serving)
    alarm(serving, step(serving, (0, None, 4)))
    set_copies(serving, 2)
    breach(serving, "busy", 1)
    (failed,) = activities(serving)
    assert (failed["StatusCode"], desired(serving)) == ("Failed", 2)
    assert "UPDATE_RC_IN_PROGRESS" in failed["StatusMessage"]
    settled(serving)
    breach(serving, "busy", 1)
    assert desired(serving) == 6, "no cooldown was started by what failed"


def test_a_throttled_write_is_a_failed_activity(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, None, 1)))
    serving.faults.throttle("sagemaker", "UpdateInferenceComponentRuntimeConfig", times=1)
    breach(serving, "busy", 1)
    (failed,) = activities(serving)
    assert failed["StatusMessage"].startswith(
        "Failed to set desired copy count to 2. Reason: Rate exceeded"
    )
    breach(serving, "busy", 1)
    assert desired(serving) == 2


def test_a_change_that_somebody_overrides_says_so(serving: LocalCloud) -> None:
    autoscaling_of(serving).settings = AutoScalingSettings(poll_s=600)
    register(serving)
    alarm(serving, step(serving, (0, None, 2)))
    breach(serving, "busy", 1)
    wait_until(serving, lambda: status_of(serving) == "InService", step_s=1)
    set_copies(serving, 1)
    serving.run_for(600)
    (activity,) = activities(serving)
    assert activity["StatusCode"] == "Overridden"


def test_a_component_that_is_gone_is_left_alone(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, None, 1)))
    serving.client("sagemaker").delete_inference_component(InferenceComponentName="inline")
    serving.run_for(300)
    breach(serving, "busy", 1)
    assert activities(serving) == []


def test_a_decision_dies_with_its_target(serving: LocalCloud) -> None:
    register(serving)
    alarm(serving, step(serving, (0, None, 1)))
    breach(serving, "busy", 1, wait_s=1)
    serving.client("application-autoscaling").deregister_scalable_target(**COPIES)
    register(serving)
    serving.run_for(60)
    assert desired(serving) == 1


# -- variants


def test_instances_of_a_variant(classic: LocalCloud) -> None:
    register(classic, INSTANCES, MinCapacity=1, MaxCapacity=3)
    arn = step(classic, (0, None, 5), target=INSTANCES, Cooldown=0)
    alarm(classic, arn)
    breach(classic, "busy", 1)
    assert instances(classic) == (3, 1)
    (activity,) = activities(classic)
    assert activity["Description"] == "Setting desired instance count to 3."
    breach(classic, "busy", 1)
    wait_until(classic, lambda: status_of(classic, endpoint="classic") == "InService")
    classic.run_for(20)
    (activity,) = activities(classic)
    assert activity["StatusMessage"] == (
        "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker."
    )
    register(classic, INSTANCES, MinCapacity=1, MaxCapacity=2)
    assert instances(classic)[0] == 2


def test_an_endpoint_that_is_updating_refuses(classic: LocalCloud) -> None:
    register(classic, INSTANCES, MinCapacity=1, MaxCapacity=4)
    alarm(classic, step(classic, (0, 10, 1), (10, None, 3), target=INSTANCES, Cooldown=0))
    breach(classic, "busy", 1)
    breach(classic, "busy", 11)
    refused, accepted = activities(classic)
    assert (refused["StatusCode"], accepted["StatusCode"]) == ("Failed", "InProgress")
    assert "Cannot update in-progress endpoint" in refused["StatusMessage"]


def test_target_tracking_on_a_variant(classic: LocalCloud) -> None:
    """Two calls a second on one instance against 40 a minute: 3 instances."""
    metric = "SageMakerVariantInvocationsPerInstance"
    register(classic, INSTANCES, MinCapacity=1, MaxCapacity=4)
    track(classic, target=INSTANCES, metric=metric, value=40)
    start_s = classic.clock.now_s
    target = ("classic", "AllTraffic")
    classic.world.arrive(target, 1200, start_s, start_s + 600, input_tokens=10, output_tokens=10)
    classic.run_for(330)
    assert instances(classic)[0] == 3
    serving_s = classic.clock.now_s
    wait_until(classic, lambda: instances(classic)[0] == 1)
    assert classic.clock.now_s - serving_s > 900


# -- the record


def test_activities_are_paged_newest_first_and_filtered(serving: LocalCloud, scaling: Any) -> None:
    register(serving)
    for capacity in (2, 3, 1):
        register(serving, MinCapacity=capacity, MaxCapacity=max(capacity, 3))
        settled(serving)
    pages = scaling.get_paginator("describe_scaling_activities").paginate(
        ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}
    )
    found = [activity for page in pages for activity in page["ScalingActivities"]]
    assert [activity["Description"][-2:] for activity in found] == ["3.", "2."]
    assert activities(serving, ResourceId="inference-component/other") == []
    assert activities(serving, **{k: COPIES[k] for k in ("ResourceId", "ScalableDimension")})
    serving.run_for(43 * 86_400)
    assert activities(serving) == []
