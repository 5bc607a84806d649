"""Time zones as data: from which second on which offset to UTC holds."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone. `offsets`: (from that second of UTC on, seconds east of UTC), ascending.

    Before the first entry its offset holds too; the last holds for ever.
    """

    name: str
    offsets: tuple[tuple[int, int], ...]


UTC = Zone("UTC", ((0, 0),))


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which one offset holds: from_s <= second of UTC < until_s.

    None: without beginning, without end. `skipped_s` seconds of the wall clock were left out when
    it began; `repeated_s` will be shown once more when it has ended.
    """

    from_s: int | None
    until_s: int | None
    offset_s: int
    skipped_s: int
    repeated_s: int


def spans_back(zone: Zone, at_s: int) -> Iterator[Span]:
    """The spans from the one that has `at_s`, latest first."""
    offsets = zone.offsets
    index = max(0, bisect_right(offsets, at_s, key=lambda entry: entry[0]) - 1)
    for number in range(index, -1, -1):
        from_s, offset_s = offsets[number]
        before = offsets[number - 1][1] if number else offset_s
        after = offsets[number + 1] if number + 1 < len(offsets) else (None, offset_s)
        yield Span(
            from_s if number else None,
            after[0],
            offset_s,
            max(0, offset_s - before),
            max(0, offset_s - after[1]),
        )


def wall_s(zone: Zone, at_s: int) -> int:
    """What the wall clock shows, as seconds since 1970-01-01 00:00 on the same clock."""
    return at_s + next(spans_back(zone, at_s)).offset_s


def first_instant(zone: Zone, shown_s: int) -> int:
    """The first second of UTC at which the wall clock shows `shown_s` or later."""
    latest_s = shown_s - min(offset_s for _, offset_s in zone.offsets)
    found = latest_s
    for span in spans_back(zone, latest_s):
        at_s = shown_s - span.offset_s
        if span.from_s is not None:
            at_s = max(at_s, span.from_s)
        if span.until_s is None or at_s < span.until_s:
            found = min(found, at_s)
    return found
