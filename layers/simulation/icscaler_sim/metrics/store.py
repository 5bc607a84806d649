"""Metrics as CloudWatch keeps them: publish points, read statistics over aligned periods.

Retention follows `GetMetricData`: points finer than a minute for 3 hours, minutes for 15 days,
then readable in periods of 5 minutes (63 days) and of 1 hour (455 days).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from icscaler_sim.metrics.data import Datum, Project, Row, Table, distribution, single
from icscaler_sim.metrics.statistics import parse

HOUR_S = 3_600
DAY_S = 86_400
FOREVER_S = 455 * DAY_S


class MetricKey(NamedTuple):
    """One series: `dims` sorted by name."""

    namespace: str
    metric: str
    dims: tuple[tuple[str, str], ...]


def key_of(namespace: str, metric: str, dims: Mapping[str, str]) -> MetricKey:
    """The key of a series, whatever the order of its dimensions."""
    return MetricKey(namespace, metric, tuple(sorted(dims.items())))


def retention_s(period_s: float) -> int:
    """How far back a read with this period sees."""
    if period_s < 60:
        return 3 * HOUR_S
    if period_s < 300:
        return 15 * DAY_S
    return 63 * DAY_S if period_s < HOUR_S else FOREVER_S


Combine: TypeAlias = Callable[[Row, Sequence[Row]], float]
"""A gauge's rule: (leading row, rows of the same time elsewhere) -> value."""


