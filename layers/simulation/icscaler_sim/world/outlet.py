"""Where a station's metric periods are published: rows with the time from which they are seen."""

from __future__ import annotations

from icscaler_sim.metrics.data import Row, Table
from icscaler_sim.world.faults import Faults
from icscaler_sim.world.rows import InFlightRow
from icscaler_sim.world.settings import WorldSettings

_LAG_TABLE = 997


class Lags:
    """Visibility lags by point, spread evenly over a table: cheaper than a draw per minute."""

    __slots__ = ("minutes", "tens")

    def __init__(self, settings: WorldSettings) -> None:
        spread = [(389 * i) % _LAG_TABLE / (_LAG_TABLE - 1) for i in range(_LAG_TABLE)]
        self.minutes = [settings.metric_lag_60s.at(u) for u in spread]
        self.tens = [settings.metric_lag_10s.at(u) for u in spread]


class Outlet:
    """The two tables of one station: its minutes, and its requests in flight every 10 seconds."""

    __slots__ = ("_lags", "_name", "_offset", "faults", "minutes", "tens")

    def __init__(
        self, name: str, lags: Lags, faults: Faults, *, offset: int, keep_s: float
    ) -> None:
        self._name = name
        self._lags = lags
        self._offset = offset
        self.faults = faults
        self.minutes = Table(keep_s)
        self.tens = Table(keep_s, period_s=10)

    def twin(self) -> Outlet:
        """Another one that nobody reads."""
        return Outlet(self._name, self._lags, self.faults, offset=self._offset, keep_s=60.0)

    def ten_in_order(self, at_s: int, low: int, high: int, copies: int) -> Row:
        """The row of the 10 s that ended at `at_s`, nothing being broken; to be added by `tens`."""
        visible_s = at_s + self._lags.tens[(at_s // 10 + self._offset) % _LAG_TABLE]
        return tuple.__new__(InFlightRow, (at_s - 10, visible_s, low, high, copies))

    def ten(self, at_s: int, low: int, high: int, copies: int) -> None:
        """Publish the 10 s that ended at `at_s`."""
        row = self.ten_in_order(at_s, low, high, copies)
        if self.faults.metrics_in_order:
            self.tens.insert(row)
            return
        visible_s = self.faults.visible_s(self._name, at_s - 10, row[1])
        stamp_s = self.faults.stamp_s(self._name, at_s - 10)
        self.tens.insert(InFlightRow(stamp_s, visible_s, low, high, copies))

    def idle_tens(self, first_s: int, end_s: int, copies: int) -> None:
        """Nothing in flight in all periods that end from `first_s` to `end_s`."""
        if not self.faults.metrics_in_order:
            for at_s in range(first_s, end_s + 1, 10):
                self.ten(at_s, 0, 0, copies)
            return
        lags, offset, new = self._lags.tens, self._offset, tuple.__new__
        self.tens.extend(
            [
                new(
                    InFlightRow,
                    (at_s - 10, at_s + lags[(at_s // 10 + offset) % _LAG_TABLE], 0, 0, copies),
                )
                for at_s in range(first_s, end_s + 1, 10)
            ]
        )

    def minute_visible_s(self, at_s: int) -> float:
        """When the minute that ended at `at_s` can be read."""
        visible_s = at_s + self._lags.minutes[(at_s // 60 + self._offset) % _LAG_TABLE]
        if self.faults.metrics_in_order:
            return visible_s
        return self.faults.visible_s(self._name, at_s - 60, visible_s)

    def minute_stamp_s(self, at_s: int) -> int:
        """The time that the minute that ended at `at_s` carries."""
        return self.faults.stamp_s(self._name, at_s - 60)
