"""Reserved against used, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from icscaler_cli.advise.resize import Measurement, Reservations, lowered
from icscaler_cli.output import number
from icscaler_sim.advice import Reservation
from icscaler_sim.traces import Resource

NOT_MEASURED = "not measured"
MB_PER_GB = 1024


def reserved_table(found: Reservations, order: list[str]) -> Table:
    """A row for each model, in this order, those of which nothing was measured as well."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Reserved and used", min_width=18, overflow="fold")
    for title in ("GPUs, mean", "memory", "CPUs, most", "could", "GB, most", "could"):
        table.add_column(title, justify="right", overflow="fold")
    for name in order:
        mine = found[name]
        if all(one.use is None for one in mine.values()):
            table.add_row(name, NOT_MEASURED, style="dim")
            continue
        cpus, memory = mine["cpus"], mine["memory_mb"]
        table.add_row(
            name,
            _of(mine["gpus"], mine["gpus"].used, mean=True),
            _percent(mine["gpu_memory"], mean=False),
            _of(cpus, cpus.most),
            _could(cpus),
            _of(memory, memory.most, MB_PER_GB),
            _could(memory, MB_PER_GB),
        )
    return table


def reserved_lines(measurement: Measurement, found: Reservations) -> Iterator[str]:
    """What the figures mean, and what becomes of them."""
    if not measurement.uses:
        yield (
            "CPU, memory and GPU use: not measured. `icscaler export-history` writes what "
            "CloudWatch has of it beside the trace; --usage names another file."
        )
        return
    rules = measurement.rules
    yield (
        "Used, of what a copy reserves (a variant: of an instance). Could: what would be enough, "
        f"the most that was measured and {rules.margin_fraction:.0%}; ! where it should not be "
        f"taken: --json says why (measured for less than {rules.least_s / 3600:g} h, not called)."
    )
    fewer = [
        f"{name} ({one.could:g} of {one.reserved:g})"
        for name, mine in found.items()
        for one in [mine["gpu_memory"]]
        if one.could is not None
    ]
    if fewer:
        yield (
            f"GPU memory in use would fit fewer GPUs: {', '.join(fewer[:8])}. The model's server "
            "decides whether it can run so; the fleet file keeps them."
        )
    other = [name for name, mine in found.items() if any(map(_is_other, mine.values()))]
    if other:
        more = f" and {len(other) - 8} more" if len(other) > 8 else ""
        yield (
            "SageMaker had other reservations than the fleet file says when this was measured: "
            f"{', '.join(other[:8])}{more}. Figures are of SageMaker's."
        )
    change = len(lowered(found))
    if change and not measurement.resize:
        yield f"{number(change, 'model')} could reserve less: --resize plays and writes that."


def _is_other(one: Reservation) -> bool:
    return one.use is not None and one.use.reserved not in (None, one.reserved)


def reservations_dict(mine: Mapping[Resource, Reservation]) -> dict[str, Any]:
    """For `--json`."""
    return {resource: _dict(one) for resource, one in mine.items()}


def _dict(one: Reservation) -> dict[str, Any]:
    use = one.use
    return {
        "reserved": one.reserved,
        "reserved_when_measured": use.reserved if use else None,
        "used_mean": _rounded(one.used),
        "used_most": _rounded(one.most),
        "used_mean_percent": use.mean_percent if use else None,
        "used_p99_percent": use.p99_percent if use else None,
        "used_most_percent": use.most_percent if use else None,
        "measured_hours": round(use.measured_s / 3600, 2) if use else None,
        "could_reserve": one.could,
        "lower": one.lower,
        "why": one.why,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _of(one: Reservation, used: float | None, per: float = 1.0, *, mean: bool = False) -> str:
    """`2.4/8 30 %`; only the percent where it is not known of what."""
    if used is None or one.use is None or one.use.reserved is None:
        return _percent(one, mean=mean)
    return f"{_short(used / per)}/{_short(one.use.reserved / per)} {_percent(one, mean=mean)}"


def _percent(one: Reservation, *, mean: bool) -> str:
    if one.use is None:
        return "-"
    return f"{one.use.mean_percent if mean else one.use.most_percent:.0f} %"


def _could(one: Reservation, per: float = 1.0) -> str:
    if one.could is None:
        return "-"
    mark = "" if one.lower or one.why == "as it should be" else "!"
    return f"{_short(one.could / per)}{mark}"


def _short(value: float) -> str:
    """Three digits that matter, two where they are small."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 1 else f"{value:.2g}"
