"""What the functions say: metrics in the embedded format, and log fields."""

import json
from typing import Any

import pytest

from icscaler.adapters import reporting
from icscaler.dispatch import Cause, DispatchOutcome
from icscaler.entities import Change, Decision, NoticeItem, Outcome, OutcomeKind, Plan, Step
from icscaler.keep_alarms import AlarmsOutcome
from icscaler.learned import FinishedStart
from icscaler.ports import EndpointSummary
from icscaler.reasons import Notice, Reason
from icscaler.reconcile import LookKind, LookOutcome

AT_S = 1_780_304_460

pytestmark = pytest.mark.filterwarnings("ignore:This metric doesn't meet the requirements")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "icscaler")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")


def emitted(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Each embedded-format line as {dimensions, figures, at_s}; checks that it is well-formed."""
    found = []
    for line in capsys.readouterr().out.splitlines():
        document = json.loads(line)
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        (names,) = directive["Dimensions"]
        found.append(
            {
                "namespace": directive["Namespace"],
                "dimensions": {name: document[name] for name in names},
                "figures": {m["Name"]: document[m["Name"]] for m in directive["Metrics"]},
                "at_ms": document["_aws"]["Timestamp"],
            }
        )
    return found


def looked() -> LookOutcome:
    steps = (Step(Reason.ABOVE_TARGET, 4), Step(Reason.DISPLACED, 3, "block-generation"))
    plan = Plan(
        at_s=AT_S,
        changes=(Change("inline", 2, 3, "inline/1"), Change("eval", 1, 0, "eval/1")),
        decisions={
            "inline": Decision("inline", AT_S, 2, 4, 3, steps),
            "eval": Decision("eval", AT_S, 1, 0, 0, (Step(Reason.IDLE, 0),)),
            "flow": Decision("flow", AT_S, 0, 1, 1, (), blocked=Reason.OBSERVE),
            "quiet": Decision("quiet", AT_S, 0, 0, 0, (), blocked=Reason.OBSERVE),
        },
        notices=(NoticeItem(Notice.SHORTAGE, "flow", "No room."),),
        gpu_price=2.5,
        unmanaged=("stray",),
    )
    outcomes = {
        "inline": Outcome(OutcomeKind.ACCEPTED, "inline/1", 3, AT_S),
        "eval": Outcome(OutcomeKind.THROTTLED, "eval/1", 0, AT_S),
    }
    summary = EndpointSummary("code", AT_S, copies=5, models=2, blind_models=1)
    return LookOutcome("code", LookKind.LOOKED, AT_S, plan, outcomes, summary)


def test_a_look_is_counted_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    reporting.report_look(looked(), 0.25)
    total, endpoint = emitted(capsys)
    assert total == {
        "namespace": "icscaler",
        "dimensions": {"service": "stack"},
        "figures": {"Looks": [1], "FailedLooks": [0]},
        "at_ms": AT_S * 1000,
    }
    assert endpoint == {
        "namespace": "icscaler",
        "dimensions": {"service": "stack", "endpoint": "code"},
        "figures": {
            "Copies": [5],
            "Models": [2],
            "BlindModels": [1],
            "Changes": [1],
            "Refusals": [1],
            "GpuPrice": [2.5],
        },
        "at_ms": AT_S * 1000,
    }


def test_a_look_explains_its_changes_in_the_log() -> None:
    fields = reporting.report_look(looked(), 0.25)
    assert json.loads(json.dumps(fields)) == {
        "endpoint": "code",
        "kind": "Looked",
        "at_s": AT_S,
        "duration_s": 0.25,
        "gpu_price": 2.5,
        "unmanaged": ["stray"],
        "notices": ["Shortage flow"],
        "changes": [
            {
                "component": "inline",
                "from_copies": 2,
                "to_copies": 3,
                "outcome": "Accepted",
                "steps": ["AboveTarget 4", "Displaced 3 by block-generation"],
            },
            {
                "component": "eval",
                "from_copies": 1,
                "to_copies": 0,
                "outcome": "Throttled",
                "steps": ["Idle 0"],
            },
        ],
        "held": [{"component": "flow", "from_copies": 0, "wanted_copies": 1, "by": "Observe"}],
        "started": [],
    }


@pytest.mark.parametrize(
    ("kind", "figures"),
    [
        (LookKind.FAILED, [{"Looks": [0], "FailedLooks": [1]}]),
        (LookKind.LEASE_LOST, [{"Looks": [0], "FailedLooks": [1]}]),
        (LookKind.COLLAPSED, []),
        (LookKind.BUSY, []),
        (LookKind.NOT_MANAGED, []),
    ],
)
def test_looks_that_end_otherwise(
    capsys: pytest.CaptureFixture[str], kind: LookKind, figures: list[dict[str, Any]]
) -> None:
    fields = reporting.report_look(LookOutcome("code", kind, AT_S, message="why"), 0.1)
    assert [each["figures"] for each in emitted(capsys)] == figures
    assert (fields["kind"], fields["problem"]) == (kind, "why")


def test_dispatch_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = DispatchOutcome(
        Cause.TICK,
        AT_S,
        queued=("a", "b"),
        not_queued=("c",),
        woken=("m",),
        limited=("n", "o"),
        unwakeable=("p",),
        allowance=3,
        late_endpoints=("c",),
        not_told="sns Publish: InternalError",
    )
    answer = reporting.report_dispatch(outcome)
    (line,) = emitted(capsys)
    assert line["dimensions"] == {"service": "stack"}
    assert line["figures"] == {
        "QueuedLooks": [2],
        "NotQueuedLooks": [1],
        "Wakes": [1],
        "LimitedWakes": [2],
        "LateEndpoints": [1],
        "MetricsVanished": [0],
    }
    assert json.loads(json.dumps(answer)) == {
        "cause": "Tick",
        "at_s": AT_S,
        "queued": ["a", "b"],
        "not_queued": ["c"],
        "woken": ["m"],
        "limited": ["n", "o"],
        "unwakeable": ["p"],
        "unknown": [],
        "late_endpoints": ["c"],
        "allowance": 3,
        "not_told": "sns Publish: InternalError",
    }


def test_a_rejection_is_counted_and_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert reporting.report_rejection("no time", AT_S) == {"rejected": "no time"}
    assert [each["figures"] for each in emitted(capsys)] == [{"RejectedEvents": [1]}]


def test_alarms_are_counted_with_what_they_cost(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = AlarmsOutcome("v7", AT_S, created=2, deleted=1, left=3, alarms=5, usd_per_month=1.5)
    answer = reporting.report_alarms(outcome)
    (line,) = emitted(capsys)
    assert line["dimensions"] == {"service": "stack"}
    assert line["figures"] == {"SpikeAlarms": [5], "SpikeAlarmsLeft": [3], "AlarmCost": [1.5]}
    assert json.loads(json.dumps(answer)) == {
        "version": "v7",
        "at_s": AT_S,
        "created": 2,
        "updated": 0,
        "deleted": 1,
        "left": 3,
        "alarms": 5,
        "usd_per_month": 1.5,
    }


def test_starts_that_ended_are_told_by_the_longest(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = looked()
    assert outcome.plan is not None
    outcome.plan.started = (
        FinishedStart("eval", "cached", AT_S - 200, AT_S, 190),
        FinishedStart("inline", "launched", AT_S - 500, AT_S, 480, 240, 90),
    )
    fields = reporting.report_look(outcome, 0.5)
    figures = emitted(capsys)[1]["figures"]
    assert figures["StartUpTime"] == [480]
    assert figures["InstanceStartTime"] == [240]
    assert [start["component"] for start in fields["started"]] == ["eval", "inline"]
    assert fields["started"][1]["phase"] == "launched"


def test_looks_that_saw_no_start_end_publish_no_start_up_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporting.report_look(looked(), 0.5)
    assert "StartUpTime" not in emitted(capsys)[1]["figures"]
