"""Units, statistics and periods that CloudWatch knows."""

from __future__ import annotations

from functools import cache

from icscaler_localcloud.wire import codec
from icscaler_sim.metrics.statistics import parse


@cache
def units() -> frozenset[str]:
    """Every unit of botocore's `StandardUnit`."""
    return frozenset(codec("cloudwatch").model.shape_for("StandardUnit").metadata["enum"])


def is_statistic(name: str) -> bool:
    """Whether `name` is a statistic that the metric store computes."""
    try:
        parse(name)
    except ValueError:
        return False
    return True


def is_period(period_s: int) -> bool:
    """Valid periods: 1, 5, 10, 20, 30 seconds or any multiple of 60 (API Reference, MetricStat)."""
    return period_s in (1, 5, 10, 20, 30) or (period_s > 0 and period_s % 60 == 0)
