"""Frontiers of records: what a policy can do over its settings, and what lies in between."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from benchmarks.sweeps.records import Record

Loss = Callable[[Record], float]
LEAST = 1e-7


def lost(record: Record) -> float:
    """By requests."""
    return record.lost


def model_lost(record: Record) -> float:
    """By models: every called model counts alike."""
    return record.model_lost


def frontier(records: Iterable[Record], loss: Loss = lost) -> list[Record]:
    """Those that no other beats in GPU-hours and loss, leanest first."""
    found: list[Record] = []
    for record in sorted(records, key=lambda one: (one.gpu_hours, loss(one))):
        if not found or loss(record) < loss(found[-1]):
            found.append(record)
    return found


def gpu_hours_at(records: Iterable[Record], level: float, loss: Loss = lost) -> float | None:
    """GPU-hours at which a frontier loses so much, linear in the logarithm of the loss between two
    settings; None when none of them loses so little. Where all do, the leanest one's."""
    points = frontier(records, loss)
    for place, point in enumerate(points):
        if loss(point) > level:
            continue
        if place == 0:
            return point.gpu_hours
        before = points[place - 1]
        share = _log(loss(before) / level) / _log(loss(before) / max(loss(point), LEAST))
        return before.gpu_hours + share * (point.gpu_hours - before.gpu_hours)
    return None


def loss_at(records: Iterable[Record], gpu_hours: float, loss: Loss = lost) -> float | None:
    """What a frontier loses with so many GPU-hours; None when its leanest setting holds more."""
    points = frontier(records, loss)
    if not points or points[0].gpu_hours > gpu_hours:
        return None
    for before, after in pairwise(points):
        if after.gpu_hours > gpu_hours:
            share = (gpu_hours - before.gpu_hours) / (after.gpu_hours - before.gpu_hours)
            low, high = max(loss(after), LEAST), max(loss(before), LEAST)
            return float(high * (low / high) ** share)
    return loss(points[-1])


def reached_first(records: Iterable[Record], level: float) -> Record | None:
    """The leanest setting that loses so much at most, as it was played."""
    return next((one for one in frontier(records) if one.lost <= level), None)


def best_of(groups: Sequence[Sequence[Record]], level: float, loss: Loss = lost) -> float | None:
    """The fewest GPU-hours of any policy's frontier at a loss."""
    found = [hours for group in groups if (hours := gpu_hours_at(group, level, loss)) is not None]
    return min(found, default=None)


def _log(ratio: float) -> float:
    return math.log(max(ratio, 1 + 1e-12))
