"""What ran: copies over time, from the changes that the controller made and those it saw. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from icscaler.entities import OutcomeKind
from icscaler.ports import DecisionRecord, Sighting

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Ran:
    """Copies of one model over a period. `known_s`: for how long of it they are known."""

    copy_hours: float
    known_s: int


def ran(
    records: Iterable[DecisionRecord], sightings: Iterable[Sighting], from_s: int, to_s: int
) -> Ran:
    """Desired copies integrated over [from_s, to_s); both kinds reach back before it.

    Before the first entry nothing is known, unless it says what the copies were.
    """
    steps: list[tuple[int, int]] = []
    first: int | None = None
    changes: list[DecisionRecord | Sighting] = [*sightings]
    changes += [one for one in records if one.outcome == OutcomeKind.ACCEPTED]
    for one in sorted(changes, key=lambda one: one.at_s):
        if not steps:
            first = one.from_copies
        steps.append((one.at_s, one.to_copies))
    if first is not None:
        steps.insert(0, (0, first))
    copy_s = known_s = 0
    for (begin_s, copies), (end_s, _) in pairwise([*steps, (to_s, 0)]):
        held_s = max(0, min(end_s, to_s) - max(begin_s, from_s))
        copy_s += copies * held_s
        known_s += held_s
    return Ran(copy_s / HOUR_S, known_s)


def refused_of(
    refused: Mapping[str, Mapping[int, int]], model: str, adapters: Iterable[str]
) -> dict[int, int]:
    """Refused requests of a model by bin, with its adapters': the larger of both, as replayed."""
    found: dict[int, int] = {}
    for adapter in adapters:
        for at_s, count in refused.get(adapter, {}).items():
            found[at_s] = found.get(at_s, 0) + count
    for at_s, count in refused.get(model, {}).items():
        found[at_s] = max(found.get(at_s, 0), count)
    return found
