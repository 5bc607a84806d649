"""What a model costs and loses in one place."""

from __future__ import annotations

from dataclasses import dataclass

from icscaler_sim.pricing import Bill
from icscaler_sim.scoring import ModelScore

MARGIN = 0.05
"""An endpoint more is a thing more to run: it must cost so much less than what it frees."""
LOST_SLACK = 0.002
"""So much more of the requests may be lost: the difference between two runs is chance."""


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
    """`own`: on an endpoint of its own. `why`, in a few words.

    `frees_dollars`: what its shared endpoint costs less without it; None: not looked at.
    """

    own: bool
    why: str
    frees_dollars: float | None = None


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


def more_lost(before: float | None, now: float | None) -> bool:
    """Whether a greater share of requests is lost now; what is within the slack is not."""
    return (now or 0.0) > (before or 0.0) + LOST_SLACK
