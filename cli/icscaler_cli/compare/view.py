"""What ran beside what icscaler would have done, as people and programs read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

METHOD = (
    "Ran: desired copies as looks saw them, from the first look on; refused: CloudWatch's "
    "NoCapacityInvocationFailures.",
    "icscaler: the same requests (CloudWatch, by the minute) replayed in the simulator under the "
    "fleet in force, learning from --warm-up before. Lost: refused, or begun later than 30 s.",
    "Both hold GPUs from the order of a copy to its removal; dollars are the copies' share of "
    "their instances, not the instances' bill.",
    "Not the same: the simulator's start-up and service times are its own profiles, what was late "
    "in reality is not known, and clients that were refused may have asked again.",
)
OF_VARIANTS = (
    "Copies of a single-model variant are its instances, with all their GPUs. It has no refusals "
    "for want of capacity. How many requests an instance serves at once is its "
    "concurrent_requests_per_copy; without it, 32."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One model. Hours are GPU-hours; `usd_per_gpu_hour` None: its instance has no price.

    `kind` "variant": it has a production variant to itself, and its copies are instances.
    """

    model: str
    endpoint: str
    kind: str
    requests: int
    known_fraction: float
    ran_hours: float
    ran_refused: int
    our_hours: float
    our_refused: int
    our_late: int
    usd_per_gpu_hour: float | None

    @property
    def saved_usd(self) -> float | None:
        """Dollars that icscaler would have saved; negative: spent more."""
        if self.usd_per_gpu_hour is None:
            return None
        return (self.ran_hours - self.our_hours) * self.usd_per_gpu_hour


@dataclass(frozen=True, slots=True)
class Compared:
    """`bases`: models that were asked through adapters, and these. `left_out`: without GPUs."""

    rows: Sequence[Row]
    bases: Mapping[str, Sequence[str]]
    left_out: Sequence[str]


def told(found: Compared) -> Iterator[tuple[str, str]]:
    """Lines and their styles: what the figures leave out, and how they came about."""
    partly = [row for row in found.rows if row.known_fraction < 0.99]
    if partly:
        names = ", ".join(f"{row.model} ({row.known_fraction:.0%})" for row in partly[:8])
        more = f" and {len(partly) - 8} more" if len(partly) > 8 else ""
        yield (
            f"Seen for a part of the time only, so what ran is too low: {names}{more}",
            "yellow",
        )
    if found.left_out:
        yield f"Left out, as they hold no GPUs: {', '.join(found.left_out)}", "yellow"
    for base, adapters in sorted(found.bases.items()):
        yield f"Adapters counted for their base {base}: {', '.join(adapters)}", "dim"
    if any(row.kind == "variant" for row in found.rows):
        yield OF_VARIANTS, "dim"
    for line in METHOD:
        yield line, "dim"


def table(rows: Sequence[Row]) -> Table:
    """One row a model, those that save most first, and the sum."""
    found = Table(box=None, pad_edge=False)
    titles = (
        "requests",
        "ran GPU-h",
        "refused",
        "icscaler GPU-h",
        "lost",
        "saved GPU-h",
        "saved $",
    )
    for title in ("model", *titles):
        found.add_column(title, justify="left" if title == "model" else "right", overflow="fold")
    for row in sorted(rows, key=lambda row: row.our_hours - row.ran_hours):
        found.add_row(row.model, *_figures([row]))
    found.add_row("all", *_figures(rows), style="bold")
    return found


def _figures(rows: Iterable[Row]) -> list[str]:
    every = list(rows)
    ran, ours = sum(r.ran_hours for r in every), sum(r.our_hours for r in every)
    dollars = [one.saved_usd for one in every]
    priced = [one for one in dollars if one is not None]
    lost = sum(r.our_refused + r.our_late for r in every)
    return [
        f"{sum(r.requests for r in every):,}",
        f"{ran:,.1f}",
        f"{sum(r.ran_refused for r in every):,}",
        f"{ours:,.1f}",
        f"{lost:,}",
        f"{ran - ours:+,.1f}",
        f"{sum(priced):+,.0f}" if len(priced) == len(every) else "-",
    ]


def as_dict(found: Compared, from_at: str, to_at: str) -> dict[str, Any]:
    """For programs."""
    return {
        "from": from_at,
        "to": to_at,
        "models": [asdict(row) | {"saved_usd": row.saved_usd} for row in found.rows],
        "adapters": {base: list(adapters) for base, adapters in sorted(found.bases.items())},
        "left_out": list(found.left_out),
        "method": list(METHOD),
    }