class Series:
    """One series: sources it is read from, each a table and how to see a row of it."""

    __slots__ = ("_own", "sources", "unit")

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.sources: list[tuple[Table, Project]] = []
        self._own: dict[int, Table] = {}

    def own_table(self, period_s: int, keep_s: float) -> Table:
        """The table of points that were put one by one at this grain."""
        table = self._own.get(period_s)
        if table is None:
            table = self._own[period_s] = Table(keep_s, period_s=period_s)
            self.sources.append((table, _whole))
        return table

    def points(self, start_s: float, end_s: float, seen_at_s: float) -> Iterator[tuple[int, Datum]]:
        """Visible points of [start_s, end_s); sources one after the other, each in time order."""
        for table, project in self.sources:
            for row in table.between(start_s, end_s):
                if row[1] <= seen_at_s:
                    datum = project(row, seen_at_s)
                    if datum is not None:
                        yield row[0], datum

    def minutes(self, stat: str, start_s: int, count: int, seen_at_s: float) -> list[float | None]:
        """The statistic of `count` minutes from `start_s` on (a whole minute); None: no data.

        The cheap way for a reader that asks every minute for the latest few.
        """
        compute = parse(stat)
        found: list[list[Datum]] = [[] for _ in range(count)]
        end_s = start_s + 60 * count
        for table, project in self.sources:
            for row in reversed(table.since(start_s)):
                if row[0] < end_s and row[1] <= seen_at_s:
                    datum = project(row, seen_at_s)
                    if datum is not None:
                        found[(row[0] - start_s) // 60].append(datum)
        return [compute(data) if data else None for data in found]

    def holds_data(self) -> bool:
        """Whether anything was ever published (and is still kept)."""
        return any(True for _ in self.points(-math.inf, math.inf, math.inf))


class GaugeSeries(Series):
    """One point per row of a leading table, made from it and the rows of the same time elsewhere.

    For values that are not sums of samples, such as an endpoint's utilisation over its
    components.
    """

    __slots__ = ("combine", "leading", "parts")

    def __init__(self, unit: str, leading: Table, parts: list[Table], combine: Combine) -> None:
        super().__init__(unit)
        self.leading = leading
        self.parts = parts
        self.combine = combine

    def points(self, start_s: float, end_s: float, seen_at_s: float) -> Iterator[tuple[int, Datum]]:
        by_time: dict[float, list[Row]] = {}
        for table in self.parts:
            for row in table.between(start_s, end_s):
                by_time.setdefault(row[0], []).append(row)
        for row in self.leading.between(start_s, end_s):
            if row[1] <= seen_at_s:
                yield row[0], single(self.combine(row, by_time.get(row[0], [])))
        yield from super().points(start_s, end_s, seen_at_s)

    def minutes(self, stat: str, start_s: int, count: int, seen_at_s: float) -> list[float | None]:
        compute = parse(stat)
        found: list[list[Datum]] = [[] for _ in range(count)]
        for at_s, datum in self.points(start_s, start_s + 60 * count, seen_at_s):
            found[(at_s - start_s) // 60].append(datum)
        return [compute(data) if data else None for data in found]


def _whole(row: Row, seen_at_s: float) -> Datum:
    datum: Datum = row[2]
    return datum


class MetricStore:
    """All series of one account and Region.

    `keep_s` bounds memory: rows older than that may be forgotten although CloudWatch would
    still have them (a long simulation needs minutes, not months).
    """

    def __init__(self, *, keep_s: float = FOREVER_S) -> None:
        self.keep_s = keep_s
        self._series: dict[MetricKey, Series] = {}
        self._named: dict[tuple[str, str], dict[MetricKey, Series]] = {}

    def put(
        self,
        namespace: str,
        metric: str,
        dims: Mapping[str, str],
        at_s: float,
        value: float,
        *,
        unit: str = "None",
        period_s: int = 60,
        visible_at_s: float | None = None,
        count: float = 1,
    ) -> None:
        """Publish `value`, seen `count` times, at `at_s`.

        Readable from `visible_at_s` (None: at once). `period_s` is the native grain: 1 for
        high resolution, 10, or 60; the point belongs to the grain that `at_s` falls in.
        """
        self._put(
            key_of(namespace, metric, dims),
            at_s,
            single(value, count),
            unit,
            period_s,
            visible_at_s,
        )

    def put_distribution(
        self,
        namespace: str,
        metric: str,
        dims: Mapping[str, str],
        at_s: float,
        values: Sequence[float],
        counts: Sequence[float],
        *,
        unit: str = "None",
        period_s: int = 60,
        visible_at_s: float | None = None,
    ) -> None:
        """Publish `values` with how often each was seen. Raises ValueError unless as many."""
        if not values or len(values) != len(counts):
            raise ValueError("values and counts must be as many, and at least one")
        datum = distribution(tuple(values), tuple(counts))
        self._put(key_of(namespace, metric, dims), at_s, datum, unit, period_s, visible_at_s)

    def put_statistic_set(
        self,
        namespace: str,
        metric: str,
        dims: Mapping[str, str],
        at_s: float,
        *,
        sample_count: float,
        total: float,
        minimum: float,
        maximum: float,
        unit: str = "None",
        period_s: int = 60,
        visible_at_s: float | None = None,
    ) -> None:
        """Publish a ready-made statistic set (no percentiles can be read from it)."""
        datum = Datum(sample_count, total, minimum, maximum)
        self._put(key_of(namespace, metric, dims), at_s, datum, unit, period_s, visible_at_s)

    def _put(
        self,
        key: MetricKey,
        at_s: float,
        datum: Datum,
        unit: str,
        period_s: int,
        visible_at_s: float | None,
    ) -> None:
        series = self._series.get(key)
        if series is None:
            series = self._keep(key, Series(unit))
        visible = at_s if visible_at_s is None else visible_at_s
        grain_s = int(at_s // period_s) * period_s
        series.own_table(period_s, self.keep_s).insert((grain_s, visible, datum))

    def attach(self, key: MetricKey, unit: str, table: Table, project: Project) -> None:
        """Let the series `key` be read from `table` too, through `project`."""
        series = self._series.get(key)
        if series is None:
            series = self._keep(key, Series(unit))
        series.sources.append((table, project))

    def attach_series(self, key: MetricKey, series: Series) -> None:
        """Give the series `key` a reading rule of its own."""
        self._keep(key, series)

    def _keep(self, key: MetricKey, series: Series) -> Series:
        self._series[key] = series
        self._named.setdefault((key.namespace, key.metric), {})[key] = series
        return series

    def named(self, namespace: str, metric: str) -> list[tuple[MetricKey, Series]]:
        """Every series of this name, whatever its dimensions, also while it has no data."""
        return list(self._named.get((namespace, metric), {}).items())

    def find(self, namespace: str, metric: str, dims: Mapping[str, str]) -> Series | None:
        """A handle on one series, to skip the look-up in a hot loop."""
        return self._series.get(key_of(namespace, metric, dims))

    def statistics(
        self,
        namespace: str,
        metric: str,
        dims: Mapping[str, str],
        stat: str,
        period_s: int,
        start_s: float,
        end_s: float,
        seen_at_s: float,
    ) -> list[tuple[int, float]]:
        """(period start, value) in rising time; periods without visible data are absent.

        `stat`: SampleCount, Sum, Average, Minimum, Maximum, pNN, tmNN, TM(a:b), PR(a:b), ...
        `start_s` is rounded down to the period, as CloudWatch does. Raises ValueError for an
        unknown statistic or period (1, 5, 10, 20, 30 or a multiple of 60).
        """
        compute = parse(stat)
        _check_period(period_s)
        series = self.find(namespace, metric, dims)
        if series is None:
            return []
        first_s = max(start_s, seen_at_s - retention_s(period_s))
        first_s = math.floor(first_s / period_s) * period_s
        periods: dict[int, list[Datum]] = {}
        for at_s, datum in series.points(first_s, end_s, seen_at_s):
            periods.setdefault(int(at_s // period_s) * period_s, []).append(datum)
        found = ((at_s, compute(periods[at_s])) for at_s in sorted(periods))
        return [(at_s, value) for at_s, value in found if value is not None]

    def list_metrics(
        self,
        namespace: str | None = None,
        metric: str | None = None,
        dims: Mapping[str, str | None] | None = None,
    ) -> list[MetricKey]:
        """Series with data that match, sorted; a dimension value of None matches any value."""
        wanted = dims or {}
        return sorted(
            key
            for key, series in self._series.items()
            if namespace in (None, key.namespace)
            and metric in (None, key.metric)
            and _matches(dict(key.dims), wanted)
            and series.holds_data()
        )

    def unit(self, namespace: str, metric: str, dims: Mapping[str, str]) -> str | None:
        """The unit a series was published with; None for an unknown series."""
        series = self.find(namespace, metric, dims)
        return None if series is None else series.unit


def _matches(dims: Mapping[str, str], wanted: Mapping[str, str | None]) -> bool:
    return all(
        name in dims and (value is None or dims[name] == value) for name, value in wanted.items()
    )


def _check_period(period_s: int) -> None:
    if period_s not in (1, 5, 10, 20, 30) and (period_s <= 0 or period_s % 60):
        raise ValueError(f"period must be 1, 5, 10, 20, 30 or a multiple of 60, got {period_s}")
