"""Requests waiting for a free slot, first come first served, as a fluid.

The line is a row of stretches of evenly spread arrivals. Everything in it moves linearly
between a handful of turning points, so a minute of any load costs a few steps.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TypeAlias

_TINY = 1e-9

WaitPart: TypeAlias = tuple[float, float, float]
"""(first wait, last wait, requests): waits spread evenly between the two, in seconds."""


class Outcome:
    """What became of requests since the last settlement, in fractions of requests."""

    __slots__ = ("gave_up", "late", "started", "waits")

    def __init__(self) -> None:
        self.started = 0.0
        self.late = 0.0
        self.gave_up = 0.0
        self.waits: list[WaitPart] = []

    def settled(self) -> bool:
        """Whether nothing is carried to the next minute."""
        return not (self.late or self.gave_up)


class WaitingLine:
    """The line of one component. `amount` is how many wait."""

    __slots__ = ("_stretches", "amount")

    def __init__(self) -> None:
        self._stretches: deque[list[float]] = deque()  # [first arrival, last arrival, requests]
        self.amount = 0.0

    def copy(self) -> WaitingLine:
        """An independent copy."""
        twin = WaitingLine()
        twin._stretches = deque(stretch[:] for stretch in self._stretches)
        twin.amount = self.amount
        return twin

    def join(self, first_s: float, last_s: float, requests: float) -> None:
        """Requests that arrive evenly over [first_s, last_s], after everybody already here."""
        if requests > 0:
            self._stretches.append([first_s, last_s, requests])
            self.amount += requests

    def empty_out(self) -> float:
        """Send everybody away; returns how many that were."""
        gone = self.amount
        self._stretches.clear()
        self.amount = 0.0
        return gone

    def serve(
        self,
        now_s: float,
        stop_s: float,
        rate: float,
        patience_s: float,
        in_time_s: float,
        outcome: Outcome,
    ) -> float:
        """Start `rate` requests a second from the head until `stop_s` or until nobody waits.

        Arrivals up to `stop_s` must have joined. Returns the time reached; arrivals after it
        are taken out again, since they find a free slot.
        """
        self._send_away(now_s - patience_s, outcome)
        while self._stretches and now_s < stop_s:
            head = self._stretches[0]
            if head[2] <= _TINY:
                self._stretches.popleft()
                continue
            if head[1] - head[0] <= _TINY:
                now_s = self._serve_crowd(head, now_s, stop_s, rate, patience_s, in_time_s, outcome)
            elif now_s - head[0] <= _TINY and rate * (head[1] - head[0]) >= head[2]:
                self._stretches.popleft()  # caught up with the present: the rest finds a slot
                break
            else:
                now_s = self._serve_stretch(
                    head, now_s, stop_s, rate, patience_s, in_time_s, outcome
                )
        while self._stretches and self._stretches[0][2] <= _TINY:
            self._stretches.popleft()
        self.amount = math.fsum(stretch[2] for stretch in self._stretches)
        return now_s

    def _send_away(self, before_s: float, outcome: Outcome) -> None:
        """Whoever arrived before `before_s` has lost patience."""
        while self._stretches and self._stretches[0][0] < before_s - _TINY:
            head = self._stretches[0]
            if head[1] <= before_s:
                outcome.gave_up += head[2]
                self._stretches.popleft()
                continue
            leaving = head[2] * (before_s - head[0]) / (head[1] - head[0])
            outcome.gave_up += leaving
            head[0] = before_s
            head[2] -= leaving

    def _serve_crowd(
        self,
        head: list[float],
        now_s: float,
        stop_s: float,
        rate: float,
        patience_s: float,
        in_time_s: float,
        outcome: Outcome,
    ) -> float:
        """Serve a head stretch whose requests all arrived at one moment."""
        wait = now_s - head[0]
        if wait >= patience_s - _TINY:
            outcome.gave_up += head[2]
            head[2] = 0.0
            return now_s
        step = min(stop_s - now_s, head[2] / rate, patience_s - wait)
        if wait < in_time_s - _TINY:
            step = min(step, in_time_s - wait)
        started = min(rate * step, head[2])
        head[2] -= started
        _note(outcome, wait, wait + step, started, in_time_s)
        return now_s + step

    def _serve_stretch(
        self,
        head: list[float],
        now_s: float,
        stop_s: float,
        rate: float,
        patience_s: float,
        in_time_s: float,
        outcome: Outcome,
    ) -> float:
        """Serve a head stretch up to its next turning point."""
        span = head[1] - head[0]
        density = head[2] / span
        speed = rate / density  # seconds of arrivals started per second
        wait = now_s - head[0]
        if speed < 1 and wait >= patience_s - _TINY:
            # Overload at the limit of patience: the head leaves as fast as time passes.
            step = min(stop_s - now_s, span)
            started = rate * step
            outcome.gave_up += density * step - started
            passed, wait_end = step, wait
        else:
            step = min(stop_s - now_s, span / speed, _turn_s(wait, speed, patience_s, in_time_s))
            started = rate * step
            passed, wait_end = speed * step, wait + (1 - speed) * step
        head[0] += passed
        head[2] = max(0.0, head[2] - density * passed)
        _note(outcome, wait, wait_end, started, in_time_s)
        return now_s + step


def _turn_s(wait: float, speed: float, patience_s: float, in_time_s: float) -> float:
    """Time until the head's wait reaches a limit that changes what happens."""
    if speed < 1:
        limits = [limit for limit in (patience_s, in_time_s) if limit > wait + _TINY]
        return max(_TINY, (min(limits) - wait) / (1 - speed)) if limits else math.inf
    if speed > 1:
        limit = in_time_s if wait > in_time_s + _TINY else 0.0
        return max(_TINY, (wait - limit) / (speed - 1))
    return math.inf


def _note(outcome: Outcome, wait: float, wait_end: float, started: float, in_time_s: float) -> None:
    outcome.started += started
    if (wait + wait_end) / 2 > in_time_s:
        outcome.late += started
    outcome.waits.append((wait, wait_end, started))
