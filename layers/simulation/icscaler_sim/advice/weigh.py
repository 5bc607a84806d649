"""What a model costs and loses in one place, and which of two places is better."""

from __future__ import annotations

from dataclasses import dataclass

from icscaler_sim.pricing import Bill
from icscaler_sim.scoring import ModelScore


@dataclass(frozen=True, slots=True)
class Place:
    """A model in one place over the period. `dollars` of a shared endpoint: its share of the bill,
    by GPU-hours held. `lost_fraction`: late or refused; None: nobody called.
    """

    dollars: float
    gpu_hours: float
    lost_fraction: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`own`: on an endpoint of its own. `why`: its cost there against shared, in a few words."""

    own: bool
    why: str


def place_of(score: ModelScore, bill: Bill, gpu_hours_of_all: float) -> Place:
    """A model's share of its endpoint's bill; `gpu_hours_of_all`: held there by all its models.

    Where nobody held a GPU the bill is for empty instances and nobody's.
    """
    share = score.gpu_hours / gpu_hours_of_all if gpu_hours_of_all else 0.0
    served = score.served_fraction
    return Place(
        dollars=bill.dollars * share,
        gpu_hours=score.gpu_hours,
        lost_fraction=None if served is None else 1.0 - served,
    )


def verdict(
    shared: Place, own: Place | None, *, margin: float = 0.05, lost_slack: float = 0.002
) -> Verdict:
    """An endpoint of its own must cost less by `margin` and lose no more, but for `lost_slack`.

    Sharing is the default: an endpoint more is a thing more to run, and what it saves must be
    worth it.
    """
    if own is None:
        return Verdict(False, "no type fits")
    dearer = own.dollars / shared.dollars if shared.dollars else float("inf")
    if dearer > 1.0 - margin:
        if shared.dollars == 0.0:
            return Verdict(False, "holds no GPU")
        return Verdict(False, f"{dearer:.2f} x alone")
    lost_own, lost_shared = own.lost_fraction or 0.0, shared.lost_fraction or 0.0
    if lost_own > lost_shared + lost_slack:
        return Verdict(False, f"{dearer:.2f} x alone, but more lost")
    return Verdict(True, f"{dearer:.2f} x alone")
