"""CloudWatch statistics over the points of one period.

Definitions: CloudWatch User Guide, "CloudWatch statistics definitions". Bounds of TM, TC, TS
and PR given as numbers are exclusive below and inclusive above; percentages cut the sorted
samples. PR is in percent. Extended statistics (all but the five plain ones) need distributions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

from icscaler_sim.metrics.data import Datum

Statistic: TypeAlias = Callable[[Sequence[Datum]], float | None]
Samples: TypeAlias = list[tuple[float, float]]
"""(value, how often), rising by value."""

_SHORT = re.compile(r"(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{1,10})?)", re.IGNORECASE)
_NUMBER = r"\d+(?:\.\d{1,10})?"
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\(({_NUMBER}%?)?:({_NUMBER}%?)?\)", re.IGNORECASE)


@lru_cache(maxsize=256)
def parse(stat: str) -> Statistic:
    """The function of a statistic's name. Raises ValueError for an unknown one."""
    plain = _PLAIN.get(stat)
    if plain is not None:
        return plain
    if stat.upper() == "IQM":
        return _on_samples("TM", _Bounds(25.0, 75.0, percent=True))
    short = _SHORT.fullmatch(stat)
    if short is not None and float(short[2]) <= 100:
        kind = short[1].lower()
        if kind == "p":
            fraction = float(short[2]) / 100
            return lambda data: _percentile(data, fraction)
        return _on_samples(kind.upper(), _Bounds(None, float(short[2]), percent=True))
    long = _RANGE.fullmatch(stat)
    if long is not None and (long[2] or long[3]):
        return _on_samples(long[1].upper(), _bounds(stat, long[2], long[3]))
    raise ValueError(f"unknown statistic {stat!r}")


class _Bounds:
    """The limits of a trimmed statistic: percent of the samples, or values."""

    __slots__ = ("high", "low", "percent")

    def __init__(self, low: float | None, high: float | None, *, percent: bool) -> None:
        self.low = low
        self.high = high
        self.percent = percent

    def cut(self, samples: Samples) -> Samples:
        """What lies within; percentages may keep a part of a value's count."""
        if self.percent:
            return self._cut_percent(samples)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return [(value, count) for value, count in samples if low < value <= high]

    def _cut_percent(self, samples: Samples) -> Samples:
        total = math.fsum(count for _, count in samples)
        start = total * (0.0 if self.low is None else self.low) / 100
        end = total * (100.0 if self.high is None else self.high) / 100
        kept: Samples = []
        below = 0.0
        for value, count in samples:
            part = min(below + count, end) - max(below, start)
            if part > 0:
                kept.append((value, part))
            below += count
        return kept


def _bounds(stat: str, low: str | None, high: str | None) -> _Bounds:
    percent = {text.endswith("%") for text in (low, high) if text}
    if len(percent) > 1 or (True in percent and stat.upper().startswith("PR")):
        raise ValueError(f"unknown statistic {stat!r}")
    numbers = [None if not text else float(text.rstrip("%")) for text in (low, high)]
    return _Bounds(numbers[0], numbers[1], percent=True in percent)


def _samples(data: Sequence[Datum]) -> Samples | None:
    """All samples of a period, sorted; None when some point has no distribution."""
    counts: dict[float, float] = {}
    for datum in data:
        if datum.values is None or datum.counts is None:
            if datum.sample_count > 0 and datum.minimum == datum.maximum:
                counts[datum.minimum] = counts.get(datum.minimum, 0.0) + datum.sample_count
                continue
            return None
        for value, count in zip(datum.values, datum.counts, strict=True):
            if count > 0:
                counts[value] = counts.get(value, 0.0) + count
    return sorted(counts.items()) or None


def _percentile(data: Sequence[Datum], fraction: float) -> float | None:
    """The smallest value that at least `fraction` of the samples do not exceed."""
    samples = _samples(data)
    if samples is None:
        return None
    wanted = fraction * math.fsum(count for _, count in samples)
    below = 0.0
    for value, count in samples:
        below += count
        if below >= wanted * (1 - 1e-12):
            return value
    return samples[-1][0]


def _on_samples(kind: str, bounds: _Bounds) -> Statistic:
    compute = _TRIMMED[kind]

    def statistic(data: Sequence[Datum]) -> float | None:
        samples = _samples(data)
        return None if samples is None else compute(samples, bounds)

    return statistic


def _count(samples: Samples) -> float:
    return math.fsum(count for _, count in samples)


def _sum(samples: Samples) -> float:
    return math.fsum(value * count for value, count in samples)


def _trimmed_mean(samples: Samples, bounds: _Bounds) -> float | None:
    kept = bounds.cut(samples)
    return _sum(kept) / _count(kept) if kept else None


def _winsorized_mean(samples: Samples, bounds: _Bounds) -> float | None:
    kept = bounds.cut(samples)
    if not kept:
        return None
    low, high = kept[0][0], kept[-1][0]
    return _sum([(min(max(v, low), high), c) for v, c in samples]) / _count(samples)


_TRIMMED: dict[str, Callable[[Samples, _Bounds], float | None]] = {
    "TM": _trimmed_mean,
    "WM": _winsorized_mean,
    "TC": lambda samples, bounds: _count(bounds.cut(samples)),
    "TS": lambda samples, bounds: _sum(bounds.cut(samples)),
    "PR": lambda samples, bounds: 100 * _count(bounds.cut(samples)) / _count(samples),
}


def _average(data: Sequence[Datum]) -> float | None:
    count = sum(datum.sample_count for datum in data)
    return sum(datum.total for datum in data) / count if count else None


_PLAIN: dict[str, Statistic] = {
    "SampleCount": lambda data: sum(datum.sample_count for datum in data),
    "Sum": lambda data: sum(datum.total for datum in data),
    "Average": _average,
    "Minimum": lambda data: min(datum.minimum for datum in data),
    "Maximum": lambda data: max(datum.maximum for datum in data),
}
