"""Who moves to an endpoint of its own, as it was played, and why the others stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icscaler_cli.advise.player import Played, Player, pools_of, trial_of
from icscaler_sim.advice import NOBODY, Choice, Host, Place, Trial, Verdict, choose, more_lost
from icscaler_sim.comparison import share

LITTLE = 0.03
"""Share of the bill: who saves less on one day may save nothing on the next (docs/advise.md)."""
_NOTE = (
    "This saves {saved} of the bill. So little may be this time's alone: play other days before "
    "you move anything."
)


@dataclass(frozen=True, slots=True)
class Settled:
    """`alone`: the fleet in which every candidate moved, `tried`: the sets that were chosen and
    played after it, `best`: the one that is advised. `places`: of the candidates, alone, and
    `verdicts` on them. `notes`: what is to be said of the fleet as a whole.
    """

    alone: Played
    tried: Sequence[Played]
    best: Played
    places: Mapping[str, Place] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    notes: Sequence[str] = ()


def settle(player: Player, shared: Played, thinkable: Mapping[str, Host]) -> Settled:
    """Play all candidates alone, then those that seem to pay, and fewer where they do not."""
    if not thinkable:
        return Settled(shared, (), shared)
    played: dict[frozenset[str], Played] = {NOBODY: shared}

    def play(label: str, names: frozenset[str]) -> Trial:
        homes = {name: thinkable[name] for name in sorted(names)}
        played[names] = player.play(label, player.moved(shared, homes), homes)
        return trial_of(shared, played[names], names)

    everybody = frozenset(thinkable)
    alone = play("all that might be, alone", everybody)
    nobody = trial_of(shared, shared, NOBODY)
    choice = choose(
        pools_of(shared), nobody, alone, lambda names: play(f"{len(names)} alone", names)
    )
    before, places = shared.places(), played[everybody].places()
    return Settled(
        played[everybody],
        [one for names, one in played.items() if names not in (NOBODY, everybody)],
        played[choice.moved],
        {name: places[name] for name in thinkable},
        {n: Verdict(*why(n, choice, nobody, before[n], places[n])) for n in thinkable},
        notes_on(choice, nobody),
    )


def notes_on(choice: Choice, nobody: Trial) -> list[str]:
    """What is to be said of what candidates there were. `nobody`: had moved."""
    if choice.best is not None:
        saved = 1.0 - choice.best.dollars / nobody.dollars
        return [_NOTE.format(saved=share(saved))] if saved < LITTLE else []
    if choice.tried:
        return ["No set of models that was played alone pays: nothing is moved."]
    return ["No model alone costs less than it frees: nothing is moved."]


def why(
    name: str, choice: Choice, nobody: Trial, shared: Place, own: Place
) -> tuple[bool, str, float]:
    """Whether a candidate moves, the reason, and the dollars that it frees. `nobody`: had moved."""
    frees = choice.frees[name]
    compared = f"frees {usd(frees)}, costs {usd(own.dollars)}"
    if name in choice.moved:
        return True, compared, frees
    if more_lost(shared.lost_fraction, own.lost_fraction):
        lost = f"loses {share(own.lost_fraction)} alone, {share(shared.lost_fraction)} shared"
        return False, lost, frees
    for trial in reversed(choice.tried):
        if name in trial.moved:
            return False, _failed(name, nobody, trial), frees
    return False, compared + (", too little" if frees > own.dollars else ""), frees


def _failed(name: str, nobody: Trial, trial: Trial) -> str:
    """Why a set that was played does not pay."""
    if name in trial.worse:
        return "tried: loses more"
    if more_lost(nobody.lost_fraction, trial.lost_fraction):
        lost = f"{share(trial.lost_fraction)}, not {share(nobody.lost_fraction)}"
        return f"tried: all models lose {lost}"
    return f"tried: fleet {usd(trial.dollars)}, not {usd(nobody.dollars)}"


def usd(dollars: float) -> str:
    """Cents where they matter."""
    dollars = max(dollars, 0.0)
    return f"${dollars:,.0f}" if dollars >= 100 else f"${dollars:.2f}"
