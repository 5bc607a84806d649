"""The alarm API: what is accepted, what is kept, what is listed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.alarms.bench import ALARM, Bench, arn_of, refused
from tests.contract.alarms.conftest import T0

TOPIC = "arn:aws:sns:us-east-1:123456789012:people"
POLICY = (
    "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:0f0e:resource/sagemaker/"
    "inference-component/code:policyName/up"
)
SINGLE = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))


def metric(query_id: str = "m1", **changes: Any) -> dict[str, Any]:
    stat = {
        "Metric": {"Namespace": "Probe", "MetricName": "Signal"},
        "Period": 60,
        "Stat": "Sum",
        **changes,
    }
    return {"Id": query_id, "MetricStat": stat, "ReturnData": False}


def grouped(**changes: Any) -> dict[str, Any]:
    text = 'SELECT SUM(Signal) FROM "Probe" GROUP BY Team ORDER BY SUM() DESC'
    return {**SINGLE, "Metrics": [{"Id": "q", "Expression": text, "Period": 60}], **changes}


def on(*queries: dict[str, Any]) -> dict[str, Any]:
    return {**SINGLE, "Metrics": list(queries)}


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        # what is needed, and what does not go together
        ({"Threshold": None}, "ValidationError", "Threshold is required"),
        ({"EvaluationPeriods": None}, "ValidationError", "EvaluationPeriods is required"),
        ({"ComparisonOperator": None}, "ValidationError", "ComparisonOperator is required"),
        ({"Namespace": None}, "ValidationError", "Namespace is required"),
        ({"Period": None}, "ValidationError", "Period is required"),
        ({"Statistic": None}, "ValidationError", "Either Statistic or ExtendedStatistic"),
        (
            {"ExtendedStatistic": "p90"},
            "ValidationError",
            "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic "
            "parameters. Only one of them should be present",
        ),
        (
            {"Statistic": None, "ExtendedStatistic": "p101"},
            "InvalidParameterValue",
            "The value p101 for parameter ExtendedStatistic is not supported.",
        ),
        ({"Metrics": [metric()]}, "ValidationError", "should not be set if list of Metrics is set"),
        # periods and windows
        ({"Period": 5}, "ValidationError", "Period must be 10, 20, 30 or a multiple of 60"),
        ({"Period": 90}, "ValidationError", "Period must be 10, 20, 30 or a multiple of 60"),
        (
            {"Period": 300, "EvaluationPeriods": 289},
            "ValidationError",
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be "
            "<= 86400) for alarms using period < 3600",
        ),
        (
            {"Period": 86_400, "EvaluationPeriods": 8},
            "ValidationError",
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be "
            "<= 604800) for alarms using period >= 3600",
        ),
        ({"DatapointsToAlarm": 2}, "ValidationError", "less than or equal to EvaluationPeriods"),
        # values
        ({"TreatMissingData": "ignored"}, "ValidationError", "TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "ValidationError", "on a percentile"),
        ({"ComparisonOperator": "LessThan"}, "ValidationError", "enum value set"),
        (
            {"ComparisonOperator": "GreaterThanUpperThreshold"},
            "ValidationError",
            "is for anomaly detection, not supported here",
        ),
        ({"Dimensions": [{"Name": "A", "Value": v} for v in "12"]}, "ValidationError", "twice"),
        ({"AlarmActions": ["not-an-arn"]}, "ValidationError", "Invalid arn syntax: not-an-arn"),
        ({"AlarmActions": [TOPIC] * 6}, "ValidationError", "length less than or equal to 5"),
        ({"AlarmDescription": "x" * 1025}, "ValidationError", "length less than or equal to 1024"),
        # expressions
        (on(metric(), metric("m2")), "ValidationError", "Exactly one element of the metrics list"),
        (
            on(metric(), {"Id": "e1", "Expression": "m1 +"}),
            "ValidationError",
            "Error in expression 'e1': Syntax error",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "m9 + 1"}),
            "ValidationError",
            "'m9' is not the id of a metric",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "e1 + m1"}),
            "ValidationError",
            "'e1' refers to itself",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "AVG(m1)"}),
            "ValidationError",
            "is a number, an alarm watches a time series",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "METRICS() * 2"}),
            "ValidationError",
            "Metrics expression that return multi time series are only allowed for "
            "MetricsInsights expression with an ORDER BY clause",
        ),
        (
            on(metric(), metric("m2", Period=300), {"Id": "e1", "Expression": "m1 + m2"}),
            "ValidationError",
            "must have the same period",
        ),
        (
            on(
                *(metric(f"m{n}") for n in range(11)),
                {"Id": "e1", "Expression": "SUM(METRICS())"},
            ),
            "ValidationError",
            "at most 10 metrics",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "m1 + SEARCH('{Probe}', 'Sum', 60)"}),
            "ValidationError",
            "The function SEARCH is not supported",
        ),
        (
            on(metric(), {"Id": "e1", "Expression": "FILL(m1)"}),
            "ValidationError",
            "FILL takes 2 arguments, not 1",
        ),
        (
            on(metric(Stat="p101"), {"Id": "e1", "Expression": "m1 + 1"}),
            "InvalidParameterValue",
            "p101",
        ),
        # queries
        (
            on({"Id": "q", "Expression": "SELECT SUM(Signal) FROM Probe", "Period": 30}),
            "ValidationError",
            "at least 60 seconds",
        ),
        (
            grouped(EvaluationPeriods=181),
            "ValidationError",
            "three hours (EvaluationPeriods * Period must be <= 10800)",
        ),
        (
            on(
                {
                    "Id": "q",
                    "Expression": "SELECT SUM(Signal) FROM Probe GROUP BY Team",
                    "Period": 60,
                }
            ),
            "ValidationError",
            "with an ORDER BY clause",
        ),
        (
            grouped(AlarmActions=[POLICY]),
            "ValidationError",
            "Autoscaling actions are not available for Multi Time Series alarms",
        ),
        (
            grouped(InsufficientDataActions=[TOPIC]),
            "ValidationError",
            "InsufficientData actions are not supported for contributor-level action types in "
            "Multi Time Series alarms",
        ),
        # not here
        ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}}, "ValidationError", "not"),
        ({"ThresholdMetricId": "t1"}, "ValidationError", "is not supported by the local cloud"),
        (
            {"EvaluationWindow": {"WallClockWindow": {}}},
            "ValidationError",
            "is not supported by the local cloud",
        ),
    ],
)
def test_alarms_that_are_refused(
    bench: Bench, changes: dict[str, Any], code: str, text: str
) -> None:
    bench.put("kept")
    got, message = refused(bench.put, name="kept", **changes)
    assert got == code
    assert text in message
    assert bench.alarm("kept")["Threshold"] == ALARM["Threshold"], "the old one is as it was"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Period": 10}, id="ten seconds"),
        pytest.param({"Period": 20}, id="twenty seconds"),
        pytest.param({"Period": 300, "EvaluationPeriods": 288}, id="a day of minutes"),
        pytest.param({"Period": 86_400, "EvaluationPeriods": 7}, id="a week of days"),
        pytest.param(grouped(EvaluationPeriods=180, DatapointsToAlarm=1), id="three hours"),
        pytest.param(grouped(AlarmActions=[TOPIC], OKActions=[TOPIC]), id="grouped, to a topic"),
        pytest.param({"AlarmActions": [POLICY] * 5}, id="five actions"),
        pytest.param({"EvaluationWindow": {"SlidingWindow": {}}}, id="the default window"),
        pytest.param(
            on(
                *(metric(f"m{n}") for n in range(10)),
                {"Id": "e1", "Expression": "SUM(METRICS())", "Label": "all"},
            ),
            id="ten metrics",
        ),
    ],
)
def test_alarms_that_are_accepted(bench: Bench, changes: dict[str, Any]) -> None:
    bench.put(**changes)
    bench.cloud.run_for(120)
    assert bench.state() in ("OK", "ALARM", "INSUFFICIENT_DATA")


def test_the_request_may_have_120_kb(bench: Bench) -> None:
    long = [{"Name": f"d{n}", "Value": "x" * 1024} for n in range(30)]
    queries = [
        metric(f"m{n}", Metric={"Namespace": "P", "MetricName": "S", "Dimensions": long})
        for n in range(4)
    ]
    code, message = refused(
        bench.put_query, name="probe", queries=[*queries, {"Id": "e1", "Expression": "m1 + m2"}]
    )
    assert (code, "120 KB" in message) == ("ValidationError", True)
    bench.put_query("probe", [*queries[:3], {"Id": "e1", "Expression": "m1 + m2"}])


def test_a_put_replaces_the_whole_configuration_and_keeps_the_state(bench: Bench) -> None:
    bench.put(
        AlarmDescription="first",
        AlarmActions=[TOPIC],
        Unit="Count",
        TreatMissingData="breaching",
        Tags=[{"Key": "owner", "Value": "us"}],
    )
    bench.set("ALARM", reason="seen")
    bench.cloud.run_for(5)
    bench.put(Threshold=7.0, Tags=[{"Key": "owner", "Value": "them"}])
    alarm = bench.alarm()
    assert (alarm["StateValue"], alarm["StateReason"]) == ("ALARM", "seen")
    assert alarm["Threshold"] == 7.0
    assert (alarm["AlarmActions"], alarm["Dimensions"]) == ([], [])
    assert {"AlarmDescription", "Unit", "TreatMissingData"}.isdisjoint(alarm)
    assert alarm["AlarmConfigurationUpdatedTimestamp"].timestamp() == T0 + 5
    assert alarm["StateUpdatedTimestamp"].timestamp() == T0
    tags = bench.cloudwatch.list_tags_for_resource(ResourceARN=arn_of("probe"))["Tags"]
    assert tags == [{"Key": "owner", "Value": "us"}], "tags of an update are ignored"


def test_the_same_put_again_is_no_update(bench: Bench) -> None:
    bench.record_events()
    bench.put()
    bench.cloud.run_for(5)
    bench.put()
    bench.cloud.run_for(1)
    assert bench.alarm()["AlarmConfigurationUpdatedTimestamp"].timestamp() == T0
    assert len(bench.events("CloudWatch Alarm Configuration Change")) == 1


def test_describe_shows_what_was_put(bench: Bench) -> None:
    queries = [metric(), {"Id": "e1", "Expression": "m1*2", "Label": "twice"}]
    bench.put_query("math", queries)
    alarm = bench.alarm("math")
    assert alarm["Metrics"] == [
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {"Namespace": "Probe", "MetricName": "Signal", "Dimensions": []},
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
        {"Id": "e1", "Expression": "m1*2", "Label": "twice", "ReturnData": True},
    ]
    assert alarm["ActionsEnabled"] is True
    assert {"Period", "Statistic", "EvaluationState"}.isdisjoint(alarm)
