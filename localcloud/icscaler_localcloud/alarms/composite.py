"""Rules of composite alarms: parser and evaluation.

    ALARM("errors") AND NOT (OK(latency) OR INSUFFICIENT_DATA(latency))

Source: API Reference, PutCompositeAlarm; User Guide, "Composite alarms". AT_LEAST is refused by
name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from icscaler_localcloud.alarms.decide import StateValue

MAX_CHILDREN = 100
MAX_ELEMENTS = 500
_MAX_DEPTH = 100
_TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[(),])|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<word>[^\s(),\"]+))"
)


class RuleError(Exception):
    """A text that is no alarm rule; for the caller to read."""


@dataclass(frozen=True, slots=True)
class InState:
    """Is the alarm in this state?"""

    state: StateValue
    alarm: str


@dataclass(frozen=True, slots=True)
class Constant:
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class Both:
    """All of several (AND)."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of several (OR)."""

    operands: tuple[Expression, ...]


Expression = InState | Constant | Not | Both | Either


def parse(rule: str) -> Expression:
    """The expression of an alarm rule; RuleError where it is none."""
    if rule != rule.strip():
        raise RuleError("AlarmRule must not contain leading or trailing whitespace")
    parser = _Parser(rule)
    expression = parser.whole()
    if len(set(children(expression))) > MAX_CHILDREN:
        raise RuleError(f"AlarmRule can refer to at most {MAX_CHILDREN} alarms")
    return expression


def children(expression: Expression) -> Iterator[str]:
    """The names of the alarms a rule refers to, in its order, each as often as it does."""
    match expression:
        case InState(_, alarm):
            yield alarm
        case Not(operand):
            yield from children(operand)
        case Both(operands) | Either(operands):
            for operand in operands:
                yield from children(operand)


def holds(expression: Expression, state_of: Callable[[str], StateValue]) -> bool:
    """Is the rule met?"""
    match expression:
        case InState(state, alarm):
            return state_of(alarm) is state
        case Constant(value):
            return value
        case Not(operand):
            return not holds(operand, state_of)
        case Both(operands):
            return all(holds(operand, state_of) for operand in operands)
        case Either(operands):
            return any(holds(operand, state_of) for operand in operands)


def alarm_name(reference: str) -> str:
    """The name behind a name or an ARN."""
    if reference.startswith("arn:"):
        return reference.partition(":alarm:")[2]
    return reference


class _Parser:
    """Recursive descent: OR binds least, then AND, then NOT."""

    def __init__(self, rule: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(rule):
            match = _TOKEN.match(rule, position)
            if match is None or match.lastgroup is None:
                raise RuleError(f"AlarmRule cannot be read at '{rule[position:]}'")
            self._tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()
        self._position = 0
        self._depth = 0
        self._elements = 0

    def whole(self) -> Expression:
        expression = self._either()
        if self._position < len(self._tokens):
            self._fail()
        return expression

    def _either(self) -> Expression:
        operands = [self._both()]
        while self._take("OR"):
            operands.append(self._both())
        return operands[0] if len(operands) == 1 else Either(tuple(operands))

    def _both(self) -> Expression:
        operands = [self._not()]
        while self._take("AND"):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else Both(tuple(operands))

    def _not(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise RuleError("AlarmRule is nested too deeply")
        if self._take("NOT"):
            expression: Expression = Not(self._not())
        elif self._take("("):
            expression = self._either()
            self._expect(")")
        else:
            expression = self._primary()
        self._depth -= 1
        return expression

    def _primary(self) -> Expression:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise RuleError(f"AlarmRule can have at most {MAX_ELEMENTS} elements")
        _, word = self._next()
        if word.upper() in ("TRUE", "FALSE"):
            return Constant(word.upper() == "TRUE")
        if word not in StateValue.__members__:
            self._position -= 1
            self._fail()
        self._expect("(")
        kind, reference = self._next()
        if kind == "symbol":
            self._position -= 1
            self._fail()
        if kind == "quoted":
            reference = re.sub(r"\\(.)", r"\1", reference[1:-1])
        self._expect(")")
        return InState(StateValue(word), alarm_name(reference))

    def _next(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise RuleError("AlarmRule ends unexpectedly")
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, text: str) -> bool:
        if self._position < len(self._tokens):
            kind, value = self._tokens[self._position]
            if kind != "quoted" and value == text:
                self._position += 1
                return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._fail()

    def _fail(self) -> NoReturn:
        rest = " ".join(value for _, value in self._tokens[self._position :])
        raise RuleError(f"AlarmRule cannot be read at '{rest or 'its end'}'")
