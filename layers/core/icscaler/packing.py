"""Packing: do these copies fit on these instances? Answered in three values.

A copy needs all its GPUs, its CPU cores and its memory on one instance. AWS does not reveal which
instance a copy is on, so besides "possible" (some placement works) and "impossible" there is
"sure": every placement of what is there leaves room.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from icscaler.entities import CopyResources, VariantConfig


class Fit(Enum):
    """Whether copies fit on an endpoint's instances."""

    SURE = "sure"
    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"


def _size(copy: CopyResources) -> tuple[int, int, float]:
    return (copy.gpus, copy.memory_mb, copy.cpus)


_NOTHING = CopyResources(0, 0.0, 0)


def holds(instance: CopyResources, copy: CopyResources) -> bool:
    """Whether what is left on an instance is enough for one copy."""
    return (
        copy.gpus <= instance.gpus
        and copy.memory_mb <= instance.memory_mb
        and copy.cpus <= instance.cpus + 1e-9
    )


def take(instance: CopyResources, copy: CopyResources) -> CopyResources:
    """What is left on an instance after placing one copy."""
    return CopyResources(
        instance.gpus - copy.gpus, instance.cpus - copy.cpus, instance.memory_mb - copy.memory_mb
    )


@dataclass(slots=True)
class Packing:
    """A placement of copies on `instances` equal instances, found as copies are added.

    Best fit first; when that fails, everything is laid out anew, largest first. A size that failed
    once is not tried again: copies are only ever added.
    """

    instance: CopyResources
    instances: int
    _free: list[CopyResources] = field(default_factory=list)
    _placed: list[CopyResources] = field(default_factory=list)
    _failed: list[CopyResources] = field(default_factory=list)

    @classmethod
    def of(cls, variant: VariantConfig, instances: int) -> "Packing":
        """An empty packing of `instances` instances of that variant."""
        return cls(CopyResources(variant.gpus, variant.cpus, variant.memory_mb), instances)

    def add(self, copy: CopyResources) -> bool:
        """Place one more copy; False, and nothing changed, when no placement was found."""
        if any(holds(copy, small) for small in self._failed):
            return False
        if not self._place(self._free, copy) and not self._lay_out_anew(copy):
            self._failed.append(copy)
            return False
        self._placed.append(copy)
        return True

    def add_all(self, copies: Sequence[CopyResources]) -> bool:
        """Place all of them, largest first; False, and nothing changed, when that fails."""
        before = (list(self._free), list(self._placed), list(self._failed))
        for copy in sorted(copies, key=_size, reverse=True):
            if not self.add(copy):
                self._free, self._placed, self._failed = before
                return False
        return True

    def force(self, copies: Sequence[CopyResources]) -> bool:
        """Count copies that are there whether they fit or not; False when some do not fit.

        What finds no place still uses up room: the emptiest instance is full for it.
        """
        fits = True
        for copy in sorted(copies, key=_size, reverse=True):
            if self.add(copy):
                continue
            fits = False
            self._placed.append(self.instance)
            if len(self._free) < self.instances:
                self._free.append(_NOTHING)
            elif self._free:
                emptiest = max(range(len(self._free)), key=lambda index: _size(self._free[index]))
                self._free[emptiest] = _NOTHING
        return fits

    def _place(self, free: list[CopyResources], copy: CopyResources) -> bool:
        best = -1
        for index, left in enumerate(free):
            if holds(left, copy) and (best < 0 or _size(left) < _size(free[best])):
                best = index
        if best >= 0:
            free[best] = take(free[best], copy)
            return True
        if len(free) < self.instances and holds(self.instance, copy):
            free.append(take(self.instance, copy))
            return True
        return False

    def _lay_out_anew(self, copy: CopyResources) -> bool:
        if copy.gpus + sum(placed.gpus for placed in self._placed) > (
            self.instances * self.instance.gpus
        ):
            return False
        free: list[CopyResources] = []
        for item in sorted([*self._placed, copy], key=_size, reverse=True):
            if not self._place(free, item):
                return False
        self._free = free
        return True


def fit(
    variant: VariantConfig,
    instances: int,
    there: Sequence[CopyResources],
    more: Sequence[CopyResources],
) -> Fit:
    """Whether `more` copies fit beside `there` on at most `instances` instances.

    `instances` counts those that managed scaling may still add: a new one is empty.
    """
    packing = Packing.of(variant, instances)
    if not packing.add_all([*there, *more]):
        return Fit.IMPOSSIBLE
    placed = list(there)
    for copy in sorted(more, key=_size, reverse=True):
        if not _sure(variant, instances, placed, copy):
            return Fit.POSSIBLE
        placed.append(copy)
    return Fit.SURE


def _sure(
    variant: VariantConfig, instances: int, placed: Sequence[CopyResources], copy: CopyResources
) -> bool:
    """Pigeonhole: however the placed copies lie, some instance has room for one more.

    An instance is spoiled for `copy` as soon as one resource left is too little. Spoiling one costs
    at least `capacity - need + smallest unit` of that resource, so the placed copies can spoil at
    most `used / cost` instances by each resource, and never more than there are copies.
    """
    spoiled = 0
    gpus = sum(one.gpus for one in placed)
    if copy.gpus:
        spoiled += gpus // (variant.gpus - copy.gpus + 1)
    memory_left = variant.memory_mb - copy.memory_mb
    spoiled += sum(one.memory_mb for one in placed) // (memory_left + 1)
    cpus_left = variant.cpus - copy.cpus
    spoiled += int(sum(one.cpus for one in placed) / (cpus_left + 1e-6))
    return min(spoiled, len(placed)) < instances
