"""Cron: which minutes of the wall clock an expression names. Knows nothing of time zones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

MINUTE_S = 60
DAY_S = 86_400
# 29 February comes at least every eight years (1896 and 1904, 2096 and 2104).
LONGEST_GAP_DAYS = 8 * 366
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Cron:
    """The values each field allows, ascending; `weekdays` count from Sunday 0.

    `either_day`: both day fields are restricted, and as in cron one of them is enough.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool = False


def last(cron: Cron, wall_s: int, since_s: int) -> int | None:
    """The latest minute named with since_s <= minute <= wall_s; None when there is none.

    Times are seconds of the wall clock since 1970-01-01 00:00 on the same clock.
    """
    day, in_day_s = divmod(wall_s, DAY_S)
    first_day = max(since_s // DAY_S, day - LONGEST_GAP_DAYS)
    latest = in_day_s // MINUTE_S
    for number in _days_back(cron, day, first_day):
        minute = _latest_minute(cron, latest if number == day else DAY_S // MINUTE_S - 1)
        if minute is not None:
            found = number * DAY_S + minute * MINUTE_S
            return found if found >= since_s else None
    return None


def _days_back(cron: Cron, day: int, first_day: int) -> Iterator[int]:
    """The days named, latest first; months that are not named are skipped in one step."""
    while day >= first_day:
        found = date.fromordinal(_EPOCH_DAY + day)
        if found.month not in cron.months:
            day -= found.day
            continue
        if _names_day(cron, found):
            yield day
        day -= 1


def _names_day(cron: Cron, day: date) -> bool:
    in_month, in_week = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
    return (in_month or in_week) if cron.either_day else (in_month and in_week)


def _latest_minute(cron: Cron, most: int) -> int | None:
    """The latest minute of a day that is named and at most `most`."""
    for hour in reversed(cron.hours):
        for minute in reversed(cron.minutes) if hour * 60 <= most else ():
            if hour * 60 + minute <= most:
                return hour * 60 + minute
    return None
