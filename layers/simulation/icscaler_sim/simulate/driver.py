"""The driver: plays a trace into a world and lets a pilot look at it on time.

Between two moments at which something is to be done nothing is computed but the world's own events.
A look that is due at `at_s` happens `look_delay_s` later, as schedules and queues take their time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from icscaler_sim.simulate.pilot import Pilot
from icscaler_sim.simulate.proxy import STEP_S, Proxy
from icscaler_sim.traces import Trace
from icscaler_sim.traces.trace import Arrivals
from icscaler_sim.world import World
from icscaler_sim.world.agenda import Agenda

LOOK_DELAY_S = 0.1875
"""From a tick to its look through scheduler, dispatch and queue, as the local cloud takes it."""

Bin = tuple[int, int, list[Arrivals]]


@dataclass(frozen=True, slots=True)
class Beat:
    """When looks are due: every `period_s`, first `first_s` after the traffic began."""

    period_s: int = 60
    first_s: int = 0
    look_delay_s: float = LOOK_DELAY_S


class Driver:
    """One run. `before_arrivals(name, ...)` hooks are for callers who react to refusals."""

    def __init__(
        self,
        world: World,
        trace: Trace,
        pilot: Pilot,
        beat: Beat,
        *,
        proxy: Proxy | None = None,
    ) -> None:
        self.world = world
        self.start_s = int(world.now_s)
        self.end_s = self.start_s + trace.period_s
        self._pilot = pilot
        self._beat = beat
        self._proxy = proxy
        self._agenda = Agenda()
        self._bins: Iterator[Bin] = trace.iter_bins()
        self._on_called: list[Callable[[str, int, float, float], None]] = []

    def every(self, period_s: float, action: Callable[[], None], *, first_s: float = 0.0) -> None:
        """Do `action` every `period_s`, first `first_s` after the traffic began."""
        self._recur(self.start_s + first_s, period_s, action)

    def at(self, at_s: float, action: Callable[[], None]) -> None:
        """Do `action` once."""
        self._agenda.at(at_s, action)

    def soon(self, delay_s: float, look: Callable[[int], None]) -> None:
        """Something happened now: call `look` with this time, after a delay."""
        now_s = self.world.now_s
        self._agenda.at(now_s + delay_s, lambda: look(int(now_s)))

    def on_called(self, listener: Callable[[str, int, float, float], None]) -> None:
        """Tell `listener(name, requests, from_s, until_s)` of all traffic: for callers who ask for
        a wake when they are refused, never for a pilot's decisions."""
        self._on_called.append(listener)

    def run(self) -> None:
        """Play everything, up to the end of the traffic's period."""
        world, agenda = self.world, self._agenda
        self._plan_bin()
        if self._proxy is not None:
            self.every(STEP_S, self._proxy.step)
        self._recur_look(self.start_s + self._beat.first_s)
        while (due_s := agenda.next_s()) is not None and due_s <= self.end_s:
            event = agenda.pop()
            assert event is not None
            world.advance(event[0])
            event[1]()
        world.advance(self.end_s)

    def _recur(self, at_s: float, period_s: float, action: Callable[[], None]) -> None:
        def again() -> None:
            action()
            self._recur(at_s + period_s, period_s, action)

        self._agenda.at(at_s, again)

    def _recur_look(self, at_s: int) -> None:
        def look() -> None:
            self._pilot.look(at_s)
            self._recur_look(at_s + self._beat.period_s)

        self._agenda.at(at_s + self._beat.look_delay_s, look)

    def _plan_bin(self) -> None:
        found = next(self._bins, None)
        if found is not None:
            self._agenda.at(self.start_s + found[0], lambda: self._play(found))

    def _play(self, found: Bin) -> None:
        world, proxy, pilot = self.world, self._proxy, self._pilot
        at_s = self.start_s + found[0]
        until_s = at_s + found[1]
        for name, requests, tokens_in, tokens_out in found[2]:
            mean_in, mean_out = tokens_in / requests, tokens_out / requests
            if proxy is not None and proxy.takes(name):
                proxy.arrive(name, requests, until_s, mean_in, mean_out)
            else:
                world.arrive(
                    name, requests, at_s, until_s, input_tokens=mean_in, output_tokens=mean_out
                )
            pilot.called(name, until_s)
            for listener in self._on_called:
                listener(name, requests, at_s, until_s)
        self._plan_bin()
