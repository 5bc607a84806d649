"""The three kinds of value of metric math: a number, a time series, an array of time series."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from icscaler_localcloud.cloudwatch.math.errors import MathError


@dataclass(frozen=True, slots=True)
class Series:
    """Values by epoch second at multiples of `period_s`; a time that is absent has no data."""

    points: Mapping[int, float]
    period_s: int
    label: str = ""

    def map(self, function: Callable[[float], float | None]) -> Series:
        """Every value through `function`; None leaves the point out."""
        changed = {at: function(value) for at, value in self.points.items()}
        return replace(self, points={at: v for at, v in changed.items() if v is not None})


Array = list[Series]
Value = float | Series | Array


def _divide(left: float, right: float) -> float | None:
    """CloudWatch draws no point where the divisor is zero."""
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, float) else None


def _as_number(test: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: float(test(left, right))


OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": _as_number(operator.eq),
    "!=": _as_number(operator.ne),
    "<": _as_number(operator.lt),
    "<=": _as_number(operator.le),
    ">": _as_number(operator.gt),
    ">=": _as_number(operator.ge),
    "AND": _as_number(lambda left, right: bool(left) and bool(right)),
    "OR": _as_number(lambda left, right: bool(left) or bool(right)),
}


def combine(symbol: str, left: Value, right: Value) -> Value:
    """`left symbol right`. Two series meet only where both have a point."""
    function = OPERATORS[symbol]
    if isinstance(left, list):
        if isinstance(right, list):
            raise MathError(f"'{symbol}' cannot join two arrays of time series")
        return [_one(combine(symbol, series, right)) for series in left]
    if isinstance(right, list):
        return [_one(combine(symbol, left, series)) for series in right]
    if isinstance(left, Series) and isinstance(right, Series):
        both = left.points.keys() & right.points.keys()
        values = {at: function(left.points[at], right.points[at]) for at in sorted(both)}
        return replace(
            left, points={at: value for at, value in values.items() if value is not None}
        )
    if isinstance(left, Series):
        number = _number(right)
        return left.map(lambda value: function(value, number))
    if isinstance(right, Series):
        return right.map(lambda value: function(left, value))
    result = function(left, right)
    if result is None:
        raise MathError(f"'{symbol}' of {left:g} and {right:g} has no value")
    return result


def _one(value: Value) -> Series:
    if not isinstance(value, Series):
        raise MathError("expected a time series")
    return value


def _number(value: Value) -> float:
    if isinstance(value, Series | list):
        raise MathError("expected a number")
    return value
