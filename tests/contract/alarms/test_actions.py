"""Alarm actions: functions and Auto Scaling policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icscaler_localcloud.alarms import AutoScalingAction
from icscaler_localcloud.lambdas import Function
from tests.contract.alarms.bench import ACCOUNT, REGION, Bench, arn_of
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:react"
POLICY = (
    f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:scalingPolicy:0f0e:resource/sagemaker/"
    "inference-component/code:policyName/up"
)


@pytest.fixture
def react(bench: Bench, tmp_path: Path) -> Function:
    """A function that returns its event; nobody may invoke it yet."""
    (tmp_path / "app.py").write_text("def handler(event, context):\n    return event\n")
    function = Function(
        name="react",
        logical_id="React",
        arn=FUNCTION,
        handler="app.handler",
        runtime="python3.13",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/react",
        code_path=tmp_path,
    )
    bench.cloud.functions.add(function)
    return function


def permit(function: Function, source: str, principal: str = "") -> None:
    """What AWS::Lambda::Permission adds."""
    function.policy.append(
        {
            "Effect": "Allow",
            "Principal": {"Service": principal or "lambda.alarms.cloudwatch.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": FUNCTION,
            "Condition": {
                "ArnLike": {"AWS:SourceArn": source},
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            },
        }
    )


def payloads(bench: Bench) -> list[Any]:
    return [done.event for done in bench.cloud.lambda_log]


# -- functions ------------------------------------------------------------------------------------


def test_what_a_function_gets(bench: Bench, react: Function) -> None:
    permit(react, arn_of("probe"))
    bench.put(
        AlarmActions=[FUNCTION],
        AlarmDescription="too much",
        Dimensions=[{"Name": "A", "Value": "1"}],
        TreatMissingData="ignore",
    )
    bench.publish(75.5, dimensions={"A": "1"})
    bench.cloud.run_for(2 * 60)
    (payload,) = payloads(bench)
    metric = payload["alarmData"]["configuration"]["metrics"][0]
    assert metric.pop("id")
    data = json.loads(payload["alarmData"]["state"].pop("reasonData"))
    assert data["recentDatapoints"] == [75.5]
    assert payload == {
        "source": "aws.cloudwatch",
        "alarmArn": arn_of("probe"),
        "accountId": ACCOUNT,
        "time": "2026-06-01T09:01:15.000+0000",
        "region": REGION,
        "alarmData": {
            "alarmName": "probe",
            "state": {
                "value": "ALARM",
                "reason": "Threshold Crossed: 1 out of the last 1 datapoints [75.5 (01/06/26 "
                "09:00:00)] was greater than the threshold (50.0) (minimum 1 datapoint for OK -> "
                "ALARM transition).",
                "timestamp": "2026-06-01T09:01:15.000+0000",
            },
            "previousState": {
                "value": "INSUFFICIENT_DATA",
                "reason": "Unchecked: Initial alarm creation",
                "timestamp": "2026-06-01T09:00:00.000+0000",
            },
            "configuration": {
                "description": "too much",
                "metrics": [
                    {
                        "metricStat": {
                            "metric": {
                                "namespace": "Probe",
                                "name": "Signal",
                                "dimensions": {"A": "1"},
                            },
                            "period": 60,
                            "stat": "Average",
                        },
                        "returnData": True,
                    }
                ],
            },
        },
    }


def test_what_a_function_gets_for_a_contributor(bench: Bench, react: Function) -> None:
    permit(react, arn_of("teams"))
    query = 'SELECT MAX(Load) FROM "Probe" GROUP BY Team ORDER BY MAX() DESC'
    bench.put_query(
        "teams",
        [{"Id": "q", "Expression": query, "Period": 60}],
        AlarmActions=[FUNCTION],
        OKActions=[FUNCTION],
        TreatMissingData="notBreaching",
    )
    for minute, loads in enumerate(({"a": 80.0}, {"a": 80.0, "b": 90.0}, {"a": 5.0, "b": 5.0})):
        for team, load in loads.items():
            at_s = T0 + 60 * minute
            bench.publish(load, at_s=at_s, name="Load", dimensions={"Team": team})
        bench.cloud.run_until(T0 + 60 * (minute + 1) + PHASE_S + 1)
    told = payloads(bench)
    assert [
        (
            payload["alarmData"]["alarmContributor"]["attributes"]["Team"],
            payload["alarmData"]["state"]["value"],
        )
        for payload in told
    ] == [("a", "ALARM"), ("b", "ALARM"), ("b", "OK"), ("a", "OK")]
    (of_alarm,) = [c for c in bench.changes("teams") if c.value == "ALARM" and "1 out" in c.reason]
    assert of_alarm, "the alarm itself changed too, which runs no action"
    assert told[0].keys() == {"source", "alarmArn", "accountId", "time", "region", "alarmData"}
    assert told[0]["alarmData"].keys() == {
        "alarmName",
        "alarmContributor",
        "state",
        "configuration",
    }
    assert told[0]["alarmData"]["state"].keys() == {"value", "reason", "timestamp"}
    assert told[0]["time"] == told[0]["alarmData"]["state"]["timestamp"]


@pytest.mark.parametrize(
    ("source", "principal"),
    [
        pytest.param(None, "", id="nobody may"),
        pytest.param(arn_of("other"), "", id="another alarm may"),
        pytest.param(arn_of("probe"), "events.amazonaws.com", id="another service may"),
    ],
)
def test_without_permission_a_function_is_not_invoked(
    bench: Bench, react: Function, source: str | None, principal: str
) -> None:
    if source is not None:
        permit(react, source, principal)
    bench.put(AlarmActions=[FUNCTION])
    bench.set("ALARM")
    bench.cloud.run_for(1)
    assert payloads(bench) == []
    (undelivered,) = bench.cloud.undelivered
    assert undelivered.startswith(f"{arn_of('probe')} -> {FUNCTION}: NO_PERMISSIONS")
    (action,) = bench.history(HistoryItemType="Action")
    assert action["HistorySummary"] == f"Failed to execute action {FUNCTION}"
    data = json.loads(action["HistoryData"])
    assert data["actionState"] == "Failed"
    assert data["stateUpdateTimestamp"] == T0 * 1000
    permit(react, arn_of("*"))
    bench.set("OK")
    bench.set("ALARM")
    bench.cloud.run_for(1)
    assert len(payloads(bench)) == 1, "nobody makes up for what was lost"


def test_a_function_that_fails_is_invoked_again(bench: Bench, react: Function) -> None:
    """The invocation is asynchronous: two retries, by Lambda."""
    permit(react, arn_of("*"))
    (react.code_path / "app.py").write_text("def handler(event, context):\n    raise ValueError\n")
    bench.put(AlarmActions=[FUNCTION], TreatMissingData="ignore")
    bench.set("ALARM")
    bench.cloud.run_for(300)
    assert len(payloads(bench)) == 3
    (action,) = bench.history(HistoryItemType="Action")
    assert json.loads(action["HistoryData"])["actionState"] == "Succeeded"


def test_actions_belong_to_states(bench: Bench) -> None:
    topics = {state: bench.topic(state.lower()) for state in ("OK", "ALARM", "INSUFFICIENT_DATA")}
    bench.put(
        OKActions=[topics["OK"]],
        AlarmActions=[topics["ALARM"]],
        InsufficientDataActions=[topics["INSUFFICIENT_DATA"]],
        TreatMissingData="ignore",
    )
    for state in ("ALARM", "OK", "INSUFFICIENT_DATA", "ALARM"):
        bench.set(state)
        bench.cloud.run_for(60)
    told = {
        state: [m["NewStateValue"] for _, m in bench.notifications(state.lower())]
        for state in topics
    }
    assert told == {
        "OK": ["OK"],
        "ALARM": ["ALARM", "ALARM"],
        "INSUFFICIENT_DATA": ["INSUFFICIENT_DATA"],
    }


# -- Auto Scaling ---------------------------------------------------------------------------------


@pytest.fixture
def scaled(bench: Bench) -> list[AutoScalingAction]:
    """What a listener of SageMaker's policies hears."""
    heard: list[AutoScalingAction] = []
    bench.cloud.alarms.on_autoscaling_action(POLICY.partition("resource/")[0], heard.append)
    return heard


