"""How the copies of an endpoint lie on its instances at one moment: what a picture shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Shelf:
    """One instance: the models whose copies it holds, a name for each copy, and GPUs left free."""

    gpus: int
    free: int
    copies: list[str] = field(default_factory=list)


def busiest_step(held: Mapping[str, Sequence[float]], gpus: Mapping[str, int]) -> int:
    """The step in which these models hold most GPUs; the first of several."""
    steps = min((len(line) for line in held.values()), default=0)
    totals = [sum(line[at] * gpus[name] for name, line in held.items()) for at in range(steps)]
    return totals.index(max(totals)) if totals else 0


def shelves(
    copies: Mapping[str, int], gpus: Mapping[str, int], gpus_per_instance: int
) -> list[Shelf]:
    """Instances with these copies: biggest first, each where the least room is left over.

    Raises `ValueError` for a copy that no instance can hold.
    """
    placed: list[Shelf] = []
    each = sorted(
        (name for name, count in copies.items() for _ in range(count)),
        key=lambda name: (-gpus[name], name),
    )
    for name in each:
        if gpus[name] > gpus_per_instance:
            raise ValueError(f"a copy of {name} holds {gpus[name]} GPUs, more than an instance has")
        room = [shelf for shelf in placed if shelf.free >= gpus[name]]
        shelf = min(room, key=lambda one: one.free, default=None)
        if shelf is None:
            shelf = Shelf(gpus_per_instance, gpus_per_instance)
            placed.append(shelf)
        shelf.free -= gpus[name]
        shelf.copies.append(name)
    return placed
