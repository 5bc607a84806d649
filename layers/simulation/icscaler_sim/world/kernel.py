"""What every part of the world shares: the clock, the agenda, settings, chance and the books."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.world.agenda import Action, Agenda, Event
from icscaler_sim.world.faults import Faults
from icscaler_sim.world.outlet import Lags
from icscaler_sim.world.settings import Delay, WorldSettings
from icscaler_sim.world.specs import ProfileCatalog
from icscaler_sim.world.tally import Tally


class Kernel:
    """Shared state of one world. `now_s` is the time of the event that is being handled."""

    __slots__ = (
        "agenda",
        "faults",
        "held_instances",
        "lags",
        "metrics",
        "now_s",
        "profiles",
        "seed",
        "settings",
        "tally",
    )

    def __init__(
        self,
        settings: WorldSettings,
        seed: int,
        start_s: float,
        profiles: ProfileCatalog,
        metrics: MetricStore,
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.now_s = start_s
        self.profiles = profiles
        self.metrics = metrics
        self.agenda = Agenda()
        self.faults = Faults()
        self.lags = Lags(settings)
        self.tally = Tally(lambda: self.now_s)
        self.held_instances: Counter[str] = Counter()
        """Instance type -> instances the account has."""

    def after(self, delay_s: float, action: Action) -> Event:
        """Schedule `action` in `delay_s` seconds."""
        return self.agenda.at(self.now_s + delay_s, action)

    def chance(self, *key: str | int) -> float:
        """A number in [0, 1) that depends on the seed and `key` alone.

        What happens to one thing is thus independent of how many other draws were made, and
        two policies in the same world meet the same luck.
        """
        digest = blake2b(repr((self.seed, key)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def draw(self, delay: Delay, *key: str | int) -> float:
        """A delay from its distribution, by the luck of `key`."""
        if len(delay.quantiles) == 1:
            return delay.quantiles[0]
        return delay.at(self.chance(*key))
