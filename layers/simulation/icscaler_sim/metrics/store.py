"""Metrics as CloudWatch keeps them: publish points, read statistics over aligned periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class MetricKey(NamedTuple):
    """One series: `dims` sorted by name."""

    namespace: str
    metric: str
    dims: tuple[tuple[str, str], ...]


class MetricStore:
    """All series of one account and Region."""

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
        """Publish `value`, seen `count` times, at `at_s`; readable from `visible_at_s` (default: now)."""
        raise NotImplementedError

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
        """Publish `values` with how often each was seen."""
        raise NotImplementedError

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
        raise NotImplementedError

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

        `stat`: SampleCount, Sum, Average, Minimum, Maximum, pNN[.n], tmNN, TM(a:b), PR(a:b), ...
        Raises ValueError for an unknown statistic or period.
        """
        raise NotImplementedError

    def list_metrics(
        self,
        namespace: str | None = None,
        metric: str | None = None,
        dims: Mapping[str, str | None] | None = None,
    ) -> Iterable[MetricKey]:
        """Series that match; a dimension value of `None` matches any value."""
        raise NotImplementedError

    def unit(self, namespace: str, metric: str, dims: Mapping[str, str]) -> str | None:
        """The unit a series was published with; `None` for an unknown series."""
        raise NotImplementedError
