"""The world's own faults as switches with plain settings: capacity, starts, copies, metric points.

Each sets what `icscaler_sim.world.faults.Faults` holds; `clear` there takes all of them off. Times
begin now. `name` is a component, "endpoint/variant", or "*" for whatever has no setting of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icscaler_sim.world.world import World


class PhysicsFaults:
    """The switches of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def no_capacity(self, instance_type: str, *, seconds: float) -> None:
        """No instance of the type can be launched for so long."""
        self._window(self._world.faults.no_capacity, instance_type, seconds)

    def obtainable_instances(self, instance_type: str, *, count: int) -> None:
        """The account can have so many instances of the type at once."""
        self._world.faults.obtainable_instances[instance_type] = count

    def lose_instance(self, endpoint: str, variant: str) -> None:
        """The youngest instance of the variant that is in service dies with its copies."""
        self._world.lose_instance(endpoint, variant)

    def stuck_updating(self, name: str) -> None:
        """The component does not leave Creating, Updating or Deleting."""
        self._world.component(name)
        self._world.faults.stuck_updating.add(name)

    def slow_start(self, name: str, *, factor: float) -> None:
        """The component's image pulls and weight loads take so many times longer."""
        self._world.component(name)
        self._world.faults.slow_start_factor[name] = factor

    def failing_copies(self, name: str, *, count: int = 1) -> None:
        """So many of the component's next copies fail their health check."""
        self._world.component(name)
        self._world.faults.failing_copies[name] = count

    def metric_gap(self, name: str = "*", *, seconds: float) -> None:
        """Metric points of the time to come are never seen."""
        self._window(self._world.faults.metric_gaps, name, seconds)

    def metric_delay(self, name: str = "*", *, seconds: float) -> None:
        """Metric points become readable so much later."""
        self._world.faults.metric_delay_s[name] = seconds

    def metric_clock(self, name: str = "*", *, seconds: float) -> None:
        """Metric points are stamped so much later than they were measured; negative: earlier."""
        self._world.faults.metric_clock_s[name] = seconds

    def _window(
        self, held: dict[str, list[tuple[float, float]]], name: str, seconds: float
    ) -> None:
        now_s = self._world.now_s
        held.setdefault(name, []).append((now_s, now_s + seconds))
