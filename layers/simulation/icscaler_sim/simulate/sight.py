"""Seeing: what the published metrics say of a model by now, with period, lag and silence.

Both readers stand on the world's metric tables and give what a reader of CloudWatch would get; a
test compares them with the metric store itself. Nobody here knows the trace.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from icscaler.entities import MetricMinute
from icscaler_sim.baselines import Facts, Level, Minute
from icscaler_sim.metrics.store import Series
from icscaler_sim.simulate.places import dimensions, in_flight_metric
from icscaler_sim.world import World
from icscaler_sim.world.emission import mean_latency_s
from icscaler_sim.world.rows import MinuteRow

MINUTE_S = 60
TEN_S = 10
MICROSECONDS = 1e6
_LEARN_SHARE = 0.3
NAMESPACE = "AWS/SageMaker"


def readable(count: int, row: MinuteRow, seen_at_s: float, late_fraction: float) -> int:
    """The part of a minute's count that is readable by now: minutes fill up late."""
    if not count or seen_at_s >= row.settled_at_s:
        return count
    return count - int(count * late_fraction + 0.5)


def in_flight_series(world: World, name: str) -> Series | None:
    """Requests in flight per copy of a model."""
    return world.metrics.find(NAMESPACE, in_flight_metric(world, name), dimensions(world, name))


@dataclass(frozen=True, slots=True)
class Promise:
    """What tells whether an objective is kept: latencies against its deadline, and errors."""

    deadline_s: float
    latency: Series | None
    errors: Series | None


def promise_of(world: World, name: str, deadline_s: float) -> Promise:
    """The series that a model's objective is judged by."""
    errors = world.metrics.find(NAMESPACE, "Invocation5XXErrors", dimensions(world, name))
    return Promise(deadline_s, latency_series(world, name), errors)


def latency_series(world: World, name: str) -> Series | None:
    """ModelLatency of a model, in microseconds."""
    return world.metrics.find(NAMESPACE, "ModelLatency", dimensions(world, name))


class ServiceTime:
    """Service time learned from minutes below the copies' limit; before, the load test's.

    ModelLatency contains what was waited inside the container, so minutes in which a copy had more
    in flight than slots say nothing about it.
    """

    __slots__ = ("seconds", "slots")

    def __init__(self, facts: Facts) -> None:
        self.seconds = facts.service_s
        self.slots = facts.slots

    def learn(self, row: MinuteRow) -> None:
        """Take in one complete minute."""
        if not row.served or row.in_flight_high > self.slots:
            return
        latency_s = row.service_s
        if row.waits:
            waited_s = sum((first + last) / 2 * part for first, last, part in row.waits)
            latency_s += waited_s / row.served
        self.seconds += _LEARN_SHARE * (latency_s - self.seconds)