def test_auto_scaling_hears_of_each_minute_in_the_state(
    bench: Bench, scaled: list[AutoScalingAction]
) -> None:
    bench.put(EvaluationPeriods=2, DatapointsToAlarm=2, AlarmActions=[POLICY])
    for minute, value in enumerate((70.0, 80.0, 90.0, 5.0, 5.0)):
        bench.publish(value, at_s=T0 + 60 * minute)
        bench.cloud.run_until(T0 + 60 * (minute + 1) + PHASE_S + 1)
    assert [
        (action.at_s - T0, action.transition, [value for _, value in action.datapoints])
        for action in scaled
    ] == [(135, True, [80.0, 70.0]), (195, False, [90.0, 80.0])]
    (first, _) = scaled
    assert (first.arn, first.alarm_name, first.alarm_arn) == (POLICY, "probe", arn_of("probe"))
    assert (first.state, first.threshold) == ("ALARM", 50.0)
    assert [at_s for at_s, _ in first.datapoints] == [T0 + 60, T0]


def test_a_high_resolution_alarm_repeats_once_a_minute_too(
    bench: Bench, scaled: list[AutoScalingAction]
) -> None:
    bench.put(Period=10, AlarmActions=[POLICY], TreatMissingData="breaching")
    bench.cloud.run_for(300)
    assert [action.at_s - T0 for action in scaled] == [5, 65, 125, 185, 245]


def test_repetition_can_be_switched_off(make_bench: MakeBench) -> None:
    bench = make_bench(repeat_autoscaling_s=None)
    heard: list[AutoScalingAction] = []
    bench.cloud.alarms.on_autoscaling_action("arn:aws:autoscaling:", heard.append)
    bench.put(AlarmActions=[POLICY], TreatMissingData="breaching")
    bench.cloud.run_for(600)
    assert [action.transition for action in heard] == [True]


def test_a_set_state_tells_what_its_reason_data_holds(
    bench: Bench, scaled: list[AutoScalingAction]
) -> None:
    bench.put(AlarmActions=[POLICY])
    bench.set("ALARM", StateReasonData='{"recentDatapoints": [60.0, null, 75]}')
    bench.cloud.run_for(1)
    (action,) = scaled
    assert [value for _, value in action.datapoints] == [75.0, 60.0]


def test_only_the_owner_of_the_policy_hears(bench: Bench) -> None:
    heard: list[AutoScalingAction] = []
    bench.cloud.alarms.on_autoscaling_action(f"{POLICY}/other", heard.append)
    bench.put(AlarmActions=[POLICY], TreatMissingData="ignore")
    bench.set("ALARM")
    bench.cloud.run_for(1)
    assert heard == []
    (action,) = bench.history(HistoryItemType="Action")
    assert json.loads(action["HistoryData"])["error"] == "no such policy"


def test_disabled_actions_do_not_scale(bench: Bench, scaled: list[AutoScalingAction]) -> None:
    bench.put(AlarmActions=[POLICY], ActionsEnabled=False, TreatMissingData="breaching")
    bench.cloud.run_for(300)
    assert scaled == []
