"""GetMetricData: checks, evaluation of metric and expression queries, and paging."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.cloudwatch.errors import invalid_token, validation_error
from icscaler_localcloud.cloudwatch.math import (
    MathError,
    Scope,
    Series,
    Value,
    evaluate,
    names_in,
    parse,
)
from icscaler_localcloud.cloudwatch.math.parse import Node
from icscaler_localcloud.cloudwatch.units import is_period, is_statistic
from icscaler_sim.metrics.store import MetricStore

if TYPE_CHECKING:
    from icscaler_localcloud.alarms import insights

# API Reference, GetMetricData.
MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One MetricStat query."""

    id: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    stat: str
    period_s: int
    unit: str | None
    label: str
    shown: bool


@dataclass(frozen=True, slots=True)
class ExpressionQuery:
    """One Expression query; `period_s` is what the request asks for, at least."""

    id: str
    tree: Node
    period_s: int | None
    label: str | None
    shown: bool


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """One Metrics Insights query; with GROUP BY its value is an array of series."""

    id: str
    select: insights.Query
    period_s: int
    label: str | None
    shown: bool


Query = MetricQuery | ExpressionQuery | InsightsQuery


@dataclass(slots=True)
class _Evaluation:
    """One request's evaluation: every (query, period) is computed once."""

    store: MetricStore
    queries: Mapping[str, Query]
    start_s: int
    end_s: int
    seen_at_s: float
    _known: dict[tuple[str, int], Value] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def value(self, name: str, period_s: int) -> Value:
        query = self.queries.get(name)
        if query is None:
            raise MathError(f"'{name}' is not the id of a query of this request")
        if name in self._open:
            raise MathError(f"'{name}' refers to itself")
        key = (name, period_s)
        if key not in self._known:
            self._open.append(name)
            self._known[key] = self._compute(query, period_s)
            self._open.pop()
        return self._known[key]

    def _compute(self, query: Query, period_s: int) -> Value:
        if isinstance(query, MetricQuery):
            return self._metric(query, period_s)
        if isinstance(query, InsightsQuery):
            return self._insights(query)
        return self.expression(query, period_s)

    def expression(self, query: ExpressionQuery, period_s: int) -> Value:
        scope = Scope(
            self.start_s,
            self.end_s,
            period_s,
            [q.id for q in self.queries.values() if isinstance(q, MetricQuery)],
            lambda name: self.value(name, period_s),
        )
        return evaluate(query.tree, scope)

    def period_of(self, query: Query, path: tuple[str, ...] = ()) -> int:
        """A metric's own period; for an expression the longest of its own and what it names."""
        if not isinstance(query, ExpressionQuery):
            return query.period_s
        if query.id in path:
            raise MathError(f"'{query.id}' refers to itself")
        periods = [
            self.period_of(self.queries[name], (*path, query.id))
            for name in self._names(query)
            if name in self.queries
        ]
        return max([*periods, query.period_s or 0]) or 60

    def _names(self, query: ExpressionQuery) -> Iterator[str]:
        for name in names_in(query.tree):
            if name == "*":
                yield from (q.id for q in self.queries.values() if isinstance(q, MetricQuery))
            else:
                yield name

    def _metric(self, query: MetricQuery, period_s: int) -> Series:
        args = (query.namespace, query.metric, query.dimensions)
        if query.unit is not None and self.store.unit(*args) != query.unit:
            return Series({}, period_s, query.label)
        points = self.store.statistics(
            *args, query.stat, period_s, self.start_s, self.end_s, self.seen_at_s
        )
        return Series(dict(points), period_s, query.label)

    def _insights(self, query: InsightsQuery) -> Value:
        """Periods begin at multiples of their length, as with any GetMetricData query."""
        from icscaler_localcloud.alarms.timing import Window

        period_s = query.period_s
        first, last = self.start_s // period_s, -(-self.end_s // period_s)
        window = Window(last * period_s, period_s, last - first)
        found = insights_module().evaluate(query.select, self.store, window, self.seen_at_s)
        series = [
            Series(
                {p.at_s: p.value for p in group.points if p.value is not None},
                period_s,
                " ".join(group.attributes.values()) or query.select.metric,
            )
            for group in found.groups
        ]
        if query.select.group_by:
            return series
        return series[0] if series else Series({}, period_s, query.select.metric)


