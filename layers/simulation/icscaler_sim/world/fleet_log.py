"""A variant's minutes: instances in service and what is reserved on them, written lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_sim.metrics.data import Table
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.rows import FleetRow

if TYPE_CHECKING:
    from icscaler_sim.world.instances import Variant


class FleetLog:
    """Writes one row per minute with an instance in service; without instances AWS is silent.

    A row shows the state at the minute's end, so `settle` must run before every change.
    """

    __slots__ = ("_kernel", "_mark_s", "_variant", "minutes")

    def __init__(self, kernel: Kernel, variant: Variant) -> None:
        self._kernel = kernel
        self._variant = variant
        self._mark_s = (int(kernel.now_s // 60) + 1) * 60
        self.minutes = Table(kernel.metrics.keep_s, refresh=lambda: self.settle(kernel.now_s))

    def settle(self, to_s: float) -> None:
        """Write the minutes that ended by `to_s`."""
        if self._mark_s > to_s:
            return
        row = self._row()
        end_s = int(to_s // 60) * 60
        if row is not None:
            kernel = self._kernel
            name = f"{self._variant.endpoint.name}/{self._variant.spec.name}"
            lags = kernel.lags.minutes
            for mark_s in range(self._mark_s, end_s + 60, 60):
                visible_s = mark_s + lags[mark_s // 60 % len(lags)]
                visible_s = kernel.faults.visible_s(name, mark_s - 60, visible_s)
                stamp_s = kernel.faults.stamp_s(name, mark_s - 60)
                self.minutes.insert(row._replace(at_s=stamp_s, visible_at_s=visible_s))
        self._mark_s = end_s + 60

    def _row(self) -> FleetRow | None:
        rooms = [instance.room for instance in self._variant.in_service()]
        if not rooms:
            return None
        fresh, count = self._variant.fresh, len(rooms)
        return FleetRow(
            at_s=0,
            visible_at_s=0.0,
            instances=count,
            gpus=fresh.gpus * count,
            gpus_reserved=fresh.gpus * count - sum(room.gpus for room in rooms),
            cpus=fresh.cpus * count,
            cpus_reserved=fresh.cpus * count - sum(room.cpus for room in rooms),
            memory_mb=fresh.memory_mb * count,
            memory_reserved_mb=fresh.memory_mb * count - sum(room.memory_mb for room in rooms),
        )
