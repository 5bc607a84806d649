"""How a model at zero copies comes back: by alarm, by wake request, by caller, by tick alone."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler.client import Timing, WakeSender, install_wake_hook, invoke
from icscaler.ports import Overlay
from icscaler_cli.main import app
from tests.e2e.rig import ENDPOINT, FLEET, Rig
from tests.e2e.rig import rig as open_rig

SPIKES = FLEET.replace("class: critical}", "class: critical, spike_alarm: true}")
WAKE_ALARM = "icscaler/refused-requests"


@pytest.fixture
def asleep(rig: Rig) -> Rig:
    """The rig with `blocks` and `flows` at zero copies, a few seconds after a tick's look."""
    rig.play(20)
    rig.cloud.run_for(5)
    assert (rig.copies("blocks"), rig.copies("flows")) == (0, 0)
    return rig


def stop_ticks(rig: Rig) -> None:
    rig.cloud.client("scheduler").delete_schedule(Name=rig.stack.physical_id("TickSchedule"))


def alarm_names(rig: Rig) -> set[str]:
    pages = rig.cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return {alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]}


def dispatched(rig: Rig) -> list[dict[str, Any]]:
    """What dispatch did, except for ticks."""
    lines = [json.loads(line) for line in rig.cloud.log_lines("DispatchFunction")]
    done = [line for line in lines if line.get("message") == "Dispatched"]
    return [line for line in done if line["cause"] != "Tick"]


# ---------------------------------------------------------------- the fleet-wide alarm


def test_the_alarm_alone_wakes_whom_it_names(asleep: Rig) -> None:
    stop_ticks(asleep)
    asleep.cloud.run_for(17)
    asleep.invoke("blocks")
    took_s = asleep.until(lambda: asleep.copies("blocks") == 1, step_s=1, limit_s=300)
    # The minute ends, is readable 30 to 60 s later, and the alarm is evaluated once a minute.
    assert took_s <= 60 + 60 + 60 + 5
    asleep.until(lambda: asleep.invoke("blocks") == 200)
    assert asleep.copies("flows") == 0
    woken = [line for line in dispatched(asleep) if line["woken"]]
    assert [(line["cause"], line["woken"]) for line in woken] == [("RequestsRefused", ["blocks"])]
    assert asleep.failures() == []
    assert asleep.cloud.undelivered == []


def test_without_any_alarm_the_tick_still_wakes(asleep: Rig) -> None:
    asleep.cloud.client("cloudwatch").delete_alarms(AlarmNames=sorted(alarm_names(asleep)))
    assert alarm_names(asleep) == set()
    asleep.invoke("blocks")
    took_s = asleep.until(lambda: asleep.copies("blocks") == 1, step_s=5)
    assert took_s <= 60 + 60 + 60 + 5
    assert dispatched(asleep)[-1]["cause"] == "EndpointChanged"


def test_the_alarm_can_be_left_out(tmp_path) -> None:
    with open_rig(tmp_path, WakeAlarm="disabled") as rig:
        assert WAKE_ALARM not in alarm_names(rig)
        rig.play(20)
        rig.invoke("blocks")
        assert rig.until(lambda: rig.copies("blocks") == 1, step_s=5) <= 185


def test_each_contributor_wakes_its_own_model(asleep: Rig) -> None:
    """The alarm stays in ALARM throughout, so only contributors tell of the second model."""
    stop_ticks(asleep)
    asleep.invoke("blocks")
    asleep.until(lambda: asleep.copies("blocks") == 1, step_s=5)
    asleep.invoke("flows")
    assert asleep.until(lambda: asleep.copies("flows") == 1, step_s=5) <= 185


def test_an_alarm_that_names_nobody_looks_where_somebody_is_at_zero(asleep: Rig) -> None:
    """As if contributors were not told: SetAlarmState sends the event of the alarm alone."""
    before = len(asleep.looks())
    asleep.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=WAKE_ALARM, StateValue="ALARM", StateReason="a drill"
    )
    asleep.cloud.run_for(5)
    (done,) = [line for line in dispatched(asleep) if line["cause"] == "RequestsRefused"]
    assert (done["queued"], done["woken"]) == ([ENDPOINT], [])
    assert len(asleep.looks()) == before + 1


