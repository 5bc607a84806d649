"""From a schedule of the fleet file to what the core reads."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from icscaler.config.cron import parse_cron
from icscaler.config.when import RAISES, CalendarKeys, ScheduleEntry
from icscaler.config.zones import FIRST_S, LAST_S, zone
from icscaler.schedules.cron import DAY_S
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import first_instant

_EPOCH = date(1970, 1, 1)
_YEARS = range(_EPOCH.year + FIRST_S // (365 * DAY_S), _EPOCH.year + LAST_S // (365 * DAY_S) + 1)


def schedule(entry: ScheduleEntry, calendars: Mapping[str, CalendarKeys]) -> Schedule:
    """The compiled schedule; for an entry whose time zone and calendars are known."""
    raises = any(getattr(entry, key) is not None for key in RAISES)
    return Schedule(
        name=entry.name,
        zone=entry.time_zone or "UTC",
        begins=parse_cron(entry.start) if entry.start is not None else None,
        ends=parse_cron(entry.end) if entry.end is not None else None,
        lasts_s=entry.lasts_s,
        from_s=edge_s(entry.from_, entry.time_zone),
        until_s=edge_s(entry.until, entry.time_zone, whole_day=True),
        not_on=_days(entry.not_on or (), calendars),
        only_on=_days(entry.only_on, calendars) if entry.only_on is not None else None,
        min_copies=entry.min_copies,
        max_copies=entry.max_copies,
        request_worth=entry.request_worth,
        in_time_fraction=entry.in_time_fraction,
        deadline_s=entry.deadline_s,
        ready_by_start=raises if entry.ready_by_start is None else entry.ready_by_start,
    )


def edge_s(
    edge: datetime | date | None, time_zone: str | None, *, whole_day: bool = False
) -> int | None:
    """The second of UTC; a date is its first moment by the zone's clock, or its end."""
    if edge is None:
        return None
    if isinstance(edge, datetime):
        return int(edge.timestamp())
    day = edge + timedelta(days=1) if whole_day else edge
    return first_instant(zone(time_zone or "UTC"), (day - _EPOCH).days * DAY_S)


def _days(names: Iterable[str], calendars: Mapping[str, CalendarKeys]) -> tuple[int, ...]:
    found = {day for name in names for text in calendars[name].days for day in _dates(text)}
    return tuple(sorted((day - _EPOCH).days for day in found))


def _dates(text: str) -> Iterator[date]:
    for whole in [text] if len(text) > len("12-25") else [f"{year}-{text}" for year in _YEARS]:
        try:
            yield date.fromisoformat(whole)
        except ValueError:
            continue  # 29 February of another year
