"""What all fault switches have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

FOREVER = 1_000_000_000


class FunctionKilled(BaseException):
    """The execution environment died: not an Exception, so that no handler can catch it."""


@dataclass(slots=True, kw_only=True)
class Switch:
    """One fault: `hits` counts how often it struck; `off()` ends it.

    `chance` is the share of what matches that is struck; of that the first `skip` are let go, the
    next `times` are struck.
    """

    times: int = 1
    skip: int = 0
    chance: float = 1.0
    draws: Random = field(default_factory=Random)
    hits: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.chance <= 1.0:
            raise ValueError(f"chance must be within 0..1, got {self.chance}")

    @property
    def on(self) -> bool:
        """May it still strike?"""
        return self.times > 0

    def off(self) -> None:
        """Never strike again."""
        self.times = 0

    def strikes(self) -> bool:
        """Is what matches the switch struck? Counts it if so."""
        if self.times <= 0:
            return False
        if self.chance < 1.0 and self.draws.random() >= self.chance:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits += 1
        return True


SomeSwitch = TypeVar("SomeSwitch", bound=Switch)


class Switchboard:
    """Keeps the switches; the base of the classes that name them."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._made = 0
        self._switches: list[Switch] = []

    def clear(self) -> None:
        """Take every switch off."""
        for switch in self._switches:
            switch.off()
        self._switches.clear()

    def _draws(self) -> Random:
        """The stream of the next switch."""
        self._made += 1
        return Random(f"{self._seed}/{self._made}")

    def _add(self, switch: SomeSwitch) -> SomeSwitch:
        self._switches = [one for one in self._switches if one.on]
        self._switches.append(switch)
        return switch

    def _of(self, kind: type[SomeSwitch]) -> Iterator[SomeSwitch]:
        """The switches of one kind that are on, in the order they were set."""
        return (one for one in self._switches if isinstance(one, kind) and one.on)
