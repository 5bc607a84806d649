"""What copies used of what they reserve, as measured: `NAME_usage.csv` beside a trace.

Percent are of what one copy reserves (for a single-model variant: of an instance). A resource
without a row was not measured.
"""

import csv
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from icscaler_sim.traces.read import beside
from icscaler_sim.traces.table import Table, open_table

Resource: TypeAlias = Literal["cpus", "memory_mb", "gpus", "gpu_memory"]
RESOURCES: tuple[Resource, ...] = get_args(Resource)
_HINT = "The columns are described in docs/traces.md"


@dataclass(frozen=True, slots=True)
class MeasuredUse:
    """One resource of a model's copies over `measured_s` in which a copy was there.

    Mean over copies and time; 99th percentile and most: of bins, each its busiest copy. `reserved`:
    of one copy when this was read, in the resource's unit; None: not known, or nothing reserved.
    """

    model: str
    resource: Resource
    reserved: float | None
    mean_percent: float
    p99_percent: float
    most_percent: float
    measured_s: int


_COLUMNS = tuple(field.name for field in fields(MeasuredUse))


def usage_file_beside(trace: Path) -> Path | None:
    """`NAME_usage.csv` for a trace called `NAME_60s.csv.gz` (or any last part), if it exists."""
    return beside(trace, "usage")


def write_usage(path: Path, rows: Iterable[MeasuredUse]) -> None:
    """Raises `OSError`."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.writer(lines, lineterminator="\n")
        out.writerow(_COLUMNS)
        for row in rows:
            out.writerow("" if value is None else value for value in astuple(row))


def read_usage(path: Path) -> dict[str, dict[Resource, MeasuredUse]]:
    """By model and resource. Raises `TraceError`."""
    found: dict[str, dict[Resource, MeasuredUse]] = {}
    with open_table(path, lambda _: _COLUMNS) as table:
        for row in table:
            use = _use(table, row)
            mine = found.setdefault(use.model, {})
            if use.resource in mine:
                raise table.error(
                    "resource", f"{use.resource} of {use.model} is there twice", "Remove one row"
                )
            mine[use.resource] = use
    return found


def _use(table: Table, row: list[str]) -> MeasuredUse:
    said = table.text(row, "resource")
    resource = next((one for one in RESOURCES if one == said), None)
    if resource is None:
        raise table.error(
            "resource", f"there is no '{said}'", f"Name one of {', '.join(RESOURCES)}"
        )
    return MeasuredUse(
        model=table.text(row, "model"),
        resource=resource,
        reserved=_number(table, row, "reserved") if table.optional(row, "reserved") else None,
        mean_percent=_number(table, row, "mean_percent"),
        p99_percent=_number(table, row, "p99_percent"),
        most_percent=_number(table, row, "most_percent"),
        measured_s=table.count(row, "measured_s"),
    )


def _number(table: Table, row: list[str], column: str) -> float:
    text = row[table.columns[column]]
    try:
        value = float(text)
    except ValueError:
        raise table.error(column, f"'{text}' is not a number", _HINT) from None
    if not value >= 0 or math.isinf(value):
        raise table.error(column, f"'{text}' is no amount", "Give a number, 0 or more")
    return value