def insights_module() -> ModuleType:
    """Imported late: the package of alarms, where the parser is, needs this one's math."""
    from icscaler_localcloud.alarms import insights

    return insights


def get_metric_data(
    store: MetricStore, params: Params, now_s: float, account: str
) -> Mapping[str, Any]:
    """Answer GetMetricData with what is visible at `now_s`.

    Raises ServiceError: ValidationError for a request or expression that cannot be answered,
    InvalidNextToken for a token of another request.
    """
    queries = _queries(params, account)
    start_s, end_s = int(params["StartTime"]), int(params["EndTime"])
    if start_s >= end_s:
        raise validation_error("The parameter StartTime must be less than the parameter EndTime.")
    limit = params.get("MaxDatapoints", MAX_DATAPOINTS)
    if not 0 < limit <= MAX_DATAPOINTS:
        raise validation_error(f"MaxDatapoints must be between 1 and {MAX_DATAPOINTS}.")
    request = _fingerprint(params)
    position, seen_at_s = _resume(params.get("NextToken"), request, now_s)
    evaluation = _Evaluation(store, queries, start_s, end_s, seen_at_s)
    descending = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    rows = _rows(queries.values(), evaluation, descending)
    return _page(rows, position, limit, lambda at: _token(request, at, seen_at_s))


@dataclass(frozen=True, slots=True)
class _Row:
    """One time series of the answer."""

    id: str
    label: str
    points: Sequence[tuple[int, float]]


def _rows(queries: Any, evaluation: _Evaluation, descending: bool) -> list[_Row]:
    rows = []
    for query in queries:
        if not query.shown:
            continue
        try:
            value = evaluation.value(query.id, evaluation.period_of(query))
        except MathError as error:
            raise _in_expression(query.id, error) from error
        if isinstance(value, float | int):
            raise _in_expression(
                query.id,
                MathError("the result is a number, a time series or an array is expected"),
            )
        array = isinstance(value, list)
        for series in value if isinstance(value, list) else [value]:
            points = sorted(series.points.items(), reverse=descending)
            # The series of an array keep their own names; one series has its query's.
            own = series.label if array or isinstance(query, InsightsQuery) else ""
            rows.append(_Row(query.id, query.label or own or query.id, points))
    return rows


def _in_expression(query_id: str, error: Exception) -> Exception:
    return validation_error(f"Error in expression '{query_id}': {error}")


def _page(rows: Sequence[_Row], position: int, limit: int, token: Any) -> Mapping[str, Any]:
    """`limit` datapoints from `position` on, counted through all rows in order."""
    results = []
    passed, left = 0, limit
    total = sum(len(row.points) for row in rows)
    for row in rows:
        first = min(max(position - passed, 0), len(row.points))
        shown = row.points[first : first + left]
        passed += len(row.points)
        complete = first + len(shown) == len(row.points)
        if position and not shown and row.points:
            continue
        left -= len(shown)
        results.append(
            {
                "Id": row.id,
                "Label": row.label,
                "Timestamps": [at for at, _ in shown],
                "Values": [value for _, value in shown],
                "StatusCode": "Complete" if complete else "PartialData",
            }
        )
    end = position + limit - left
    return {
        "MetricDataResults": results,
        "NextToken": token(end) if end < total else None,
        "Messages": [],
    }


# -- the request ----------------------------------------------------------------------------------


