"""The alarm API: lists, deleting, switching, tags, history, quotas."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config

from tests.contract.alarms.bench import ALARM, Bench, arn_of, refused
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench
from tests.contract.alarms.test_definition import POLICY, TOPIC, grouped

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
