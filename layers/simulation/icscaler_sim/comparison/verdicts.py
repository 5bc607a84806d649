"""Each other policy against icscaler, in words: gains and losses alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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


def losses(policies: Sequence[Policy]) -> list[str]:
    """Who beats icscaler, in sentences: with fewer GPUs, or for fewer dollars on the cheapest
    types, and with fewer requests lost. Bounds do not count."""
    found = []
    for how, measure in (
        ("held fewer GPUs", lambda one: one["gpu_hours"]),
        ("would cost less on the cheapest types", lambda one: one["cheapest"]["dollars"]),
    ):
        better = [name_text(one) for one in policies if _beats(one, policies, measure)]
        if better:
            more = f" and {len(better) - 5} more" if len(better) > 5 else ""
            found.append(f"A loss: {', '.join(better[:5])}{more} {how}, and lost less.")
    return found


def _beats(other: Policy, policies: Sequence[Policy], measure: Callable[[Policy], float]) -> bool:
    return (
        other["name"] != ICSCALER
        and other["kind"] == "policy"
        and any(
            one["name"] == ICSCALER
            and other["gaps"] == one["gaps"]
            and measure(other) < measure(one)
            and lost_fraction(other) < lost_fraction(one)
            for one in policies
        )
    )


def _hours(ours: Policy, other: Policy) -> str:
    if not other["gpu_hours"]:
        return "it held no GPU"
    change = ours["gpu_hours"] / other["gpu_hours"] - 1
    if abs(change) < SAME_FRACTION:
        return "as many GPU-hours"
    return f"{100 * abs(change):.0f} % {'fewer' if change < 0 else 'more'} GPU-hours"


def _loss(ours: Policy, other: Policy) -> str:
    return f"{share(lost_fraction(ours))} lost instead of {share(lost_fraction(other))}"
