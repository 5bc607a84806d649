"""Alarms on Metrics Insights queries: one time series, or a contributor for each of several."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.alarms import EmptyQuery
from icscaler_localcloud.alarms.insights import Condition, InsightsError, Query, parse
from tests.contract.alarms.bench import Bench, refused
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench

FLEET = (
    'SELECT SUM(NoCapacityInvocationFailures) FROM SCHEMA("AWS/SageMaker", '
    "InferenceComponentName) GROUP BY InferenceComponentName ORDER BY SUM() DESC"
)
TEAMS = 'SELECT MAX(Load) FROM SCHEMA("Probe", Team) GROUP BY Team ORDER BY MAX() DESC'
NO_SERIES = "No time series were returned by the query. Treat missing data is configured as [{}]."


def put(bench: Bench, query: str = TEAMS, name: str = "teams", **changes: Any) -> None:
    given = {"Threshold": 10.0, "TreatMissingData": "notBreaching", **changes}
    bench.put_query(name, [{"Id": "q", "Expression": query, "Period": 60}], **given)


def load(bench: Bench, minute: int = -1, **teams: float) -> None:
    """Publish a minute's load of some teams; minute 0 starts at T0."""
    for team, value in teams.items():
        bench.publish(value, at_s=T0 + 60 * minute, name="Load", dimensions={"Team": team})


def active(bench: Bench, name: str = "teams") -> list[str]:
    return sorted(c["ContributorAttributes"]["Team"] for c in bench.contributors(name))


# -- the language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "SELECT AVG(CPUUtilization) FROM Probe",
            Query("AVG", "CPUUtilization", "Probe", None),
            id="least",
        ),
        pytest.param(
            FLEET + " LIMIT 100",
            Query(
                "SUM",
                "NoCapacityInvocationFailures",
                "AWS/SageMaker",
                frozenset({"InferenceComponentName"}),
                (),
                ("InferenceComponentName",),
                "SUM",
                True,
                100,
            ),
            id="the fleet's",
        ),
        pytest.param(
            'select count("a b") from schema("x/y", "d 1", d2) where "d 1" = \'it\\\'s\' '
            "AND d2 != 'b' group by \"d 1\", d2 order by max() asc limit 500",
            Query(
                "COUNT",
                "a b",
                "x/y",
                frozenset({"d 1", "d2"}),
                (Condition("d 1", "it's", True), Condition("d2", "b", False)),
                ("d 1", "d2"),
                "MAX",
                False,
                500,
            ),
            id="everything",
        ),
        pytest.param(
            "SELECT MIN(m) FROM SCHEMA(ns) ORDER BY AVG()",
            Query("MIN", "m", "ns", frozenset(), order_by="AVG"),
            id="no dimensions",
        ),
    ],
)
def test_queries(text: str, expected: Query) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT", "ends unexpectedly"),
        ("SELECT MEDIAN(m) FROM n", "Unknown function 'MEDIAN'"),
        ("SELECT SUM m FROM n", "Syntax error at 'm FROM n'"),
        ("SELECT SUM(m) IN n", "Syntax error at 'IN n'"),
        ("SELECT SUM(m) FROM n WHERE d > 'x'", "Syntax error at '> 'x''"),
        ("SELECT SUM(m) FROM n WHERE d = x", "Syntax error at 'x'"),
        ("SELECT SUM(m) FROM n WHERE d = 'x' OR e = 'y'", "Syntax error at 'OR e"),
        ("SELECT SUM(m) FROM n GROUP d", "Syntax error at 'd'"),
        ("SELECT SUM(m) FROM n ORDER BY d", "Unknown function 'd'"),
        ("SELECT SUM(m) FROM n LIMIT 0", "LIMIT must be a number from 1 to 500"),
        ("SELECT SUM(m) FROM n LIMIT 501", "LIMIT must be a number from 1 to 500"),
        ("SELECT SUM(m) FROM n LIMIT x", "LIMIT must be a number from 1 to 500"),
        ("SELECT SUM(m) FROM n WHERE tag.team = 'x'", "'tag.team' is not supported"),
        ("SELECT SUM(m) FROM n GROUP BY AWS.AccountId", "'AWS.AccountId' is not supported"),
        ("SELECT SUM(m) FROM n;", "Syntax error at ';'"),
    ],
)
def test_what_is_no_query(bench: Bench, text: str, says: str) -> None:
    with pytest.raises(InsightsError) as error:
        parse(text)
    assert says in str(error.value)
    code, message = refused(put, bench=bench, query=text)
    assert code == "ValidationError"
    assert message.startswith("Error in expression 'q': ")


