"""EventBridge events: the User Guide's samples come out of the same alarms, member by member."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.alarms.bench import Bench, arn_of, seconds
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANCE = [{"Name": "InstanceId", "Value": "i-12345678901234567"}]
CPU = {
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": INSTANCE,
    "Period": 300,
    "AlarmDescription": "Goes into alarm when server CPU utilization is too high!",
}

CPU_METRIC = {
    "id": "UUID",
    "metricStat": {
        "metric": {
            "dimensions": {"InstanceId": "i-12345678901234567"},
            "name": "CPUUtilization",
            "namespace": "AWS/EC2",
        },
        "period": 300,
        "stat": "Average",
    },
    "returnData": True,
}


def put_point(bench: Bench, at: str, value: float, metric: str = "CPUUtilization") -> None:
    at_s = seconds(at)
    dimensions = {"InstanceId": "i-12345678901234567"}
    bench.cloud.metrics.put("AWS/EC2", metric, dimensions, at_s, value, visible_at_s=at_s + 330)


def cpu_reason_data(query: str, start: str, value: float) -> str:
    """The guide's reason data, and the evaluatedDatapoints it has had since."""
    document = {
        "version": "1.0",
        "queryDate": f"{query}.000+0000",
        "startDate": f"{start}.000+0000",
        "statistic": "Average",
        "period": 300,
        "recentDatapoints": [value],
        "threshold": 50.0,
        "evaluatedDatapoints": [
            {"timestamp": f"{start}.000+0000", "sampleCount": 1.0, "value": value}
        ],
    }
    return json.dumps(document, separators=(",", ":"))


def without_ids(event: Any) -> Any:
    """The event with its generated ids replaced, after a look at their form."""
    assert UUID.fullmatch(event["id"])
    text = json.dumps(event)
    return json.loads(UUID.sub("UUID", text))


def test_single_metric_alarm_as_in_the_guide(make_bench: MakeBench) -> None:
    bench = make_bench(start_s=seconds("2019-10-01 13:46:00"), phase_s=40)
    bench.record_events()
    put_point(bench, "2019-10-01 13:46:00", 0.0666851903306472)
    bench.put("ServerCpuTooHigh", **CPU, TreatMissingData="ignore")
    bench.cloud.run_until(seconds("2019-10-02 17:00:00"))
    put_point(bench, "2019-10-02 16:59:00", 99.50160229693434)
    bench.cloud.run_until(seconds("2019-10-02 17:05:00"))
    event = bench.events("CloudWatch Alarm State Change", "ServerCpuTooHigh")[-1]
    before = cpu_reason_data("2019-10-01T13:51:40", "2019-10-01T13:46:00", 0.0666851903306472)
    now = cpu_reason_data("2019-10-02T17:04:40", "2019-10-02T16:59:00", 99.50160229693434)
    assert without_ids(event) == {
        "version": "0",
        "id": "UUID",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2019-10-02T17:04:40Z",
        "region": "us-east-1",
        "resources": [arn_of("ServerCpuTooHigh")],
        "detail": {
            "alarmName": "ServerCpuTooHigh",
            "configuration": {"description": CPU["AlarmDescription"], "metrics": [CPU_METRIC]},
            "previousState": {
                "reason": "Threshold Crossed: 1 out of the last 1 datapoints [0.0666851903306472 "
                "(01/10/19 13:46:00)] was not greater than the threshold (50.0) (minimum 1 "
                "datapoint for ALARM -> OK transition).",
                "reasonData": before,
                "timestamp": "2019-10-01T13:51:40.000+0000",
                "value": "OK",
            },
            "state": {
                "reason": "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 "
                "(02/10/19 16:59:00)] was greater than the threshold (50.0) (minimum 1 datapoint "
                "for OK -> ALARM transition).",
                "reasonData": now,
                "timestamp": "2019-10-02T17:04:40.000+0000",
                "value": "ALARM",
            },
        },
    }


def traffic(query_id: str, name: str) -> dict[str, Any]:
    metric = {"Namespace": "AWS/EC2", "MetricName": name, "Dimensions": INSTANCE}
    stat = {"Metric": metric, "Period": 300, "Stat": "Maximum"}
    return {"Id": query_id, "MetricStat": stat, "ReturnData": False}


