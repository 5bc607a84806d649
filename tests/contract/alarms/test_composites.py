"""Composite alarms: rules, propagation, suppression."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from icscaler_localcloud.alarms.composite import Either, InState, Not, RuleError, parse
from icscaler_localcloud.alarms.decide import StateValue
from tests.contract.alarms.bench import Bench, arn_of, refused

STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")


def compose(bench: Bench, rule: str, name: str = "all", **more: Any) -> None:
    with bench.cloud.alarms.unmetered():
        bench.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)


@pytest.fixture
def children(bench: Bench) -> Bench:
    """Metric alarms a and b that stay as they are set."""
    for name in "ab":
        bench.put(name, TreatMissingData="ignore")
        bench.set("OK", name)
    return bench


# -- rules ----------------------------------------------------------------------------------------

RULES = {
    "ALARM(a)": lambda a, b: a == "ALARM",
    "OK(a)": lambda a, b: a == "OK",
    "INSUFFICIENT_DATA(a)": lambda a, b: a == "INSUFFICIENT_DATA",
    "ALARM(a) AND ALARM(b)": lambda a, b: a == b == "ALARM",
    "ALARM(a) OR ALARM(b)": lambda a, b: "ALARM" in (a, b),
    "NOT ALARM(a)": lambda a, b: a != "ALARM",
    "NOT NOT ALARM(a)": lambda a, b: a == "ALARM",
    "ALARM(a) AND NOT OK(b)": lambda a, b: a == "ALARM" and b != "OK",
    "ALARM(a) OR OK(a) AND ALARM(b)": lambda a, b: a == "ALARM" or (a == "OK" and b == "ALARM"),
    "(ALARM(a) OR OK(a)) AND ALARM(b)": lambda a, b: a in ("ALARM", "OK") and b == "ALARM",
    "NOT (ALARM(a) OR INSUFFICIENT_DATA(b))": lambda a, b: (
        a != "ALARM" and b != "INSUFFICIENT_DATA"
    ),
    f'ALARM("a") AND OK({arn_of("b")})': lambda a, b: a == "ALARM" and b == "OK",
    "TRUE": lambda a, b: True,
    "FALSE OR ALARM(b)": lambda a, b: b == "ALARM",
}


@pytest.mark.parametrize("rule", RULES)
def test_rules(children: Bench, rule: str) -> None:
    compose(children, rule)
    for a, b in itertools.product(STATES, STATES):
        children.set(a, "a")
        children.set(b, "b")
        assert children.state("all") == ("ALARM" if RULES[rule](a, b) else "OK"), (a, b)


def test_a_rule_may_have_500_elements(children: Bench) -> None:
    compose(children, " OR ".join(["ALARM(a)"] * 499 + ["(TRUE)"]))
    assert children.state("all") == "ALARM"


def test_names_in_quotes_may_hold_anything() -> None:
    rule = r'ALARM("a (b), \"c\"") OR NOT OK(d)'
    assert parse(rule) == Either(
        (InState(StateValue.ALARM, 'a (b), "c"'), Not(InState(StateValue.OK, "d")))
    )


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("ALARM", "cannot be read at 'its end'"),
        ("ALARM(a", "cannot be read at 'its end'"),
        ("ALARM(a) ALARM(b)", "cannot be read at 'ALARM ( b )'"),
        ("ALARM(a) AND", "ends unexpectedly"),
        ("ALARM()", "cannot be read at ')'"),
        ("BROKEN(a)", "cannot be read at 'BROKEN ( a )'"),
        (" ALARM(a)", "leading or trailing whitespace"),
        ("AT_LEAST(1, ALARM, (a, b))", "cannot be read at 'AT_LEAST"),
        ("(ALARM(a)", "cannot be read at 'its end'"),
        (" OR ".join(f"ALARM(x{n})" for n in range(101)), "at most 100 alarms"),
        (" OR ".join(["ALARM(a)"] * 501), "at most 500 elements"),
        ("(" * 200 + "ALARM(a)" + ")" * 200, "nested too deeply"),
        ("ALARM(a) OR OK(gone)", "alarms [gone] in the alarm rule do not exist"),
    ],
)
def test_rules_that_are_refused(children: Bench, rule: str, says: str) -> None:
    if "gone" not in rule:
        with pytest.raises(RuleError) as error:
            parse(rule)
        assert says in str(error.value)
    code, message = refused(compose, bench=children, rule=rule)
    assert code == "ValidationError"
    assert says in message


def test_a_name_is_one_alarm(children: Bench) -> None:
    compose(children, "ALARM(a)")
    assert refused(children.put, name="all")[0] == "ValidationError"
    code, message = refused(compose, bench=children, rule="ALARM(b)", name="a")
    assert (code, "already exists" in message) == ("ValidationError", True)


# -- propagation ----------------------------------------------------------------------------------


def test_it_is_evaluated_when_it_is_put(children: Bench) -> None:
    children.set("ALARM", "b")
    children.record_events()
    compose(children, "ALARM(a) OR ALARM(b)", AlarmDescription="either")
    children.cloud.run_for(1)
    alarm = children.alarm("all")
    assert alarm["StateValue"] == "ALARM"
    assert alarm["StateReason"] == (
        f"{arn_of('all')} was created and its alarm rule evaluates to ALARM"
    )
    assert json.loads(alarm["StateReasonData"]) == {
        "triggeringAlarms": [
            {
                "arn": arn_of(name),
                "state": {"value": value, "timestamp": "2026-06-01T09:00:00.000+0000"},
            }
            for name, value in (("a", "OK"), ("b", "ALARM"))
        ]
    }
    created, changed = children.events(alarm="all")
    assert created["detail"]["operation"] == "create"
    assert changed["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    compose(children, "ALARM(a)", AlarmDescription="one")
    assert children.alarm("all")["StateReason"] == (
        f"{arn_of('all')} was updated and its alarm rule evaluates to OK"
    )


def test_changes_travel_up_at_once(children: Bench) -> None:
    compose(children, "ALARM(a)", "middle")
    compose(children, "ALARM(middle) AND NOT ALARM(b)", "top")
    children.cloud.run_for(30)
    children.set("ALARM", "a")
    for name, child in (("middle", "a"), ("top", "middle")):
        alarm = children.alarm(name)
        assert alarm["StateValue"] == "ALARM"
        assert alarm["StateReason"] == (
            f"{arn_of(child)} transitioned to ALARM at Monday 01 June, 2026 09:00:30 UTC"
        )
        (triggering,) = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
        assert triggering["arn"] == arn_of(child)
    children.set("ALARM", "b")
    assert children.state("top") == "OK"


def test_an_evaluated_alarm_moves_its_parent(bench: Bench) -> None:
    bench.put("a")
    compose(bench, "ALARM(a)")
    bench.publish(100.0)
    bench.cloud.run_for(120)
    assert bench.state("all") == "ALARM"


def test_a_circle_ends(children: Bench) -> None:
    compose(children, "ALARM(a)", "one")
    compose(children, "ALARM(one)", "two")
    compose(children, "ALARM(a) OR NOT ALARM(two)", "one")
    for value in ("ALARM", "OK", "ALARM"):
        children.set(value, "a")
        assert children.state("one") in STATES
    code, _ = refused(children.cloudwatch.delete_alarms, AlarmNames=["two"])
    assert code == "ValidationError"
    compose(children, "FALSE", "one")
    children.cloudwatch.delete_alarms(AlarmNames=["two"])


def test_a_composite_alarm_stays_as_it_is_set_until_a_child_changes(children: Bench) -> None:
    compose(children, "ALARM(a)")
    children.set("ALARM", "all")
    children.cloud.run_for(600)
    assert children.state("all") == "ALARM"
    children.set("INSUFFICIENT_DATA", "a")
    assert children.state("all") == "OK"


# -- suppression ----------------------------------------------------------------------------------

SUPPRESSED = {
    "ActionsSuppressor": "b",
    "ActionsSuppressorWaitPeriod": 60,
    "ActionsSuppressorExtensionPeriod": 30,
}


@pytest.fixture
def suppressed(children: Bench) -> Bench:
    """all = ALARM(a), suppressed by b, telling a topic; its first wait is over."""
    topic = children.topic()
    compose(children, "ALARM(a)", AlarmActions=[topic], OKActions=[topic], **SUPPRESSED)
    children.cloud.run_for(61)
    assert [s for s, _ in children.notifications()] == ['OK: "all" in US East (N. Virginia)']
    children.record_events()
    return children


def phases(bench: Bench) -> list[tuple[float, str, str | None]]:
    """(seconds since the first, state, suppressed by) of each event of the composite alarm."""
    found = bench.events("CloudWatch Alarm State Change", "all")
    states = [event["detail"]["state"] for event in found]
    return [
        (
            float(state["timestamp"][14:16]) * 60 + float(state["timestamp"][17:23]),
            state["value"],
            state.get("actionsSuppressedBy"),
        )
        for state in states
    ]


def test_actions_wait_for_the_suppressor(suppressed: Bench) -> None:
    suppressed.set("ALARM", "a")
    alarm = suppressed.alarm("all")
    assert alarm["ActionsSuppressedBy"] == "WaitPeriod"
    assert alarm["ActionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
    suppressed.cloud.run_for(59)
    assert len(suppressed.notifications()) == 1
    suppressed.cloud.run_for(2)
    assert suppressed.notifications()[-1][1]["NewStateValue"] == "ALARM"
    assert "ActionsSuppressedBy" not in suppressed.alarm("all")
    assert phases(suppressed) == [(61.0, "ALARM", "WaitPeriod"), (121.0, "ALARM", None)]


def test_a_suppressor_in_alarm_holds_actions_until_its_extension_is_over(
    suppressed: Bench,
) -> None:
    suppressed.set("ALARM", "a")
    suppressed.cloud.run_for(10)
    suppressed.set("ALARM", "b")
    assert suppressed.alarm("all")["ActionsSuppressedReason"] == (
        f"Actions suppressed by {arn_of('b')} that transitioned to ALARM at Monday 01 June, 2026 "
        "09:01:11 UTC"
    )
    suppressed.cloud.run_for(100)
    suppressed.set("OK", "a")
    suppressed.cloud.run_for(10)
    suppressed.set("OK", "b")
    suppressed.cloud.run_for(29)
    assert len(suppressed.notifications()) == 1
    suppressed.cloud.run_for(2)
    assert phases(suppressed) == [
        (61.0, "ALARM", "WaitPeriod"),
        (71.0, "ALARM", "Alarm"),
        (171.0, "OK", "Alarm"),
        (181.0, "OK", "ExtensionPeriod"),
        (211.0, "OK", None),
    ]
    subjects = [subject.partition(":")[0] for subject, _ in suppressed.notifications()]
    assert subjects == ["OK", "OK"], "the ALARM in between was never told"
    outcomes = [
        json.loads(item["HistoryData"])["actionState"]
        for item in suppressed.history("all", HistoryItemType="Action")
    ]
    assert outcomes == ["Suppressed", "Succeeded"] + ["Suppressed"] * 4 + ["Succeeded"]


def test_a_late_suppressor_changes_nothing(suppressed: Bench) -> None:
    suppressed.set("ALARM", "a")
    suppressed.cloud.run_for(70)
    told = len(suppressed.notifications())
    suppressed.set("ALARM", "b")
    suppressed.cloud.run_for(100)
    assert len(suppressed.notifications()) == told
    assert "ActionsSuppressedBy" not in suppressed.alarm("all")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ActionsSuppressorWaitPeriod": None}, "ActionsSuppressor requires"),
        ({"ActionsSuppressor": "ghost"}, "suppressor ghost does not exist"),
    ],
)
def test_suppressors_that_are_refused(children: Bench, changes: dict[str, Any], says: str) -> None:
    given = {k: v for k, v in {**SUPPRESSED, **changes}.items() if v is not None}
    code, message = refused(compose, bench=children, rule="ALARM(a)", **given)
    assert code == "ValidationError"
    assert says in message
