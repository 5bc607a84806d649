"""Packing: do these copies fit on these instances? Answered in three values.

A copy needs all its GPUs, its CPU cores and its memory on one instance. AWS does not reveal which
instance a copy is on, so besides "possible" (some placement works) and "impossible" there is
"sure": every placement of what is there leaves room.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from icscaler.entities import CopyResources, VariantConfig


class Fit(Enum):
    """Whether copies fit on an endpoint's instances."""

    SURE = "sure"
    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"


Size = tuple[int, int, float]
"""GPUs, memory in MB and CPU cores, of a copy or left on an instance; compared in this order."""

_NOTHING: Size = (0, 0, 0.0)


def size_of(copy: CopyResources) -> Size:
    """What one copy needs."""
    return (copy.gpus, copy.memory_mb, copy.cpus)


def holds(left: Size, copy: Size) -> bool:
    """Whether what is left on an instance is enough for one copy."""
    return copy[0] <= left[0] and copy[1] <= left[1] and copy[2] <= left[2] + 1e-9


def take(left: Size, copy: Size) -> Size:
    """What is left on an instance after placing one copy."""
    return (left[0] - copy[0], left[1] - copy[1], left[2] - copy[2])


@dataclass(slots=True)
class Packing:
    """A placement of copies on `instances` equal instances, found as copies are added.

    Best fit first; when that fails, everything is laid out anew, largest first. A size that failed
    once is not tried again: copies are only ever added. Instances with the same left are counted
    together, so a step costs as many looks as there are different lefts, not instances.
    """

    instance: Size
    instances: int
    _free: dict[Size, int] = field(default_factory=dict)
    _opened: int = 0
    _placed: list[Size] = field(default_factory=list)
    _failed: list[Size] = field(default_factory=list)

    @classmethod
    def of(cls, variant: VariantConfig, instances: int) -> "Packing":
        """An empty packing of `instances` instances of that variant."""
        return cls((variant.gpus, variant.memory_mb, variant.cpus), instances)

    def add(self, copy: CopyResources) -> bool:
        """Place one more copy; False, and nothing changed, when no placement was found."""
        return self._add(size_of(copy))

    def add_all(self, copies: Iterable[CopyResources]) -> bool:
        """Place all of them, largest first; False, and nothing changed, when that fails."""
        before = (dict(self._free), self._opened, list(self._placed), list(self._failed))
        for size in sorted(map(size_of, copies), reverse=True):
            if not self._add(size):
                self._free, self._opened, self._placed, self._failed = before
                return False
        return True

    def force(self, copies: Iterable[CopyResources]) -> bool:
        """Count copies that are there whether they fit or not; False when some do not fit.

        What finds no place still uses up room: the emptiest instance is full for it.
        """
        fits = True
        for size in sorted(map(size_of, copies), reverse=True):
            if self._add(size):
                continue
            fits = False
            self._placed.append(self.instance)
            if self._opened < self.instances:
                self._opened += 1
                self._move(None, _NOTHING)
            elif self._free:
                self._move(max(self._free), _NOTHING)
        return fits

    def _add(self, size: Size) -> bool:
        if any(holds(size, small) for small in self._failed):
            return False
        if not self._place(size) and not self._lay_out_anew(size):
            self._failed.append(size)
            return False
        self._placed.append(size)
        return True

    def _place(self, size: Size) -> bool:
        best: Size | None = None
        for left in self._free:
            if (best is None or left < best) and holds(left, size):
                best = left
        if best is None:
            if self._opened >= self.instances or not holds(self.instance, size):
                return False
            self._opened += 1
        self._move(best, take(best or self.instance, size))
        return True

    def _move(self, before: Size | None, after: Size) -> None:
        """One instance has `after` left instead of `before`; None: it is a new one."""
        free = self._free
        if before is not None:
            if free[before] == 1:
                del free[before]
            else:
                free[before] -= 1
        free[after] = free.get(after, 0) + 1

    def _lay_out_anew(self, size: Size) -> bool:
        gpus = size[0] + sum(placed[0] for placed in self._placed)
        if gpus > self.instances * self.instance[0]:
            return False
        before = self._free, self._opened
        self._free, self._opened = {}, 0
        for item in sorted([*self._placed, size], reverse=True):
            if not self._place(item):
                self._free, self._opened = before
                return False
        return True


def fit_anyhow(
    variant: VariantConfig, instances: int, copies: Iterable[tuple[CopyResources, int]]
) -> bool:
    """Whether so many of each copy fit, however they are placed one after the other.

    False says nothing; then they have to be placed to know.
    """
    used, largest = _Used(), _Used()
    for copy, count in copies:
        used.add([copy], count)
        largest.raise_to(copy)
    copy = CopyResources(largest.gpus, largest.cpus, largest.memory_mb)
    if not holds((variant.gpus, variant.memory_mb, variant.cpus), size_of(copy)):
        return False
    return used.leaves_room(variant, instances, copy)


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
    used = _Used()
    used.add(there)
    for copy in sorted(more, key=size_of, reverse=True):
        if not used.leaves_room(variant, instances, copy):
            return Fit.POSSIBLE
        used.add([copy])
    return Fit.SURE


@dataclass(slots=True)
class _Used:
    """What copies take together, wherever they lie."""

    copies: int = 0
    gpus: int = 0
    memory_mb: int = 0
    cpus: float = 0.0

    def add(self, copies: Iterable[CopyResources], count: int = 1) -> None:
        """These too, so many of each."""
        for copy in copies:
            self.copies += count
            self.gpus += count * copy.gpus
            self.memory_mb += count * copy.memory_mb
            self.cpus += count * copy.cpus

    def raise_to(self, copy: CopyResources) -> None:
        """Each resource as much as this copy takes of it, at least."""
        self.gpus = max(self.gpus, copy.gpus)
        self.memory_mb = max(self.memory_mb, copy.memory_mb)
        self.cpus = max(self.cpus, copy.cpus)

    def leaves_room(self, variant: VariantConfig, instances: int, copy: CopyResources) -> bool:
        """Pigeonhole: however they lie, some instance has room for one more.

        An instance is spoiled for `copy` as soon as one resource left is too little. Spoiling one
        costs at least `capacity - need + smallest unit` of that resource, so the placed copies can
        spoil at most `used / cost` instances by each resource, and never more than there are.
        """
        spoiled = 0
        if copy.gpus:
            spoiled += self.gpus // (variant.gpus - copy.gpus + 1)
        spoiled += self.memory_mb // (variant.memory_mb - copy.memory_mb + 1)
        spoiled += int(self.cpus / (variant.cpus - copy.cpus + 1e-6))
        return min(spoiled, self.copies) < instances