def shown_traffic(query_id: str, name: str) -> dict[str, Any]:
    metric = {
        "dimensions": {"InstanceId": "i-12345678901234567"},
        "name": name,
        "namespace": "AWS/EC2",
    }
    stat = {"metric": metric, "period": 300, "stat": "Maximum"}
    return {"id": query_id, "metricStat": stat, "returnData": False}


def test_metric_math_alarm_as_in_the_guide(make_bench: MakeBench) -> None:
    bench = make_bench(start_s=seconds("2019-10-02 17:20:03"), phase_s=48)
    bench.record_events()
    put_point(bench, "2019-10-02 17:10:00", 628.0, "NetworkIn")
    put_point(bench, "2019-10-02 17:10:00", 45000.0, "NetworkOut")
    total = {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "Total Network Traffic"}
    bench.put_query(
        "TotalNetworkTrafficTooHigh",
        [total, traffic("m1", "NetworkIn"), traffic("m2", "NetworkOut")],
        AlarmDescription="Goes into alarm if total network traffic exceeds 10Kb",
        Threshold=10000.0,
    )
    bench.cloud.run_for(60)
    event = bench.events("CloudWatch Alarm State Change")[-1]
    state = event["detail"].pop("state")
    assert json.loads(state.pop("reasonData")) == {
        "version": "1.0",
        "queryDate": "2019-10-02T17:20:48.000+0000",
        "startDate": "2019-10-02T17:10:00.000+0000",
        "period": 300,
        "recentDatapoints": [45628.0],
        "threshold": 10000.0,
        "evaluatedDatapoints": [{"timestamp": "2019-10-02T17:10:00.000+0000", "value": 45628.0}],
    }
    assert state == {
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints [45628.0 (02/10/19 17:10:00)] "
        "was greater than the threshold (10000.0) (minimum 1 datapoint for OK -> ALARM "
        "transition).",
        "timestamp": "2019-10-02T17:20:48.000+0000",
        "value": "ALARM",
    }
    assert event["detail"] == {
        "alarmName": "TotalNetworkTrafficTooHigh",
        "configuration": {
            "description": "Goes into alarm if total network traffic exceeds 10Kb",
            "metrics": [
                {
                    "expression": "SUM(METRICS())",
                    "id": "e1",
                    "label": "Total Network Traffic",
                    "returnData": True,
                },
                shown_traffic("m1", "NetworkIn"),
                shown_traffic("m2", "NetworkOut"),
            ],
        },
        "previousState": {
            "reason": "Unchecked: Initial alarm creation",
            "timestamp": "2019-10-02T17:20:03.000+0000",
            "value": "INSUFFICIENT_DATA",
        },
    }


WRITES = (
    'SELECT AVG(ConsumedWriteCapacityUnits) FROM "AWS/DynamoDB" GROUP BY TableName '
    "ORDER BY MAX() DESC"
)


