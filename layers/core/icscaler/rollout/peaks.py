"""What the hours ahead may need, by the same hours yesterday; and when there is less to do.

From what the tournament has learned of a model's load, ten minutes by ten minutes.
"""

import math
from collections.abc import Iterator, Sequence

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament.rules import BLOCK_S

HOUR_S = 3600
DAY_HOURS = 24
DAY_S = DAY_HOURS * HOUR_S
# Another time is worth proposing when it has at most this share of the demand of starting now.
QUIETER_FRACTION = 0.8

Hours = tuple[float, ...]
"""Demand in the 24 hours from now on, as it was in those hours yesterday; in any unit."""


def loads(memory: TournamentMemory, from_s: int, to_s: int) -> Iterator[float]:
    """Peaks of the ten-minute blocks within [from_s, to_s) that are known."""
    first = memory.block - len(memory.blocks)
    for number in range(from_s // BLOCK_S, math.ceil(to_s / BLOCK_S)):
        known = memory.blocks[number - first] if 0 <= number - first < len(memory.blocks) else -1.0
        if known >= 0:
            yield known


def copies_needed(memory: TournamentMemory, slots: int, from_s: int, to_s: int) -> int | None:
    """Copies for the busiest block; None where nothing is known. `slots`: requests a copy serves
    at once."""
    known = list(loads(memory, from_s, to_s))
    return math.ceil(max(known) / slots) if known else None


def hours_of(memory: TournamentMemory, at_s: int) -> Hours | None:
    """The load's peak in each hour; None when the memory has not seen a whole day."""
    found = []
    for hour in range(DAY_HOURS):
        start_s = at_s - DAY_S + hour * HOUR_S
        known = list(loads(memory, start_s, start_s + HOUR_S))
        if not known:
            return None
        found.append(max(known))
    return tuple(found)


def quieter(profiles: Sequence[Hours], takes_s: int) -> tuple[int, float] | None:
    """Hours from now at which the busiest hour of what takes so long is quietest, and its share of
    the demand of starting now; None: nothing is quieter by much. Each model counts alike."""
    together = [0.0] * DAY_HOURS
    for hours in profiles:
        most = max(hours)
        for hour, demand in enumerate(hours):
            together[hour] += demand / most if most else 0.0
    span = min(DAY_HOURS, max(1, math.ceil(takes_s / HOUR_S)))
    busiest = [max(together[start : start + span]) for start in range(DAY_HOURS - span + 1)]
    if not profiles or not busiest[0]:
        return None
    best = min(range(len(busiest)), key=lambda start: (busiest[start], start))
    share = busiest[best] / busiest[0]
    return (best, share) if best and share <= QUIETER_FRACTION else None