class PeerSight:
    """A peer's view of one model: every metric point once, a minute once more when complete."""

    __slots__ = (
        "_lag_s",
        "_late",
        "_levels",
        "_levels_s",
        "_next_s",
        "_open",
        "_table",
        "fresh",
        "work",
    )

    def __init__(
        self, world: World, name: str, facts: Facts, since_s: int, *, in_tens: bool
    ) -> None:
        self._table = world.minute_table(name)
        self._late = world.settings.late_fraction
        self._lag_s = MINUTE_S + world.settings.metric_lag_60s.at(0.0)
        self._next_s = since_s // MINUTE_S * MINUTE_S
        self._open: deque[MinuteRow] = deque()
        self._levels = in_flight_series(world, name) if in_tens else None
        self._levels_s = since_s // 10 * 10
        self.work = ServiceTime(facts)
        self.fresh = 0
        """How many of the minutes handed over last are new; they stand at the end."""

    @property
    def settled(self) -> bool:
        """Whether every minute that was readable is complete."""
        return not self._open

    def minutes(self, seen_at_s: float) -> list[Minute]:
        """Minutes that are complete now, and those not handed over before."""
        found = []
        waiting = self._open
        while waiting and seen_at_s >= waiting[0].settled_at_s:
            row = waiting.popleft()
            self.work.learn(row)
            found.append(self._minute(row, row.accepted, row.no_capacity, settled=True))
        self.fresh = 0
        if seen_at_s < self._next_s + self._lag_s:
            return found  # the next minute cannot be readable yet
        rows = [row for row in self._table.since(self._next_s) if row[1] <= seen_at_s]
        self.fresh = len(rows)
        for row in rows:
            accepted, refused = row.accepted, row.no_capacity
            if accepted and seen_at_s < row.settled_at_s:
                accepted = readable(accepted, row, seen_at_s, self._late)
            if refused:
                refused = readable(refused, row, seen_at_s, self._late)
            settled = accepted == row.accepted and refused == row.no_capacity
            if settled:
                self.work.learn(row)
            else:
                waiting.append(row)
            found.append(self._minute(row, accepted, refused, settled=settled))
        if rows:
            self._next_s = rows[-1].at_s + MINUTE_S
        return found

    def levels(self, seen_at_s: float) -> Sequence[Level]:
        """Ten-second points not handed over before."""
        if self._levels is None:
            return ()
        found = [
            Level(at_s, datum.total, int(datum.sample_count))
            for at_s, datum in self._levels.points(self._levels_s, seen_at_s, seen_at_s)
        ]
        if found:
            self._levels_s = found[-1].at_s + 10
        return found

    def _minute(self, row: MinuteRow, accepted: int, refused: int, *, settled: bool) -> Minute:
        copies = row.copies
        in_flight = copies * (row.in_flight_low + row.in_flight_high) / 2 if copies else 0.0
        called = accepted + refused
        offered = called * self.work.seconds / MINUTE_S if called else 0.0
        values = (row.at_s, accepted, refused, in_flight, copies, offered, settled)
        return tuple.__new__(Minute, values)


def metric_minutes(
    world: World,
    name: str,
    start_s: int,
    at_s: int,
    *,
    loaded: bool,
    in_flight: Series | None,
    in_tens: bool = False,
    latency: Series | None = None,
    promise: Promise | None = None,
) -> tuple[MetricMinute, ...]:
    """The minutes from `start_s` on as the controller's adapter reads them at this moment.

    Loaded: Invocations, ConcurrentRequestsPerCopy (`in_flight`; also of the minute that still runs)
    and the heartbeat; at zero copies NoCapacityInvocationFailures. `latency`: ModelLatency, where
    this look reads it, and `promise`: what an objective is judged by; with them comes at zero
    copies what was there before.
    """
    settings, now_s = world.settings, world.now_s
    found: dict[int, MetricMinute] = {}
    with_refused = (not loaded or promise is not None) and name not in world.aliases
    with_accepted = loaded or latency is not None or promise is not None
    rows = world.minutes(name, start_s, now_s)
    if not rows and not with_accepted:
        return ()
    rows = [row for row in rows if row.at_s <= at_s - MINUTE_S]
    for row in rows:
        if with_refused:
            refused = readable(row.no_capacity, row, now_s, settings.late_fraction)
            if refused:
                found[row.at_s] = MetricMinute(row.at_s, refused=float(refused))
        if with_accepted:
            accepted = readable(row.accepted, row, now_s, settings.late_fraction)
            _add_accepted(found, row, accepted, settings.invocation_zero_points, loaded=loaded)
    if latency is not None:
        _add_latency(found, world, rows)
    if in_flight is not None and (loaded or latency is not None):
        known_s = _add_whole_minutes(found, world, rows, start_s)
        _add_in_flight(found, world, in_flight, known_s, at_s)
        if in_tens:
            _add_rises(found, world, in_flight, start_s, at_s)
    if promise is not None:
        _add_promise(found, promise, start_s, at_s, now_s)
    return tuple(found[minute_s] for minute_s in sorted(found))


def _add_accepted(
    found: dict[int, MetricMinute],
    row: MinuteRow,
    accepted: int,
    zero_points: bool,
    *,
    loaded: bool,
) -> None:
    zero = zero_points and row.copies > 0
    if accepted or zero or (loaded and row.copies):
        minute = found.setdefault(row.at_s, MetricMinute(row.at_s))
        minute.invocations = float(accepted) if accepted or zero else None
        minute.heartbeat = loaded and row.copies > 0


