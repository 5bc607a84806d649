"""Observations for rules, minute by minute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from icscaler_sim.baselines import Facts, Level, Minute, Observation, Rule

FACTS = Facts(slots=10, service_s=2.0, start_s=300.0, min_copies=0, max_copies=100)


def minute(
    at_s: int,
    invocations: int = 0,
    *,
    refused: int = 0,
    in_flight: float = 0.0,
    copies: int = 1,
    settled: bool = True,
) -> Minute:
    """A metric minute; offered load follows from the facts' service time."""
    offered = (invocations + refused) * FACTS.service_s / 60
    return Minute(at_s, invocations, refused, in_flight, copies, offered, settled)


class Play:
    """Steps a rule once a minute; its wish is carried out at once, copies are ready at once."""

    def __init__(self, rule: Rule[Any], copies: int = 1, start_s: int = 0) -> None:
        self.rule = rule
        self.at_s = start_s
        self.copies = copies
        self.state = rule.begin(start_s)
        self.why = ""

    def minute(self, in_flight: float = 0.0, calls: int | None = None) -> int:
        """One more minute with so many requests in flight; at zero copies they are refused."""
        self.at_s += 60
        count = int(in_flight * 60 / FACTS.service_s) if calls is None else calls
        if self.copies:
            found = [minute(self.at_s - 60, count, in_flight=in_flight, copies=self.copies)]
        else:
            found = [minute(self.at_s - 60, refused=count, copies=0)] if count else []
        return self.see(found)

    def see(self, minutes: Iterable[Minute], *, levels: Any = None, held: int = 0) -> int:
        """One step on these points, at the present moment."""
        points = list(minutes)
        seen = Observation(
            self.copies, self.copies, points, points if levels is None else levels, held
        )
        self.copies, self.state, self.why = self.rule.step(self.at_s, seen, self.state)
        return self.copies

    def minutes(self, count: int, in_flight: float = 0.0) -> list[int]:
        """The copies after each of `count` minutes alike."""
        return [self.minute(in_flight) for _ in range(count)]


def tens(at_s: int, loads: Iterable[float], copies: int = 1) -> list[Level]:
    """Ten-second points from `at_s` on."""
    return [Level(at_s + 10 * place, load, copies) for place, load in enumerate(loads)]
