"""A station's books: fractions of requests in, whole requests and metric rows out.

Every fraction that is not counted yet is carried, so whole counts never drift from the fluid
by more than one request and always add up.
"""

from __future__ import annotations

import math
from copy import copy
from typing import NamedTuple

from icscaler_sim.world.rows import MinuteRow
from icscaler_sim.world.tally import RequestCounts
from icscaler_sim.world.waiting import Outcome

_NONE = 1e-6


class Counted(NamedTuple):
    """Whole requests of one minute. `gave_up` and `errors` include those a lost or removed
    copy took along."""

    accepted: int
    no_capacity: int
    gave_up: int
    errors: int
    served: int


class Ledger:
    """What happened since the last minute end, and whole counts up to it."""

    __slots__ = (
        "arrived",
        "busy_s",
        "capacity_since_s",
        "copies_high",
        "counts",
        "failed",
        "gpu_s",
        "high",
        "lost",
        "low",
        "minute_high",
        "minute_low",
        "outcome",
        "peak_deviations",
        "per_copy",
        "plain",
        "refused",
        "removed",
        "slot_s",
    )

    def __init__(self, now_s: float, peak_deviations: float) -> None:
        self.peak_deviations = peak_deviations
        self.counts = RequestCounts()
        # Fractions of requests, carried from minute to minute.
        self.outcome = Outcome()
        self.arrived = 0.0
        self.refused = 0.0
        self.failed = 0.0
        self.lost = 0.0
        self.removed = 0.0
        self.plain = True  # nothing but service without waiting: counting is simple
        # Sums over this minute.
        self.per_copy = 0.0
        self.busy_s = 0.0  # slot-seconds in use
        self.slot_s = 0.0  # slot-seconds there were
        self.gpu_s = 0.0
        self.capacity_since_s = now_s
        self.copies_high = 0
        # Requests in flight per copy: since the last mark, and over the minute.
        self.low = 0.0
        self.high = 0.0
        self.minute_low = math.inf
        self.minute_high = 0

    def twin(self) -> Ledger:
        """An independent copy."""
        other = copy(self)
        other.counts = copy(self.counts)
        other.outcome = copy(self.outcome)
        other.outcome.waits = list(self.outcome.waits)
        return other

    def count_capacity(self, at_s: float, slots: int, gpus: int) -> None:
        """`slots` and `gpus` were ready since the last call."""
        held_s = at_s - self.capacity_since_s
        self.capacity_since_s = at_s
        self.slot_s += slots * held_s
        self.gpu_s += gpus * held_s

    # --- what goes wrong, in fractions of requests
    def refuse(self, requests: float) -> None:
        """They met no ready copy."""
        self.refused += requests
        self.plain = False

    def fail(self, requests: float) -> None:
        """They were served an error."""
        self.failed += requests
        self.plain = False

    def lose(self, requests: float) -> None:
        """They were being served when their copy died."""
        self.lost += requests
        self.plain = False

    def remove(self, requests: float) -> None:
        """They still waited when the last copy left."""
        self.removed += requests
        self.plain = False

    def watch(self, in_flight: float) -> None:
        """`in_flight` requests per copy at this moment (between two of these it is monotone)."""
        if in_flight > self.high:
            self.high = in_flight
        elif in_flight < self.low:
            self.low = in_flight

    def mark(self, in_flight: float, slots_each: float, most: float) -> tuple[int, int]:
        """Close a mark's window: fewest and most requests in flight per copy, whole.

        Arrivals are random, so a mean of m in service peaks some standard deviations above
        it (`peak_deviations`), Poisson's sqrt(m); never above the `most` requests that were
        there at all, and at least 1 when any were. What waits in line adds to the mean, not to
        the noise.
        """
        # Comparisons instead of min() and max(): this runs for every minute of every busy model.
        most_seen, least_seen = self.high, self.low
        crest = most_seen + self.peak_deviations * math.sqrt(
            most_seen if most_seen < slots_each else slots_each
        )
        high = int((most if most < crest else crest) + 0.5)
        if high == 0 and most > _NONE:
            high = 1
        noise = self.peak_deviations * math.sqrt(
            least_seen if least_seen < slots_each else slots_each
        )
        low = int(least_seen - noise) if least_seen > noise else 0
        self.low = self.high = in_flight
        if high > self.minute_high:
            self.minute_high = high
        if low < self.minute_low:
            self.minute_low = low
        return low, high

    def count(self, line_amount: float) -> Counted:
        """Turn fractions into whole requests; `line_amount` still wait."""
        counts, outcome = self.counts, self.outcome
        arrived = int(self.arrived + 0.5)
        self.arrived -= arrived
        if self.plain:
            counts.arrived += arrived
            counts.in_time += arrived
            return tuple.__new__(Counted, (arrived, 0, 0, 0, arrived))
        no_capacity = min(arrived, _whole(self.refused))
        self.refused -= no_capacity
        accepted = arrived - no_capacity
        pool = counts.waiting + accepted
        removed = min(pool, _whole(self.removed))
        self.removed -= removed
        gave_up = min(pool - removed, _whole(outcome.gave_up))
        outcome.gave_up -= gave_up
        pool -= removed + gave_up
        counts.waiting = min(pool, int(line_amount + 0.5))
        counts.arrived += arrived
        counts.no_capacity += no_capacity
        counts.copy_removed += removed
        counts.gave_up += gave_up
        served = pool - counts.waiting
        errors = self._judge(served)
        carried = (self.refused, self.failed, self.lost, self.removed)
        self.plain = not counts.waiting and not any(carried) and outcome.settled()
        return Counted(accepted, no_capacity, gave_up + removed, errors, served)

    def _judge(self, served: int) -> int:
        """Sort served requests into in time, late and errors; returns the errors."""
        counts = self.counts
        errors = min(served, _whole(self.failed))
        self.failed -= errors
        late = min(served - errors, _whole(self.outcome.late))
        self.outcome.late -= late
        counts.in_time += served - errors - late
        counts.late += late
        counts.model_error += errors
        lost = min(counts.in_time, _whole(self.lost))
        self.lost -= lost
        counts.in_time -= lost
        counts.copy_lost += lost
        return errors + lost

    def row(
        self,
        at_s: int,
        visible_at_s: float,
        settled_at_s: float,
        counted: Counted,
        service_s: float,
    ) -> MinuteRow:
        """The row of the minute that began at `at_s`."""
        accepted, no_capacity, gave_up, errors, served = counted
        values = (
            at_s,
            visible_at_s,
            settled_at_s,
            accepted,
            self.per_copy,
            self.copies_high,
            min(1.0, self.busy_s / self.slot_s) if self.slot_s else 0.0,
            self.gpu_s / 60,
            no_capacity,
            gave_up,
            errors,
            served,
            service_s,
            tuple(self.outcome.waits),
            0 if self.minute_low == math.inf else int(self.minute_low),
            self.minute_high,
        )
        return tuple.__new__(MinuteRow, values)

    def next_minute(self, copies: int) -> None:
        """Start the next minute's sums, with `copies` ready."""
        if self.outcome.waits:
            self.outcome.waits = []
        self.per_copy = self.busy_s = self.slot_s = self.gpu_s = 0.0
        self.minute_low, self.minute_high = math.inf, 0
        self.copies_high = copies


def _whole(fraction: float) -> int:
    """Rounded half up; a carried debt counts as none."""
    return max(0, int(fraction + 0.5))