def _add_latency(found: dict[int, MetricMinute], world: World, rows: Sequence[MinuteRow]) -> None:
    settings = world.settings
    for row in rows:
        served = readable(row.served, row, world.now_s, settings.late_fraction)
        if served:
            minute = found.setdefault(row.at_s, MetricMinute(row.at_s))
            minute.latency_s = mean_latency_s(row, settings.latency_spread)


def _add_whole_minutes(
    found: dict[int, MetricMinute], world: World, rows: Sequence[MinuteRow], start_s: int
) -> int:
    """The Maximum of the minutes that can be read as a whole; returns where the rest begins.

    Points of ten seconds are readable before their minute is, unless something is broken.
    """
    if not world.faults.metrics_in_order:
        return start_s
    zero_points = world.settings.concurrency_zero_points
    for row in rows:
        start_s = row.at_s + MINUTE_S
        if row.copies and (row.in_flight_high or zero_points):
            minute = found.setdefault(row.at_s, MetricMinute(row.at_s))
            minute.concurrency_per_copy = row.in_flight_high
    return start_s


def _add_in_flight(
    found: dict[int, MetricMinute], world: World, series: Series, start_s: int, at_s: int
) -> None:
    """The series' Maximum by minute, read from its rows: a point for every ten seconds of every
    loaded model is too much to build for each look."""
    end_s = start_s + ((at_s - 1 - start_s) // MINUTE_S + 1) * MINUTE_S
    zero_points, now_s = world.settings.concurrency_zero_points, world.now_s
    highest: dict[int, int] = {}
    for table, _ in series.sources:
        # Unpacked, not asked by name: this runs for every point of every loaded model.
        for row in table.since(start_s):
            if table.period_s == TEN_S:
                row_s, visible_s, _, high, copies = row
            else:
                row_s, visible_s, copies, high = row.at_s, row[1], row.copies, row.in_flight_high
            if visible_s > now_s or row_s >= end_s or not copies or not (high or zero_points):
                continue
            minute_s = row_s - row_s % MINUTE_S
            if high > highest.get(minute_s, -1):
                highest[minute_s] = high
    for minute_s, high in highest.items():
        minute = found.get(minute_s)
        if minute is None:
            minute = found[minute_s] = MetricMinute(minute_s)
        minute.concurrency_per_copy = high


def _add_rises(
    found: dict[int, MetricMinute], world: World, series: Series, start_s: int, at_s: int
) -> None:
    """The fastest rise between neighbouring ten-second points, to the minute of the later one."""
    zero_points, now_s = world.settings.concurrency_zero_points, world.now_s
    for table, _ in series.sources:
        if table.period_s != TEN_S:
            continue
        later_s = later = -1
        for row in table.backwards():
            row_s = row[0]
            if row_s < start_s:
                break
            if row[1] > now_s or row_s >= at_s or not row.copies or not (row.high or zero_points):
                continue
            if later_s == row_s + TEN_S:
                minute = found[later_s - later_s % MINUTE_S]
                rise_per_s = (later - row.high) / TEN_S
                if minute.rise_per_s is None or rise_per_s > minute.rise_per_s:
                    minute.rise_per_s = rise_per_s
            later_s, later = row_s, row.high


def _add_promise(
    found: dict[int, MetricMinute], promise: Promise, start_s: int, at_s: int, now_s: float
) -> None:
    count = (at_s - start_s) // MINUTE_S
    stat = f"PR(:{round(promise.deadline_s * MICROSECONDS)})"
    for minute, value in _values(found, promise.latency, stat, start_s, count, now_s):
        minute.in_deadline_fraction = value / 100
    for minute, value in _values(found, promise.errors, "Sum", start_s, count, now_s):
        minute.errors = value


def _values(
    found: dict[int, MetricMinute],
    series: Series | None,
    stat: str,
    start_s: int,
    count: int,
    now_s: float,
) -> Iterator[tuple[MetricMinute, float]]:
    """The minutes with data of a series, made where they are not there yet."""
    values = series.minutes(stat, start_s, count, now_s) if series is not None else ()
    for place, value in enumerate(values):
        if value is not None:
            minute_s = start_s + MINUTE_S * place
            yield found.setdefault(minute_s, MetricMinute(minute_s)), value
