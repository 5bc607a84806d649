"""M out of N with missing data: the decision of one alarm evaluation, without any clock or store.

Source: CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data" (all its
tables are tests), and transitions of real alarms where the text leaves questions open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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


class Point(NamedTuple):
    """One period: its start, its value (None: missing), the samples it holds (None: unknown)."""

    at_s: int
    value: float | None = None
    samples: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the points say: the new state (None: stay as it is) and what it rests on.

    `known`: the real points that were considered, newest first. `filled`: how many periods
    TreatMissingData had to stand in for; `gaps`: those periods, newest first.
    """

    rule: Rule
    state: StateValue | None
    known: Sequence[Point]
    gaps: Sequence[Point]

    @property
    def filled(self) -> int:
        """How many periods had to be filled."""
        return self.rule.periods - len(self.known)

    @property
    def decisive(self) -> list[Point]:
        """The fewest newest points that make the state: M for ALARM, N - M + 1 for OK."""
        rule, state = self.rule, self.state
        if state is None:
            return []
        if state is StateValue.INSUFFICIENT_DATA:
            return _newest_first([*self.known, *self.gaps])[: rule.needed]
        alarm = state is StateValue.ALARM
        count = rule.needed if alarm else rule.periods - rule.needed + 1
        agreeing = [
            p for p in self.known if p.value is not None and rule.breaches(p.value) is alarm
        ]
        chosen = agreeing[:count]
        chosen += self.gaps[: count - len(chosen)]
        return _newest_first(chosen)


def decide(rule: Rule, points: Sequence[Point]) -> Decision:
    """Evaluate the periods of the evaluation range, newest first.

    The range is longer than `rule.periods`, so that real points from farther back can stand in
    for missing ones.
    """
    real = [point for point in points if point.value is not None]
    if len(real) >= rule.periods:
        known = real[: rule.periods]
        on = _breaching(rule, known) >= rule.needed
        return Decision(rule, StateValue.ALARM if on else StateValue.OK, known, ())
    gaps = [point for point in points if point.value is None][: rule.periods - len(real)]
    return Decision(rule, _with_gaps(rule, real, points), real, gaps)


def _breaching(rule: Rule, points: Sequence[Point]) -> int:
    compare, threshold = COMPARISONS[rule.operator], rule.threshold
    return sum([compare(p.value, threshold) for p in points if p.value is not None])


def _with_gaps(rule: Rule, real: Sequence[Point], points: Sequence[Point]) -> StateValue | None:
    """The state when fewer real points than EvaluationPeriods are in the range."""
    breaching = _breaching(rule, real)
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


def _newest_first(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: point.at_s, reverse=True)
