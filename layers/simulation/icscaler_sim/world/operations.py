"""Changes that take time: create, scale, delete. (Updates of the spec: `rolling.py`.)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from icscaler_sim.world.agenda import Event
from icscaler_sim.world.copies import Copy, CopyState
from icscaler_sim.world.refusals import NO_ROOM

if TYPE_CHECKING:
    from icscaler_sim.world.components import Component

_STUCK_LOOK_S = 30.0


class Operation(Protocol):
    """What a component is busy with. `progress` is called after every change of its copies."""

    internal_state: str
    """The state's name in AWS's refusals."""

    def start(self) -> None:
        """Set it off."""

    def progress(self) -> None:
        """Copies changed: go on, or end."""

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """One of the copies did not start."""


class Ending:
    """Ends an operation no earlier than a component's least time in transit.

    A component named in `Faults.stuck_updating` stays where it is until it is taken out.
    """

    __slots__ = ("_component", "_event", "_not_before_s", "_operation")

    def __init__(self, component: Component, operation: Operation) -> None:
        kernel = component.kernel
        settle_s = kernel.draw(
            kernel.settings.status_settle_s, "settle", component.name, int(kernel.now_s)
        )
        self._component = component
        self._operation = operation
        self._not_before_s = kernel.now_s + settle_s
        self._event: Event | None = None

    def request(self) -> None:
        """Everything is done: end as soon as allowed."""
        if self._event is None:
            delay_s = max(0.0, self._not_before_s - self._component.kernel.now_s)
            self._event = self._component.kernel.after(delay_s, self._end)

    def withdraw(self) -> None:
        """Something is left to do after all."""
        if self._event is not None:
            self._event.cancel()
            self._event = None

    def _end(self) -> None:
        component = self._component
        kernel = component.kernel
        if component.operation is not self._operation:
            return  # the endpoint's deletion has taken over
        if component.name in kernel.faults.stuck_updating:
            self._event = kernel.after(_STUCK_LOOK_S, self._end)
            return
        never_up = component.status == "Creating" and not component.current_copies
        component.end("Failed" if never_up and component.base is None else "InService")


class Scaling:
    """Create, or another number of copies."""

    def __init__(self, component: Component, internal_state: str) -> None:
        self.internal_state = internal_state
        self._component = component
        self._ending = Ending(component, self)
        self._overdue = False
        self._started = False

    def start(self) -> None:
        """Order or remove copies."""
        component = self._component
        component.failure_reason = None
        component.match(component.desired)
        component.kernel.after(component.kernel.settings.placement_timeout_s, self._late)
        self._started = True
        self.progress()

    def progress(self) -> None:
        """Over when no copy starts or leaves, or those that wait for room waited too long."""
        component = self._component
        if not self._started:
            return
        states = {copy.state for copy in component.logical()}
        unplaced = CopyState.PENDING in states and not self._overdue
        if component.leaving or unplaced or CopyState.STARTING in states:
            self._ending.withdraw()
            return
        if component.status == "Creating" and not component.current_copies:
            for copy in list(component.copies):  # Failed: nothing comes any more
                component.drop(copy, by_demand=False)
        self._ending.request()

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """Not tried again: the reason stays on the component."""

    def _late(self) -> None:
        component = self._component
        if component.operation is not self:
            return
        if any(copy.state is CopyState.PENDING for copy in component.copies):
            self._overdue = True
            component.failure_reason = NO_ROOM
            component.kernel.tally.failures.append(
                (component.kernel.now_s, component.name, NO_ROOM)
            )
            self.progress()


class Deletion:
    """All copies leave, then the component is gone."""

    internal_state = "DELETE_IN_PROGRESS"

    def __init__(self, component: Component) -> None:
        self._component = component
        self._ending = Ending(component, self)

    def start(self) -> None:
        """Let everything go."""
        component = self._component
        component.desired = 0
        for copy in list(component.logical()):
            if copy in component.copies:
                component.drop(copy, by_demand=False)
        self.progress()

    def progress(self) -> None:
        """Over when the last copy has left."""
        if not self._component.copies and not self._component.leaving:
            self._ending.request()

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """It was leaving anyway."""


class AdapterChange:
    """An adapter is loaded into, or out of, its base's copies."""

    def __init__(self, component: Component, internal_state: str) -> None:
        self.internal_state = internal_state
        self._component = component

    def start(self) -> None:
        """Over after the time to load an adapter."""
        component, kernel = self._component, self._component.kernel
        load_s = kernel.draw(kernel.settings.adapter_load_s, "adapter", component.name)
        kernel.after(load_s, self._end)

    def _end(self) -> None:
        if self._component.operation is self:
            self._component.end("InService")

    def progress(self) -> None:
        """It has no copies of its own."""

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """It has no copies of its own."""
