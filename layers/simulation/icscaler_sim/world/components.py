"""An inference component: its copies, its status, and who may change it when."""

from __future__ import annotations

from collections.abc import Callable

from icscaler_sim.world.copies import Copy, CopyState
from icscaler_sim.world.instances import Instance, Variant
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.operations import Operation
from icscaler_sim.world.specs import (
    ComponentSpec,
    ComponentStatus,
    ComponentView,
    RollingPolicy,
    ServiceProfile,
    Wake,
)
from icscaler_sim.world.station import Copies, Station

_YOUNG_S = 600.0


class Component:
    """A component, an adapter (`base` set), or what a single-model variant runs (`hidden`)."""

    __slots__ = (
        "_on_gone",
        "_ordinal",
        "adapters",
        "base",
        "books",
        "copies",
        "created_s",
        "desired",
        "failure_reason",
        "hidden",
        "kernel",
        "last_rolling",
        "leaving",
        "modified_s",
        "name",
        "operation",
        "spec",
        "station",
        "status",
        "variant",
    )

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        variant: Variant,
        spec: ComponentSpec,
        station: Station,
        on_gone: Callable[[Component], None],
        *,
        base: Component | None = None,
        hidden: bool = False,
    ) -> None:
        self.kernel = kernel
        self.name = name
        self.variant = variant
        self.spec = spec
        self.station = station
        self.base = base
        self.hidden = hidden
        self.adapters: set[str] = set()
        self.status: ComponentStatus = "Creating"
        self.created_s = self.modified_s = kernel.now_s
        self.failure_reason: str | None = None
        self.last_rolling: RollingPolicy | None = None
        self.desired = 0
        self.copies: list[Copy] = []  # pending, starting or ready
        self.leaving: list[Copy] = []
        self.operation: Operation | None = None
        self.books = kernel.tally.copies_of(name)
        self._on_gone = on_gone
        # Orders are counted over all lives of a name, so each copy has its own luck.
        self._ordinal = self.books.starts

    # --- what it shows
    @property
    def current_copies(self) -> int:
        """Ready copies; during an update those of both versions."""
        if self.base is not None:
            return self.base.current_copies
        return sum(copy.state is CopyState.READY for copy in self.copies)

    @property
    def busy_changing(self) -> bool:
        """Whether copies should be left alone: an operation is under way."""
        return self.operation is not None

    def view(self) -> ComponentView:
        """As `DescribeInferenceComponent` shows it."""
        return ComponentView(
            name=self.name,
            endpoint=self.variant.endpoint.name,
            variant=self.variant.spec.name,
            status=self.status,
            spec=self.spec,
            desired_copies=self.desired if self.base is None else self.base.desired,
            current_copies=self.current_copies,
            created_s=self.created_s,
            modified_s=self.modified_s,
            failure_reason=self.failure_reason,
            last_rolling=self.last_rolling,
        )

    # --- operations
    def begin(self, operation: Operation, status: ComponentStatus) -> None:
        """Start a change; the component shows `status` until it is over."""
        self.set_status(status)
        self.operation = operation
        operation.start()

    def end(self, status: ComponentStatus) -> None:
        """The change is over."""
        self.operation = None
        if self.status == "Deleting":
            self._on_gone(self)
        else:
            self.set_status(status)

    def set_status(self, status: ComponentStatus) -> None:
        """Show another status."""
        self.status = status
        self.modified_s = self.kernel.now_s

    def _progress(self) -> None:
        if self.current_copies >= self.desired and self.operation is None:
            self.failure_reason = None
        if self.operation is not None:
            self.operation.progress()
        if self.hidden:
            self.variant.endpoint.refresh()

    # --- copies come
    def new_copy(self, spec: ComponentSpec | None = None) -> Copy:
        """Order a copy (its GPUs count as held from now on), not placed yet."""
        spec = spec or self.spec
        self._ordinal += 1
        profile = self.kernel.profiles.for_component(self.name, spec)
        copy = Copy(self, self._ordinal, spec, profile, self.kernel.now_s)
        self.copies.append(copy)
        self.books.starts += 1
        self.books.hold(spec.gpus, self.kernel.now_s)
        return copy

    def order(self, count: int, spec: ComponentSpec | None = None) -> None:
        """Order copies and look for room for them."""
        for copy in [self.new_copy(spec) for _ in range(count)]:
            self.variant.place(copy)

    def copy_ready(self, copy: Copy) -> None:
        """A copy passed its health check."""
        self.books.ready += 1
        self.refresh_station()
        first_refused_s = self.station.first_refused_s
        if first_refused_s is not None:
            phases = copy.phase_lengths(first_refused_s)
            wake = Wake(self.name, first_refused_s, self.kernel.now_s, phases)
            self.kernel.tally.wakes.append(wake)
            self.station.first_refused_s = None
        replaced = copy.replaces
        copy.replaces = None
        if replaced is not None and replaced in self.copies:
            self.drop(replaced, by_demand=False)
        self._progress()

    def copy_failed(self, copy: Copy, reason: str) -> None:
        """A copy did not start."""
        self.books.failures += 1
        self.failure_reason = reason
        self.kernel.tally.failures.append((self.kernel.now_s, self.name, reason))
        self._remove(copy)
        if self.hidden:
            self.variant.model_failed(reason)
        if self.operation is not None:
            self.operation.copy_failed(copy, reason)
        elif not self.hidden and len(self.logical()) < self.desired:
            self.order(1)  # nobody waits for this copy, so it is simply tried again
        self._progress()

    def copies_lost(self, lost: list[Copy]) -> None:
        """Copies died with their instance; others are ordered in their place."""
        ready = sum(copy.state is CopyState.READY for copy in lost)
        self.station.lose(self.kernel.now_s, ready)
        moved = {copy.replaces: copy for copy in self.copies if copy.replaces is not None}
        again: list[ComponentSpec] = []
        for copy in lost:
            if copy in moved and moved[copy].state is not CopyState.GONE:
                moved[copy].replaces = None  # its second body takes over
            elif copy.replaces is None and copy in self.copies:
                again.append(copy.spec)
            self._remove(copy)
        self.refresh_station()
        if not self.hidden and self.status != "Deleting":
            for spec in again:
                self.order(1, spec)
        self._progress()

    def move(self, copy: Copy, target: Instance) -> None:
        """Consolidation: start the same copy elsewhere, then let this one go."""
        twin = self.new_copy(copy.spec)
        twin.replaces = copy
        self.variant.put(twin, target)

    # --- copies go
    def logical(self) -> list[Copy]:
        """Copies that count towards the desired number: a move's second body does not."""
        return [copy for copy in self.copies if copy.replaces is None]

    def match(self, wanted: int) -> None:
        """Order or remove copies of the current spec until `wanted` are there or coming."""
        here = self.logical()
        if len(here) < wanted:
            self.order(wanted - len(here))
        for copy in self.pick(here, len(here) - wanted):
            self.drop(copy, by_demand=True)

    def pick(self, among: list[Copy], count: int) -> list[Copy]:
        """Which copies leave first: those that serve nobody, then those that free instances."""
        stages = (CopyState.PENDING, CopyState.STARTING, CopyState.READY)
        frees = self.kernel.settings.scale_in_frees_instances

        def rank(copy: Copy) -> tuple[int, int, int]:
            others = len(copy.instance.copies) if frees and copy.instance is not None else 0
            return stages.index(copy.state), others, -copy.ordinal

        return sorted(among, key=rank)[: max(0, count)]

    def drop(self, copy: Copy, *, by_demand: bool) -> None:
        """Let a copy go: it finishes what it serves, then frees its GPUs."""
        if copy.state in (CopyState.DRAINING, CopyState.GONE):
            return
        for twin in [other for other in self.copies if other.replaces is copy]:
            self._remove(twin)
        copy.stop()
        if copy.state is not CopyState.READY:
            self._remove(copy)
            self._progress()
            return
        now_s = self.kernel.now_s
        if by_demand and copy.ready_s is not None and now_s - copy.ready_s < _YOUNG_S:
            self.books.young_removals += 1
        self.station.move(now_s)
        drain_s = self.station.drain_s()
        copy.state = CopyState.DRAINING
        self.copies.remove(copy)
        self.leaving.append(copy)
        self.refresh_station()
        copy.event = self.kernel.after(drain_s, lambda: self._drained(copy))

    def _drained(self, copy: Copy) -> None:
        self._remove(copy)
        self.refresh_station()
        self._progress()

    def _remove(self, copy: Copy) -> None:
        copy.stop()
        if copy.state is CopyState.GONE:
            return
        copy.state = CopyState.GONE
        (self.copies if copy in self.copies else self.leaving).remove(copy)
        self.books.removals += 1
        self.books.hold(-copy.spec.gpus, self.kernel.now_s)
        self.variant.leave(copy)

    def age(self, profile: ServiceProfile, image: str | None) -> None:
        """Fault: copies that are there behave like `profile` from now on; see `World.age`."""
        for copy in (*self.copies, *self.leaving):
            if image in (None, copy.spec.image):
                copy.profile = profile
        self.refresh_station()

    # --- requests
    def refresh_station(self) -> None:
        """Tell the station which copies serve."""
        ready = [copy for copy in self.copies if copy.state is CopyState.READY]
        gpus = sum(copy.spec.gpus for copy in ready)
        self.station.set_capacity(
            self.kernel.now_s, _by_profile(ready), _by_profile(self.leaving), gpus
        )


def _by_profile(copies: list[Copy]) -> Copies:
    counts: dict[ServiceProfile, int] = {}
    for copy in copies:
        counts[copy.profile] = counts.get(copy.profile, 0) + 1
    return tuple(counts.items())
