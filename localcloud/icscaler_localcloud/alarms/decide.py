"""M out of N with missing data: the decision of one alarm evaluation, without any clock or store.

Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" (all its
tables are tests), and transitions of real alarms where the text leaves questions open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class StateValue(StrEnum):
    """The three states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class TreatMissing(StrEnum):
    """TreatMissingData."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alarm is on. `stated` tells whether DatapointsToAlarm was given: texts differ."""

    operator: str
    threshold: float
    needed: int  # M, DatapointsToAlarm
    periods: int  # N, EvaluationPeriods
    treat: TreatMissing
    stated: bool = True

    def breaches(self, value: float) -> bool:
        """Is the value on the wrong side?"""
        return COMPARISONS[self.operator](value, self.threshold)


@dataclass(frozen=True, slots=True)
class Point:
    """One period: its start, its value (None: missing), the samples it holds (None: unknown)."""

    at_s: int
    value: float | None = None
    samples: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the points say: the new state (None: stay as it is) and what decided it.

    `decisive`: the points the state rests on, newest first. `known`: the real points that were
    considered, newest first. `filled`: how many periods TreatMissingData had to stand in for.
    """

    state: StateValue | None
    decisive: tuple[Point, ...]
    known: tuple[Point, ...]
    filled: int


def decide(rule: Rule, points: Sequence[Point]) -> Decision:
    """Evaluate the periods of the evaluation range, newest first.

    The range is longer than `rule.periods`, so that real points from farther back can stand in
    for missing ones.
    """
    real = [point for point in points if point.value is not None]
    if len(real) >= rule.periods:
        known = real[: rule.periods]
        breaching = sum(rule.breaches(point.value) for point in known if point.value is not None)
        state = StateValue.ALARM if breaching >= rule.needed else StateValue.OK
        return Decision(state, _decisive(rule, state, known, []), tuple(known), 0)
    gaps = [point for point in points if point.value is None][: rule.periods - len(real)]
    outcome = _with_gaps(rule, real, points)
    decisive = _decisive(rule, outcome, real, gaps)
    return Decision(outcome, decisive, tuple(real), rule.periods - len(real))


def _with_gaps(rule: Rule, real: Sequence[Point], points: Sequence[Point]) -> StateValue | None:
    """The state when fewer real points than EvaluationPeriods are in the range."""
    breaching = sum(rule.breaches(point.value) for point in real if point.value is not None)
    if rule.treat is TreatMissing.BREACHING:
        breaching += rule.periods - len(real)
        return StateValue.ALARM if breaching >= rule.needed else StateValue.OK
    if breaching >= rule.needed:
        return StateValue.ALARM
    if rule.treat is TreatMissing.NOT_BREACHING or breaching < len(real):
        return StateValue.OK
    if rule.treat is TreatMissing.IGNORE:
        return None
    # Nothing but breaching points, and too few of them. "Premature" as long as the oldest of them
    # is younger than DatapointsToAlarm periods: the next period may still clear it.
    if real and points.index(real[-1]) + 1 >= rule.needed:
        return StateValue.ALARM
    return StateValue.INSUFFICIENT_DATA


def _decisive(
    rule: Rule, state: StateValue | None, real: Sequence[Point], gaps: Sequence[Point]
) -> tuple[Point, ...]:
    """The fewest newest points that make the state: M for ALARM, N - M + 1 for OK."""
    if state is None:
        return ()
    if state is StateValue.INSUFFICIENT_DATA:
        return tuple(_newest_first([*real, *gaps])[: rule.needed])
    alarm = state is StateValue.ALARM
    count = rule.needed if alarm else rule.periods - rule.needed + 1
    agreeing = [p for p in real if p.value is not None and rule.breaches(p.value) is alarm]
    chosen = agreeing[:count]
    chosen += gaps[: count - len(chosen)]
    return tuple(_newest_first(chosen))


def _newest_first(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: point.at_s, reverse=True)
