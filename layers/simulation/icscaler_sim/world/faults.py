"""Switches that break the world on purpose. All off by default; set them on `World.faults`.

Windows are [from, until) in epoch seconds and must be declared before the time they concern.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TypeAlias

Windows: TypeAlias = list[tuple[float, float]]


def _covers(windows: Windows | None, at_s: float) -> bool:
    return windows is not None and any(start <= at_s < end for start, end in windows)


@dataclass(slots=True)
class Faults:
    """What is broken, by name. Losing an instance is an act, not a state: `World.lose_instance`."""

    no_capacity: dict[str, Windows] = field(default_factory=dict)
    """Instance type -> windows in which no launch of it succeeds."""
    obtainable_instances: dict[str, int] = field(default_factory=dict)
    """Instance type -> how many the account can have at once."""
    stuck_updating: set[str] = field(default_factory=set)
    """Components that do not leave Creating, Updating or Deleting while they are in here."""
    slow_start_factor: dict[str, float] = field(default_factory=dict)
    """Component -> image pulls and weight loads take this much longer."""
    failing_copies: dict[str, int] = field(default_factory=dict)
    """Component -> so many of its next copies fail their health check."""
    metric_gaps: dict[str, Windows] = field(default_factory=dict)
    """Component, "endpoint/variant" or "*" -> windows whose metric points are never seen."""
    metric_delay_s: dict[str, float] = field(default_factory=dict)
    """Component, "endpoint/variant" or "*" -> points become readable this much later."""
    metric_clock_s: dict[str, float] = field(default_factory=dict)
    """The same names -> points are stamped this much later than they were measured (the clock of
    whoever measured is ahead), negative: earlier. Late points and gaps go by the true time."""

    @property
    def metrics_in_order(self) -> bool:
        """Whether points are neither lost, nor late, nor stamped by a wrong clock."""
        return not (self.metric_gaps or self.metric_delay_s or self.metric_clock_s)

    def clear(self) -> None:
        """Everything works again; what is lost stays lost."""
        for broken in fields(self):
            getattr(self, broken.name).clear()

    def lacks_capacity(self, type_name: str, held: int, at_s: float) -> bool:
        """Whether one more instance beside `held` of the type cannot be had now."""
        limit = self.obtainable_instances.get(type_name)
        if limit is not None and held >= limit:
            return True
        return _covers(self.no_capacity.get(type_name), at_s)

    def start_factor(self, component: str) -> float:
        """By how much pulls and loads of the component are slowed."""
        return self.slow_start_factor.get(component, 1.0)

    def take_failing_copy(self, component: str) -> bool:
        """Whether the next copy fails; counts it off."""
        left = self.failing_copies.get(component, 0)
        if left > 0:
            self.failing_copies[component] = left - 1
        return left > 0

    def stamp_s(self, name: str, at_s: int) -> int:
        """The time that a point measured at `at_s` carries."""
        if not self.metric_clock_s:
            return at_s
        return at_s + round(self.metric_clock_s.get(name, self.metric_clock_s.get("*", 0.0)))

    def visible_s(self, name: str, at_s: float, visible_at_s: float) -> float:
        """When a point of `at_s` is readable; infinity: never."""
        for key in (name, "*"):
            if _covers(self.metric_gaps.get(key), at_s):
                return math.inf
            visible_at_s += self.metric_delay_s.get(key, 0.0)
        return visible_at_s
