"""Where an alarm's periods come from: one metric, metric math, or a Metrics Insights query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from icscaler_localcloud.alarms import insights
from icscaler_localcloud.alarms.decide import Point
from icscaler_localcloud.alarms.timing import Window
from icscaler_localcloud.cloudwatch.math import MathError, Scope, Value, evaluate
from icscaler_localcloud.cloudwatch.math import Series as MathSeries
from icscaler_localcloud.cloudwatch.math.parse import Node
from icscaler_sim.metrics.data import Datum
from icscaler_sim.metrics.statistics import parse as statistic
from icscaler_sim.metrics.store import MetricStore, retention_s


@dataclass(frozen=True, slots=True)
class Metric:
    """One statistic of one metric."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    stat: str
    period_s: int
    unit: str | None = None

    def read(
        self, store: MetricStore, window: Window, seen_at_s: float, enough: int | None = None
    ) -> list[Point]:
        """The window's periods, newest first; no more of them than hold `enough` real ones."""
        series = store.find(self.namespace, self.name, self.dimensions)
        if series is None or self.unit not in (None, series.unit):
            return _nothing(window)
        start_s = max(window.start_s, seen_at_s - retention_s(window.period_s))
        # The hot path of thousands of alarms: `Window.number_of` in place.
        last_s, period_s = window.end_s - 1, window.period_s
        periods: dict[int, list[Datum]] = {}
        for at_s, datum in series.points(start_s, window.end_s, seen_at_s):
            number = int(last_s - at_s) // period_s
            if number in periods:
                periods[number].append(datum)
            else:
                periods[number] = [datum]
        compute = statistic(self.stat)
        points: list[Point] = []
        missing = window.count if enough is None else enough
        for number in range(window.count):
            at_s = window.end_s - (number + 1) * period_s
            data = periods.get(number)
            if data is None:
                points.append(Point(at_s))
                continue
            points.append(Point(at_s, compute(data), sum([d.sample_count for d in data])))
            missing -= 1
            if not missing:
                break
        return points


def _nothing(window: Window) -> list[Point]:
    """The window's periods without data, newest first."""
    period_s, newest_s = window.period_s, window.end_s - window.period_s
    return [Point(newest_s - number * period_s) for number in range(window.count)]


@dataclass(frozen=True, slots=True)
class _Grid(Scope):
    """An expression's time: the periods of the window, which need not be multiples of them."""

    def grid(self) -> range:
        """Every period's start."""
        return range(self.start_s, self.end_s, self.period_s)


@dataclass(frozen=True, slots=True)
class Math:
    """One of several queries that refer to each other by id; `returned` is what is watched."""

    metrics: Mapping[str, Metric]
    expressions: Mapping[str, Node]
    returned: str
    period_s: int

    def read(self, store: MetricStore, window: Window, seen_at_s: float) -> list[Point]:
        """The window's periods of the returned series, newest first.

        An expression without a value for want of data (AVG of nothing) has no points.
        """
        known: dict[str, Value] = {}

        def resolve(name: str) -> Value:
            if name not in known:
                if name in self.metrics:
                    points = self.metrics[name].read(store, window, seen_at_s)
                    values = {p.at_s: p.value for p in reversed(points) if p.value is not None}
                    known[name] = MathSeries(values, window.period_s, name)
                else:
                    known[name] = evaluate(self.expressions[name], scope)
            return known[name]

        scope = _Grid(window.start_s, window.end_s, window.period_s, list(self.metrics), resolve)
        try:
            value = resolve(self.returned)
        except MathError:
            value = MathSeries({}, window.period_s)
        found = value.points if isinstance(value, MathSeries) else {}
        starts = (window.start_of(number) for number in range(window.count))
        return [Point(at_s, found.get(at_s)) for at_s in starts]


@dataclass(frozen=True, slots=True)
class Insights:
    """A Metrics Insights query."""

    query: insights.Query
    period_s: int

    def read(self, store: MetricStore, window: Window, seen_at_s: float) -> list[Point]:
        """The periods of a query without GROUP BY, newest first."""
        answer = insights.evaluate(self.query, store, window, seen_at_s)
        if answer.groups:
            return answer.groups[0].points
        return _nothing(window)


Source = Metric | Math | Insights


def watches_groups(source: Source) -> bool:
    """Does the alarm watch several time series (contributors)?"""
    return isinstance(source, Insights) and bool(source.query.group_by)


# -- what an expression gives, told before there is any data --------------------------------------

_TRIAL_PERIODS = 4


def check_math(metrics: Sequence[str], expressions: Mapping[str, Node], returned: str) -> None:
    """Raise MathError for an unknown id or function, a circle, a result that is not one series.

    Evaluates every expression once, on made-up values that are never equal or zero.
    """
    known: dict[str, Value] = {
        name: MathSeries({60 * n: 1.3 + number + 0.17 * n for n in range(_TRIAL_PERIODS)}, 60, name)
        for number, name in enumerate(metrics)
    }
    path: list[str] = []

    def resolve(name: str) -> Value:
        if name not in known:
            if name not in expressions:
                raise MathError(f"'{name}' is not the id of a metric or expression of this alarm")
            if name in path:
                raise MathError(f"'{name}' refers to itself")
            path.append(name)
            known[name] = evaluate(expressions[name], scope)
            path.pop()
        return known[name]

    scope = Scope(0, 60 * _TRIAL_PERIODS, 60, list(metrics), resolve)
    for name in expressions:
        resolve(name)
    result = resolve(returned)
    if isinstance(result, list):
        raise MathError(
            "Metrics expression that return multi time series are only allowed for "
            "MetricsInsights expression with an ORDER BY clause"
        )
    if not isinstance(result, MathSeries):
        raise MathError("the returned expression is a number, an alarm watches a time series")
