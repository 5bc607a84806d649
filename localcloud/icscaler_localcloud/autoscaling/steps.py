"""Step scaling's arithmetic, without any clock or store.

Source: Application Auto Scaling User Guide, "How step scaling for Application Auto Scaling works"
(step adjustments, scaling adjustment types, rounding); its examples are tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Literal, TypeAlias

AdjustmentType: TypeAlias = Literal["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step adjustment; its bounds are differences from the alarm's threshold."""

    adjustment: int
    lower: float = -inf
    upper: float = inf


@dataclass(frozen=True, slots=True)
class Steps:
    """A step policy's adjustments, checked and in order of their bounds."""

    kind: AdjustmentType
    steps: tuple[Step, ...]
    minimum_magnitude: int = 0

    def capacity(self, base: int, difference: float, *, above: bool) -> int | None:
        """The capacity asked for, before bounds; None where no step matches.

        `difference` is metric minus threshold. Above the threshold a step holds [lower, upper),
        below it (lower, upper].
        """
        for step in self.steps:
            low, high = step.lower, step.upper
            if (low <= difference < high) if above else (low < difference <= high):
                return max(0, self._adjusted(base, step.adjustment))
        return None

    def _adjusted(self, base: int, adjustment: int) -> int:
        if self.kind == "ExactCapacity":
            return adjustment
        if self.kind == "ChangeInCapacity":
            return base + adjustment
        change = percent_of(base, adjustment)
        sign = -1 if adjustment < 0 else 1
        if adjustment and abs(change) < self.minimum_magnitude:
            change = sign * self.minimum_magnitude
        return base + change


def percent_of(base: int, percent: int) -> int:
    """A share of a capacity in whole units: toward zero beyond 1, never less than 1 below it."""
    hundredths = abs(base * percent)
    size = hundredths // 100 if hundredths >= 100 else min(1, hundredths)
    return size if percent > 0 else -size


def problem_with(steps: Sequence[Step]) -> str | None:
    """What is wrong with a set of steps; None when they are as the User Guide wants them."""
    if not steps:
        return "At least one step adjustment is required."
    if any(step.lower == -inf and step.upper == inf for step in steps) and len(steps) > 1:
        return "Step adjustment intervals can't overlap."
    for step in steps:
        if step.lower >= step.upper:
            return "Step adjustment upper bound must be greater than the lower bound."
    in_order = ordered(steps)
    for before, after in pairwise(in_order):
        if after.lower < before.upper:
            return "Step adjustment intervals can't overlap."
        if after.lower > before.upper:
            return "Step adjustment intervals can't have gaps between them."
    lowest, highest = in_order[0].lower, in_order[-1].upper
    if -inf < lowest < 0:
        return "There must be a step adjustment with an unspecified lower bound when one is below 0"
    if 0 < highest < inf:
        return "There must be a step adjustment with an unspecified upper bound when one is above 0"
    return None


def ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps by their bounds."""
    return tuple(sorted(steps, key=lambda step: (step.lower, step.upper)))


def aggregated(values: Sequence[float], aggregation: str) -> float:
    """MetricAggregationType over the alarm's datapoints (at least one)."""
    if aggregation == "Minimum":
        return min(values)
    return max(values) if aggregation == "Maximum" else sum(values) / len(values)