def test_multi_time_series_alarm_as_in_the_guide(make_bench: MakeBench) -> None:
    bench = make_bench(start_s=seconds("2025-12-01 13:40:50"), phase_s=4)
    bench.record_events()
    at_s = seconds("2025-12-01 13:41:00")
    for number in range(6):
        table = {"TableName": f"example-{number}"}
        bench.cloud.metrics.put("AWS/DynamoDB", "ConsumedWriteCapacityUnits", table, at_s, 0.0)
    description = "Metrics Insights alarm for DynamoDB ConsumedWriteCapacity per TableName"
    bench.put_query(
        "DynamoDBInsightsAlarm",
        [{"Id": "m1", "Expression": WRITES, "Period": 60, "ReturnData": True}],
        AlarmDescription=description,
        ComparisonOperator="LessThanThreshold",
        Threshold=1.0,
        DatapointsToAlarm=None,
        TreatMissingData="ignore",
    )
    bench.cloud.run_until(seconds("2025-12-01 13:42:05"))
    configuration = {
        "metrics": [{"id": "m1", "expression": WRITES, "returnData": True, "period": 60}],
        "description": description,
    }
    *contributors, alarm = bench.events()[1:]
    assert len(contributors) == 6
    identity = contributors[0]["detail"]["alarmContributor"].pop("id")
    assert re.fullmatch("[0-9a-f]{16}", identity)
    assert without_ids(contributors[0]) == {
        "version": "0",
        "id": "UUID",
        "detail-type": "CloudWatch Alarm Contributor State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2025-12-01T13:42:04Z",
        "region": "us-east-1",
        "resources": [arn_of("DynamoDBInsightsAlarm")],
        "detail": {
            "alarmName": "DynamoDBInsightsAlarm",
            "alarmContributor": {"attributes": {"TableName": "example-0"}},
            "state": {
                "value": "ALARM",
                "reason": "Threshold Crossed: 1 datapoint was less than the threshold (1.0). The "
                "most recent datapoint which crossed the threshold: [0.0 (01/12/25 13:41:00)].",
                "timestamp": "2025-12-01T13:42:04.000+0000",
            },
            "configuration": configuration,
        },
    }
    assert alarm["detail-type"] == "CloudWatch Alarm State Change"
    # The guide's sample omits reasonData here; real events have it, with nothing of interest.
    assert json.loads(alarm["detail"]["state"].pop("reasonData")).keys() == {"version", "queryDate"}
    assert alarm["detail"]["state"] == {
        "value": "ALARM",
        "reason": "6 out of 6 time series evaluated to ALARM",
        "timestamp": "2025-12-01T13:42:04.000+0000",
    }
    assert alarm["detail"]["configuration"] == configuration
    assert alarm["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"


def test_composite_alarm_as_in_the_guide(bench: Bench) -> None:
    for name in ("ServerCpuTooHigh", "TotalNetworkTrafficTooHigh", "ServiceMaintenanceAlarm"):
        bench.put(name, TreatMissingData="ignore")
        bench.set("OK", name)
    rule = "ALARM(ServerCpuTooHigh) OR ALARM(TotalNetworkTrafficTooHigh)"
    with bench.cloud.alarms.unmetered():
        bench.cloudwatch.put_composite_alarm(
            AlarmName="ServiceAggregatedAlarm",
            AlarmRule=rule,
            ActionsSuppressor="ServiceMaintenanceAlarm",
            ActionsSuppressorWaitPeriod=120,
            ActionsSuppressorExtensionPeriod=180,
        )
    bench.cloud.run_for(200)
    bench.record_events()
    bench.set("ALARM", "ServerCpuTooHigh")
    bench.cloud.run_for(1)
    event = bench.events(alarm="ServiceAggregatedAlarm")[-1]
    cpu = arn_of("ServerCpuTooHigh")
    assert event["detail"]["state"] == {
        "actionsSuppressedBy": "WaitPeriod",
        "actionsSuppressedReason": "Actions suppressed by WaitPeriod",
        "value": "ALARM",
        "reason": f"{cpu} transitioned to ALARM at Monday 01 June, 2026 09:03:20 UTC",
        "reasonData": '{"triggeringAlarms":[{"arn":"' + cpu + '","state":{"value":"ALARM",'
        '"timestamp":"2026-06-01T09:03:20.000+0000"}}]}',
        "timestamp": "2026-06-01T09:03:20.000+0000",
    }
    assert event["detail"]["configuration"] == {
        "alarmRule": rule,
        "actionsSuppressor": "ServiceMaintenanceAlarm",
        "actionsSuppressorWaitPeriod": 120,
        "actionsSuppressorExtensionPeriod": 180,
    }


# -- configuration changes ------------------------------------------------------------------------


def configured(threshold: float, at: str, **more: Any) -> dict[str, Any]:
    return {
        "evaluationPeriods": 1,
        "datapointsToAlarm": 1,
        "threshold": threshold,
        "comparisonOperator": "GreaterThanThreshold",
        "treatMissingData": "ignore",
        "metrics": [CPU_METRIC],
        "alarmName": "ServerCpuTooHigh",
        "description": "Goes into alarm when server CPU utilization is too high!",
        "actionsEnabled": True,
        "timestamp": f"2026-06-01T{at}.000+0000",
        "okActions": [],
        "alarmActions": [],
        "insufficientDataActions": [],
        **more,
    }


def test_created_updated_switched_off_and_deleted(bench: Bench) -> None:
    bench.record_events()
    name = "ServerCpuTooHigh"
    bench.put(name, **CPU, TreatMissingData="ignore", Threshold=70.0)
    bench.cloud.run_for(5)
    bench.put(name, **CPU, TreatMissingData="ignore", Threshold=80.0)
    bench.cloud.run_for(5)
    bench.cloudwatch.disable_alarm_actions(AlarmNames=[name])
    bench.cloud.run_for(5)
    bench.cloudwatch.delete_alarms(AlarmNames=[name])
    bench.cloud.run_for(1)
    events = bench.events("CloudWatch Alarm Configuration Change")
    for event in events:
        assert event["resources"] == [arn_of(name)]
        assert event["detail"].pop("alarmName") == name
        assert event["detail"].pop("state") == {
            "value": "INSUFFICIENT_DATA",
            "timestamp": "2026-06-01T09:00:00.000+0000",
        }
    first, second = configured(70, "09:00:00"), configured(80, "09:00:05")
    third = configured(80, "09:00:10", actionsEnabled=False)
    assert [without_ids(event)["detail"] for event in events] == [
        {"operation": "create", "configuration": first},
        {"operation": "update", "configuration": second, "previousConfiguration": first},
        {"operation": "update", "configuration": third, "previousConfiguration": second},
        {"operation": "delete", "configuration": third},
    ]
    metric_ids = [event["detail"]["configuration"]["metrics"][0]["id"] for event in events]
    assert metric_ids[0] != metric_ids[1], "a new configuration has a new id"
    assert metric_ids[1] == metric_ids[2] == metric_ids[3], "a switch has not"


def test_composite_configuration(bench: Bench) -> None:
    bench.record_events()
    bench.cloudwatch.put_composite_alarm(
        AlarmName="both", AlarmRule="FALSE", AlarmDescription="Aggregated monitor for instance"
    )
    bench.cloud.run_for(1)
    event = bench.events("CloudWatch Alarm Configuration Change")[0]
    assert event["detail"] == {
        "alarmName": "both",
        "operation": "create",
        "state": {"value": "INSUFFICIENT_DATA", "timestamp": "2026-06-01T09:00:00.000+0000"},
        "configuration": {
            "alarmRule": "FALSE",
            "alarmName": "both",
            "description": "Aggregated monitor for instance",
            "actionsEnabled": True,
            "timestamp": "2026-06-01T09:00:00.000+0000",
            "okActions": [],
            "alarmActions": [],
            "insufficientDataActions": [],
        },
    }


# -- when events are sent -------------------------------------------------------------------------


def test_only_transitions_are_told(bench: Bench) -> None:
    bench.record_events()
    bench.put(TreatMissingData="breaching")
    bench.cloud.run_for(3600)
    assert len(bench.events("CloudWatch Alarm State Change")) == 1


def test_setting_the_state_it_is_in_is_no_transition(bench: Bench) -> None:
    bench.record_events()
    bench.put()
    bench.set("ALARM", reason="seen", StateReasonData='{"x": 1}')
    bench.set("ALARM", reason="seen again")
    bench.cloud.run_for(1)
    (event,) = bench.events("CloudWatch Alarm State Change")
    assert event["detail"]["state"]["reason"] == "seen"
    assert event["detail"]["state"]["reasonData"] == '{"x": 1}'
    assert bench.alarm()["StateReason"] == "seen"


def test_events_are_sent_while_actions_are_off(bench: Bench) -> None:
    bench.record_events()
    topic = bench.topic()
    bench.put(AlarmActions=[topic], ActionsEnabled=False, TreatMissingData="breaching")
    bench.cloud.run_for(PHASE_S + 1)
    assert bench.events("CloudWatch Alarm State Change")
    assert bench.notifications() == []
    bench.cloudwatch.enable_alarm_actions(AlarmNames=["probe"])
    bench.cloud.run_for(120)
    assert bench.notifications() == [], "what was missed is not made up for"


@pytest.mark.parametrize("fraction", [0.0, 0.125])
def test_times_are_to_the_millisecond(make_bench: MakeBench, fraction: float) -> None:
    bench = make_bench()
    bench.record_events()
    bench.cloud.run_until(T0 + 1 + fraction)
    bench.put()
    bench.cloud.run_for(1)
    (event,) = bench.events()
    stamp = f"2026-06-01T09:00:01.{round(fraction * 1000):03}+0000"
    assert event["detail"]["configuration"]["timestamp"] == stamp
    assert event["time"] == "2026-06-01T09:00:01Z"
