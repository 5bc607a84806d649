"""Gates judge a wave by before, after and its siblings, and say nothing on too few requests."""

from dataclasses import replace
from typing import Any

import pytest

from icscaler.rollout.entities import Evidence, Gate, Signals
from icscaler.rollout.gates import judge, value_text

GATE = Gate(bake_s=300, min_requests=50, no_traffic_wait_s=600)
STEADY = Signals(requests=300, errors=0, latency_us=1e6, minutes=10)


def evidence(after: Signals, **more: Any) -> Evidence:
    return Evidence(before={"a": STEADY}, after={"a": after}, **more)


@pytest.mark.parametrize(
    ("after", "verdict", "says"),
    [
        pytest.param(STEADY, "pass", "nothing got worse", id="as before"),
        pytest.param(replace(STEADY, latency_us=1.2e6), "pass", "", id="a little slower"),
        pytest.param(replace(STEADY, latency_us=1.3e6), "breach", "a: latency", id="slower"),
        pytest.param(replace(STEADY, errors=3), "pass", "", id="one percent errors"),
        pytest.param(replace(STEADY, errors=4), "breach", "a: errors", id="more errors"),
        pytest.param(replace(STEADY, requests=140), "breach", "a: throughput", id="fewer answers"),
    ],
)
def test_compared_with_before(after: Signals, verdict: str, says: str) -> None:
    found = judge(GATE, evidence(after), 300)
    assert (found.verdict, says in found.text) == (verdict, True)


def test_a_gate_bakes_before_it_passes_but_closes_at_once() -> None:
    assert judge(GATE, evidence(STEADY), 299).verdict == "wait"
    assert judge(GATE, evidence(replace(STEADY, latency_us=9e6)), 10).verdict == "breach"


def test_what_slows_all_is_no_fault_of_the_new_version() -> None:
    slow = replace(STEADY, latency_us=2e6)
    alone = judge(GATE, evidence(slow), 300)
    moved = judge(
        GATE, evidence(slow, siblings_before={"b": STEADY}, siblings_after={"b": slow}), 300
    )
    assert (alone.verdict, moved.verdict) == ("breach", "pass")


def test_siblings_that_got_faster_are_no_stricter_limit() -> None:
    fast = replace(STEADY, latency_us=0.5e6)
    more = {"siblings_before": {"b": STEADY}, "siblings_after": {"b": fast}}
    assert judge(GATE, evidence(replace(STEADY, latency_us=1.2e6), **more), 300).verdict == "pass"


def test_quiet_siblings_do_not_count() -> None:
    quiet = Signals(requests=10, errors=0, latency_us=5e6, minutes=10)
    more = {"siblings_before": {"b": STEADY}, "siblings_after": {"b": quiet}}
    slow = replace(STEADY, latency_us=2e6)
    assert judge(GATE, evidence(slow, **more), 300).verdict == "breach"


@pytest.mark.parametrize(("rule", "verdict"), [("pass", "pass"), ("fail", "breach")])
def test_too_few_requests_are_waited_for_then_the_rule_decides(rule: Any, verdict: str) -> None:
    gate = replace(GATE, no_traffic=rule)
    silent = evidence(Signals(minutes=10))
    assert judge(gate, silent, 899).verdict == "wait"
    found = judge(gate, silent, 900)
    assert (found.verdict, "too few requests to tell: a" in found.text) == (verdict, True)


def test_errors_count_though_nothing_was_asked_before() -> None:
    new = Evidence(before={}, after={"a": replace(STEADY, errors=30)})
    assert judge(GATE, new, 300).verdict == "breach"


def test_an_alarm_closes_the_gate_whatever_else() -> None:
    found = judge(GATE, evidence(STEADY, firing=("slow",)), 300)
    assert (found.verdict, found.text) == ("breach", "alarm slow is in ALARM")


def test_values_read_well() -> None:
    found = judge(GATE, evidence(replace(STEADY, latency_us=2e6, errors=30)), 300)
    assert [value_text(value) for value in found.values] == [
        "a: errors 10 % is above 1 % (before: 0 %)",
        "a: latency 2 s is above 1.25 s (before: 1 s)",
        "a: throughput 30 a minute is within 15 a minute (before: 30 a minute)",
    ]
