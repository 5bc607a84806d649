"""Target tracking's arithmetic, without any clock or store.

Sources: Application Auto Scaling User Guide, "How target tracking scaling for Application Auto
Scaling works" (proportional scale-out, rounding that keeps capacity, no scaling without a ratio);
what it leaves open is a switch in `AutoScalingSettings`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from icscaler_localcloud.autoscaling.settings import AutoScalingSettings

# A quotient of floats a hair above a whole number is that number.
_ROUNDING = 1 - 1e-9

Measured: TypeAlias = tuple[float, int]
"""A datapoint's value, and the capacity it was measured over."""


def tracked_capacity(
    base: int, points: Sequence[Measured], target: float, settings: AutoScalingSettings
) -> int | None:
    """The capacity that brings the metric to its target; None to leave the present one alone.

    `points` are the alarm's, newest first, `base` is the capacity now. Zero has no ratio: target
    tracking never leaves it.
    """
    if base == 0 or not points:
        return None
    counted = points[:1] if settings.tracking_value == "latest" else points
    value = sum(value for value, _ in counted) / len(counted)
    if low_threshold(target, settings) <= value <= target:
        return None
    load = sum(value * capacity for value, capacity in counted) / len(counted)
    wanted = math.ceil(load / target * _ROUNDING)
    if value > target:
        return max(wanted, base)
    if settings.gradual_scale_in:
        wanted = max(wanted, base - max(1, base // 10))
    return min(wanted, base)


def low_threshold(target: float, settings: AutoScalingSettings) -> float:
    """Where AlarmLow begins."""
    return target * settings.low_share
