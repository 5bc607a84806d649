"""Evaluation on the virtual clock: when, on what, and what comes out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.alarms.bench import Bench
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench


def metric(query_id: str, name: str = "Signal", **changes: Any) -> dict[str, Any]:
    stat = {
        "Metric": {"Namespace": "Probe", "MetricName": name},
        "Period": 60,
        "Stat": "Average",
        **changes,
    }
    return {"Id": query_id, "MetricStat": stat, "ReturnData": False}


def expression(text: str, query_id: str = "e1", **more: Any) -> dict[str, Any]:
    return {"Id": query_id, "Expression": text, **more}


def test_a_new_alarm_knows_nothing(bench: Bench) -> None:
    bench.put()
    alarm = bench.alarm()
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"
    assert "StateReasonData" not in alarm
    assert alarm["StateUpdatedTimestamp"].timestamp() == T0
    assert alarm["StateTransitionedTimestamp"].timestamp() == T0


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_comparisons(bench: Bench, operator: str, below: str, at: str, above: str) -> None:
    for name, value in (("below", 49.5), ("at", 50.0), ("above", 50.5)):
        bench.publish(value, at_s=T0 - 60, name=name)
        bench.put(name, MetricName=name, ComparisonOperator=operator)
    bench.cloud.run_for(PHASE_S)
    assert [bench.state(n) for n in ("below", "at", "above")] == [below, at, above]


@pytest.mark.parametrize(
    ("needed", "periods", "minutes", "expected"),
    [
        # minutes oldest first; X breaches
        pytest.param(3, 3, "XXX", "ALARM", id="all"),
        pytest.param(3, 3, "X0X", "OK", id="not all"),
        pytest.param(2, 4, "X00X", "ALARM", id="apart"),
        pytest.param(2, 4, "XX000X", "OK", id="older ones are out of the window"),
        pytest.param(1, 5, "X0000", "ALARM", id="one in five"),
        pytest.param(1, 1, "X0", "OK", id="only the newest"),
    ],
)
def test_m_out_of_n(bench: Bench, needed: int, periods: int, minutes: str, expected: str) -> None:
    for age, minute in enumerate(reversed(minutes)):
        bench.publish(100.0 if minute == "X" else 0.0, at_s=T0 - 60 * (age + 1))
    bench.put(EvaluationPeriods=periods, DatapointsToAlarm=needed)
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == expected


def test_without_datapoints_to_alarm_all_periods_have_to_breach_and_texts_differ(
    bench: Bench,
) -> None:
    for age, value in enumerate((1.0, 3.0, 2.0)):
        bench.publish(value, at_s=T0 - 60 * (age + 1))
    bench.put(EvaluationPeriods=3, DatapointsToAlarm=None, Threshold=0.0)
    bench.cloud.run_for(PHASE_S)
    bench.publish(0.0, at_s=T0)
    bench.cloud.run_for(60)
    on, off = bench.changes()
    assert on.reason == (
        "Threshold Crossed: 3 datapoints [1.0 (01/06/26 08:59:00), 3.0 (01/06/26 08:58:00), "
        "2.0 (01/06/26 08:57:00)] were greater than the threshold (0.0)."
    )
    assert off.reason == (
        "Threshold Crossed: 1 datapoint [0.0 (01/06/26 09:00:00)] was not greater than the "
        "threshold (0.0)."
    )


@pytest.mark.parametrize(
    ("treat", "reason"),
    [
        (
            "breaching",
            "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints "
            "were treated as [Breaching].",
        ),
        (
            "notBreaching",
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing "
            "datapoints were treated as [NonBreaching].",
        ),
    ],
)
def test_reasons_that_rest_on_missing_data(bench: Bench, treat: str, reason: str) -> None:
    if treat == "breaching":
        bench.publish(0.0, at_s=T0 - 60)
    bench.put(EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData=treat)
    bench.cloud.run_for(PHASE_S)
    (change,) = bench.changes()
    assert change.reason == reason


# -- when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period_s", "periods", "interval_s"),
    [
        pytest.param(10, 1, 10, id="high resolution: every ten seconds"),
        pytest.param(30, 1, 10, id="30 s are high resolution too"),
        pytest.param(60, 1, 60, id="a minute: every minute"),
        pytest.param(300, 3, 60, id="five minutes: still every minute"),
        pytest.param(3600, 48, 3600, id="two days: every hour"),
    ],
)
def test_how_often_alarms_are_evaluated(
    make_bench: MakeBench, period_s: int, periods: int, interval_s: int
) -> None:
    bench = make_bench(phase_s=None)
    bench.put(Period=period_s, EvaluationPeriods=periods, DatapointsToAlarm=1)
    bench.cloud.run_for(interval_s)
    assert bench.cloud.alarms.evaluations == 1
    bench.cloud.run_for(10 * interval_s)
    assert bench.cloud.alarms.evaluations == 11


def test_alarms_keep_a_second_of_their_own(make_bench: MakeBench) -> None:
    bench = make_bench(phase_s=None)
    for number in range(50):
        bench.put(f"alarm-{number}", TreatMissingData="breaching")
    bench.cloud.run_for(60)
    seconds = {bench.changes(f"alarm-{n}")[0].at_s % 60 for n in range(50)}
    assert len(seconds) > 20, "spread over the minute"
    bench.publish(0.0, at_s=T0 + 60)
    for number in range(50):
        (first,) = bench.changes(f"alarm-{number}")
        assert T0 < first.at_s <= T0 + 60
    bench.cloud.run_for(180)
    for number in range(50):
        first, second = bench.changes(f"alarm-{number}")[:2]
        assert (second.at_s - first.at_s) % 60 == 0


def test_five_minutes_slide_by_the_minute(bench: Bench) -> None:
    """User Guide, "Limits": an alarm on five minutes looks at another five each minute."""
    bench.publish(100.0, at_s=T0 + 60)
    bench.put(Period=300, Statistic="Sum", Threshold=99.0, TreatMissingData="notBreaching")
    bench.cloud.run_for(10 * 60)
    on, *_ = [change for change in bench.changes() if change.value == "ALARM"]
    assert on.at_s == T0 + 120 + PHASE_S, "as soon as its minute has ended"
    # The five minutes that end at 09:02.
    assert "[100.0 (01/06/26 08:57:00)]" in on.reason


def test_the_current_period_is_not_evaluated(bench: Bench) -> None:
    bench.put(TreatMissingData="notBreaching")
    bench.cloud.run_for(5)
    bench.publish(100.0)
    bench.cloud.run_until(T0 + 59)
    assert bench.state() == "OK"
    bench.cloud.run_until(T0 + 60 + PHASE_S)
    assert bench.state() == "ALARM"


def test_a_ten_second_alarm_on_a_minute_metric_flaps(bench: Bench) -> None:
    """aws.md trap: five of six periods are missing, and age makes even the sixth go."""
    bench.put(Period=10, EvaluationPeriods=1)
    for minute in range(5):
        bench.publish(0.0, at_s=T0 + 60 * minute)
        bench.cloud.run_until(T0 + 60 * (minute + 1))
    values = [change.value for change in bench.changes()]
    assert values.count("INSUFFICIENT_DATA") >= 3


def test_after_set_alarm_state_the_next_evaluation_puts_it_right(bench: Bench) -> None:
    bench.publish(0.0, at_s=T0 - 60)
    bench.put()
    bench.cloud.run_for(PHASE_S)
    bench.publish(0.0)
    bench.set("ALARM")
    assert bench.state() == "ALARM"
    bench.cloud.run_for(60)
    assert [change.value for change in bench.changes()] == ["OK", "ALARM", "OK"]


def test_a_state_that_stays_is_not_noted(bench: Bench) -> None:
    bench.put()
    for minute in range(5):
        bench.publish(10.0 + minute)
        bench.cloud.run_for(60)
    (change,) = bench.changes()
    assert "[10.0 " in change.reason
    assert bench.alarm()["StateUpdatedTimestamp"].timestamp() == change.at_s


# -- on what --------------------------------------------------------------------------------------


def test_only_the_unit_that_is_asked_for(bench: Bench) -> None:
    bench.publish(100.0, at_s=T0 - 60, Unit="Seconds")
    bench.put("same", Unit="Seconds")
    bench.put("other", Unit="Milliseconds")
    bench.cloud.run_for(PHASE_S)
    assert bench.state("same") == "ALARM"
    assert bench.state("other") == "INSUFFICIENT_DATA"


def test_all_dimensions_have_to_be_named(bench: Bench) -> None:
    bench.publish(100.0, at_s=T0 - 60, dimensions={"A": "1", "B": "2"})
    both = [{"Name": "B", "Value": "2"}, {"Name": "A", "Value": "1"}]
    bench.put("both", Dimensions=both)
    bench.put("one", Dimensions=both[:1])
    bench.cloud.run_for(PHASE_S)
    assert bench.state("both") == "ALARM"
    assert bench.state("one") == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("p50", 10.0),
        ("p99", 90.0),
        ("tm50", 10.0),
        ("PR(50:)", 10.0),
    ],
)
def test_extended_statistics(bench: Bench, stat: str, expected: float) -> None:
    bench.publish(10.0, 90.0, at_s=T0 - 60, Counts=[90.0, 10.0])
    bench.put(Statistic=None, ExtendedStatistic=stat, Threshold=-1.0)
    bench.cloud.run_for(PHASE_S)
    (change,) = bench.changes()
    assert change.data["statistic"] == stat
    assert change.data["recentDatapoints"] == [expected]
    assert change.data["evaluatedDatapoints"][0]["sampleCount"] == 100.0


@pytest.mark.parametrize(
    ("stat", "samples", "choice", "expected"),
    [
        # 10 / (1 - p) from p50 on: 100 for p90, 1,000 for p99; 10 / p below.
        pytest.param("p90", 99, "ignore", "INSUFFICIENT_DATA", id="99 say nothing"),
        pytest.param("p90", 100, "ignore", "ALARM", id="100 do"),
        pytest.param("p90", 99, "evaluate", "ALARM", id="unless told to evaluate"),
        pytest.param("p90", 99, None, "ALARM", id="which is the default"),
        pytest.param("p99", 999, "ignore", "INSUFFICIENT_DATA", id="p99 needs 1,000"),
        pytest.param("p99", 1000, "ignore", "ALARM", id="and is content with them"),
        pytest.param("p10", 99, "ignore", "INSUFFICIENT_DATA", id="p10 needs 100"),
        pytest.param("p10", 100, "ignore", "ALARM", id="and is content with those"),
        pytest.param("p100", 1, "ignore", "ALARM", id="p100 has no bound"),
    ],
)
def test_percentiles_of_few_samples(
    bench: Bench, stat: str, samples: int, choice: str | None, expected: str
) -> None:
    bench.publish(100.0, at_s=T0 - 60, Counts=[float(samples)])
    bench.put(Statistic=None, ExtendedStatistic=stat, EvaluateLowSampleCountPercentile=choice)
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == expected


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        pytest.param([metric("m1"), metric("m2", "Other"), expression("m1 + m2")], 105.0, id="sum"),
        pytest.param(
            [metric("m1"), metric("m2", "Other"), expression("SUM(METRICS())")], 105.0, id="METRICS"
        ),
        pytest.param([metric("m1"), expression("m1 * 2 - AVG(m1)")], 100.0, id="over time"),
        pytest.param(
            [metric("m1"), metric("m2", "None"), expression("FILL(m2, 7) + m1")], 107.0, id="FILL"
        ),
        pytest.param([metric("m1"), expression("IF(m1 > 50, 1, 0)")], 1.0, id="IF"),
        pytest.param(
            [metric("m1"), expression("m1 / 4", "e2", ReturnData=False), expression("e2 + 1")],
            26.0,
            id="an expression of an expression",
        ),
        pytest.param([expression("TIME_SERIES(3)")], 3.0, id="no metric at all"),
        pytest.param(
            [metric("m1"), metric("m2", "Other", Stat="Sum"), expression("100 * m2 / m1")],
            5.0,
            id="a ratio",
        ),
    ],
)
def test_metric_math(bench: Bench, queries: list[dict[str, Any]], expected: float) -> None:
    bench.publish(100.0, at_s=T0 - 60)
    bench.publish(5.0, at_s=T0 - 60, name="Other")
    bench.put_query("probe", queries, Threshold=0.0)
    bench.cloud.run_for(PHASE_S)
    (change,) = bench.changes()
    assert change.value == "ALARM"
    assert change.data == {
        "version": "1.0",
        "queryDate": "2026-06-01T09:00:15.000+0000",
        "startDate": change.data["startDate"],
        "period": 60,
        "recentDatapoints": [pytest.approx(expected)],
        "threshold": 0.0,
        "evaluatedDatapoints": [
            {"timestamp": "2026-06-01T08:59:00.000+0000", "value": pytest.approx(expected)}
        ],
    }


@pytest.mark.parametrize("text", ["m1 + 1", "m1 / AVG(m1)"])
def test_an_expression_without_data_has_missing_data(bench: Bench, text: str) -> None:
    bench.put_query("probe", [metric("m1"), expression(text)], TreatMissingData="breaching")
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == "ALARM"
    assert "no datapoints were received for 1 period" in bench.alarm()["StateReason"]


def test_expressions_slide_too(bench: Bench) -> None:
    bench.publish(60.0, at_s=T0 + 60, name="Signal")
    bench.put_query(
        "probe",
        [metric("m1", Period=300, Stat="Sum"), expression("FILL(m1, 0) + 1")],
        TreatMissingData="notBreaching",
    )
    bench.cloud.run_for(600)
    on = next(change for change in bench.changes() if change.value == "ALARM")
    assert on.at_s == T0 + 120 + PHASE_S
    assert on.data["startDate"] == "2026-06-01T08:57:00.000+0000"


# -- on the world ---------------------------------------------------------------------------------


def test_the_world_is_up_to_date_when_alarms_are_evaluated(make_bench: MakeBench) -> None:
    """A refused request at zero copies is seen by an alarm that nobody calls."""
    from tests.contract.sagemaker.steps import make_component, make_endpoint, wait_until

    bench = make_bench()
    cloud = bench.cloud
    make_endpoint(cloud)
    make_component(cloud)
    cloud.world.set_copies("inline", 0)
    wait_until(cloud, lambda: cloud.world.component("inline").current_copies == 0)
    bench.put(
        Namespace="AWS/SageMaker",
        MetricName="NoCapacityInvocationFailures",
        Dimensions=[{"Name": "InferenceComponentName", "Value": "inline"}],
        Statistic="Sum",
        Threshold=0.0,
        TreatMissingData="notBreaching",
    )
    cloud.run_for(120)
    assert bench.state() == "OK"
    cloud.world.arrive("inline", 1, cloud.clock.now_s, input_tokens=10, output_tokens=10)
    asked_s = cloud.clock.now_s
    cloud.run_for(300)
    on = next(change for change in bench.changes() if change.value == "ALARM")
    assert 0 < on.at_s - asked_s <= 180
    assert "1 out of the last 1 datapoints [1.0 " in on.reason


def test_late_metrics_are_evaluated_when_they_are_visible(make_bench: MakeBench) -> None:
    bench = make_bench()
    store = bench.cloud.metrics
    store.put("Probe", "Signal", {}, T0, 100.0, visible_at_s=T0 + 200)
    bench.put(EvaluationPeriods=3, DatapointsToAlarm=1, TreatMissingData="notBreaching")
    bench.cloud.run_for(600)
    on = next(change for change in bench.changes() if change.value == "ALARM")
    assert on.at_s == T0 + 240 + PHASE_S