# -- one time series ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param('SELECT SUM(Load) FROM SCHEMA("Probe", Team)', 60.0, id="sum"),
        pytest.param('SELECT AVG(Load) FROM SCHEMA("Probe", Team)', 20.0, id="average"),
        pytest.param('SELECT MAX(Load) FROM SCHEMA("Probe", Team)', 30.0, id="greatest"),
        pytest.param('SELECT MIN(Load) FROM SCHEMA("Probe", Team)', 10.0, id="least"),
        pytest.param('SELECT COUNT(Load) FROM SCHEMA("Probe", Team)', 3.0, id="samples"),
        pytest.param('SELECT SUM(Load) FROM "Probe"', 560.0, id="any dimensions"),
        pytest.param('SELECT SUM(Load) FROM SCHEMA("Probe", Team, Zone)', 500.0, id="a schema"),
        pytest.param(
            "SELECT SUM(Load) FROM SCHEMA(\"Probe\", Team) WHERE Team != 'a'", 50.0, id="not a"
        ),
        pytest.param(
            "SELECT SUM(Load) FROM \"Probe\" WHERE Team = 'a' AND Zone = 'z'", 500.0, id="both"
        ),
        pytest.param(
            "SELECT SUM(Load) FROM \"Probe\" WHERE Zone != 'z'", 60.0, id="absent is not equal"
        ),
    ],
)
def test_a_query_without_groups_is_one_series(bench: Bench, query: str, expected: float) -> None:
    load(bench, a=10.0, b=20.0, c=30.0)
    bench.publish(500.0, at_s=T0 - 60, name="Load", dimensions={"Team": "a", "Zone": "z"})
    put(bench, query, Threshold=0.0)
    bench.cloud.run_for(PHASE_S)
    (change,) = bench.changes("teams")
    assert change.data["recentDatapoints"] == [expected]
    assert bench.contributors("teams") == []


# -- contributors ---------------------------------------------------------------------------------


def test_each_time_series_goes_its_own_way(bench: Bench) -> None:
    """As observed on AWS: a in ALARM, then both, then only b, then none."""
    bench.record_events()
    put(bench)
    minutes = [{"a": 20.0, "b": 5.0}, {"a": 20.0, "b": 30.0}, {"a": 5.0, "b": 30.0}]
    told = []
    for minute, teams in enumerate([*minutes, {"a": 5.0, "b": 5.0}]):
        load(bench, minute, **teams)
        bench.cloud.run_until(T0 + 60 * (minute + 1) + PHASE_S + 1)
        alarm = bench.alarm("teams")
        told.append((alarm["StateValue"], alarm["StateReason"], active(bench)))
    assert told == [
        ("ALARM", "1 out of 2 time series evaluated to ALARM", ["a"]),
        ("ALARM", "2 out of 2 time series evaluated to ALARM", ["a", "b"]),
        ("ALARM", "1 out of 2 time series evaluated to ALARM", ["b"]),
        ("OK", "2 time series evaluated to OK", []),
    ]
    kinds = [
        (
            event["detail-type"].removeprefix("CloudWatch Alarm "),
            event["detail"].get("alarmContributor", {}).get("attributes", {}).get("Team"),
            event["detail"]["state"]["value"],
        )
        for event in bench.events()[1:]
    ]
    assert kinds == [
        ("State Change", None, "OK"),  # nothing was returned yet
        ("Contributor State Change", "a", "ALARM"),
        ("State Change", None, "ALARM"),
        ("Contributor State Change", "b", "ALARM"),
        ("Contributor State Change", "a", "OK"),
        ("Contributor State Change", "b", "OK"),
        ("State Change", None, "OK"),
    ]