def _queries(params: Params, account: str) -> Mapping[str, Query]:
    given = params["MetricDataQueries"]
    if len(given) > MAX_QUERIES:
        raise validation_error(
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )
    queries: dict[str, Query] = {}
    for index, query in enumerate(given, start=1):
        parsed = _query(query, f"MetricDataQueries.member.{index}", account)
        if parsed.id in queries:
            raise validation_error(
                f"The values for parameter id in MetricDataQueries are not unique: {parsed.id}."
            )
        queries[parsed.id] = parsed
    if sum(isinstance(query, InsightsQuery) for query in queries.values()) > 1:
        raise validation_error("A request may have one Metrics Insights query.")
    if not any(query.shown for query in queries.values()):
        raise validation_error("At least one MetricDataQuery must return data.")
    return queries


def _query(query: Params, place: str, account: str) -> Query:
    query_id, label = query["Id"], query.get("Label")
    if _ID.fullmatch(query_id) is None:
        raise validation_error(
            f"The parameter {place}.Id must start with a lowercase letter and contain only "
            "letters, numbers and underscores."
        )
    if query.get("AccountId", account) != account:
        raise validation_error(f"{place}.AccountId: other accounts are not supported here.")
    if label is not None and "${" in label:
        raise validation_error(f"{place}.Label: dynamic labels are not supported here.")
    shown = query.get("ReturnData", True)
    if ("MetricStat" in query) == ("Expression" in query):
        raise validation_error(
            f"Exactly one of the parameters {place}.MetricStat and {place}.Expression is required."
        )
    if "Expression" in query:
        return _expression_query(query, place, label, shown)
    return _metric_query(query, place, label, shown)


def _expression_query(query: Params, place: str, label: str | None, shown: bool) -> Query:
    query_id, expression, period_s = query["Id"], query["Expression"], query.get("Period")
    if period_s is not None and not is_period(period_s):
        raise _bad_period(f"{place}.Period", period_s)
    insights = insights_module()
    try:
        if not insights.is_query(expression):
            return ExpressionQuery(query_id, parse(expression), period_s, label, shown)
        if period_s is None:
            raise validation_error(f"{place}.Period is required for a Metrics Insights query.")
        return InsightsQuery(query_id, insights.parse(expression), period_s, label, shown)
    except (MathError, insights.InsightsError) as error:
        raise _in_expression(query_id, error) from error


def _metric_query(query: Params, place: str, label: str | None, shown: bool) -> MetricQuery:
    stat = query["MetricStat"]
    metric = stat["Metric"]
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise validation_error(f"The parameter {place}.MetricStat.Metric.{member} is required.")
    if not is_period(stat["Period"]):
        raise _bad_period(f"{place}.MetricStat.Period", stat["Period"])
    if not is_statistic(stat["Stat"]):
        raise validation_error(
            f"The value '{stat['Stat']}' for parameter {place}.MetricStat.Stat is not a supported "
            "statistic."
        )
    return MetricQuery(
        id=query["Id"],
        namespace=metric["Namespace"],
        metric=metric["MetricName"],
        dimensions={d["Name"]: d["Value"] for d in metric.get("Dimensions", ())},
        stat=stat["Stat"],
        period_s=stat["Period"],
        unit=stat.get("Unit"),
        label=label or metric["MetricName"],
        shown=shown,
    )


def _bad_period(place: str, period_s: int) -> Exception:
    return validation_error(
        f"The value {period_s} for parameter {place} is not valid: it must be 1, 5, 10, 20, 30 or "
        "a multiple of 60 seconds."
    )


# -- tokens ---------------------------------------------------------------------------------------


def _fingerprint(params: Params) -> str:
    asked = {key: value for key, value in params.items() if key != "NextToken"}
    canonical = json.dumps(asked, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _token(request: str, position: int, seen_at_s: float) -> str:
    # The time of the first page goes along, so that later pages show the same points.
    return base64.urlsafe_b64encode(json.dumps([request, position, seen_at_s]).encode()).decode()


def _resume(token: str | None, request: str, now_s: float) -> tuple[int, float]:
    if token is None:
        return 0, now_s
    try:
        issued_for, position, seen_at_s = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise invalid_token() from None
    if issued_for != request or seen_at_s > now_s:
        raise invalid_token()
    return int(position), float(seen_at_s)
