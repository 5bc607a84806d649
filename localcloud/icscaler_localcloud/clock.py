"""Virtual time: one clock, and one event loop that moves it.

Nothing in the local cloud waits. Whatever AWS would do later is put on the loop's heap and runs
when the clock gets there, in the order (time, rank, sequence of scheduling), so the same inputs
always give the same run.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

MINUTE_S = 60
# Sleeps inside sleeps run other events only this deep; deeper ones just move the clock. A handler
# that sleeps while another sleeps is ordinary, twenty of them stacked is a runaway retry.
_MAX_NESTED_SLEEPS = 20


def utc_text(at_s: float) -> str:
    """Whole seconds in AWS's event format: 2026-01-31T09:00:00Z."""
    return datetime.fromtimestamp(at_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class VirtualClock:
    """Seconds since the epoch that only the event loop advances."""

    def __init__(self, start_s: float) -> None:
        self._now_s = float(start_s)

    @property
    def now_s(self) -> float:
        """Now, in epoch seconds."""
        return self._now_s

    def advance_to(self, at_s: float) -> None:
        """Move to `at_s`; never backwards (ValueError)."""
        if at_s < self._now_s:
            raise ValueError(f"the virtual clock is at {self._now_s}, cannot go back to {at_s}")
        self._now_s = float(at_s)

    def utcnow(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return datetime.fromtimestamp(self._now_s, tz=UTC)


@dataclass(order=True, slots=True)
class Timer:
    """One scheduled callback; `cancel()` takes it off the loop."""

    at_s: float
    rank: int
    sequence: int
    callback: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Never run the callback; safe to call twice or after it ran."""
        self.callback = None


class EventLoop:
    """A deterministic heap of timers over a VirtualClock.

    `rank` breaks ties at the same instant: 0 is for what must come first in a minute (traffic,
    reports), 1 for everything AWS does.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._heap: list[Timer] = []
        self._sequence = count()
        self._sleepers = 0
        self._after_step: list[Callable[[], None]] = []

    def call_at(self, at_s: float, callback: Callable[[], None], *, rank: int = 1) -> Timer:
        """Run `callback` when the clock reaches `at_s` (at once, if that is already past)."""
        timer = Timer(float(at_s), rank, next(self._sequence), callback)
        heapq.heappush(self._heap, timer)
        return timer

    def call_in(self, delay_s: float, callback: Callable[[], None], *, rank: int = 1) -> Timer:
        """Run `callback` `delay_s` seconds from now."""
        return self.call_at(self.clock.now_s + delay_s, callback, rank=rank)

    def every(
        self, period_s: float, callback: Callable[[], None], *, first_s: float, rank: int = 1
    ) -> Recurring:
        """Run `callback` at `first_s`, `first_s + period_s`, ... until cancelled."""
        recurring = Recurring(self, period_s, callback, rank)
        recurring.start(first_s)
        return recurring

    def after_step(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each timer that ran outside any sleep."""
        self._after_step.append(callback)

    def next_at_s(self) -> float | None:
        """When the next timer is due, None when nothing is scheduled."""
        while self._heap and self._heap[0].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0].at_s if self._heap else None

    def run_until(self, at_s: float) -> None:
        """Run every timer due up to and including `at_s`, then set the clock to `at_s`."""
        if at_s < self.clock.now_s:
            raise ValueError(f"the virtual clock is at {self.clock.now_s}, cannot run to {at_s}")
        while (due_s := self.next_at_s()) is not None and due_s <= at_s:
            timer = heapq.heappop(self._heap)
            callback, timer.callback = timer.callback, None
            # A timer may be late when a handler slept past it.
            self.clock.advance_to(max(self.clock.now_s, timer.at_s))
            if callback is not None:
                callback()
            if not self._sleepers:
                for hook in self._after_step:
                    hook()
        self.clock.advance_to(max(self.clock.now_s, at_s))

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass for the caller; what is due meanwhile runs, as on a real clock."""
        until_s = self.clock.now_s + max(0.0, seconds)
        if self._sleepers >= _MAX_NESTED_SLEEPS:
            self.clock.advance_to(until_s)
            return
        self._sleepers += 1
        try:
            self.run_until(until_s)
        finally:
            self._sleepers -= 1


class Recurring:
    """A callback repeated at a fixed period, counted from its first time so it never drifts."""

    def __init__(
        self, loop: EventLoop, period_s: float, callback: Callable[[], None], rank: int
    ) -> None:
        self._loop, self._period_s, self._callback, self._rank = loop, period_s, callback, rank
        self._timer: Timer | None = None

    def start(self, first_s: float) -> None:
        """Schedule the first call at `first_s`."""
        self._timer = self._loop.call_at(first_s, lambda: self._run(first_s), rank=self._rank)

    def cancel(self) -> None:
        """Stop repeating."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, due_s: float) -> None:
        # Scheduled before the call, so that the callback may cancel its own repetition.
        self.start(due_s + self._period_s)
        self._callback()
