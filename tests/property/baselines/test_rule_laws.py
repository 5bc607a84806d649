"""Laws of every peer's rule, on arbitrary traffic: pure, never negative, awake when called."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icscaler_sim.baselines import PEERS, Level, Minute, Observation, Rule, peer
from icscaler_sim.baselines.keep_alive import KeepAlive
from tests.unit.baselines.builders import FACTS, minute

NAMES = [one.name for one in PEERS]
STEP_S = 60


@dataclass(frozen=True)
class Turn:
    """A minute: its load, whether its metrics arrive, and whether a wish is carried out."""

    in_flight: float
    visible: bool
    applied: bool


TURNS = st.lists(
    st.builds(
        Turn, st.sampled_from([0.0, 0.0, 0.4, 7.0, 31.0, 400.0]), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=60,
)


def play(rule: Rule[Any], turns: list[Turn]) -> list[tuple[Any, Observation, int]]:
    """Every step's state, what it saw and wished."""
    state, copies, log = rule.begin(0), 1, []
    for number, turn in enumerate(turns):
        at_s = number * STEP_S
        calls = round(turn.in_flight * 60 / FACTS.service_s)
        minutes: list[Minute] = []
        if copies:
            minutes = [minute(at_s, calls, in_flight=turn.in_flight, copies=copies)]
        elif calls:
            minutes = [minute(at_s, refused=calls, copies=0)]
        shown = minutes if turn.visible else []
        levels = [Level(at_s, turn.in_flight, copies)] if copies and turn.visible else []
        seen = Observation(copies, copies, shown, levels)
        wish, state, _ = rule.step(at_s + STEP_S, seen, state)
        log.append((state, seen, wish))
        if turn.applied:
            copies = min(wish, FACTS.max_copies)
    return log


def rule_of(name: str) -> Rule[Any]:
    """The peer's rule with its defaults."""
    return peer(name).make(FACTS, peer(name).settings({}))


@pytest.mark.parametrize("name", NAMES)
@given(turns=TURNS)
def test_a_rule_is_pure_and_never_negative(name: str, turns: list[Turn]) -> None:
    rule = rule_of(name)
    log = play(rule, turns)
    assert all(wish >= 0 for _, _, wish in log)
    kept = deepcopy([state for state, _, _ in log])
    assert play(rule, turns) == log
    assert [state for state, _, _ in log] == kept


@pytest.mark.parametrize("name", NAMES)
@given(turns=TURNS)
def test_a_refused_request_at_zero_brings_a_copy(name: str, turns: list[Turn]) -> None:
    rule = rule_of(name)
    log = play(rule, turns)
    at_s = (len(turns) + 20) * STEP_S
    called = [minute(at_s - STEP_S, refused=5, copies=0)]
    held = 5 * peer(name).holds_requests
    wish, _, _ = rule.step(at_s, Observation(0, 0, called, [], held), log[-1][0])
    assert wish >= 1


@given(turns=TURNS, factor=st.sampled_from([1.0, 1.5, 4.0]))
def test_more_traffic_never_means_fewer_kept_copies(turns: list[Turn], factor: float) -> None:
    """For the rule without feedback: with the same copies, more calls never give a lower wish."""
    rule = KeepAlive(FACTS)
    quiet, busy = rule.begin(0), rule.begin(0)
    for number, turn in enumerate(turns):
        at_s = number * STEP_S
        calls = round(turn.in_flight * 60 / FACTS.service_s)
        more = round(calls * factor)
        a, quiet, _ = rule.step(at_s + 60, Observation(1, 1, [minute(at_s, calls)]), quiet)
        b, busy, _ = rule.step(at_s + 60, Observation(1, 1, [minute(at_s, more)]), busy)
        assert b >= a
