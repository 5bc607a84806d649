"""What one published point holds, and tables of rows that many series can be read from."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias


class Datum(NamedTuple):
    """A statistic set; with `values` and `counts` also a distribution (same length)."""

    sample_count: float
    total: float
    minimum: float
    maximum: float
    values: tuple[float, ...] | None = None
    counts: tuple[float, ...] | None = None


Row: TypeAlias = Any
"""A tuple whose first two items are its time and the time from which readers see it."""

Project: TypeAlias = Callable[[Row, float], Datum | None]
"""(row, seen_at_s) -> what a reader at that time sees of it; None: nothing was published."""

_at = itemgetter(0)
# Who asks for the latest rows mostly means so many at most.
_NEAR = 32


def single(value: float, count: float = 1) -> Datum:
    """`value`, seen `count` times."""
    return Datum(count, value * count, value, value, (value,), (count,))


def distribution(values: tuple[float, ...], counts: tuple[float, ...]) -> Datum:
    """The datum of `values`, each seen `counts` times."""
    total = math.fsum(value * count for value, count in zip(values, counts, strict=True))
    return Datum(math.fsum(counts), total, min(values), max(values), values, counts)


class Table:
    """Rows in rising time, dropped when older than `keep_s`.

    `refresh` lets a lazy owner write what it owes before anybody reads. `period_s` is the
    finest grain the rows have (CloudWatch keeps rows finer than a minute for 3 hours only).
    """

    __slots__ = ("keep_s", "period_s", "refresh", "rows")

    def __init__(
        self, keep_s: float, *, period_s: int = 60, refresh: Callable[[], None] | None = None
    ) -> None:
        self.rows: list[Row] = []
        self.keep_s = keep_s
        self.period_s = period_s
        self.refresh = refresh

    def append(self, row: Row) -> None:
        """Add a row no older than the last one."""
        rows = self.rows
        rows.append(row)
        # Dropping the head costs a copy of the rest, so wait until half of it can go.
        if row[0] - rows[0][0] > 2 * self.keep_s:
            del rows[: bisect_left(rows, row[0] - self.keep_s, key=_at)]

    def extend(self, more: list[Row]) -> None:
        """Add rows that are in rising time among themselves."""
        rows = self.rows
        if rows and more and more[0][0] < rows[-1][0]:
            for row in more:
                self.insert(row)
            return
        rows += more
        if rows and rows[-1][0] - rows[0][0] > 2 * self.keep_s:
            del rows[: bisect_left(rows, rows[-1][0] - self.keep_s, key=_at)]

    def insert(self, row: Row) -> None:
        """Add a row of any time."""
        rows = self.rows
        if rows and row[0] < rows[-1][0]:
            insort(rows, row, key=_at)
        else:
            self.append(row)

    def between(self, start_s: float, end_s: float) -> list[Row]:
        """Rows of [start_s, end_s), brought up to date first."""
        if self.refresh is not None:
            self.refresh()
        rows = self.rows
        low = bisect_left(rows, start_s, key=_at)
        return rows[low : bisect_left(rows, end_s, low, key=_at)]

    def backwards(self) -> Iterator[Row]:
        """Rows from the newest on, brought up to date first: for who needs the latest few."""
        if self.refresh is not None:
            self.refresh()
        return reversed(self.rows)

    def since(self, start_s: float) -> list[Row]:
        """Rows from `start_s` on, brought up to date first: cheap when `start_s` is near."""
        if self.refresh is not None:
            self.refresh()
        rows = self.rows
        if not rows or rows[-1][0] < start_s:
            return []
        low = len(rows) - _NEAR
        if low < 0 or rows[low][0] >= start_s:
            low = 0
        return rows[bisect_left(rows, start_s, low, key=_at) :]
