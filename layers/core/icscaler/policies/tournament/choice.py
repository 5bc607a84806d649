"""Choosing: the copies that the vote wants now, and what each of them is worth."""

from dataclasses import dataclass, replace
from math import ceil

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament import rules, vote
from icscaler.policies.tournament.rules import TUNING
from icscaler.policies.tournament.vote import Terms

_EPSILON = 1e-9
# A copy's worth is the highest price at which it would still be chosen, on this grid.
PRICE_STEP = 2.0
PRICE_STEPS = 10
_MOST_HEADROOM = max(rules.HEADROOMS)


@dataclass(slots=True)
class Now:
    """What is known beyond the settled minutes; it may only raise.

    `load`: highest load of the minutes that are not settled yet. `used`: somebody asked for the
    model in them, or asks for it now.
    """

    load: float = 0.0
    used: bool = False


@dataclass(slots=True)
class Choice:
    """`level`: copies by the level rules, at least 1. `keep`: share of votes for copy 1."""

    copies: int
    level: int
    keep: float


def choose(memory: TournamentMemory, terms: Terms, now: Now) -> Choice:
    """Copies by demand at `terms.price`, before bounds and guards."""
    # Most models need no second copy at any headroom: then all wishes need not be worked out.
    highest = max(now.load, *memory.bases) / terms.slots
    one = ceil(_MOST_HEADROOM * highest - _EPSILON) <= 1
    level = [1] if one else level_wishes(memory, terms, now)
    return _choose(memory, terms, level, keep_wishes(memory, now))


def copy_prices(memory: TournamentMemory, terms: Terms, now: Now, most: int) -> list[float]:
    """Worth per GPU of copies 1 to `most`, falling: the highest price each is chosen at.

    In units of `price`: requests saved by a GPU-minute. A copy that is not chosen even at
    `terms.price` is worth half of it, however many there are of them.
    """
    level, keep = level_wishes(memory, terms, now), keep_wishes(memory, now)
    worth: list[float] = []
    price = terms.price * PRICE_STEP**PRICE_STEPS
    for _ in range(PRICE_STEPS + 1):
        chosen = _choose(memory, replace(terms, price=price), level, keep).copies
        worth += [price] * (min(chosen, most) - len(worth))
        if len(worth) >= most:
            break
        price /= PRICE_STEP
    return worth + [terms.price / PRICE_STEP] * (most - len(worth))


def level_wishes(memory: TournamentMemory, terms: Terms, now: Now) -> list[int]:
    """What every level rule wishes for now."""
    wishes: list[int] = []
    for base, headrooms in zip(memory.bases, rules.SIGNAL_HEADROOMS, strict=True):
        load = max(base, now.load) / terms.slots
        wishes += [ceil(headroom * load - _EPSILON) for headroom in headrooms]
    return wishes


def keep_wishes(memory: TournamentMemory, now: Now) -> list[bool]:
    """Whether every keep rule wishes for copy 1 now."""
    if now.used or now.load > 0:
        return [True] * len(memory.wanted)
    return [wanted > 0 for wanted in memory.wanted]


def _choose(memory: TournamentMemory, terms: Terms, level: list[int], keep: list[bool]) -> Choice:
    heat = vote.temperature(terms)
    copies = _level_copies(memory, terms, level, heat)
    if all(keep):
        share = 1.0
    elif not any(keep):
        share = 0.0
    else:
        weights = vote.weights(vote.keep_costs(memory, terms), heat)
        share = sum(weight for weight, wish in zip(weights, keep, strict=True) if wish)
    if copies == 1 and share < 0.5:
        return Choice(0, copies, share)
    return Choice(copies, copies, share)


def _level_copies(memory: TournamentMemory, terms: Terms, level: list[int], heat: float) -> int:
    least, most = min(level), max(level)
    if most <= 1:
        return 1
    if least == most:
        return most
    weights = vote.weights(vote.level_costs(memory, terms), heat)
    wanted = sum(weight * wish for weight, wish in zip(weights, level, strict=True))
    return max(1, ceil(wanted - TUNING.round_down - _EPSILON))
