"""Evaluation of a parsed metric math expression over the series of one GetMetricData request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from icscaler_localcloud.cloudwatch.math import functions
from icscaler_localcloud.cloudwatch.math.errors import MathError
from icscaler_localcloud.cloudwatch.math.parse import (
    ArrayLiteral,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Text,
)
from icscaler_localcloud.cloudwatch.math.values import Array, Series, Value, combine

_KEYWORDS = frozenset({"REPEAT", "LINEAR"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may refer to, and the time it covers.

    `resolve(id)` gives a query's value at `period_s`; `metric_ids` are the ids of the queries that
    are metrics (what METRICS() means), in request order.
    """

    start_s: int
    end_s: int
    period_s: int
    metric_ids: Sequence[str]
    resolve: Callable[[str], Value]

    def grid(self) -> range:
        """Every period's start in [start_s, end_s)."""
        first = self.start_s - self.start_s % self.period_s
        return range(first, self.end_s, self.period_s)


def names_in(node: Node) -> Iterator[str]:
    """The query ids an expression names; "*" stands for METRICS()."""
    match node:
        case Name(value):
            if value not in _KEYWORDS:
                yield value
        case Negative(operand):
            yield from names_in(operand)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Call(function, arguments):
            if function == "METRICS":
                yield "*"
            for argument in arguments:
                yield from names_in(argument)
        case ArrayLiteral(items):
            for item in items:
                yield from names_in(item)


def evaluate(node: Node, scope: Scope) -> Value:
    """The value of an expression; MathError where a type does not fit or a name is unknown."""
    match node:
        case Number(value):
            return value
        case Name(value):
            return scope.resolve(value)
        case Negative(operand):
            return combine("*", -1.0, evaluate(operand, scope))
        case Binary(symbol, left, right):
            return combine(symbol, evaluate(left, scope), evaluate(right, scope))
        case ArrayLiteral(items):
            return _array(items, scope)
        case Call(function, arguments):
            return _call(function, arguments, scope)
    raise MathError(f"a text may only stand inside METRICS(), not '{node.value}'")


def _array(items: Sequence[Node], scope: Scope) -> Array:
    array: Array = []
    for item in items:
        value = evaluate(item, scope)
        if isinstance(value, list):
            array.extend(value)
        elif isinstance(value, Series):
            array.append(value)
        else:
            array.append(_constant(value, scope))
    return array


def _constant(value: float, scope: Scope) -> Series:
    return Series(dict.fromkeys(scope.grid(), value), scope.period_s)


def _call(function: str, arguments: Sequence[Node], scope: Scope) -> Value:
    if function == "METRICS":
        return _metrics(arguments, scope)
    if function == "FILL":
        return _fill(arguments, scope)
    if function == "TIME_SERIES":
        (value,) = _values(function, arguments, scope, 1)
        return _constant(value, scope) if isinstance(value, float) else value
    if function == "IF":
        values = _values(function, arguments, scope, 2, 3)
        return functions.choose(values[0], values[1], values[2] if len(values) > 2 else None)
    known = functions.REDUCERS.get(function) or functions.TRANSFORMS.get(function)
    if known is None:
        raise MathError(f"The function {function} is not supported by the local cloud")
    (value,) = _values(function, arguments, scope, 1)
    return known(value)


def _values(function: str, arguments: Sequence[Node], scope: Scope, *counts: int) -> list[Value]:
    if len(arguments) not in counts:
        wanted = " or ".join(map(str, counts))
        raise MathError(f"{function} takes {wanted} arguments, not {len(arguments)}")
    return [evaluate(argument, scope) for argument in arguments]


def _metrics(arguments: Sequence[Node], scope: Scope) -> Array:
    part = ""
    if arguments:
        if len(arguments) > 1 or not isinstance(arguments[0], Text):
            raise MathError("METRICS takes nothing or one text")
        part = arguments[0].value
    return _array([Name(name) for name in scope.metric_ids if part in name], scope)


def _fill(arguments: Sequence[Node], scope: Scope) -> Value:
    if len(arguments) != 2:
        raise MathError(f"FILL takes 2 arguments, not {len(arguments)}")
    value, how = evaluate(arguments[0], scope), arguments[1]
    keyword = isinstance(how, Name) and how.value in _KEYWORDS
    method: str | Value = how.value if isinstance(how, Name) and keyword else evaluate(how, scope)
    if isinstance(value, list):
        return [replace(s, points=functions.fill(s, method, scope.grid())) for s in value]
    if not isinstance(value, Series):
        raise MathError("FILL fills time series")
    return replace(value, points=functions.fill(value, method, scope.grid()))