def test_reasons_of_contributors(bench: Bench) -> None:
    put(bench, name="stated", EvaluationPeriods=3, DatapointsToAlarm=2)
    put(bench, name="plain", DatapointsToAlarm=None)
    for minute in (-2, -1):
        load(bench, minute, a=20.0)
    bench.cloud.run_for(PHASE_S)
    (stated,) = bench.contributors("stated")
    assert stated["StateReason"] == (
        "Threshold Crossed: 2 out of the last 3 datapoints were greater than the threshold (10.0) "
        "and 1 missing datapoint was treated as [NonBreaching]. The most recent datapoint which "
        "crossed the threshold: [20.0 (01/06/26 08:59:00)] (minimum 2 datapoints for OK -> ALARM "
        "transition)."
    )
    (plain,) = bench.contributors("plain")
    assert plain["StateReason"] == (
        "Threshold Crossed: 1 datapoint was greater than the threshold (10.0). The most recent "
        "datapoint which crossed the threshold: [20.0 (01/06/26 08:59:00)]."
    )
    assert plain["StateTransitionedTimestamp"].timestamp() == T0 + PHASE_S


def test_a_contributor_is_known_by_its_attributes(bench: Bench) -> None:
    put(bench, name="one")
    put(bench, query=TEAMS + " LIMIT 5", name="two", Threshold=15.0)
    load(bench, a=20.0, b=30.0)
    bench.cloud.run_for(PHASE_S)
    by_alarm = [
        {c["ContributorAttributes"]["Team"]: c["ContributorId"] for c in bench.contributors(name)}
        for name in ("one", "two")
    ]
    assert by_alarm[0] == by_alarm[1]
    assert len(set(by_alarm[0].values())) == 2
    assert all(len(i) == 16 and int(i, 16) >= 0 for i in by_alarm[0].values())


@pytest.mark.parametrize("treat", ["missing", "ignore", "breaching", "notBreaching"])
def test_a_series_that_is_gone_is_ok_whatever_missing_data_means(bench: Bench, treat: str) -> None:
    bench.record_events()
    put(bench, TreatMissingData=treat)
    load(bench, a=20.0, b=20.0)
    for minute in range(10):
        load(bench, minute, b=20.0)
        bench.cloud.run_until(T0 + 60 * minute + 59)
    assert active(bench) == ["b"]
    off = bench.events("CloudWatch Alarm Contributor State Change")[-1]["detail"]
    assert off["alarmContributor"]["attributes"] == {"Team": "a"}
    assert (off["state"]["value"], off["state"]["reason"]) == (
        "OK",
        "No data was returned for this contributor",
    )


@pytest.mark.parametrize(
    ("treat", "expected", "shown"),
    [
        ("missing", "INSUFFICIENT_DATA", "Missing"),
        ("ignore", "ALARM", "Ignore"),
        ("breaching", "ALARM", "Breaching"),
        ("notBreaching", "OK", "NonBreaching"),
    ],
)
def test_an_empty_query_follows_the_treatment_of_missing_data(
    bench: Bench, treat: str, expected: str, shown: str
) -> None:
    put(bench, TreatMissingData=treat)
    bench.set("ALARM", "teams")
    bench.cloud.run_for(PHASE_S)
    alarm = bench.alarm("teams")
    assert (alarm["StateValue"], alarm["StateReason"]) == (expected, NO_SERIES.format(shown))
    assert active(bench) == [], "an alarm can be on without any contributor"


@pytest.mark.parametrize("treat", ["missing", "ignore", "breaching", "notBreaching"])
def test_or_means_insufficient_data_as_documented(make_bench: MakeBench, treat: str) -> None:
    bench = make_bench(empty_query=EmptyQuery.INSUFFICIENT_DATA)
    put(bench, TreatMissingData=treat)
    bench.set("ALARM", "teams")
    bench.cloud.run_for(PHASE_S)
    assert bench.state("teams") == "INSUFFICIENT_DATA"


