"""Made-up traffic for the tournament."""

import random
from collections.abc import Iterable

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament.learn import Minute, learn

START_S = 1_800_000_000
SLOTS = 10.0
START_MINUTES = 5


def steady(loads: Iterable[float], *, start_s: int = START_S, service_s: float = 2.0) -> list:
    """A minute per load, with the arrivals that make it."""
    return [
        Minute(start_s + 60 * place, load, load * 60 / service_s)
        for place, load in enumerate(loads)
    ]


def learned(minutes: Iterable[Minute], memory: TournamentMemory | None = None) -> TournamentMemory:
    """Taken in one by one, as looks do."""
    for minute in minutes:
        memory = learn(memory, [minute], SLOTS, START_MINUTES)
    assert memory is not None
    return memory


def wild(seed: int, count: int) -> list[Minute]:
    """Silence, level shifts, bursts, refusals and unknown minutes, all at random."""
    rng = random.Random(seed)
    level, found = 0.0, []
    for place in range(count):
        if rng.random() < 0.03:
            level = rng.choice([0.0, 0.0, 3.0, 8.0, 25.0, 60.0])
        if rng.random() < 0.02:
            continue  # nothing is known of this minute
        load = level * rng.uniform(0.8, 1.2) * (4 if rng.random() < 0.02 else 1)
        arrivals = float(round(load * 30))
        offered = None
        if load == 0 and rng.random() < 0.02:
            arrivals, offered = float(rng.randint(1, 2000)), rng.choice([1.0, 50.0])
        found.append(Minute(START_S + 60 * place, load if arrivals else 0.0, arrivals, offered))
    return found
