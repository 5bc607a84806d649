"""Units and statistics that CloudWatch knows, from botocore's model and the User Guide."""

from __future__ import annotations

import re
from functools import cache

from icscaler_localcloud.wire import codec

# "CloudWatch statistics definitions": percentiles, trimmed and winsorized means, trimmed count and
# sum, percentile rank, interquartile mean. The bounds of TM(a:b) and its kin may be percent or
# values, and either may be missing.
_SIMPLE = frozenset({"SampleCount", "Average", "Sum", "Minimum", "Maximum", "IQM"})
_PERCENT = r"(?:100|\d{1,2}(?:\.\d{1,10})?)"
_NUMBER = r"-?\d+(?:\.\d+)?"
_BOUND = rf"(?:{_PERCENT}%|{_NUMBER})?"
_PATTERN = re.compile(
    rf"p{_PERCENT}|(?:tm|wm|tc|ts){_PERCENT}|(?:TM|WM|TC|TS)\({_BOUND}:{_BOUND}\)"
    rf"|PR\((?:{_NUMBER})?:(?:{_NUMBER})?\)"
)


@cache
def units() -> frozenset[str]:
    """Every unit of botocore's `StandardUnit`."""
    return frozenset(codec("cloudwatch").model.shape_for("StandardUnit").metadata["enum"])


def is_statistic(name: str) -> bool:
    """Whether `name` is a statistic that GetMetricData takes."""
    return name in _SIMPLE or _PATTERN.fullmatch(name) is not None


def is_period(period_s: int) -> bool:
    """Valid periods: 1, 5, 10, 20, 30 seconds or any multiple of 60 (API Reference, MetricStat)."""
    return period_s in (1, 5, 10, 20, 30) or (period_s > 0 and period_s % 60 == 0)
