"""The rules that compete, and every constant of the tournament.

Level rules (copies 2 and up) wish for `ceil(headroom * base / slots)` copies, where `base` is the
highest load of the last `window` minutes, or of yesterday around this time as well. Keep rules
(copy 1) wish for one copy while the model was idle for less than `k` minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, log

MINUTE_S = 60
BLOCK_S = 600
DAY_BLOCKS = 144
RECENT_MINUTES = 45
# Yesterday's profile looks from one block before to two blocks after the present one.
PROFILE_FIRST = DAY_BLOCKS + 1
PROFILE_LAST = DAY_BLOCKS - 2
KEPT_BLOCKS = PROFILE_FIRST


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of the tournament, tuned on recorded traffic; nobody needs to set them.

    Half-lives are those of evidence. `temperature`: what share of the best cost a rule may cost
    more before its weight falls to 1/e, at `temperature_price`; it falls with the root of the
    price. `round_down`: how much of a copy the vote may lack. `patience_s`: how long requests wait
    for a slot before they are lost.
    """

    level_half_life_minutes: float = 24 * 60.0
    keep_half_life_minutes: float = 72 * 60.0
    rate_half_life_minutes: float = 48 * 60.0
    least_rate_per_s: float = 1e-5
    temperature: float = 0.1
    temperature_price: float = 30.0
    least_temperature: float = 0.02
    most_temperature: float = 0.5
    round_down: float = 0.3
    patience_s: float = 30.0
    keep_prior_requests: float = 500.0


TUNING = Tuning()

SHORT_WINDOWS = (3, 8, 20, 45)
LONG_WINDOWS = (90, 240, 1440)
PROFILE_WINDOWS = (12, 45)
HEADROOMS = (0.85, 1.0, 1.2, 1.5, 2.0)
PROFILE_HEADROOMS = (1.0, 1.2)
KEEP_MINUTES = (4.0, 10.0, 20.0, 45.0, 90.0, 240.0, 480.0, 720.0, 1440.0, 2880.0, inf)
PROFILE_KEEP_MINUTES = (10.0, 45.0)
# Loads carry rounding error; 4.000000001 copies are 4.
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class LevelRule:
    """`signal`: place of its base signal. `prior`: copy-minutes it starts with."""

    signal: int
    window_minutes: int
    headroom: float
    profile: bool
    prior: float

    @property
    def name(self) -> str:
        """As people see it."""
        base = f"peak of {self.window_minutes} min"
        return f"{self.headroom:g} x {base}{' or yesterday' if self.profile else ''}"


@dataclass(frozen=True, slots=True)
class KeepRule:
    """`prior`: requests it starts with."""

    idle_minutes: float
    profile: bool
    prior: float

    @property
    def name(self) -> str:
        """As people see it."""
        if self.idle_minutes == inf:
            return "always"
        base = f"{self.idle_minutes:g} min after use"
        return f"{base} or used yesterday" if self.profile else base


def _level_prior(window: int, headroom: float, *, profile: bool) -> float:
    return log(window / 12) ** 2 + 4 * log(headroom) ** 2 + (0.5 if profile else 0.0)


def _keep_prior(minutes: float, *, profile: bool) -> float:
    span = log(min(minutes, 1e5) / 1440) ** 2 + (0.5 if profile else 0.0)
    return TUNING.keep_prior_requests * span


WINDOWS = (*SHORT_WINDOWS, *LONG_WINDOWS)
SIGNALS = len(WINDOWS) + len(PROFILE_WINDOWS)
# Headrooms of the rules on each base signal, in the order of LEVEL_RULES.
SIGNAL_HEADROOMS = (HEADROOMS,) * len(WINDOWS) + (PROFILE_HEADROOMS,) * len(PROFILE_WINDOWS)
LEVEL_RULES: tuple[LevelRule, ...] = tuple(
    LevelRule(
        signal,
        window,
        headroom,
        signal >= len(WINDOWS),
        _level_prior(window, headroom, profile=signal >= len(WINDOWS)),
    )
    for signal, window in enumerate((*WINDOWS, *PROFILE_WINDOWS))
    for headroom in SIGNAL_HEADROOMS[signal]
)
KEEP_RULES: tuple[KeepRule, ...] = (
    *(KeepRule(k, False, _keep_prior(k, profile=False)) for k in KEEP_MINUTES),
    *(KeepRule(k, True, _keep_prior(k, profile=True)) for k in PROFILE_KEEP_MINUTES),
)


def level_wishes(bases: Sequence[float], slots: float) -> Sequence[int]:
    """Copies that every level rule wants, by the value of each base signal."""
    return _level_wishes(tuple(bases), slots)


# What is chosen by in one look is what the next one charges, and most peaks last for minutes.
@lru_cache(maxsize=5_000)
def _level_wishes(bases: tuple[float, ...], slots: float) -> tuple[int, ...]:
    wishes: list[int] = []
    same: list[int] = []
    last, last_headrooms = -1.0, SIGNAL_HEADROOMS[0]
    for base, headrooms in zip(bases, SIGNAL_HEADROOMS, strict=True):
        # A peak that several windows see is worked out once.
        if base != last or headrooms is not last_headrooms:
            load = base / slots
            same = [ceil(headroom * load - EPSILON) for headroom in headrooms]
            last, last_headrooms = base, headrooms
        wishes += same
    return tuple(wishes)
