"""A request-holding proxy, as Knative's activator: at zero copies requests wait instead of failing.

Held requests follow the same clock as all others: in time when their service begins within 30 s of
arrival, late after that, refused when the proxy gives up. As soon as a copy is ready new requests
go straight to it, and those that were held use half of what the copies can begin to serve: they
neither starve nor starve the others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from icscaler_sim.simulate.places import copies_of
from icscaler_sim.world import ServiceProfile, World

STEP_S = 10
TIMEOUT_S = 600.0
"""Knative's `max-revision-timeout-seconds`: slow starters are given all of it."""


class Batch(NamedTuple):
    """Requests that arrived together (within a step)."""

    arrived_s: float
    requests: int
    input_tokens: float
    output_tokens: float


@dataclass(slots=True)
class Held:
    """Fates of one model's held requests. `late` and `in_time` were released and served."""

    total: int = 0
    in_time: int = 0
    late: int = 0
    timed_out: int = 0
    waits_s: list[float] = field(default_factory=list)
    """First held request to its release, for each time the model was asked for at zero."""


@dataclass(slots=True)
class _Flow:
    """Requests that still arrive evenly until `until_s`."""

    requests: int
    until_s: float
    input_tokens: float
    output_tokens: float


class Proxy:
    """Stands before all models: holds back what is for a model without a ready copy."""

    def __init__(self, world: World, profiles: dict[str, ServiceProfile], in_time_s: float) -> None:
        self._world = world
        self._profiles = profiles
        self._in_time_s = in_time_s
        self._flows: dict[str, list[_Flow]] = {}
        self._lines: dict[str, deque[Batch]] = {}
        self._since_s: dict[str, float] = {}
        self._now_s = world.now_s
        self.books: dict[str, Held] = {}

    def waiting(self, name: str) -> int:
        """Requests of a model that are held now."""
        return sum(batch.requests for batch in self._lines.get(name, ()))

    def takes(self, name: str) -> bool:
        """Whether the proxy is in the model's path now."""
        return name in self._flows or copies_of(self._world, name).current == 0

    def arrive(
        self, name: str, requests: int, until_s: float, input_tokens: float, output_tokens: float
    ) -> None:
        """Requests that arrive evenly from now on."""
        flow = _Flow(requests, until_s, input_tokens, output_tokens)
        self._flows.setdefault(name, []).append(flow)

    def step(self) -> None:
        """Time has passed: take in what arrived, let go what can be served, give up the rest."""
        before_s, self._now_s = self._now_s, self._world.now_s
        for name in sorted({*self._flows, *self._lines}):
            self._take_in(name, before_s)
            self._release(name)

    def close(self) -> None:
        """The run is over: whoever still waits got no answer."""
        for name, line in self._lines.items():
            self._book(name).timed_out += sum(batch.requests for batch in line)
        self._lines.clear()

    def _book(self, name: str) -> Held:
        return self.books.setdefault(name, Held())

    def _take_in(self, name: str, before_s: float) -> None:
        now_s = self._now_s
        for flow in self._flows.pop(name, []):
            share = min(1.0, (now_s - before_s) / (flow.until_s - before_s))
            came = flow.requests if share >= 1 else int(flow.requests * share + 0.5)
            if came:
                line = self._lines.setdefault(name, deque())
                if not copies_of(self._world, name).current:
                    self._since_s.setdefault(name, before_s)
                middle_s = (before_s + min(now_s, flow.until_s)) / 2
                line.append(Batch(middle_s, came, flow.input_tokens, flow.output_tokens))
                self._book(name).total += came
            if came < flow.requests:
                flow.requests -= came
                self._flows.setdefault(name, []).append(flow)

    def _release(self, name: str) -> None:
        copies = copies_of(self._world, name).current
        if copies:
            self._open(name)
        line, now_s = self._lines.get(name), self._now_s
        if line is None:
            return
        book = self._book(name)
        while line and now_s - line[0].arrived_s > TIMEOUT_S:
            book.timed_out += line.popleft().requests
        room = self._room(name, line[0], copies) if line and copies else 0
        if room and name in self._since_s:
            book.waits_s.append(now_s - self._since_s.pop(name))
        while line and room > 0:
            batch = line.popleft()
            go = min(room, batch.requests)
            room -= go
            self._let_go(name, batch, go, book)
            if go < batch.requests:
                line.appendleft(batch._replace(requests=batch.requests - go))
        if not line:
            del self._lines[name]
            self._since_s.pop(name, None)

    def _let_go(self, name: str, batch: Batch, requests: int, book: Held) -> None:
        now_s = self._now_s
        in_time_s = self._profiles[name].in_time_s or self._in_time_s
        self._world.arrive(
            name,
            requests,
            now_s,
            input_tokens=batch.input_tokens,
            output_tokens=batch.output_tokens,
        )
        if now_s - batch.arrived_s <= in_time_s:
            book.in_time += requests
        else:
            book.late += requests

    def _open(self, name: str) -> None:
        """A copy is ready: what still comes goes straight to it."""
        for flow in self._flows.pop(name, []):
            self._world.arrive(
                name,
                flow.requests,
                self._now_s,
                flow.until_s,
                input_tokens=flow.input_tokens,
                output_tokens=flow.output_tokens,
            )

    def _room(self, name: str, first: Batch, copies: int) -> int:
        profile = self._profiles[name]
        service_s = profile.service_s(first.input_tokens, first.output_tokens) or inf
        return int(profile.slots_per_copy * copies * min(1.0, STEP_S / service_s) / 2) or 1
