"""What goes wrong in a run, and when: one switch throughout, or a seeded mix of several."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.chaos.switches import SWITCHES

STRONGEST = "strongest"
"""Seed of a trouble that is as bad as its switch can make it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A switch that is on from one minute of the run until another; its draws are by `seed`."""

    switch: str
    from_min: int
    until_min: int
    seed: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The troubles of one run. `name` says how to run it again alone."""

    name: str
    troubles: tuple[Trouble, ...] = ()


CLEAN = Plan("clean")


def single(switch: str, minutes: int) -> Plan:
    """One switch at its worst, on from the first minute to the last."""
    if switch not in SWITCHES:
        raise ValueError(f"{switch!r} is no switch; they are: {', '.join(SWITCHES)}")
    return Plan(switch, (Trouble(switch, 0, minutes, STRONGEST),))


def mix(seed: int, minutes: int) -> Plan:
    """Two to six switches, each on for a part of the run."""
    draw = Random(f"mix {seed}")
    names = draw.sample(sorted(SWITCHES), draw.randint(2, 6))
    troubles = []
    for name in names:
        from_min = draw.randrange(0, max(1, minutes * 3 // 4))
        lasts_min = draw.randint(max(1, minutes // 10), minutes)
        until_min = min(minutes, from_min + lasts_min)
        troubles.append(Trouble(name, from_min, until_min, f"{seed} {name}"))
    return Plan(str(seed), tuple(troubles))
