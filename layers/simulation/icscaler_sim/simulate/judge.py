"""Judging a run from a moment on: what came before, the warm-up, is in no figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from icscaler_sim.simulate.book import STEP_S, Book
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.driver import Driver
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.hands import Applied, Hands
from icscaler_sim.simulate.pilot import Pilot
from icscaler_sim.simulate.proxy import Held, Proxy
from icscaler_sim.world import World


class Judge:
    """Opens the book `warm_s` after the traffic begins, and remembers what had happened by then."""

    def __init__(
        self,
        world: World,
        fleet: Fleet,
        hands: Hands,
        pilot: Pilot,
        *,
        proxy: Proxy | None = None,
        controller: Controller | None = None,
    ) -> None:
        self._world = world
        self._fleet = fleet
        self._hands = hands
        self._pilot = pilot
        self._proxy = proxy
        self._controller = controller
        self._open()

    def follow(self, driver: Driver, warm_s: int) -> None:
        """Begin to judge after `warm_s` of the driver's traffic."""
        if warm_s:
            driver.at(driver.start_s + warm_s, self._open)
        driver.every(STEP_S, lambda: self.book.sample(), first_s=warm_s + STEP_S)

    def _open(self) -> None:
        self.book = Book(self._world, self._fleet)
        self._log = len(self._hands.log)
        self._calls = dict(self._pilot.calls)
        self._held = {name: _copy(one) for name, one in self._books().items()}
        self._looks = self._all_looks()

    def _books(self) -> Mapping[str, Held]:
        return self._proxy.books if self._proxy is not None else {}

    def _all_looks(self) -> int:
        return self._controller.looks if self._controller is not None else 0

    # --- since the book was opened
    @property
    def log(self) -> Sequence[Applied]:
        """Attempts to set copies."""
        return self._hands.log[self._log :]

    @property
    def calls(self) -> dict[str, int]:
        """AWS calls by operation."""
        before = self._calls
        return {name: count - before.get(name, 0) for name, count in self._pilot.calls.items()}

    @property
    def looks(self) -> int:
        """The controller's looks."""
        return self._all_looks() - self._looks

    @property
    def held(self) -> dict[str, Held]:
        """Requests that a proxy held, by model."""
        found = {}
        for name, now in self._books().items():
            before = self._held.get(name, Held())
            found[name] = Held(
                now.total - before.total,
                now.in_time - before.in_time,
                now.late - before.late,
                now.timed_out - before.timed_out,
                now.waits_s[len(before.waits_s) :],
            )
        return found


def _copy(held: Held) -> Held:
    return Held(held.total, held.in_time, held.late, held.timed_out, list(held.waits_s))
