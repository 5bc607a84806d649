"""When a scheduled action fires: at(), rate() and cron() in a time zone, between start and end.

Sources: User Guide, "Scheduled scaling for Application Auto Scaling" and "Schedule recurring
scaling actions": the action runs at its start time and then as its schedule says; it stops after
its end time; a time zone with daylight saving is followed by itself. A local time that the clock
change skips does not exist and is skipped; one that comes twice counts once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icscaler_localcloud import schedules

_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")


@dataclass(frozen=True, slots=True)
class At:
    """at(yyyy-mm-ddThh:mm:ss): once."""

    moment: datetime

    def in_zone(self, zone: str) -> float:
        """When, in epoch seconds; ValueError for a time that a clock change skips."""
        local = ZoneInfo(zone)
        at_s = self.moment.replace(tzinfo=local).timestamp()
        if datetime.fromtimestamp(at_s, tz=local).replace(tzinfo=None) != self.moment:
            raise ValueError(f"{self.moment.isoformat()} does not exist in {zone}")
        return at_s


Schedule: TypeAlias = At | schedules.Rate | schedules.Cron


def parse(expression: str, zone: str) -> Schedule:
    """Read a schedule; ValueError says what is wrong with it or with the time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone} is not a time zone") from None
    found = _AT.fullmatch(expression)
    if found is None:
        return schedules.parse(expression)
    once = At(datetime.fromisoformat(found.group(1)))
    once.in_zone(zone)
    return once


def first_firing(
    schedule: Schedule, zone: str, now_s: float, *, start_s: float | None, end_s: float | None
) -> float | None:
    """When an action put at `now_s` fires first; None when it never does."""
    if isinstance(schedule, At):
        at_s = schedule.in_zone(zone)
        return _within(at_s if at_s > now_s else None, end_s)
    if start_s is not None and start_s >= now_s:
        return _within(start_s, end_s)
    if isinstance(schedule, schedules.Rate) and start_s is not None:
        passed = int((now_s - start_s) // schedule.period_s) + 1
        return _within(start_s + passed * schedule.period_s, end_s)
    return next_firing(schedule, zone, now_s, end_s=end_s)


def next_firing(
    schedule: Schedule, zone: str, last_s: float, *, end_s: float | None
) -> float | None:
    """When an action that fired at `last_s` fires again; None when it does not."""
    if isinstance(schedule, At):
        return None
    return _within(schedule.after(last_s, zone), end_s)


def _within(at_s: float | None, end_s: float | None) -> float | None:
    return None if at_s is None or (end_s is not None and at_s > end_s) else at_s
