"""Time zones of the fleet file: from the machine's time zone database to data the core reads.

A window depends on the rules of its zone. They are copied into the compiled fleet, so that looks
need no time zone database (Lambda's may be another version, or none) and a stored look means the
same for ever. Changes of law after publishing are taken in by publishing again with a newer one.
"""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icscaler.config.problems import did_you_mean
from icscaler.schedules.zones import Zone

# Offsets between these are copied; the last one holds after them.
FIRST_S = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())
LAST_S = int(datetime(2056, 1, 1, tzinfo=UTC).timestamp())
_STEP_S = 7 * 86_400


@cache
def zone(name: str) -> Zone:
    """The zone's clock as data. Raises `ValueError`: "problem; remedy"."""
    rules = zone_info(name)
    offsets = [(FIRST_S, _offset_s(rules, FIRST_S))]
    for at_s in range(FIRST_S, LAST_S, _STEP_S):
        offsets.extend(_changes(rules, at_s, min(at_s + _STEP_S, LAST_S)))
    return Zone(name, tuple(offsets))


def zone_info(name: str) -> ZoneInfo:
    """The zone as the standard library has it. Raises `ValueError`: "problem; remedy"."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
    if not known:
        raise ValueError(
            f"no time zone database on this machine, so {name!r} is not known; "
            "install the system's tzdata, or `pip install tzdata`"
        )
    near = did_you_mean(name, known) or "write an IANA name, like Europe/Berlin"
    raise ValueError(f"there is no time zone {name!r}; {near}")


def _offset_s(rules: ZoneInfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, rules).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _changes(rules: ZoneInfo, from_s: int, until_s: int) -> list[tuple[int, int]]:
    """Changes of offset in from_s < time <= until_s. Sought in halves down to hours, so that two
    changes of one week that take each other back (a short fast, a decree) are seen as well."""
    if until_s - from_s > 86_400:
        middle_s = (from_s + until_s) // 2
        return [*_changes(rules, from_s, middle_s), *_changes(rules, middle_s, until_s)]
    if _offset_s(rules, from_s) == _offset_s(rules, until_s):
        return []
    while until_s - from_s > 1:
        middle_s = (from_s + until_s) // 2
        same = _offset_s(rules, middle_s) == _offset_s(rules, from_s)
        from_s, until_s = (middle_s, until_s) if same else (from_s, middle_s)
    return [(until_s, _offset_s(rules, until_s))]
