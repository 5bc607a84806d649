"""Ceilings in GPUs over all models of a class or of an owner: an endpoint's share of them.

People state a ceiling for the whole fleet. Looks at endpoints run side by side and share nothing,
so each endpoint gets a fixed share when the fleet is published (`config.shares`), and the shares
together are never more than the ceiling. Within an endpoint copies are granted in order of right;
what is firm (floors, copies too young or blind to be moved) counts and is never cut.

A copy that leaves holds its GPUs until it is gone: others grow only into what is free by then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from icscaler.entities import ModelConfig


@dataclass(frozen=True, slots=True)
class GpuCeiling:
    """`gpus` of the `fleet_gpus` that all models `of` a class or owner may hold are for here."""

    of: Literal["class", "owner"]
    name: str
    gpus: int
    fleet_gpus: int

    @property
    def label(self) -> str:
        """How reasons name it: `class batch`."""
        return f"{self.of} {self.name}"

    def holds(self, model: "ModelConfig") -> bool:
        """Whether a model counts; an adapter lives in its base's copies and holds nothing."""
        stated = model.class_name if self.of == "class" else model.owner
        return stated == self.name and model.adapter_of is None


@dataclass(frozen=True, slots=True)
class Holder:
    """A model under ceilings: GPUs of a copy, copies there or asked for, names of its ceilings.

    `fixed`: nothing may be written to it, so what it holds is all that it gets.
    """

    gpus: int
    held_copies: int
    labels: tuple[str, ...]
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class AskedCopy:
    """Copy `number` (1, 2, ...) of a model that is not fixed."""

    name: str
    number: int
    firm: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """The copies that are left to a model, and the ceiling that left no more."""

    copies: int
    label: str


class _Room:
    def __init__(self, ceilings: Sequence[GpuCeiling], holders: Mapping[str, Holder]) -> None:
        self._left = {ceiling.label: ceiling.gpus for ceiling in ceilings}
        self._holders = holders

    def take(self, name: str, copies: int = 1) -> None:
        holder = self._holders[name]
        for label in holder.labels:
            self._left[label] -= holder.gpus * copies

    def lacking(self, name: str) -> str | None:
        """The first ceiling with no room for one more copy."""
        holder = self._holders[name]
        return next((lb for lb in holder.labels if self._left[lb] < holder.gpus), None)


def cut(
    ceilings: Sequence[GpuCeiling], holders: Mapping[str, Holder], by_right: Iterable[AskedCopy]
) -> dict[str, Cut]:
    """Whom the ceilings leave fewer copies than asked for; `by_right`: most rightful first."""
    room, now = _Room(ceilings, holders), _Room(ceilings, holders)
    for name, holder in holders.items():
        now.take(name, holder.held_copies)
        if holder.fixed:
            room.take(name, holder.held_copies)
    cuts: dict[str, Cut] = {}
    waits: dict[str, Cut] = {}
    for asked in by_right:
        name = asked.name
        if name in cuts or name not in holders:
            continue
        lacking = room.lacking(name)
        if lacking is not None and not asked.firm:
            cuts[name] = Cut(asked.number - 1, lacking)
            continue
        room.take(name)
        if name in waits or asked.number <= holders[name].held_copies:
            continue
        lacking = now.lacking(name)
        if lacking is not None and not asked.firm:
            # It is this copy's turn as soon as a less rightful one, cut above or below, has gone.
            waits[name] = Cut(asked.number - 1, lacking)
        else:
            now.take(name)
    return cuts | waits
