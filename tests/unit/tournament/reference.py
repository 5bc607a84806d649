"""The tournament written down plainly: whole history, every rule and every minute anew.

Slow, and without the tricks of `icscaler.policies.tournament`, which must agree with it.
"""

from dataclasses import dataclass, field
from math import ceil, inf, log

from icscaler.policies.tournament.learn import Minute

WINDOWS = (3, 8, 20, 45, 90, 240, 1440)
HEADROOMS = (0.85, 1.0, 1.2, 1.5, 2.0)
LEVELS = [(w, h, False) for w in WINDOWS for h in HEADROOMS] + [
    (w, h, True) for w in (12, 45) for h in (1.0, 1.2)
]
KEEPS = [(k, False) for k in (4, 10, 20, 45, 90, 240, 480, 720, 1440, 2880, inf)] + [
    (10, True),
    (45, True),
]


def level_prior(window: int, headroom: float, profile: bool) -> float:
    return log(window / 12) ** 2 + 4 * log(headroom) ** 2 + (0.5 if profile else 0)


def keep_prior(minutes: float, profile: bool) -> float:
    return 500 * (log(min(minutes, 1e5) / 1440) ** 2 + (0.5 if profile else 0))


@dataclass
class Reference:
    """All minutes so far, and per rule what it wished, held and lost in each of them."""

    slots: float
    start_minutes: int
    history: list[Minute] = field(default_factory=list)
    level_wishes: list[list[int]] = field(default_factory=list)
    keep_wishes: list[list[bool]] = field(default_factory=list)
    level_bills: list[list[tuple[float, float]]] = field(default_factory=list)
    keep_bills: list[list[tuple[float, float]]] = field(default_factory=list)
    waiting: list[float] = field(default_factory=lambda: [0.0] * len(LEVELS))
    blocks: dict[int, float] = field(default_factory=dict)

    def take(self, minute: Minute) -> None:
        """One settled minute: charge the rules, then let them wish anew."""
        self.level_bills.append([self._level_bill(e, minute) for e in range(len(LEVELS))])
        self.keep_bills.append([self._keep_bill(e, minute) for e in range(len(KEEPS))])
        self.history.append(minute)
        block = minute.at_s // 600
        self.blocks[block] = max(self.blocks.get(block, 0.0), minute.load)
        self.level_wishes.append([self._level_wish(*rule) for rule in LEVELS])
        self.keep_wishes.append([self._keep_wish(*rule) for rule in KEEPS])

    def _past(self, wishes: list[list], place: int) -> list:
        """The rule's wishes of the last start-up; before the first minute it wished for nothing."""
        found = [row[place] for row in wishes[-self.start_minutes :]]
        return found if len(found) == self.start_minutes else [0, *found]

    def _level_bill(self, place: int, minute: Minute) -> tuple[float, float]:
        past = self._past(self.level_wishes, place)
        ready = max(1, min(past)) * self.slots
        waiting = max(0.0, self.waiting[place] + (minute.load - ready) * 60)
        lost = max(0.0, waiting - ready * 30)
        self.waiting[place] = waiting - lost
        missed = 0.0
        if minute.load > 0:
            missed = min(minute.arrivals, lost * minute.arrivals / (minute.load * 60))
        return max(1, past[-1]) - 1, missed

    def _keep_bill(self, place: int, minute: Minute) -> tuple[float, float]:
        past = self._past(self.keep_wishes, place)
        offered = minute.load if minute.offered is None else minute.offered
        share = min(1.0, self.slots / offered) if offered else 1.0
        return float(past[-1]), 0.0 if all(past) else minute.arrivals * share

    def _level_wish(self, window: int, headroom: float, profile: bool) -> int:
        base = self._peak(window)
        if profile:
            base = max(base, self._yesterday())
        return ceil(headroom * base / self.slots - 1e-9)

    def _keep_wish(self, minutes: float, profile: bool) -> bool:
        idle = 0
        for minute in reversed(self.history):
            if minute.arrivals or minute.load:
                break
            idle += 1
        else:
            idle = 1_000_000
        return idle < minutes or (profile and self._yesterday() > 0)

    def _peak(self, window: int) -> float:
        """Up to an hour by minutes, beyond by whole ten-minute blocks of the clock."""
        if window <= 60:
            return max(minute.load for minute in self.history[-window:])
        now = self.history[-1].at_s // 600
        peaks = [self.blocks.get(now - away, 0.0) for away in range(window // 10 + 1)]
        shorter = WINDOWS[WINDOWS.index(window) - 1]  # a longer window never sees less
        return max(*peaks, self._peak(shorter))

    def _yesterday(self) -> float:
        """From ten minutes before to twenty after this time yesterday, in whole blocks."""
        now = self.history[-1].at_s // 600
        return max(self.blocks.get(now - 144 + away, 0.0) for away in (-1, 0, 1, 2))

    def level_evidence(self, place: int) -> tuple[float, float]:
        """(copy-minutes above copy 1, requests lost), a day old counting half."""
        return _faded([row[place] for row in self.level_bills], 24 * 60)

    def keep_evidence(self, place: int) -> tuple[float, float]:
        """(minutes kept, requests lost), three days old counting half."""
        return _faded([row[place] for row in self.keep_bills], 72 * 60)

    def rate(self) -> float:
        """Requests a second, two days old counting half."""
        counts = [(minute.arrivals, 60.0) for minute in self.history]
        asked, asked_s = _faded(counts, 48 * 60)
        return asked / asked_s


def _faded(bills: list[tuple[float, float]], half_life: float) -> tuple[float, float]:
    last = len(bills) - 1
    return (
        sum(0.5 ** ((last - age) / half_life) * bill[0] for age, bill in enumerate(bills)),
        sum(0.5 ** ((last - age) / half_life) * bill[1] for age, bill in enumerate(bills)),
    )
