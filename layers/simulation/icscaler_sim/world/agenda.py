"""What will happen when: events in order of (time, sequence)."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TypeAlias

Action: TypeAlias = Callable[[], None]


class Agenda:
    """A heap of events. Equal times keep the order in which they were scheduled."""

    __slots__ = ("_heap", "_sequence")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Event]] = []
        self._sequence = 0

    def at(self, at_s: float, action: Action) -> Event:
        """Schedule `action`; the event returned can be cancelled."""
        event = Event(action)
        self._sequence += 1
        heapq.heappush(self._heap, (at_s, self._sequence, event))
        return event

    def next_s(self) -> float | None:
        """When the next event is due; None when nothing is planned."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> tuple[float, Action] | None:
        """Take the next event out."""
        while self._heap:
            at_s, _, event = heapq.heappop(self._heap)
            if event.action is not None:
                return at_s, event.action
        return None


class Event:
    """A planned action."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        """Let it not happen."""
        self.action = None
