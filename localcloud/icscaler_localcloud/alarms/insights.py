"""Metrics Insights queries as alarms use them: parser and evaluation over the metric store.

    SELECT SUM(NoCapacityInvocationFailures)
    FROM SCHEMA("AWS/SageMaker", InferenceComponentName)
    WHERE InferenceComponentName != 'canary'
    GROUP BY InferenceComponentName ORDER BY SUM() DESC LIMIT 100

Source: CloudWatch User Guide, "Metrics Insights query components and syntax" and "Metrics
Insights limits". Tags (`tag.x`) and accounts (`AWS.AccountId`) are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from icscaler_localcloud.alarms.decide import Point
from icscaler_localcloud.alarms.timing import Window
from icscaler_sim.metrics.data import Datum
from icscaler_sim.metrics.statistics import parse as statistic
from icscaler_sim.metrics.store import MetricKey, MetricStore, Series

MAX_METRICS = 10_000
MAX_SERIES = 500
OTHER = "Other"
"""What stands for a grouping dimension that a metric does not have."""

_STATISTICS = {
    "AVG": "Average",
    "COUNT": "SampleCount",
    "MAX": "Maximum",
    "MIN": "Minimum",
    "SUM": "Sum",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<symbol>!=|[=(),])|(?P<word>[A-Za-z_][\w.]*)|(?P<number>\d+))"
)


_Item = TypeVar("_Item")


class InsightsError(Exception):
    """A query that is not one, or asks for what is not supported; the text is for the caller."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`dimension = value` or `dimension != value`."""

    dimension: str
    value: str
    equal: bool

    def holds(self, dimensions: Mapping[str, str]) -> bool:
        """A metric without the dimension meets only an inequality."""
        return (dimensions.get(self.dimension) == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. `schema` is None for FROM "namespace": any set of dimensions."""

    function: str
    metric: str
    namespace: str
    schema: frozenset[str] | None
    conditions: tuple[Condition, ...] = ()
    group_by: tuple[str, ...] = ()
    order_by: str | None = None
    descending: bool = False
    limit: int = MAX_SERIES

    def matches(self, dimensions: Mapping[str, str]) -> bool:
        """Does a metric with these dimensions take part?"""
        if self.schema is not None and self.schema != dimensions.keys():
            return False
        return all(condition.holds(dimensions) for condition in self.conditions)


@dataclass(slots=True)
class Group:
    """One time series of the answer: what it is of, and its periods, newest first."""

    attributes: Mapping[str, str]
    points: list[Point]


@dataclass(slots=True)
class Answer:
    """The time series in their order; `partial` when a quota cut something off."""

    groups: list[Group] = field(default_factory=list)
    partial: bool = False


def is_query(expression: str) -> bool:
    """Is this expression a Metrics Insights query rather than metric math?"""
    return re.match(r"\s*SELECT\b", expression, re.IGNORECASE) is not None


def parse(expression: str) -> Query:
    """The query of an expression; InsightsError where it is not one."""
    return _Parser(expression).query()


def evaluate(query: Query, store: MetricStore, window: Window, seen_at_s: float) -> Answer:
    """The time series that have data in the window, ranked and cut to the query's limit."""
    answer = Answer()
    periods: dict[tuple[str, ...], dict[int, list[Datum]]] = {}
    matched = 0
    for key, series in store.named(query.namespace, query.metric):
        dimensions = dict(key.dims)
        if not query.matches(dimensions):
            continue
        matched += 1
        if matched > MAX_METRICS:
            answer.partial = True
            break
        of = tuple(dimensions.get(name, OTHER) for name in query.group_by)
        _gather(periods, of, series, window, seen_at_s)
    ranked = _ranked(query, periods)
    answer.partial = answer.partial or len(ranked) > MAX_SERIES
    compute = statistic(_STATISTICS[query.function])
    for of in ranked[: min(query.limit, MAX_SERIES)]:
        attributes = dict(zip(query.group_by, of, strict=True))
        points = [
            Point(window.start_of(n), compute(data) if (data := periods[of].get(n)) else None)
            for n in range(window.count)
        ]
        answer.groups.append(Group(attributes, points))
    return answer


def _gather(
    periods: dict[tuple[str, ...], dict[int, list[Datum]]],
    of: tuple[str, ...],
    series: Series,
    window: Window,
    seen_at_s: float,
) -> None:
    for at_s, datum in series.points(window.start_s, window.end_s, seen_at_s):
        periods.setdefault(of, {}).setdefault(window.number_of(at_s), []).append(datum)


def _ranked(
    query: Query, periods: Mapping[tuple[str, ...], Mapping[int, list[Datum]]]
) -> list[tuple[str, ...]]:
    """Groups in the query's order; equal ones by name, so that the order is always the same."""
    names = sorted(periods)
    if query.order_by is None:
        return names
    compute = statistic(_STATISTICS[query.order_by])

    def rank(of: tuple[str, ...]) -> float:
        return compute([d for data in periods[of].values() for d in data]) or 0.0

    return sorted(names, key=rank, reverse=query.descending)


def keys_of(query: Query, store: MetricStore) -> list[MetricKey]:
    """The metrics a query analyses: what AWS bills by."""
    named = store.named(query.namespace, query.metric)
    return [key for key, _ in named if query.matches(dict(key.dims))]


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, expression: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._position = 0
        position, text = 0, expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise InsightsError(f"Syntax error at '{text[position:].strip()}'")
            self._tokens.append((match.lastgroup, match.group(match.lastgroup)))
            position = match.end()

    def query(self) -> Query:
        """SELECT ... FROM ... [WHERE ...] [GROUP BY ...] [ORDER BY ...] [LIMIT n]"""
        self._word("SELECT")
        function = self._function()
        metric = self._identifier()
        self._symbol(")")
        self._word("FROM")
        namespace, schema = self._from()
        conditions = self._listed(self._condition, "AND") if self._take("WHERE") else ()
        group_by: tuple[str, ...] = ()
        if self._take("GROUP"):
            self._word("BY")
            group_by = self._listed(self._identifier, ",")
        order_by, descending = self._order()
        limit = self._limit()
        if self._position < len(self._tokens):
            self._fail()
        return Query(
            function,
            metric,
            namespace,
            schema,
            conditions,
            group_by,
            order_by,
            descending,
            limit,
        )

    def _from(self) -> tuple[str, frozenset[str] | None]:
        if not self._take("SCHEMA"):
            return self._identifier(), None
        self._symbol("(")
        namespace, *dimensions = self._listed(self._identifier, ",")
        self._symbol(")")
        return namespace, frozenset(dimensions)

    def _condition(self) -> Condition:
        dimension = self._identifier()
        operator = self._symbol("=", "!=")
        kind, value = self._next()
        if kind != "text":
            self._fail(-1)
        return Condition(dimension, _unquoted(value), operator == "=")

    def _order(self) -> tuple[str | None, bool]:
        if not self._take("ORDER"):
            return None, False
        self._word("BY")
        function = self._function()
        self._symbol(")")
        if self._take("DESC"):
            return function, True
        self._take("ASC")
        return function, False

    def _limit(self) -> int:
        if not self._take("LIMIT"):
            return MAX_SERIES
        kind, value = self._next()
        if kind != "number" or not 1 <= int(value) <= MAX_SERIES:
            raise InsightsError(f"LIMIT must be a number from 1 to {MAX_SERIES}")
        return int(value)

    def _function(self) -> str:
        kind, value = self._next()
        if kind != "word" or value.upper() not in _STATISTICS:
            raise InsightsError(f"Unknown function '{value}', use {', '.join(_STATISTICS)}")
        self._symbol("(")
        return value.upper()

    def _identifier(self) -> str:
        kind, value = self._next()
        if kind == "quoted":
            return _unquoted(value)
        if kind != "word":
            self._fail(-1)
        if value.lower().startswith(("tag.", "aws.")):
            raise InsightsError(f"'{value}' is not supported by the local cloud")
        return value

    def _listed(self, item: Callable[[], _Item], separator: str) -> tuple[_Item, ...]:
        items = [item()]
        while self._take(separator):
            items.append(item())
        return tuple(items)

    def _next(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise InsightsError("Syntax error: the query ends unexpectedly")
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, word: str) -> bool:
        if self._position < len(self._tokens):
            kind, value = self._tokens[self._position]
            if kind in ("word", "symbol") and value.upper() == word:
                self._position += 1
                return True
        return False

    def _word(self, word: str) -> None:
        if not self._take(word):
            self._fail()

    def _symbol(self, *symbols: str) -> str:
        kind, value = self._next()
        if kind != "symbol" or value not in symbols:
            self._fail(-1)
        return value

    def _fail(self, step: int = 0) -> NoReturn:
        rest = " ".join(value for _, value in self._tokens[self._position + step :])
        raise InsightsError(f"Syntax error at '{rest or 'its end'}'")


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])
