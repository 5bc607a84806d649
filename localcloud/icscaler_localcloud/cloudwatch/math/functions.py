"""The functions of metric math that need nothing but their arguments."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from icscaler_localcloud.cloudwatch.math.errors import MathError
from icscaler_localcloud.cloudwatch.math.values import Array, Series, Value

Reduce = Callable[[Sequence[float]], float]


def _across(function: Reduce, array: Array) -> Series:
    """One series from several: at each time over those that have a point there."""
    if not array:
        raise MathError("an array of time series is empty")
    gathered: dict[int, list[float]] = {}
    for series in array:
        for at, value in series.points.items():
            gathered.setdefault(at, []).append(value)
    points = {at: function(values) for at, values in sorted(gathered.items())}
    return Series(points, array[0].period_s)


def _reducer(name: str, function: Reduce) -> Callable[[Value], Value]:
    """TS -> number (over time); TS[] -> TS (across series); a number stays one."""

    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return _across(function, value)
        if isinstance(value, Series):
            if not value.points:
                raise MathError(f"{name} of a time series without data points")
            return function(list(value.points.values()))
        return function([value])

    return apply


def _per_value(function: Callable[[float], float | None]) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return [series.map(function) for series in value]
        if isinstance(value, Series):
            return value.map(function)
        result = function(value)
        if result is None:
            raise MathError(f"no value for {value:g}")
        return result

    return apply


def _per_series(
    name: str, function: Callable[[Series], Mapping[int, float]]
) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return [replace(series, points=function(series)) for series in value]
        if isinstance(value, Series):
            return replace(value, points=function(value))
        raise MathError(f"{name} takes time series, not a number")

    return apply


def _steps(series: Series) -> Iterable[tuple[tuple[int, float], tuple[int, float]]]:
    return pairwise(sorted(series.points.items()))


def _rate(series: Series) -> Mapping[int, float]:
    return {b: (y - x) / (b - a) for (a, x), (b, y) in _steps(series)}


def _diff(series: Series) -> Mapping[int, float]:
    return {b: y - x for (_, x), (b, y) in _steps(series)}


def _diff_time(series: Series) -> Mapping[int, float]:
    return {b: float(b - a) for (a, _), (b, _) in _steps(series)}


def _running_sum(series: Series) -> Mapping[int, float]:
    times = sorted(series.points)
    return dict(zip(times, accumulate(series.points[at] for at in times), strict=True))


def _epoch(series: Series) -> Mapping[int, float]:
    return {at: float(at) for at in series.points}


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: function(value) if value > 0 else None


def _count_series(value: Value) -> Value:
    return float(len(value)) if isinstance(value, list) else 1.0


def _count_points(value: Value) -> Value:
    if isinstance(value, list):
        return _across(lambda values: float(len(values)), value)
    return float(len(value.points)) if isinstance(value, Series) else 1.0


def _period(value: Value) -> Value:
    if not isinstance(value, Series):
        raise MathError("PERIOD takes one time series")
    return float(value.period_s)


def _edge(name: str, index: int) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        if isinstance(value, list) and value:
            return value[index]
        raise MathError(f"{name} takes an array with at least one time series")

    return apply


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


REDUCERS: Mapping[str, Callable[[Value], Value]] = {
    "AVG": _reducer("AVG", _mean),
    "MAX": _reducer("MAX", max),
    "MIN": _reducer("MIN", min),
    "SUM": _reducer("SUM", math.fsum),
    "STDDEV": _reducer("STDDEV", statistics.pstdev),
    "METRIC_COUNT": _count_series,
    "DATAPOINT_COUNT": _count_points,
    "PERIOD": _period,
    "FIRST": _edge("FIRST", 0),
    "LAST": _edge("LAST", -1),
}

TRANSFORMS: Mapping[str, Callable[[Value], Value]] = {
    "ABS": _per_value(abs),
    "CEIL": _per_value(lambda value: float(math.ceil(value))),
    "FLOOR": _per_value(lambda value: float(math.floor(value))),
    "LOG": _per_value(_logarithm(math.log)),
    "LOG10": _per_value(_logarithm(math.log10)),
    "RATE": _per_series("RATE", _rate),
    "DIFF": _per_series("DIFF", _diff),
    "DIFF_TIME": _per_series("DIFF_TIME", _diff_time),
    "RUNNING_SUM": _per_series("RUNNING_SUM", _running_sum),
    "EPOCH": _per_series("EPOCH", _epoch),
}


def choose(condition: Value, then: Value, otherwise: Value | None) -> Value:
    """IF(condition, then[, otherwise]): without `otherwise` a false point is left out."""
    if isinstance(condition, list):
        raise MathError("IF takes a time series or a number as its condition")
    if not isinstance(condition, Series):
        chosen = then if condition else otherwise
        if chosen is None:
            raise MathError("IF has no value: its condition is false and it has no third argument")
        return chosen
    for branch in (then, otherwise):
        if isinstance(branch, list):
            raise MathError("IF chooses between time series and numbers, not arrays")
    points: dict[int, float] = {}
    for at, truth in condition.points.items():
        branch = then if truth else otherwise
        value = branch.points.get(at) if isinstance(branch, Series) else branch
        if isinstance(value, float | int):
            points[at] = float(value)
    return replace(condition, points=points)


def fill(series: Series, method: str | Value, grid: Iterable[int]) -> Mapping[int, float]:
    """The points of `series` with every gap of `grid` filled.

    REPEAT carries the last value forward, LINEAR draws a line between neighbours; neither reaches
    beyond the points there are. A number or another series supplies the missing values.
    """
    known = dict(series.points)
    times = sorted({*grid, *known})
    if method == "REPEAT":
        return _repeat(known, times)
    if method == "LINEAR":
        return _linear(known, times)
    if isinstance(method, Series):
        return {**{at: v for at, v in method.points.items() if at in set(times)}, **known}
    if isinstance(method, float):
        return {at: known.get(at, method) for at in times}
    raise MathError("FILL takes a number, a time series, REPEAT or LINEAR")


def _repeat(known: Mapping[int, float], times: Sequence[int]) -> Mapping[int, float]:
    filled: dict[int, float] = {}
    last: float | None = None
    for at in times:
        last = known.get(at, last)
        if last is not None:
            filled[at] = last
    return filled


def _linear(known: Mapping[int, float], times: Sequence[int]) -> Mapping[int, float]:
    filled = dict(known)
    for (a, x), (b, y) in pairwise(sorted(known.items())):
        for at in times:
            if a < at < b:
                filled[at] = x + (y - x) * (at - a) / (b - a)
    return filled
