"""Hybrid histogram keep-alive: load before the next call is due, unload after it should have come.

Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, section 4.2 (arXiv:2003.03423), with the
choices its public re-implementations made where the paper states none: out-of-bounds idle times
dominate from a half on, and a histogram needs some samples (one sample alone has a CV of 15.5).
Its auto-ARIMA for rare models is replaced by the mean of the last idle times out of bounds. For
copies that take minutes to load, "load at" means ready at: loading starts `start_s` before.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import NamedTuple

from icscaler_sim.baselines.api import MINUTE_S, Facts, Observation, used
from icscaler_sim.baselines.keep_alive import METRIC_DELAY_S, Use, follow_use, level

BIN_S = 60
_RECENT = 20


class Windows(NamedTuple):
    """Seconds after the last use: load (None: stay loaded until `unload_s`), then unload."""

    load_s: float | None
    unload_s: float


class Histogram(NamedTuple):
    """Idle times by whole minutes; `beyond` holds the newest ones out of range, in seconds."""

    bins: tuple[int, ...]
    beyond_count: int = 0
    beyond: tuple[float, ...] = ()

    @property
    def within(self) -> int:
        """Idle times within the range."""
        return sum(self.bins)

    def add(self, idle_s: float) -> Histogram:
        """One more idle time."""
        place = int(idle_s // BIN_S)
        if place >= len(self.bins):
            return self._replace(
                beyond_count=self.beyond_count + 1, beyond=(*self.beyond, idle_s)[-_RECENT:]
            )
        bins = list(self.bins)
        bins[place] += 1
        return self._replace(bins=tuple(bins))

    def variation(self) -> float:
        """Coefficient of variation of the bins' counts: high when few bins hold the mass."""
        mean = self.within / len(self.bins)
        if not mean:
            return 0.0
        squares = sum((count - mean) ** 2 for count in self.bins) / len(self.bins)
        return sqrt(squares) / mean

    def percentile_bin(self, fraction: float) -> int:
        """The bin that holds the idle time of this rank."""
        rank = max(1, ceil(fraction * self.within - 1e-9))
        reached = 0
        for place, count in enumerate(self.bins):
            reached += count
            if reached >= rank:
                return place
        return len(self.bins) - 1


def windows_of(
    histogram: Histogram,
    *,
    head: float = 0.05,
    tail: float = 0.99,
    margin: float = 0.10,
    forecast_margin: float = 0.15,
    least_samples: int = 10,
    least_variation: float = 2.0,
) -> Windows:
    """Pre-warm and keep-alive windows of one model. The head is rounded down, the tail up."""
    within, beyond = histogram.within, histogram.beyond_count
    if beyond and beyond / (within + beyond) >= 0.5:
        forecast_s = sum(histogram.beyond) / len(histogram.beyond)
        return Windows((1 - forecast_margin) * forecast_s, (1 + forecast_margin) * forecast_s)
    range_s = float(len(histogram.bins) * BIN_S)
    if within < least_samples or histogram.variation() < least_variation:
        return Windows(None, range_s)
    first = histogram.percentile_bin(head)
    last = histogram.percentile_bin(tail) + 1
    load_s = (1 - margin) * first * BIN_S
    return Windows(load_s if first else None, (1 + margin) * last * BIN_S)


class Idleness(NamedTuple):
    """`use` as in keep-alive; `windows` count from the last use; `called`: there ever was one."""

    use: Use
    histogram: Histogram
    windows: Windows
    called: bool = False


@dataclass(frozen=True, slots=True)
class HybridHistogram:
    """Copy 1 by the histogram; copies 2..n by the highest offered load of a window."""

    facts: Facts
    range_min: int = 240
    tail: float = 0.99
    head: float = 0.05
    margin: float = 0.10
    least_samples: int = 10
    window_s: int = 1800
    headroom: float = 1.0

    def begin(self, at_s: int) -> Idleness:
        empty = Histogram((0,) * self.range_min)
        return Idleness(Use(at_s, at_s, ()), empty, self._windows(empty))

    def step(self, at_s: int, seen: Observation, state: Idleness) -> tuple[int, Idleness, str]:
        histogram, used_s, called = state.histogram, state.use.used_s, state.called
        for minute in seen.minutes:
            if used(minute) and minute.at_s >= used_s:
                if called and minute.at_s > used_s:
                    histogram = histogram.add(minute.at_s - used_s)
                used_s, called = minute.at_s + MINUTE_S, True
        use = follow_use(at_s, seen.minutes, state.use, self.window_s)
        windows = state.windows
        if histogram is not state.histogram:
            windows = self._windows(histogram)
        after = Idleness(use, histogram, windows, called)
        wish = level(use, self.window_s, self.headroom, self.facts.slots)
        if wish > 1:
            return wish, after, "Level"
        if not called and seen.requested == 0:
            return 0, after, "NeverCalled"
        loaded, why = self._loaded(at_s - use.used_s, windows)
        return int(loaded), after, why

    def rests_until(self, state: Idleness) -> float:
        ahead_s = self._ahead_s(state.windows)
        return state.use.used_s + ahead_s if state.called and ahead_s is not None else inf

    def _loaded(self, idle_s: float, windows: Windows) -> tuple[bool, str]:
        ahead_s = self._ahead_s(windows)
        if idle_s < METRIC_DELAY_S:
            return True, "Called"
        if ahead_s is not None and idle_s < ahead_s:
            return False, "BeforeWindow"
        if idle_s < windows.unload_s:
            return True, "InWindow"
        return False, "AfterWindow"

    def _ahead_s(self, windows: Windows) -> float | None:
        """How long to stay unloaded before loading starts; None: it does not pay to unload."""
        if windows.load_s is None or windows.load_s <= self.facts.start_s:
            return None
        return windows.load_s - self.facts.start_s

    def _windows(self, histogram: Histogram) -> Windows:
        return windows_of(
            histogram,
            head=self.head,
            tail=self.tail,
            margin=self.margin,
            least_samples=self.least_samples,
        )
