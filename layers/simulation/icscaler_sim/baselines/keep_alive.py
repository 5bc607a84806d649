"""The fixed keep-alive family, static capacity, and copies that are always on.

Keep-alive: copy 1 stays for `keep_s` after its last use, as function platforms do (10 and 20 min
are the constants Shahrad et al. compare with, USENIX ATC 2020). Copies 2..n follow the highest
offered load of a window, with headroom: the plainest rule that serves bursts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from icscaler_sim.baselines.api import (
    MINUTE_S,
    Facts,
    Minute,
    Observation,
    Peaks,
    copies_for,
    highest,
    push_peak,
    used,
)

METRIC_DELAY_S = 180
"""A minute that is this old is readable; without any newer one time goes on all the same."""


class Use(NamedTuple):
    """What is known of a model's use: end of its last used minute, of the last known one, peaks."""

    used_s: int
    known_s: int
    peaks: Peaks


def follow_use(at_s: int, minutes: Iterable[Minute], use: Use, window_s: int) -> Use:
    """Take in new or revised minutes."""
    used_s, known_s, peaks = use
    for minute in minutes:
        end_s = minute.at_s + MINUTE_S
        known_s = max(known_s, end_s)
        if used(minute):
            used_s = max(used_s, end_s)
        if minute.offered > 0 or peaks:
            peaks = push_peak(peaks, minute.at_s, minute.offered, window_s)
    return Use(used_s, max(known_s, at_s - METRIC_DELAY_S), peaks)


def level(use: Use, window_s: int, headroom: float, slots: int) -> int:
    """Copies for the window's highest offered load."""
    since_s = use.known_s - MINUTE_S - window_s
    return copies_for(headroom * highest(use.peaks, since_s), slots)


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """`keep_s` None: a model that was used once stays for ever."""

    facts: Facts
    window_s: int = 1800
    headroom: float = 1.0
    keep_s: int | None = 1200

    def begin(self, at_s: int) -> Use:
        return Use(at_s, at_s, ())

    def step(self, at_s: int, seen: Observation, state: Use) -> tuple[int, Use, str]:
        after = follow_use(at_s, seen.minutes, state, self.window_s)
        present = self.keep_s is None or after.known_s - after.used_s < self.keep_s
        if seen.requested == 0 and after.used_s == state.used_s:
            present = False  # what was let go comes back for a call only
        wish = level(after, self.window_s, self.headroom, self.facts.slots)
        if wish > 1:
            return wish, after, "Level"
        return (1, after, "Kept") if present else (0, after, "Idle")

    def rests_until(self, state: Use) -> float:
        return inf


@dataclass(frozen=True, slots=True)
class Fixed:
    """So many copies, whatever happens: static capacity."""

    copies: int

    def begin(self, at_s: int) -> None:
        return None

    def step(self, at_s: int, seen: Observation, state: None) -> tuple[int, None, str]:
        return self.copies, None, "Fixed"

    def rests_until(self, state: None) -> float:
        return inf
