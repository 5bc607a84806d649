"""Each other policy against icscaler, in words: gains and losses alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from icscaler_sim.comparison.table import Policy, lost_fraction, name_text, share
from icscaler_sim.simulate.policies import ICSCALER

SAME_FRACTION = 0.005


def verdicts(policies: Sequence[Policy]) -> Iterator[str]:
    """A sentence for each run that is not icscaler's, against icscaler's first of the same kind.

    "The same kind" is the same treatment of gaps in the recording.
    """
    for other in policies:
        ours = next(
            (p for p in policies if p["name"] == ICSCALER and p["gaps"] == other["gaps"]), None
        )
        if ours is not None and other["name"] != ICSCALER:
            yield f"against {name_text(other)}: {_hours(ours, other)}, {_loss(ours, other)}"


def beaten_by(policies: Sequence[Policy]) -> list[Policy]:
    """Policies (no bounds) that hold fewer GPUs than icscaler and lose less: a loss for us."""
    ours = [one for one in policies if one["name"] == ICSCALER]
    return [
        other
        for other in policies
        if other["name"] != ICSCALER
        and other["kind"] == "policy"
        and any(
            other["gaps"] == one["gaps"]
            and other["gpu_hours"] < one["gpu_hours"]
            and lost_fraction(other) < lost_fraction(one)
            for one in ours
        )
    ]


def _hours(ours: Policy, other: Policy) -> str:
    if not other["gpu_hours"]:
        return "it held no GPU"
    change = ours["gpu_hours"] / other["gpu_hours"] - 1
    if abs(change) < SAME_FRACTION:
        return "as many GPU-hours"
    return f"{100 * abs(change):.0f} % {'fewer' if change < 0 else 'more'} GPU-hours"


def _loss(ours: Policy, other: Policy) -> str:
    return f"{share(lost_fraction(ours))} lost instead of {share(lost_fraction(other))}"
