"""Which instance a copy goes to: whole GPUs of one instance, its CPUs and allocatable memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from icscaler_sim.world.catalog import InstanceType
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import ComponentSpec

_MB_PER_GIB = 1024
_ROUNDING = 1e-9


class Room:
    """What is free on one instance, and how many copies of which component it holds."""

    __slots__ = ("cpus", "gpus", "held", "memory_mb")

    def __init__(self, gpus: int, cpus: float, memory_mb: float) -> None:
        self.gpus = gpus
        self.cpus = cpus
        self.memory_mb = memory_mb
        self.held: dict[str, int] = {}

    @classmethod
    def empty(cls, kind: InstanceType, settings: WorldSettings) -> Room:
        """A fresh instance's room: memory is what copies may reserve, not what is built in."""
        gib = kind.memory_gib * settings.allocatable_memory_fraction - settings.reserved_memory_gib
        return cls(kind.gpus, float(kind.vcpus), max(0.0, gib) * _MB_PER_GIB)

    def clone(self) -> Room:
        """An independent copy, to try things out on."""
        twin = Room(self.gpus, self.cpus, self.memory_mb)
        twin.held = dict(self.held)
        return twin

    def fits(self, spec: ComponentSpec) -> bool:
        """Whether one more copy finds everything it needs here."""
        return (
            spec.gpus <= self.gpus
            and spec.cpus <= self.cpus + _ROUNDING
            and spec.memory_mb <= self.memory_mb + _ROUNDING
        )

    def take(self, name: str, spec: ComponentSpec) -> None:
        """Reserve a copy's needs."""
        self.gpus -= spec.gpus
        self.cpus -= spec.cpus
        self.memory_mb -= spec.memory_mb
        self.held[name] = self.held.get(name, 0) + 1

    def give(self, name: str, spec: ComponentSpec) -> None:
        """Free a copy's needs."""
        self.gpus += spec.gpus
        self.cpus += spec.cpus
        self.memory_mb += spec.memory_mb
        self.held[name] -= 1
        if not self.held[name]:
            del self.held[name]


def choose(rooms: Sequence[Room], name: str, spec: ComponentSpec) -> int | None:
    """Index of the room for one copy, None when none fits; the first of equals.

    SPREAD: where fewest copies of this component are, then most GPUs free.
    BINPACK: where fewest GPUs (then least memory) are left over.
    """
    best: int | None = None
    best_rank: tuple[float, float] | None = None
    for index, room in enumerate(rooms):
        if not room.fits(spec):
            continue
        if spec.placement == "SPREAD":
            rank = (float(room.held.get(name, 0)), float(-room.gpus))
        else:
            rank = (float(room.gpus), room.memory_mb)
        if best_rank is None or rank < best_rank:
            best, best_rank = index, rank
    return best


def pack(
    rooms: list[Room], copies: Iterable[tuple[str, ComponentSpec]], more: int, fresh: Room
) -> tuple[int, int]:
    """Put copies into rooms in their order, opening up to `more` fresh ones when none fits.

    Returns (rooms opened, copies that found no room). Rooms given are used up.
    """
    opened = homeless = 0
    for name, spec in copies:
        at = choose(rooms, name, spec)
        if at is None:
            if opened >= more or not fresh.fits(spec):
                homeless += 1
                continue
            opened += 1
            rooms.append(fresh.clone())
            at = len(rooms) - 1
        rooms[at].take(name, spec)
    return opened, homeless
