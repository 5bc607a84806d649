"""The alarm API: what is accepted, what is kept, what is listed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.alarms.bench import ALARM, Bench, arn_of, refused
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench

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


# -- lists ----------------------------------------------------------------------------------------


@pytest.fixture
def many(bench: Bench) -> Bench:
    """Alarms a-1 (in ALARM), a-2, b-1 and a composite one, a-all."""
    bench.put("a-1", AlarmActions=[TOPIC])
    bench.put("a-2", MetricName="Other", Dimensions=[{"Name": "A", "Value": "1"}])
    bench.put("b-1", OKActions=[POLICY])
    bench.set("ALARM", "a-1")
    with bench.cloud.alarms.unmetered():
        bench.cloudwatch.put_composite_alarm(
            AlarmName="a-all", AlarmRule=f"ALARM(a-1) AND OK({arn_of('b-1')})"
        )
    return bench


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["a-1", "a-2", "b-1"]),
        ({"AlarmNamePrefix": "a-"}, ["a-1", "a-2"]),
        ({"AlarmNames": ["b-1", "ghost", "b-1"]}, ["b-1"]),
        ({"AlarmNames": ["a-all"]}, []),
        ({"AlarmTypes": ["CompositeAlarm"]}, ["a-all"]),
        (
            {"AlarmTypes": ["CompositeAlarm", "MetricAlarm"], "AlarmNamePrefix": "a"},
            ["a-all", "a-1", "a-2"],
        ),
        ({"StateValue": "ALARM"}, ["a-1"]),
        ({"StateValue": "OK"}, []),
        ({"ActionPrefix": "arn:aws:sns:"}, ["a-1"]),
        ({"ActionPrefix": "arn:aws:autoscaling:"}, ["b-1"]),
        ({"ChildrenOfAlarmName": "a-all"}, ["a-1", "b-1"]),
        ({"ParentsOfAlarmName": "b-1"}, ["a-all"]),
        ({"ParentsOfAlarmName": "a-2"}, []),
    ],
)
def test_filters(many: Bench, asked: dict[str, Any], expected: list[str]) -> None:
    answer = many.cloudwatch.describe_alarms(**asked)
    found = answer["CompositeAlarms"] + answer["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == expected
    assert "NextToken" not in answer


def test_relations_go_with_no_other_filter(many: Bench) -> None:
    code, _ = refused(
        many.cloudwatch.describe_alarms, ChildrenOfAlarmName="a-all", AlarmNamePrefix="a"
    )
    assert code == "InvalidParameterCombination"


def test_pages_survive_alarms_that_go_meanwhile(bench: Bench) -> None:
    names = [f"alarm-{number:03}" for number in range(120)]
    for name in names:
        bench.put(name)
    with bench.cloud.alarms.unmetered():
        first = bench.cloudwatch.describe_alarms()
        assert len(first["MetricAlarms"]) == 50
        bench.cloudwatch.delete_alarms(AlarmNames=names[:50])
        seen = [alarm["AlarmName"] for alarm in first["MetricAlarms"]]
        token = first["NextToken"]
        while token:
            page = bench.cloudwatch.describe_alarms(NextToken=token)
            seen += [alarm["AlarmName"] for alarm in page["MetricAlarms"]]
            token = page.get("NextToken")
        assert seen == names
        assert len(bench.cloudwatch.describe_alarms(MaxRecords=7)["MetricAlarms"]) == 7
        for wrong in ("nonsense", first["NextToken"]):
            asked = {"NextToken": wrong, "AlarmNamePrefix": "alarm"}
            assert refused(bench.cloudwatch.describe_alarms, **asked)[0] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["a-1", "b-1"]),
        ({"MetricName": "Other"}, []),
        ({"MetricName": "Other", "Dimensions": [{"Name": "A", "Value": "1"}]}, ["a-2"]),
        ({"Statistic": "Average", "Period": 60}, ["a-1", "b-1"]),
        ({"Statistic": "Sum"}, []),
        ({"Unit": "Count"}, []),
    ],
)
def test_alarms_for_a_metric(many: Bench, asked: dict[str, Any], expected: list[str]) -> None:
    asked = {"Namespace": "Probe", "MetricName": "Signal", **asked}
    found = many.cloudwatch.describe_alarms_for_metric(**asked)["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == expected


# -- deleting, switching, tags --------------------------------------------------------------------


def test_deleting(many: Bench) -> None:
    client = many.cloudwatch
    with many.cloud.alarms.unmetered():
        code, message = refused(client.delete_alarms, AlarmNames=["a-2", "a-1"])
        assert code == "ValidationError"
        assert message == "Cannot delete a-1 as there are composite alarm(s) depending on it."
        assert many.state("a-2") == "INSUFFICIENT_DATA", "nothing was deleted"
        client.delete_alarms(AlarmNames=["a-2", "ghost"])
        client.delete_alarms(AlarmNames=["a-all"])
        client.delete_alarms(AlarmNames=["a-1", "b-1"])
        assert client.describe_alarms()["MetricAlarms"] == []
        client.delete_alarms(AlarmNames=["a-1"])
        client.put_composite_alarm(AlarmName="c1", AlarmRule="FALSE")
        client.put_composite_alarm(AlarmName="c2", AlarmRule="FALSE")
        assert refused(client.delete_alarms, AlarmNames=["c1", "c2"])[0] == "ValidationError"


def test_a_deleted_alarm_is_not_evaluated_and_a_new_one_starts_afresh(bench: Bench) -> None:
    bench.put(TreatMissingData="breaching", Tags=[{"Key": "k", "Value": "v"}])
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == "ALARM"
    bench.cloudwatch.delete_alarms(AlarmNames=["probe"])
    evaluated = bench.cloud.alarms.evaluations
    bench.cloud.run_for(300)
    assert bench.cloud.alarms.evaluations == evaluated
    summaries = [item["HistorySummary"] for item in bench.history()]
    assert summaries[-1] == 'Alarm "probe" deleted', "history outlives the alarm"
    bench.put()
    assert bench.state() == "INSUFFICIENT_DATA"
    tags = bench.cloudwatch.list_tags_for_resource(ResourceARN=arn_of("probe"))["Tags"]
    assert tags == []


def test_actions_are_switched_for_those_that_exist(many: Bench) -> None:
    many.cloudwatch.disable_alarm_actions(AlarmNames=["a-1", "ghost", "a-all"])
    switched = ("a-1", "a-2", "a-all")
    assert [many.alarm(n)["ActionsEnabled"] for n in switched] == [False, True, False]
    many.cloudwatch.enable_alarm_actions(AlarmNames=["a-1"])
    assert many.alarm("a-1")["ActionsEnabled"] is True


def test_tags(bench: Bench) -> None:
    client, arn = bench.cloudwatch, arn_of("probe")
    bench.put(Tags=[{"Key": "a", "Value": "1"}])
    client.tag_resource(
        ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    )
    reserved = [{"Key": "c", "Value": ""}, {"Key": "AWS:x", "Value": ""}]
    assert refused(client.tag_resource, ResourceARN=arn, Tags=reserved)[0] == "AccessDenied"
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "a", "Value": "2"},
        {"Key": "b", "Value": ""},
    ]
    client.untag_resource(ResourceARN=arn, TagKeys=["a", "never"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": ""}]
    for call, more in (
        (client.list_tags_for_resource, {}),
        (client.tag_resource, {"Tags": [{"Key": "k", "Value": "v"}]}),
        (client.untag_resource, {"TagKeys": ["k"]}),
    ):
        code, _ = refused(call, ResourceARN=arn_of("ghost"), **more)
        assert code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("tags", "code", "text"),
    [
        (
            [{"Key": "aws:x", "Value": "1"}],
            "AccessDenied",
            'must not start with any case of "aws:"',
        ),
        ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "ValidationError", "at most 50 tags"),
    ],
)
def test_an_alarm_is_not_created_with_wrong_tags(
    bench: Bench, tags: list[dict[str, str]], code: str, text: str
) -> None:
    got, message = refused(bench.put, Tags=tags)
    assert got == code
    assert text in message
    assert bench.cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_set_alarm_state_refuses(bench: Bench) -> None:
    client = bench.cloudwatch
    bench.put()
    code, _ = refused(client.set_alarm_state, AlarmName="ghost", StateValue="OK", StateReason="-")
    assert code == "ResourceNotFound"
    given = {"AlarmName": "probe", "StateValue": "ALARM", "StateReason": "-"}
    assert refused(client.set_alarm_state, **given, StateReasonData='{"a":')[0] == "InvalidFormat"
    assert bench.state() == "INSUFFICIENT_DATA"


# -- history --------------------------------------------------------------------------------------


def test_history_of_an_alarm(bench: Bench) -> None:
    bench.put()
    bench.set("ALARM", reason="seen", StateReasonData='{"a":1}')
    bench.set("ALARM", reason="seen again")
    bench.cloud.run_for(60)
    bench.put(Threshold=3.0)
    kinds = [(item["HistoryItemType"], item["HistorySummary"]) for item in bench.history()]
    assert kinds == [
        ("ConfigurationUpdate", 'Alarm "probe" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("StateUpdate", "Alarm updated from ALARM to INSUFFICIENT_DATA"),
        ("ConfigurationUpdate", 'Alarm "probe" updated'),
    ]
    assert bench.changes()[0].data == {"a": 1}
    client = bench.cloudwatch
    newest = client.describe_alarm_history(AlarmName="probe", MaxRecords=1)
    assert newest["AlarmHistoryItems"][0]["HistorySummary"] == 'Alarm "probe" updated'
    rest = client.describe_alarm_history(AlarmName="probe", NextToken=newest["NextToken"])
    assert len(rest["AlarmHistoryItems"]) == 3
    early = client.describe_alarm_history(StartDate=T0 - 60, EndDate=T0 + 1)
    assert len(early["AlarmHistoryItems"]) == 2
    assert client.describe_alarm_history(AlarmName="ghost")["AlarmHistoryItems"] == []


def test_history_is_forgotten_after_thirty_days(make_bench: MakeBench) -> None:
    bench = make_bench(repeat_autoscaling_s=None)
    bench.put(Period=86_400, EvaluationPeriods=7, TreatMissingData="ignore")
    bench.cloud.run_for(31 * 86_400)
    bench.put("other")
    assert bench.history("probe") == []
    assert len(bench.history("other")) == 1


# -- quotas ---------------------------------------------------------------------------------------


def put_times(bench: Bench, count: int) -> list[str]:
    """Codes of `count` puts of different alarms at once; "" for the ones that went through."""
    from botocore.config import Config

    client = bench.cloud.client("cloudwatch", config=Config(retries={"total_max_attempts": 1}))
    codes = []
    for number in range(count):
        try:
            client.put_metric_alarm(AlarmName=f"alarm-{number}", **ALARM)
            codes.append("")
        except client.exceptions.ClientError as error:
            codes.append(error.response["Error"]["Code"])
    return codes


def test_three_puts_a_second(bench: Bench) -> None:
    assert put_times(bench, 4) == ["", "", "", "Throttling"]
    bench.cloud.run_for(1)
    assert put_times(bench, 4) == ["", "", "", "Throttling"]
    with bench.cloud.alarms.unmetered():
        assert put_times(bench, 10) == [""] * 10


def test_the_quota_can_be_switched_off(make_bench: MakeBench) -> None:
    assert put_times(make_bench(throttle=False), 10) == [""] * 10


def test_throttled_calls_are_counted(bench: Bench) -> None:
    put_times(bench, 5)
    gate = bench.cloud.service("cloudwatch").gate  # type: ignore[attr-defined]
    assert gate.calls["PutMetricAlarm"] == 5
    assert gate.throttled["PutMetricAlarm"] == 2


def test_how_many_alarms_there_can_be(make_bench: MakeBench) -> None:
    bench = make_bench(max_alarms=3, max_insights_alarms=1)
    bench.put("query", **grouped())
    bench.put("one")
    assert refused(bench.put, name="second", **grouped())[0] == "LimitExceeded"
    bench.put("query", **grouped(Threshold=2.0))
    bench.put("two")
    assert refused(bench.put, name="three")[0] == "LimitExceeded"
    bench.put("two", Threshold=2.0)
