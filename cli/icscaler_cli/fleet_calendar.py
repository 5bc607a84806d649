"""The days ahead: when schedules and overrides hold, and what comes of it for one model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from icscaler.bounds import Bound, Bounds, bounds_at
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.notices import percent
from icscaler.schedules.windows import Schedule, Window, windows
from icscaler.schedules.zones import UTC as UTC_CLOCK
from icscaler.schedules.zones import Zone, wall_s

DAY_S = 86_400
MAX_NAMES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that holds for a time. `until_s` None: beyond the days shown."""

    what: str
    window: Window
    zone: Zone
    models: tuple[str, ...]
    min_copies: int | None
    max_copies: int | None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "what": self.what,
            "from": iso(self.window.from_s),
            "until": None if self.window.until_s is None else iso(self.window.until_s),
            "time_zone": self.zone.name,
            "models": list(self.models),
            "min_copies": self.min_copies,
            "max_copies": self.max_copies,
            "notes": list(self.notes),
        }


def entries(
    endpoints: Mapping[str, EndpointConfig], from_s: int, until_s: int, model: str | None = None
) -> list[Entry]:
    """What holds at some time of from_s..until_s, by its beginning; of one model if named."""
    found = [
        entry
        for config in endpoints.values()
        for entry in (*_scheduled(config, from_s, until_s), *_overridden(config, from_s, until_s))
        if model is None or model in entry.models
    ]
    merged: dict[tuple[Any, ...], Entry] = {}
    for one in found:
        key = (one.window, one.what, one.min_copies, one.max_copies, one.notes)
        before = merged.get(key)
        models = one.models if before is None else (*before.models, *one.models)
        merged[key] = Entry(
            one.what, one.window, one.zone, models, one.min_copies, one.max_copies, one.notes
        )
    return sorted(merged.values(), key=lambda one: (one.window.from_s, one.what))


def _scheduled(config: EndpointConfig, from_s: int, until_s: int) -> Iterator[Entry]:
    for name, schedule in config.schedules.items():
        zone = config.zones[schedule.zone]
        models = tuple(m.name for m in config.models.values() if name in m.schedules)
        worth = schedule.request_worth
        notes = [] if worth is None else [f"a request worth {worth:g}"]
        notes += _objective(schedule)
        notes += ["ready by then"] if schedule.ready_by_start else []
        for window in windows(schedule, zone, from_s, until_s):
            yield Entry(
                name, window, zone, models, schedule.min_copies, schedule.max_copies, tuple(notes)
            )


def _objective(schedule: Schedule) -> list[str]:
    share, within_s = schedule.in_time_fraction, schedule.deadline_s
    if share is None:
        return [] if within_s is None else [f"in time within {within_s:g} s"]
    return [f"{percent(share)} in time" + ("" if within_s is None else f" within {within_s:g} s")]


def _overridden(config: EndpointConfig, from_s: int, until_s: int) -> Iterator[Entry]:
    for model in config.models.values():
        for one in model.overrides:
            if one.until_s > from_s and one.from_s < until_s:
                ends_s = one.until_s if one.until_s < until_s else None
                yield Entry(
                    f"override: {one.reason}",
                    Window(max(one.from_s, from_s), ends_s),
                    UTC_CLOCK,
                    (model.name,),
                    one.min_copies,
                    one.max_copies,
                    ("paused",) if one.paused else (),
                )


def bounds_ahead(
    config: EndpointConfig, model: ModelConfig, from_s: int, until_s: int
) -> list[tuple[int, Bounds]]:
    """Floor and ceiling of a model from each moment at which they change, start-up times aside."""
    edges = {from_s}
    for entry in entries({config.name: config}, from_s, until_s, model.name):
        edges |= {entry.window.from_s, entry.window.until_s or from_s}
    found: list[tuple[int, Bounds]] = []
    for at_s in sorted(edges):
        bounds = bounds_at(config, model, at_s, start_up_s=0)
        if not found or found[-1][1] != bounds:
            found.append((at_s, bounds))
    return found


def lines(found: list[Entry], from_s: int) -> Iterator[str]:
    """The windows under the day on which each begins, by the clock of its own zone."""
    day = ""
    for one in found:
        begun = "Now" if one.window.from_s <= from_s else clock(one.zone, one.window.from_s)
        heading = begun if begun == "Now" else begun.rpartition(" ")[0]
        if heading != day:
            day = heading
            yield day
        notes = "".join(f", {note}" for note in one.notes)
        says = f"{_copies(one.min_copies, one.max_copies)}{notes}".removeprefix(", ")
        yield f"  {_when(one, from_s)} {one.zone.name}  {one.what}: {says}: {_names(one.models)}"


def _when(entry: Entry, from_s: int) -> str:
    """`08:00 to 18:00`; with the day of the end only where it is another."""
    window = entry.window
    day, _, begun = clock(entry.zone, window.from_s).rpartition(" ")
    begun = "" if window.from_s <= from_s else f"{begun} "
    if window.until_s is None:
        return begun + "on"
    ends = clock(entry.zone, window.until_s)
    return f"{begun}to {ends.removeprefix(day + ' ')}"


def bounds_table(found: list[tuple[int, Bounds]], zone: Zone) -> Table:
    """Floor and ceiling, and who set them, from moment to moment."""
    table = Table(box=None, pad_edge=False)
    for title in (f"from ({zone.name})", "floor", "ceiling"):
        table.add_column(title, overflow="fold")
    for index, (at_s, bounds) in enumerate(found):
        begun = clock(zone, at_s) if index else "now"
        table.add_row(begun, _who(bounds.floor), _who(bounds.ceiling))
    return table


def clock(zone: Zone, at_s: int) -> str:
    """`Mon 2027-03-01 08:00`, by the zone's clock."""
    return datetime.fromtimestamp(wall_s(zone, at_s), UTC).strftime("%a %Y-%m-%d %H:%M")


def iso(at_s: int) -> str:
    """For programs."""
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def _who(bound: Bound) -> str:
    return f"{bound.copies} ({bound.by or bound.reason})"


def _copies(floor: int | None, ceiling: int | None) -> str:
    said = [
        f"{word} {copies}"
        for word, copies in (("at least", floor), ("at most", ceiling))
        if copies is not None
    ]
    return ", ".join(said)


def _names(models: tuple[str, ...]) -> str:
    shown = ", ".join(models[:MAX_NAMES_SHOWN])
    more = len(models) - MAX_NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