def test_foreign_alarms_never_reach_dispatch(asleep: Rig) -> None:
    cloudwatch = asleep.cloud.client("cloudwatch")
    strangers = ["pager", "icscaler-spike-x", "icscaler2/refused-requests", "icscaler/other"]
    before = len(dispatched(asleep))
    for name in strangers:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="NoCapacityInvocationFailures",
            Dimensions=[{"Name": "InferenceComponentName", "Value": "blocks"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        asleep.cloud.run_for(1)
    for _ in range(20):
        for state in ("ALARM", "OK"):
            for name in strangers:
                cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="storm")
                asleep.cloud.run_for(0.5)
    asleep.cloud.run_for(10)
    assert len(dispatched(asleep)) == before
    assert asleep.copies("blocks") == 0


# ---------------------------------------------------------------- wake requests


def test_a_flood_of_wakes_is_one_look_and_one_write(asleep: Rig) -> None:
    asked: Counter[str] = Counter()

    def count(call: Any) -> None:
        if call.operation in ("PutItem", "UpdateItem", "SendMessageBatch"):
            asked[call.operation] += 1

    asleep.cloud.gateway.listen(count)
    entry = {
        "EventBusName": asleep.stack.outputs["ControllerBusName"],
        "Source": "a.gateway",
        "DetailType": "WakeRequested",
        "Detail": json.dumps({"InferenceComponentNames": ["blocks", "stranger"]}),
    }
    before = len(asleep.looks())
    for _ in range(15):
        asleep.cloud.client("events").put_events(Entries=[entry] * 10)
        asleep.cloud.run_for(2)
    done = [line for line in dispatched(asleep) if line["cause"] == "WakeRequested"]
    assert len(done) == 150
    assert [line["woken"] for line in done].count(["blocks"]) == 1
    assert [line["limited"] for line in done].count(["blocks"]) == len(done) - 1
    assert len(asleep.looks()) == before + 1
    assert asked["SendMessageBatch"] == 1
    # The wake itself, and what the one look that it caused writes.
    assert asked["PutItem"] + asked["UpdateItem"] <= 8
    assert asleep.copies("blocks") == 1


def test_a_paused_model_is_not_woken_and_nobody_looks(asleep: Rig) -> None:
    asleep.store.set_paused(True, model="blocks")
    before = len(asleep.looks())
    asleep.wake("blocks")
    asleep.cloud.run_for(5)
    assert dispatched(asleep)[-1]["unwakeable"] == ["blocks"]
    assert len(asleep.looks()) == before


# ---------------------------------------------------------------- callers


def sender(rig: Rig) -> WakeSender:
    bus = rig.stack.outputs["ControllerBusName"]
    return WakeSender(bus, events=rig.cloud.client("events"), timing=timing(rig))


def timing(rig: Rig) -> Timing:
    """Virtual time, without chance."""
    return Timing(lambda: rig.cloud.clock.now_s, rig.cloud.sleep, lambda low, high: high)


def test_a_caller_waits_for_a_start_and_not_for_an_alarm(asleep: Rig) -> None:
    began_s = asleep.cloud.clock.now_s
    answer = invoke(
        asleep.cloud.client("sagemaker-runtime"),
        endpoint=ENDPOINT,
        component="blocks",
        body=b"{}",
        deadline_s=900,
        wake=sender(asleep),
        timing=timing(asleep),
    )
    assert b"generated_text" in answer.body
    raised_s = next(r.at_s for r in reversed(asleep.records()) if r.component == "blocks")
    assert raised_s - began_s <= 3
    assert answer.waited_s <= 300
    assert answer.refusals > 5


def test_an_existing_client_learns_to_wait(asleep: Rig) -> None:
    runtime = asleep.cloud.session().client("sagemaker-runtime")
    install_wake_hook(runtime, wake=sender(asleep), deadline_s=900, timing=timing(asleep))
    reply = runtime.invoke_endpoint(
        EndpointName=ENDPOINT, InferenceComponentName="flows", Body=b"{}"
    )
    assert b"generated_text" in reply["Body"].read()
    assert (asleep.copies("flows"), asleep.copies("blocks")) == (1, 0)


# ---------------------------------------------------------------- spike alarms


@pytest.fixture
def spiky(tmp_path) -> Iterator[Rig]:
    """The rig with a spike alarm on `inline`, published by the command line."""
    with open_rig(tmp_path, None) as rig:
        publish(rig, tmp_path, SPIKES)
        yield rig


def publish(rig: Rig, folder: Any, text: str) -> None:
    file = folder / "published.yaml"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(
        app, ["fleet", "publish", str(file), "--yes", "--region", "us-east-1"]
    )
    assert result.exit_code == 0, result.output


def keep_alarms(rig: Rig) -> None:
    """What the schedule does every 15 minutes."""
    name = rig.stack.physical_id("AlarmsFunction")
    answer = rig.cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer


def spikes(rig: Rig) -> dict[str, float]:
    """Thresholds of the spike alarms by component."""
    alarms = rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="icscaler/spike/")
    return {
        alarm["AlarmName"].rpartition("/")[2]: alarm["Threshold"]
        for alarm in alarms["MetricAlarms"]
    }


