"""Where a component's requests are served: an aggregate, fluid model of all its ready copies.

Requests in service follow `busy' = starts - busy / service time`; when all slots are taken the
rest waits (`waiting.py`). Both have closed forms between changes, so the state is only moved at
changes and at the ends of metric periods: idle components cost nothing, and how often anybody
looks cannot change a result. Whole requests are counted at minute ends by carrying fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from operator import attrgetter
from typing import TypeAlias

from icscaler_sim.world.faults import Faults
from icscaler_sim.world.ledger import Ledger
from icscaler_sim.world.outlet import Lags, Outlet
from icscaler_sim.world.rows import MinuteRow
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import ServiceProfile
from icscaler_sim.world.tally import RequestCounts
from icscaler_sim.world.waiting import WaitingLine

Copies: TypeAlias = Sequence[tuple[ServiceProfile, int]]
"""(profile, how many copies run it)."""

_NOTHING = 1e-3  # fewer requests in service than this are none


class Station:
    """Requests of one component (or single-model variant) from arrival to service start."""

    __slots__ = (
        "_dirty",
        "_draining_slots",
        "_flow_end_s",
        "_flows",
        "_grain_s",
        "_in_flight_before",
        "_line",
        "_mark_s",
        "_outlet",
        "_rate",
        "_serving",
        "_settings",
        "_window_before",
        "books",
        "busy",
        "copies",
        "error_fraction",
        "first_refused_s",
        "gpus",
        "in_time_s",
        "minutes",
        "name",
        "now_s",
        "patience_s",
        "service_s",
        "slots",
        "tens",
    )

    def __init__(
        self,
        name: str,
        now_s: float,
        profile: ServiceProfile,
        settings: WorldSettings,
        lags: Lags,
        faults: Faults,
        *,
        offset: int,
        keep_s: float,
    ) -> None:
        self.name = name
        self.now_s = now_s
        self._settings = settings
        self._outlet = outlet = Outlet(name, lags, faults, offset=offset, keep_s=keep_s)
        self.minutes, self.tens = outlet.minutes, outlet.tens
        self._grain_s = 10 if settings.emit_10s else 60
        self._mark_s = (int(now_s // self._grain_s) + 1) * self._grain_s
        self._flows: list[tuple[float, float, float, float]] = []  # (end, rate, tokens in, out)
        self._flow_end_s = math.inf
        self._rate = 0.0
        self.copies = 0
        self.slots = 0
        self.gpus = 0
        self._draining_slots = 0
        self._serving: Copies = ((profile, 1),)
        self.patience_s = profile.patience_s
        self.in_time_s = profile.in_time_s or settings.in_time_s
        self.error_fraction = profile.error_fraction
        self.service_s = profile.service_s(0, 0)
        self.busy = 0.0
        self._line = WaitingLine()
        self.books = Ledger(now_s, settings.peak_deviations)
        self.first_refused_s: float | None = None
        self._in_flight_before = 0.0
        self._window_before = 0.0
        self._dirty = False

    @property
    def waiting(self) -> float:
        """Requests that wait for a slot."""
        return self._line.amount

    # --- inputs: each is a moment of its own, so the state moves exactly to it first
    def flow(
        self, at_s: float, until_s: float, requests: float, tokens_in: float, tokens_out: float
    ) -> None:
        """`requests` arrive evenly over [at_s, until_s)."""
        self.move(at_s)
        self._dirty = True
        rate = requests / (until_s - at_s)
        self._flows.append((until_s, rate, tokens_in, tokens_out))
        if len(self._flows) > 1:
            self._load_changed()
        else:
            self._flow_end_s, self._rate = until_s, rate
            self.service_s = self._mean_service_s(tokens_in, tokens_out)

    def burst(self, at_s: float, requests: float, tokens_in: float, tokens_out: float) -> float:
        """`requests` arrive at once; returns how long the last of them will wait."""
        self.move(at_s)
        self._dirty = True
        self.books.arrived += requests
        if self.copies == 0:
            self._refuse(at_s, requests, math.inf)
            return 0.0
        if not self._flows:
            self.service_s = self._mean_service_s(tokens_in, tokens_out)
        self.books.per_copy += requests / self.copies
        free = 0.0 if self._line.amount else min(float(requests), self.slots - self.busy)
        self.busy += free
        if self.error_fraction:
            self.books.fail(free * self.error_fraction)
        if free < requests:
            self.books.plain = False
            self._line.join(at_s, at_s, requests - free)
        self._watch()
        return self._line.amount * self.service_s / self.slots

    def set_capacity(self, at_s: float, ready: Copies, draining: Copies, gpus: int) -> None:
        """From now on these copies are ready or draining; `gpus` are held by the ready ones."""
        self.move(at_s)
        self._dirty = True
        self.books.count_capacity(at_s, self.slots, self.gpus)
        copies = sum(count for _, count in ready)
        slots = _slots(ready)
        self._draining_slots = _slots(draining)
        if copies and slots < self.slots:
            self.busy *= slots / self.slots  # copies that leave take along what they serve
        elif copies == 0 and not self._line.amount:
            self.busy = 0.0
        self.copies, self.slots, self.gpus = copies, slots, gpus
        self.books.copies_high = max(self.books.copies_high, copies)
        if ready or draining:
            self._serving = ready or draining
            first = self._serving[0][0]
            self.patience_s = first.patience_s
            self.in_time_s = first.in_time_s or self._settings.in_time_s
            self.error_fraction = sum(
                profile.error_fraction * profile.slots_per_copy * count
                for profile, count in self._serving
            ) / _slots(self._serving)
            self._load_changed()
        elif self._line.amount:
            self.books.remove(self._line.empty_out())
        self.busy = min(self.busy, float(slots or self._draining_slots))
        self._watch()

    def lose(self, at_s: float, copies: int) -> None:
        """`copies` of the ready ones died with what they served (`set_capacity` comes next)."""
        self.move(at_s)
        self._dirty = True
        if self.copies:
            self.books.lose(self.busy * min(1.0, copies / self.copies))

    def drain_s(self) -> float:
        """How long a copy that leaves now needs to finish what it serves."""
        if self.busy < _NOTHING and not self._line.amount:
            return 0.0
        slots = self.slots or self._draining_slots
        waiting_s = self._line.amount * self.service_s / slots if slots else 0.0
        return min(self._settings.drain_max_s, 2 * self.service_s + waiting_s)

    # --- time
    def settle(self, to_s: float) -> None:
        """Do what is due up to `to_s`: flows that end, metric periods to close."""
        while True:
            mark_s, flow_end_s = self._mark_s, self._flow_end_s
            stop_s: float = flow_end_s if flow_end_s < mark_s else mark_s
            if stop_s > to_s:
                return
            if not self._dirty:
                self._settle_idle(to_s)
                return
            if not self._line.amount and self._flow_on(to_s):
                continue
            if stop_s > self.now_s:
                self._run(stop_s)
            if stop_s >= flow_end_s:
                self._end_flows(stop_s)
            if stop_s == mark_s:
                self._close_mark(int(stop_s))

    def move(self, to_s: float) -> None:
        """Settle, then move the state exactly to `to_s` (only to moments that are events)."""
        self.settle(to_s)
        if to_s > self.now_s:
            self._run(to_s)

    def counts_at(self, now_s: float) -> RequestCounts:
        """Whole requests up to `now_s`; the station stays as it is."""
        if not self._dirty:
            return copy(self.books.counts)  # nothing came since the last minute was counted
        twin = _shallow(self)
        twin._outlet = self._outlet.twin()
        twin.minutes, twin.tens = twin._outlet.minutes, twin._outlet.tens
        twin._line, twin.books = self._line.copy(), self.books.twin()
        twin.move(now_s)
        twin.books.count(twin._line.amount)
        return twin.books.counts

    def _end_flows(self, at_s: float) -> None:
        """Flows that end by `at_s` are over."""
        if len(self._flows) == 1:
            self._flows.clear()
        else:
            self._flows = [flow for flow in self._flows if flow[0] > at_s]
        self._load_changed()

    def _settle_idle(self, to_s: float) -> None:
        """The same when nothing arrives or is served: what periods have to tell is known."""
        grain_s = self._grain_s
        first_s, end_s = self._mark_s, int(to_s // grain_s) * grain_s
        self._mark_s = end_s + grain_s
        self.now_s = self.books.capacity_since_s = float(end_s)
        if not self.copies:
            return
        if grain_s == 10:
            self._outlet.idle_tens(first_s, end_s, self.books.copies_high)
        late_s, append = self._settings.late_lag_s, self.minutes.append
        rest = (0, 0.0, self.copies, 0.0, float(self.gpus), 0, 0, 0, 0, self.service_s, (), 0, 0)
        for at_s in range(-(-first_s // 60) * 60, end_s + 1, 60):
            visible_s = self._outlet.minute_visible_s(at_s)
            append(tuple.__new__(MinuteRow, (at_s - 60, visible_s, visible_s + late_s, *rest)))

    def _flow_on(self, to_s: float) -> bool:
        """Pass the marks up to `to_s` at which nothing but service without waiting happens.

        The same sums in the same order as `_run` and `_close_mark`, without their calls: most
        marks of most models are like this. False: there was none.
        """
        mark_s, grain_s, service_s = self._mark_s, self._grain_s, self.service_s
        slots, copies, rate, books = float(self.slots), self.copies, self._rate, self.books
        level = rate * service_s
        if (
            not copies
            or level > slots
            or self.error_fraction
            or not self._outlet.faults.metrics_in_order
        ):
            return False
        rows = []
        while mark_s <= to_s and mark_s < self._flow_end_s and mark_s % 60:
            span_s = mark_s - self.now_s
            if span_s > 0:
                coming = rate * span_s
                books.arrived += coming
                books.per_copy += coming / copies
                gap = self.busy - level
                if gap == 0.0:
                    books.busy_s += level * span_s
                else:
                    left = math.exp(-span_s / service_s)
                    books.busy_s += level * span_s + gap * service_s * (1 - left)
                    self.busy = min(level + gap * left, slots)
                self.now_s = float(mark_s)
                books.watch(self.busy / copies)
            low, high = self._mark()
            rows.append(self._outlet.ten_in_order(mark_s, low, high, books.copies_high))
            mark_s += grain_s
        self._mark_s = mark_s
        self.tens.extend(rows)
        return bool(rows)

    def _run(self, stop_s: float) -> None:
        """Move the state to `stop_s`; load and capacity are constant until then."""
        now_s, self.now_s = self.now_s, stop_s
        rate, books = self._rate, self.books
        coming = rate * (stop_s - now_s)
        books.arrived += coming
        if not self.copies:
            self._run_closed(now_s, stop_s, coming)
            return
        books.per_copy += coming / self.copies
        if not self._line.amount:
            now_s = self._run_free(now_s, stop_s)
        if now_s < stop_s:
            self._line.join(now_s, stop_s, rate * (stop_s - now_s))
            reached_s = self._run_full(now_s, stop_s, self.slots)
            if reached_s < stop_s:
                self._run_free(reached_s, stop_s)
        books.watch((self.busy + self._line.amount) / self.copies)

    def _run_free(self, now_s: float, stop_s: float) -> float:
        """Nobody waits: busy tends to rate x service time. Returns when all slots are taken."""
        busy, service_s, slots = self.busy, self.service_s, self.slots
        level = self._rate * service_s
        gap = busy - level
        if level > slots:
            full_s = now_s + service_s * math.log(gap / (slots - level)) if busy < slots else now_s
            stop_s = min(stop_s, full_s)
        span_s = stop_s - now_s
        if self.error_fraction:
            self.books.fail(self._rate * span_s * self.error_fraction)
        if gap == 0.0:
            self.books.busy_s += level * span_s
            return stop_s
        left = math.exp(-span_s / service_s)
        self.books.busy_s += level * span_s + gap * service_s * (1 - left)
        self.busy = min(level + gap * left, float(slots))
        return stop_s

    def _run_full(self, now_s: float, stop_s: float, slots: int) -> float:
        """Somebody waits, all slots are taken. Returns when nobody waits any more."""
        outcome = self.books.outcome
        self.books.plain = False
        self.busy = float(slots)
        reached_s = self._line.serve(
            now_s,
            stop_s,
            slots / self.service_s,
            self.patience_s,
            self.in_time_s,
            outcome,
        )
        self.books.busy_s += slots * (reached_s - now_s)
        self.books.fail(outcome.started * self.error_fraction)
        outcome.started = 0.0
        return reached_s

    def _run_closed(self, now_s: float, stop_s: float, coming: float) -> None:
        """No copy is ready: what comes is refused; draining copies finish what they have."""
        if coming:
            self._refuse(now_s, coming, self._rate)
        if self._line.amount and self._draining_slots:
            self._run_full(now_s, stop_s, self._draining_slots)

    def _refuse(self, at_s: float, requests: float, rate: float) -> None:
        """`requests` that come at `rate` from `at_s` on meet no ready copy."""
        books = self.books
        if self.first_refused_s is None and books.refused + requests >= 0.5:
            self.first_refused_s = at_s + max(0.0, 0.5 - books.refused) / rate
        books.refuse(requests)

    def _watch(self) -> None:
        if self.copies:
            self.books.watch((self.busy + self._line.amount) / self.copies)

    def _load_changed(self) -> None:
        flows = self._flows
        if not flows:
            self._rate, self._flow_end_s = 0.0, math.inf
            return
        if len(flows) == 1:
            self._flow_end_s, self._rate, tokens_in, tokens_out = flows[0]
        else:
            self._flow_end_s = min(flow[0] for flow in flows)
            self._rate = sum(flow[1] for flow in flows)
            tokens_in = sum(flow[1] * flow[2] for flow in flows) / self._rate
            tokens_out = sum(flow[1] * flow[3] for flow in flows) / self._rate
        self.service_s = self._mean_service_s(tokens_in, tokens_out)

    def _mean_service_s(self, tokens_in: float, tokens_out: float) -> float:
        """Mean service time; copies of two versions share requests by their speed."""
        serving = self._serving
        if len(serving) == 1:
            return serving[0][0].service_s(tokens_in, tokens_out)
        pace = sum(
            profile.slots_per_copy * count / profile.service_s(tokens_in, tokens_out)
            for profile, count in serving
        )
        return _slots(serving) / pace

    # --- metric periods
    def _close_mark(self, at_s: int) -> None:
        """A metric period ends at `at_s`: write its row, and the minute's if one ends too."""
        self._mark_s = at_s + self._grain_s
        books = self.books
        low, high = self._mark()
        if self._grain_s == 10 and books.copies_high:
            self._outlet.ten(at_s, low, high, books.copies_high)
        if at_s % 60 == 0:
            self._close_minute(at_s)

    def _mark(self) -> tuple[int, int]:
        """Fewest and most requests in flight per copy since the last mark."""
        books, copies = self.books, self.copies
        in_flight = self.busy + self._line.amount
        came = books.arrived - books.refused
        most = self._in_flight_before + came - self._window_before
        self._in_flight_before, self._window_before = in_flight, came
        if not copies:
            return books.mark(0.0, 0.0, most)
        return books.mark(in_flight / copies, self.slots / copies, most)

    def _close_minute(self, at_s: int) -> None:
        books = self.books
        books.count_capacity(at_s, self.slots, self.gpus)
        counted = books.count(self._line.amount)
        if books.copies_high or counted.no_capacity or counted.accepted:
            visible_s = self._outlet.minute_visible_s(at_s)
            settled_s = visible_s + self._settings.late_lag_s
            stamp_s = self._outlet.minute_stamp_s(at_s)
            row = books.row(stamp_s, visible_s, settled_s, counted, self.service_s)
            self.minutes.insert(row)
        books.next_minute(self.copies)
        self._window_before = books.arrived - books.refused
        if not self._rate and not self._line.amount and self.busy < _NOTHING:
            self.busy = self._in_flight_before = books.low = books.high = 0.0
            self._dirty = False


_fields_of = attrgetter(*Station.__slots__)


def _shallow(station: Station) -> Station:
    """As `copy`, in a fraction of its time: books are read every ten minutes for every model."""
    twin = Station.__new__(Station)
    for name, value in zip(Station.__slots__, _fields_of(station), strict=True):
        setattr(twin, name, value)
    return twin


def _slots(copies: Copies) -> int:
    return sum(profile.slots_per_copy * count for profile, count in copies)
