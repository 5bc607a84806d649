"""How managed instance scaling lets instances go: idle ones, or after moving copies together.

`ScaleInPolicy`: IDLE_RELEASE frees empty instances only; CONSOLIDATION also moves copies off an
instance when they fit elsewhere. At most `max_step` instances per cooldown, which counts from
the endpoint's last operation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_sim.world.agenda import Event
from icscaler_sim.world.copies import CopyState
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.placement import choose

if TYPE_CHECKING:
    from icscaler_sim.world.instances import Instance, Variant


class ScaleIn:
    """Decides when instances of one variant leave. At most one check is planned at a time."""

    __slots__ = ("_due_s", "_event", "_kernel", "_operation_s", "_quiet_since_s", "_variant")

    def __init__(self, kernel: Kernel, variant: Variant) -> None:
        self._kernel = kernel
        self._variant = variant
        self._operation_s = kernel.now_s
        self._quiet_since_s = kernel.now_s
        self._event: Event | None = None
        self._due_s = 0.0

    def operation(self) -> None:
        """An operation on the endpoint's instances just ended: the cooldown starts anew."""
        self._operation_s = self._kernel.now_s

    def plan(self) -> None:
        """Something left or came: see to it that idle instances are noticed in time."""
        self._quiet_since_s = self._kernel.now_s
        due_s = self._next_check_s()
        if due_s is None or (self._event is not None and self._due_s <= due_s):
            return
        if self._event is not None:
            self._event.cancel()
        self._due_s = due_s
        self._event = self._kernel.agenda.at(due_s, self._check)

    def _next_check_s(self) -> float | None:
        """When an instance may leave at the earliest; None: none will."""
        variant = self._variant
        managed = variant.managed
        if managed is None or variant.desired_instances <= managed.min_instances:
            return None
        idle_s = self._kernel.settings.idle_release_delay_s
        ready = [i.empty_since_s + idle_s for i in variant.in_service() if not i.copies]
        if managed.strategy == "CONSOLIDATION":
            ready.append(self._quiet_since_s + idle_s)
        if not ready:
            return None
        cooled_s = self._operation_s + 60.0 * managed.cooldown_min
        return max(min(ready), cooled_s, self._kernel.now_s)

    def _check(self) -> None:
        self._event = None
        variant, managed = self._variant, self._variant.managed
        due_s = self._next_check_s()
        if managed is None or due_s is None:
            return
        if due_s <= self._kernel.now_s:
            room = min(managed.max_step, variant.desired_instances - managed.min_instances)
            idle = self._idle()[:room]
            for instance in idle:
                variant.release(instance)
            if idle or (managed.strategy == "CONSOLIDATION" and self._consolidate()):
                self.operation()
            elif not self._idle():
                return  # nothing to gain until something changes, which plans again
        self._replan()

    def _replan(self) -> None:
        due_s = self._next_check_s()
        if due_s is not None and self._event is None:
            self._due_s = max(due_s, self._kernel.now_s + 1.0)
            self._event = self._kernel.agenda.at(self._due_s, self._check)

    def _idle(self) -> list[Instance]:
        """Instances empty for long enough, youngest first."""
        since_s = self._kernel.now_s - self._kernel.settings.idle_release_delay_s
        return [
            instance
            for instance in reversed(self._variant.in_service())
            if not instance.copies and instance.empty_since_s <= since_s
        ]

    def _consolidate(self) -> bool:
        """Empty the instance with the least on it, if the others can take its copies."""
        candidates = sorted(
            (i for i in self._variant.in_service() if i.copies),
            key=lambda i: (self._variant.kind.gpus - i.room.gpus, len(i.copies), i.ordinal),
        )
        for source in candidates:
            if any(c.state is not CopyState.READY or c.owner.busy_changing for c in source.copies):
                continue
            others = [i for i in candidates if i is not source]
            rooms = [i.room.clone() for i in others]
            targets: list[Instance] = []
            for copy in source.copies:
                at = choose(rooms, copy.owner.name, copy.spec)
                if at is None:
                    break
                rooms[at].take(copy.owner.name, copy.spec)
                targets.append(others[at])
            if len(targets) == len(source.copies):
                for copy, target in zip(list(source.copies), targets, strict=True):
                    copy.owner.move(copy, target)
                return True
        return False