def test_publishing_a_fleet_brings_its_alarms_within_seconds(spiky: Rig, tmp_path) -> None:
    spiky.cloud.run_for(5)
    assert spikes(spiky) == {"inline": 16.0}
    publish(spiky, tmp_path, SPIKES.replace("{name: [blocks, flows]}", "{name: flows}"))
    both = SPIKES.replace("target_value: 16}}", "target_value: 9}}\n  spike_alarm: true")
    publish(spiky, tmp_path, both)
    spiky.cloud.run_for(5)
    assert spikes(spiky) == {"inline": 9.0, "blocks": 9.0, "flows": 9.0}
    publish(spiky, tmp_path, FLEET)
    spiky.cloud.run_for(5)
    assert spikes(spiky) == {}
    assert spiky.failures() == []


def test_orphans_and_drift_are_put_right_by_the_schedule(spiky: Rig) -> None:
    spiky.cloud.run_for(5)
    cloudwatch = spiky.cloud.client("cloudwatch")
    (right,) = cloudwatch.describe_alarms(AlarmNamePrefix="icscaler/spike/")["MetricAlarms"]
    mine = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ConcurrentRequestsPerCopy",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 5,
        "Threshold": 99.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    for name in ("icscaler/spike/inline", "icscaler/spike/long-gone"):
        cloudwatch.put_metric_alarm(AlarmName=name, **mine)
    spiky.cloud.run_for(15 * 60 + 5)
    (found,) = cloudwatch.describe_alarms(AlarmNamePrefix="icscaler/spike/")["MetricAlarms"]
    kept = ("AlarmName", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")
    assert {key: found[key] for key in kept} == {key: right[key] for key in kept}
    answers = [json.loads(line) for line in spiky.cloud.log_lines("AlarmsFunction")]
    outcome = [line["outcome"] for line in answers if "outcome" in line][-1]
    assert (outcome["updated"], outcome["deleted"], outcome["usd_per_month"]) == (1, 1, 0.6)


def test_models_in_no_file_have_alarms_until_they_go_and_nothing_else_is_written(
    spiky: Rig,
) -> None:
    """As onboarding leaves them: on an endpoint of the file, and on one that is in no file."""
    pointer = spiky.store.fleet_pointer()
    assert pointer is not None
    shared = spiky.store.configuration("shared", pointer.version)
    assert shared is not None
    registered = replace(shared.models["inline"], concurrent_requests_per_copy=12, policy=None)
    fresh = replace(shared, name="fresh", models={})
    for endpoint, home in (("shared", None), ("fresh", fresh)):
        new = Overlay(f"new-{endpoint}", "onboard_model", None, model=registered, home=home)
        assert spiky.store.put_overlay(endpoint, new)
    keep_alarms(spiky)
    # Of an objective: the peak of a copy that serves 12 at once and is full.
    assert spikes(spiky) == {"inline": 16.0, "new-shared": 23.0, "new-fresh": 23.0}
    for endpoint in ("shared", "fresh"):
        assert spiky.store.remove_overlay(endpoint, f"new-{endpoint}", "onboard_model")
    keep_alarms(spiky)
    assert spikes(spiky) == {"inline": 16.0}
    assert spiky.failures() == []
    # IAM says so, whatever the code does: the fleet-wide alarm is not its business.
    role = spiky.cloud.iam.role_named(spiky.stack.physical_id("AlarmsRole"))
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
    allowed = {
        name: spiky.cloud.iam.allows(role.arn, "cloudwatch:PutMetricAlarm", f"{arn}{name}")
        for name in ("icscaler/spike/x", WAKE_ALARM, "pager", "icscaler-spike/x")
    }
    assert [name for name, may in allowed.items() if may] == ["icscaler/spike/x"]


def test_a_spike_brings_copies_before_the_next_tick_sees_it(spiky: Rig) -> None:
    spiky.play(15)
    spiky.cloud.run_for(3)
    began_s = spiky.cloud.clock.now_s
    spiky.cloud.world.arrive(
        "inline", 3000, began_s, began_s + 60, input_tokens=4500, output_tokens=100
    )
    took_s = spiky.until(lambda: spiky.copies("inline") > 1, step_s=1, limit_s=120)
    # Ten-second points, readable after 5 to 15 s; the minute itself ends only at 57 s.
    assert took_s <= 45
    assert [line["cause"] for line in dispatched(spiky)][-1] == "Spike"