def test_missing_points_of_a_series_are_filled(bench: Bench) -> None:
    """Two of three periods breach: the one real point and the gaps around it."""
    for treat in ("missing", "breaching", "notBreaching"):
        put(
            bench,
            name=treat,
            TreatMissingData=treat,
            EvaluationPeriods=3,
            DatapointsToAlarm=2,
        )
    load(bench, -1, a=20.0)
    bench.cloud.run_for(PHASE_S)
    assert [active(bench, name) for name in ("missing", "breaching", "notBreaching")] == [
        [],
        ["a"],
        [],
    ]


def test_the_limit_keeps_the_first_in_order(bench: Bench) -> None:
    put(bench, TEAMS + " LIMIT 2")
    load(bench, a=20.0, b=40.0, c=30.0)
    bench.cloud.run_for(PHASE_S)
    assert active(bench) == ["b", "c"]
    assert bench.alarm("teams")["StateReason"] == "2 out of 2 time series evaluated to ALARM"
    load(bench, 0, a=90.0, b=40.0, c=30.0)
    bench.cloud.run_for(60)
    assert active(bench) == ["a", "b"], "c was displaced, which is OK for it"


def test_metrics_without_the_dimension_are_one_group(bench: Bench) -> None:
    put(bench, 'SELECT SUM(Load) FROM "Probe" GROUP BY Team ORDER BY SUM() DESC')
    load(bench, a=20.0)
    for zone in "xy":
        bench.publish(30.0, at_s=T0 - 60, name="Load", dimensions={"Zone": zone})
    bench.cloud.run_for(PHASE_S)
    assert active(bench) == ["Other", "a"]


def test_a_hundred_contributors_are_reported(bench: Bench) -> None:
    put(bench)
    load(bench, **{f"t{number:03}": 20.0 + number for number in range(105)})
    bench.cloud.run_for(PHASE_S)
    assert bench.alarm("teams")["StateReason"] == "100+ time series evaluated to ALARM"
    found = active(bench)
    assert (len(found), found[0]) == (100, "t005"), "those of the highest rank"


def test_more_than_500_series_are_partial_data(bench: Bench) -> None:
    put(bench)
    load(bench, **{f"t{number}": 1.0 for number in range(501)})
    bench.cloud.run_for(PHASE_S)
    alarm = bench.alarm("teams")
    assert alarm["EvaluationState"] == "PARTIAL_DATA"
    assert alarm["StateReason"] == "500 time series evaluated to OK"


def test_contributors_of_other_alarms(bench: Bench) -> None:
    assert refused(bench.cloudwatch.describe_alarm_contributors, AlarmName="ghost")[0] == (
        "ResourceNotFoundException"
    )
    bench.put("plain")
    assert bench.contributors("plain") == []


def test_a_changed_query_drops_contributors_without_a_word_when_it_has_no_groups(
    bench: Bench,
) -> None:
    put(bench)
    load(bench, a=20.0)
    bench.cloud.run_for(PHASE_S + 1)
    assert active(bench) == ["a"]
    bench.record_events()
    put(bench, 'SELECT MAX(Load) FROM SCHEMA("Probe", Team)')
    assert bench.contributors("teams") == []
    bench.cloud.run_for(60)
    assert bench.events("CloudWatch Alarm Contributor State Change") == []


def test_history_tells_contributors_apart(bench: Bench) -> None:
    put(bench)
    load(bench, 0, a=20.0)
    bench.cloud.run_for(60 + PHASE_S)
    load(bench, 1, a=20.0, b=20.0)
    bench.cloud.run_for(60)
    own = bench.history("teams")
    assert [item["HistorySummary"] for item in own] == [
        'Alarm "teams" created',
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        'State Reason changed from "1 out of 1 time series evaluated to ALARM" to "2 out of 2 '
        'time series evaluated to ALARM"',
    ]
    theirs = bench.history("teams", HistoryItemType="AlarmContributorStateUpdate")
    assert [item["AlarmContributorAttributes"] for item in theirs] == [{"Team": "a"}, {"Team": "b"}]
    of_b = bench.history("teams", AlarmContributorId=theirs[1]["AlarmContributorId"])
    assert [item["HistorySummary"] for item in of_b] == ["Contributor state updated to ALARM"]
