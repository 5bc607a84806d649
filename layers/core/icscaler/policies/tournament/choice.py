"""Choosing: the copies that the vote wants now, and what each of them is worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from math import ceil
from operator import mul

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament import rules, vote
from icscaler.policies.tournament.rules import TUNING
from icscaler.policies.tournament.vote import Terms

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
    highest = max(now.load, max(memory.bases)) / terms.slots
    one = ceil(_MOST_HEADROOM * highest - rules.EPSILON) <= 1
    level: Sequence[int] = [1] if one else level_wishes(memory, terms, now)
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


def level_wishes(memory: TournamentMemory, terms: Terms, now: Now) -> Sequence[int]:
    """What every level rule wishes for now."""
    load = now.load
    bases = [base if base > load else load for base in memory.bases]
    return rules.level_wishes(bases, terms.slots)


def keep_wishes(memory: TournamentMemory, now: Now) -> list[bool]:
    """Whether every keep rule wishes for copy 1 now."""
    if now.used or now.load > 0:
        return [True] * len(memory.wanted)
    return [wanted > 0 for wanted in memory.wanted]


def _choose(
    memory: TournamentMemory, terms: Terms, level: Sequence[int], keep: list[bool]
) -> Choice:
    copies = _level_copies(memory, terms, level)
    share = _keep_share(memory, terms, keep)
    if copies == 1 and share < 0.5:
        return Choice(0, copies, share)
    return Choice(copies, copies, share)


def _keep_share(memory: TournamentMemory, terms: Terms, keep: list[bool]) -> float:
    if False not in keep:
        return 1.0
    if True not in keep:
        return 0.0
    votes = vote.votes(vote.keep_costs(memory, terms), vote.temperature(terms))
    return sum(compress(votes, keep)) / sum(votes)


def _level_copies(memory: TournamentMemory, terms: Terms, level: Sequence[int]) -> int:
    least, most = min(level), max(level)
    if most <= 1:
        return 1
    if least == most:
        return most
    votes = vote.votes(vote.level_costs(memory, terms), vote.temperature(terms))
    wanted: float = sum(map(mul, votes, level)) / sum(votes)
    return max(1, ceil(wanted - TUNING.round_down - rules.EPSILON))
