"""What ran beside what icscaler would have done, as people and programs read it."""

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True, slots=True)
class Row:
    """One model. Hours are GPU-hours; `usd_per_gpu_hour` None: its instance has no price."""

    model: str
    endpoint: str
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


def as_dict(
    rows: Sequence[Row], from_at: str, to_at: str, left_out: Sequence[str]
) -> dict[str, Any]:
    """For programs."""
    return {
        "from": from_at,
        "to": to_at,
        "models": [asdict(row) | {"saved_usd": row.saved_usd} for row in rows],
        "left_out": list(left_out),
        "method": list(METHOD),
    }
