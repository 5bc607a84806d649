"""Missing data: every table of the User Guide, and the timeline of real alarms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.alarms.bench import Bench, seconds
from tests.contract.alarms.conftest import PHASE_S, T0, MakeBench

FIVE_MINUTES = 300
POLICIES = ("missing", "ignore", "breaching", "notBreaching")
VALUES = {"0": 1.0, "X": 100.0}
KEPT = "kept"

# "Configuring how CloudWatch alarms treat missing data": the five newest data points, the newest
# on the right, and the state under each policy. Datapoints to Alarm 3, Evaluation Periods 3.
THREE_OF_THREE = [
    ("0 - X - X", ("OK", "OK", "OK", "OK")),
    ("0 - - - -", ("OK", "OK", "OK", "OK")),
    ("- - - - -", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    ("0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("- - X - -", ("ALARM", KEPT, "ALARM", "OK")),
    # The premature alarm state, from the text.
    ("- - - - X", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    ("- - - X -", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    ("- - - X 0", ("OK", "OK", "OK", "OK")),
    ("- - X - 0", ("OK", "OK", "OK", "OK")),
]
# The same with Datapoints to Alarm 2.
TWO_OF_THREE = [
    ("0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    ("0 - X - -", ("OK", "OK", "ALARM", "OK")),
    ("- - - - 0", ("OK", "OK", "ALARM", "OK")),
    ("- - - X -", ("ALARM", KEPT, "ALARM", "OK")),
    ("- - - - X", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
]
ROWS = [
    pytest.param(needed, points, policy, state, id=f"{needed} of 3, {points}, {policy}")
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table
    for policy, state in zip(POLICIES, states, strict=True)
]


def publish_row(bench: Bench, points: str) -> None:
    """Publish the newest periods of a row, so that they end at T0."""
    for age, point in enumerate(reversed(points.split())):
        if point in VALUES:
            bench.publish(VALUES[point], at_s=T0 - (age + 1) * FIVE_MINUTES)


@pytest.mark.parametrize(("needed", "points", "policy", "expected"), ROWS)
@pytest.mark.parametrize("current", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_tables_of_the_user_guide(
    bench: Bench, current: str, needed: int, points: str, policy: str, expected: str
) -> None:
    publish_row(bench, points)
    bench.put(
        Period=FIVE_MINUTES,
        EvaluationPeriods=3,
        DatapointsToAlarm=needed,
        TreatMissingData=policy,
    )
    bench.set(current)
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == (current if expected == KEPT else expected)


def test_real_points_from_before_the_alarm_count(bench: Bench) -> None:
    publish_row(bench, "0 0 X X X")
    bench.put(Period=FIVE_MINUTES, EvaluationPeriods=3, DatapointsToAlarm=3)
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == "ALARM"


def test_nothing_has_to_be_filled_when_older_points_suffice(bench: Bench) -> None:
    publish_row(bench, "0 - X - X")
    bench.put(
        Period=FIVE_MINUTES,
        EvaluationPeriods=3,
        DatapointsToAlarm=3,
        TreatMissingData="breaching",
    )
    bench.cloud.run_for(PHASE_S)
    (change,) = bench.changes()
    assert "missing" not in change.reason
    assert change.data["recentDatapoints"] == [1.0, None, 100.0, None, 100.0]


@pytest.mark.parametrize(
    ("namespace", "policy", "expected"),
    [
        pytest.param("AWS/DynamoDB", None, "INSUFFICIENT_DATA", id="ignored by default"),
        pytest.param("AWS/DynamoDB", "breaching", "ALARM", id="but it can be told otherwise"),
        pytest.param("AWS/SageMaker", None, "INSUFFICIENT_DATA", id="missing by default"),
    ],
)
def test_dynamodb_ignores_missing_data_by_default(
    bench: Bench, namespace: str, policy: str | None, expected: str
) -> None:
    bench.put(Namespace=namespace, TreatMissingData=policy)
    bench.cloud.run_for(PHASE_S)
    assert bench.state() == expected
    bench.set("OK")
    bench.cloud.run_for(60)
    kept = namespace == "AWS/DynamoDB" and policy is None
    assert bench.state() == ("OK" if kept else expected)


# -- the timeline of real alarms ------------------------------------------------------------------
#
# Observed on AWS on 2026-09-14: alarms on the average of 10 s periods of one metric, 3 periods,
# threshold 50, evaluated at their own second. Publications as (when, {time of the point: value}).

DAY = "2026-09-14 "
PUBLISHED = [
    ("05:42:56", {"05:42:25": 100, "05:42:35": 0, "05:42:45": 100}),
    ("05:47:03", {"05:46:55": 100}),
    ("05:49:40", {"05:49:05": 0, "05:49:15": 0, "05:49:25": 0}),
    ("05:51:47.5", {"05:50:55": 0, "05:51:15": 100, "05:51:35": 100}),
    ("05:54:15", {"05:54:15": 0}),
]
OVER = "greater than the threshold (50.0)"
UNKNOWN = "Insufficient Data: 3 datapoints were unknown."
ONE_OLD = "[100.0 (14/09/26 05:42:40)]"
TWO_NEW = "[100.0 (14/09/26 05:51:30), 100.0 (14/09/26 05:51:10)]"
LAST = "[0.0 (14/09/26 05:54:10)]"
FIRST = "[0.0 (14/09/26 05:42:30)]"
ALONE = "[100.0 (14/09/26 05:46:50)]"
FIFTY = "[0.0 (14/09/26 05:50:50)]"
NONE_BREACHING = (
    "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were "
    "treated as [Breaching]."
)


def crossed(count: int, values: str, gaps: str = "", *, needed: int = 3) -> str:
    verb = "was" if count == 1 else "were"
    return (
        f"Threshold Crossed: {count} out of the last 3 datapoints {values} {verb} {OVER}{gaps} "
        f"(minimum {needed} datapoints for OK -> ALARM transition)."
    )


def not_crossed(values: str, gaps: str = "", *, needed: int = 1) -> str:
    plural = "" if needed == 1 else "s"
    return (
        f"Threshold Crossed: 1 out of the last 3 datapoints {values} was not {OVER}{gaps} "
        f"(minimum {needed} datapoint{plural} for ALARM -> OK transition)."
    )


OBSERVED: dict[str, tuple[int, int, str, list[tuple[str, str, str]]]] = {
    # alarm: (second it is evaluated at, datapoints to alarm, policy, transitions that were seen)
    "missing, 3 of 3": (
        8,
        3,
        "missing",
        [
            ("05:42:58", "OK", not_crossed(FIRST)),
            ("05:44:28", "ALARM", crossed(1, ONE_OLD)),
            ("05:44:38", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:47:38", "ALARM", crossed(1, ALONE)),
            ("05:48:48", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:51:18", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:51:48", "OK", not_crossed(FIFTY)),
            ("05:52:48", "ALARM", crossed(2, TWO_NEW)),
            ("05:53:28", "INSUFFICIENT_DATA", UNKNOWN),
        ],
    ),
    "missing, 2 of 3": (
        7,
        2,
        "missing",
        [
            ("05:42:57", "OK", not_crossed(FIRST, needed=2)),
            (
                "05:43:07",
                "ALARM",
                crossed(2, "[100.0 (14/09/26 05:42:40), 100.0 (14/09/26 05:42:20)]", needed=2),
            ),
            ("05:44:17", "OK", not_crossed(FIRST, needed=2)),
            ("05:44:27", "ALARM", crossed(1, ONE_OLD, needed=2)),
            ("05:44:37", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:47:27", "ALARM", crossed(1, ALONE, needed=2)),
            ("05:51:17", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:51:57", "ALARM", crossed(2, TWO_NEW, needed=2)),
            ("05:53:27", "INSUFFICIENT_DATA", UNKNOWN),
            ("05:54:37", "OK", not_crossed(LAST, needed=2)),
        ],
    ),
    "breaching, 3 of 3": (
        4,
        3,
        "breaching",
        [
            ("05:40:54", "ALARM", NONE_BREACHING),
            ("05:43:04", "OK", not_crossed(FIRST)),
            ("05:51:14", "ALARM", NONE_BREACHING),
            ("05:51:54", "OK", not_crossed(FIFTY)),
            (
                "05:52:44",
                "ALARM",
                crossed(2, TWO_NEW, " and 1 missing datapoint was treated as [Breaching]"),
            ),
            (
                "05:54:34",
                "OK",
                not_crossed(LAST, " and 2 missing datapoints were treated as [Breaching]"),
            ),
            ("05:56:04", "ALARM", NONE_BREACHING),
        ],
    ),
    "ignore, 3 of 3": (0, 3, "ignore", [("05:43:00", "OK", not_crossed(FIRST))]),
}


def play(bench: Bench, until: str) -> None:
    """Publish what was published, when it was."""
    for when, points in PUBLISHED:
        if when > until:
            break
        bench.cloud.run_until(seconds(DAY + when))
        for at, value in points.items():
            at_s = seconds(DAY + at)
            bench.publish(float(value), at_s=at_s, high_resolution=True, Unit="Count")
    bench.cloud.run_until(seconds(DAY + until))


@pytest.mark.parametrize("name", OBSERVED)
def test_a_real_timeline(make_bench: MakeBench, name: str) -> None:
    phase_s, needed, policy, observed = OBSERVED[name]
    bench = make_bench(start_s=seconds(DAY + "05:40:50"), phase_s=phase_s)
    bench.put(
        Period=10,
        Unit="Count",
        EvaluationPeriods=3,
        DatapointsToAlarm=needed,
        TreatMissingData=policy,
    )
    play(bench, until="05:56:10")
    found = {change.at_s: (change.value, change.reason) for change in bench.changes()}
    expected = {seconds(DAY + at): (value, reason) for at, value, reason in observed}
    # What was not observed between two of these is not asserted, what was must be there.
    assert {at_s: found.get(at_s) for at_s in expected} == expected


def point(at: str, value: float | None = None) -> dict[str, Any]:
    shown: dict[str, Any] = {"timestamp": f"2026-09-14T{at}.000+0000"}
    return shown if value is None else shown | {"sampleCount": 1.0, "value": value}


@pytest.mark.parametrize(
    ("at", "start", "recent", "evaluated"),
    [
        pytest.param(
            "05:43:07",
            "05:42:20",
            [100.0, 0.0, 100.0],
            [point("05:42:40", 100.0), point("05:42:20", 100.0)],
            id="the points that breach",
        ),
        pytest.param(
            "05:44:17",
            "05:42:30",
            [0.0, 100.0],
            [point("05:43:50"), point("05:42:30", 0.0)],
            id="a point that does not and the newest gap",
        ),
        pytest.param(
            "05:44:37",
            None,
            [],
            [point("05:44:10"), point("05:44:00")],
            id="gaps only",
        ),
        pytest.param(
            "05:51:57",
            "05:50:50",
            [0.0, None, 100.0, None, 100.0],
            [point("05:51:30", 100.0), point("05:51:10", 100.0)],
            id="gaps between",
        ),
    ],
)
def test_reason_data_of_a_real_alarm(
    make_bench: MakeBench, at: str, start: str | None, recent: list[Any], evaluated: list[Any]
) -> None:
    bench = make_bench(start_s=seconds(DAY + "05:40:50"), phase_s=7)
    bench.put(Period=10, Unit="Count", EvaluationPeriods=3, DatapointsToAlarm=2)
    play(bench, until="05:54:00")
    (change,) = [c for c in bench.changes() if c.at_s == seconds(DAY + at)]
    expected: dict[str, Any] = {"version": "1.0", "queryDate": f"2026-09-14T{at}.000+0000"}
    if start is not None:
        expected["startDate"] = f"2026-09-14T{start}.000+0000"
    expected |= {
        "unit": "Count",
        "statistic": "Average",
        "period": 10,
        "recentDatapoints": recent,
        "threshold": 50.0,
        "evaluatedDatapoints": evaluated,
    }
    assert change.data == expected
    assert list(change.data) == list(expected), "also the order of the members"
