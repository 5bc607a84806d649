"""A variant's instances: launched when copies need them, placed upon, lost, set by hand."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from icscaler_sim.metrics.data import Table
from icscaler_sim.world.agenda import Event
from icscaler_sim.world.catalog import InstanceType, instance_type
from icscaler_sim.world.copies import Copy, CopyState
from icscaler_sim.world.fleet_log import FleetLog
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.placement import Room, choose, pack
from icscaler_sim.world.scale_in import ScaleIn
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec

if TYPE_CHECKING:
    from icscaler_sim.world.components import Component
    from icscaler_sim.world.endpoints import Endpoint


class InstanceState(Enum):
    """Where an instance is in its life."""

    SEEKING = "seeking"  # ordered, no capacity found yet
    LAUNCHING = "launching"
    IN_SERVICE = "in service"
    RELEASING = "releasing"
    GONE = "gone"


class Instance:
    """One instance of a variant."""

    __slots__ = (
        "copies",
        "empty_since_s",
        "event",
        "images",
        "loading",
        "ordinal",
        "room",
        "state",
        "variant",
    )

    def __init__(self, variant: Variant, ordinal: int, room: Room) -> None:
        self.variant = variant
        self.ordinal = ordinal
        self.room = room
        self.state = InstanceState.SEEKING
        self.copies: list[Copy] = []
        self.images: set[str] = set()
        self.loading = 0
        self.empty_since_s = 0.0
        self.event: Event | None = None

    def has_image(self, spec: ComponentSpec) -> bool:
        """Whether a copy's image need not be pulled."""
        cache = self.variant.kernel.settings.image_cache
        if cache == "none" or not spec.data_caching:
            return False
        return spec.image in (self.images if cache == "instance" else self.variant.endpoint.images)

    def keep_image(self, spec: ComponentSpec) -> None:
        """The copy's image has been pulled here."""
        self.images.add(spec.image)
        self.variant.endpoint.images.add(spec.image)


class Variant:
    """A production variant: its instances, and copies that wait for room on them."""

    def __init__(self, kernel: Kernel, endpoint: Endpoint, spec: VariantSpec) -> None:
        self.kernel = kernel
        self.endpoint = endpoint
        self.spec = spec
        self.kind: InstanceType = instance_type(spec.instance_type)
        self.fresh = Room.empty(self.kind, kernel.settings)
        self.scaling: ManagedScaling | None = spec.managed_scaling
        self.weight = spec.weight
        self.instances: list[Instance] = []
        self.pending: list[Copy] = []
        self.model: Component | None = None
        """What every instance of a single-model variant runs."""
        self.books = kernel.tally.instances_of(endpoint.name, self.kind.name, self.kind.gpus)
        self.log = FleetLog(kernel, self)
        self.component_minutes: list[Table] = []
        self.scale_in = ScaleIn(kernel, self)
        self.fixed_instances = spec.initial_instances
        self.closing = False
        self._launched = 0

    # --- counts
    @property
    def managed(self) -> ManagedScaling | None:
        """Managed instance scaling, if enabled."""
        return self.scaling if self.scaling is not None and self.scaling.enabled else None

    @property
    def desired_instances(self) -> int:
        """Instances that are or will be in service."""
        return sum(i.state is not InstanceState.RELEASING for i in self.instances)

    @property
    def current_instances(self) -> int:
        """Instances that are there, those that are about to leave included."""
        here = (InstanceState.IN_SERVICE, InstanceState.RELEASING)
        return sum(i.state in here for i in self.instances)

    @property
    def max_instances(self) -> int:
        """How many instances copies can count on."""
        return self.managed.max_instances if self.managed else self.fixed_instances

    @property
    def min_instances(self) -> int:
        """How many instances stay, whatever they hold."""
        return self.managed.min_instances if self.managed else self.fixed_instances

    @property
    def changing(self) -> bool:
        """Whether instances come or go (the endpoint shows Updating)."""
        return any(i.state is not InstanceState.IN_SERVICE for i in self.instances)

    @property
    def complete(self) -> bool:
        """Whether all instances are up and, on a single-model variant, answer requests."""
        models_up = self.model is None or self.model.current_copies >= len(self.instances)
        return models_up and not self.changing

    def in_service(self) -> list[Instance]:
        """Instances that copies can be placed on now."""
        return [i for i in self.instances if i.state is InstanceState.IN_SERVICE]

    # --- copies
    def place(self, copy: Copy) -> None:
        """Start the copy where it fits; otherwise it waits, and instances are launched for it."""
        if not self._try_place(copy):
            self.pending.append(copy)
            self.launch_missing()

    def leave(self, copy: Copy) -> None:
        """The copy's needs are free again."""
        if copy in self.pending:
            self.pending.remove(copy)
        instance = copy.instance
        if instance is None:
            return
        self.log.settle(self.kernel.now_s)
        instance.copies.remove(copy)
        instance.room.give(copy.owner.name, copy.spec)
        if not instance.copies:
            instance.empty_since_s = self.kernel.now_s
            surplus = self.desired_instances > self.fixed_instances
            if self.closing or (self.model is not None and surplus):
                self.release(instance)
        self.fill()
        self.scale_in.plan()

    def fill(self) -> None:
        """Place whatever waits and now fits, in the order it came."""
        self.pending = [copy for copy in self.pending if not self._try_place(copy)]

    def _try_place(self, copy: Copy) -> bool:
        candidates = self.in_service()
        at = choose([i.room for i in candidates], copy.owner.name, copy.spec)
        if at is None:
            return False
        self.put(copy, candidates[at])
        return True

    def put(self, copy: Copy, instance: Instance) -> None:
        """Start the copy on this instance."""
        self.log.settle(self.kernel.now_s)
        instance.copies.append(copy)
        instance.room.take(copy.owner.name, copy.spec)
        copy.start(self.kernel, instance)

    def homeless(self, name: str, spec: ComponentSpec, more: int) -> int:
        """How many of `more` further copies would find no room even at the maximum."""
        rooms = [i.room.clone() for i in self.instances if i.state is not InstanceState.RELEASING]
        if self.kernel.settings.draining_counts_as_room:
            stay = [i for i in self.instances if i.state is not InstanceState.RELEASING]
            for room, instance in zip(rooms, stay, strict=True):
                for copy in instance.copies:
                    if copy.state is CopyState.DRAINING:
                        room.give(copy.owner.name, copy.spec)
        openable = max(0, self.max_instances - len(rooms))
        queue = [(copy.owner.name, copy.spec) for copy in self.pending]
        _, before = pack([r.clone() for r in rooms], queue, openable, self.fresh)
        _, after = pack(rooms, queue + [(name, spec)] * more, openable, self.fresh)
        return after - before

    def hopeless(self, copy: Copy) -> bool:
        """Whether a waiting copy gets no room unless others leave."""
        rooms = [i.room.clone() for i in self.instances if i.state is not InstanceState.RELEASING]
        openable = max(0, self.max_instances - len(rooms))
        _, homeless = pack(rooms, [(copy.owner.name, copy.spec)], openable, self.fresh)
        return homeless > 0

    def model_failed(self, reason: str) -> None:
        """A single-model variant's container did not start.

        What a scale out does then is not documented: here the container is started again on its
        instance, and the endpoint is Updating until it answers.
        """
        self.endpoint.fail(reason)
        bare = [instance for instance in self.in_service() if not instance.copies]
        if self.model is not None and self.endpoint.status == "Updating" and bare:
            self.put(self.model.new_copy(), bare[0])

    # --- launches
    def launch_missing(self) -> None:
        """Order the instances that waiting copies and the minimum need."""
        rooms = [i.room.clone() for i in self.instances if i.state is not InstanceState.RELEASING]
        count = len(rooms)
        openable = max(0, self.max_instances - count)
        queue = [(copy.owner.name, copy.spec) for copy in self.pending]
        opened, _ = pack(rooms, queue, openable, self.fresh)
        for _ in range(max(opened, self.min_instances - count)):
            self.launch()

    def launch(self) -> None:
        """Order one instance."""
        self._launched += 1
        instance = Instance(self, self._launched, self.fresh.clone())
        self.instances.append(instance)
        self._seek(instance, attempt=0)
        self.endpoint.refresh()

    def _seek(self, instance: Instance, attempt: int) -> None:
        """Ask for capacity; without it, ask again later, as long as it is wanted."""
        kernel, name = self.kernel, self.endpoint.name
        if attempt and not self._wanted():
            self._forget(instance)
            return
        key = (name, self.spec.name, instance.ordinal)
        held = kernel.held_instances[self.kind.name]
        unlucky = kernel.chance("capacity", *key, attempt) < kernel.settings.launch_failure_fraction
        if unlucky or kernel.faults.lacks_capacity(self.kind.name, held, kernel.now_s):
            self.books.launch_failures += 1
            kernel.tally.failures.append(
                (kernel.now_s, name, f"no capacity for {self.kind.name}, launch tried again")
            )
            instance.event = kernel.after(
                kernel.settings.launch_retry_s, lambda: self._seek(instance, attempt + 1)
            )
            return
        instance.state = InstanceState.LAUNCHING
        self.books.launches += 1
        kernel.held_instances[self.kind.name] += 1
        if kernel.settings.bill_launching_instances:
            self.books.bill(1, kernel.now_s)
        launch_s = kernel.draw(kernel.settings.instance_launch_s, "launch", *key)
        instance.event = kernel.after(launch_s, lambda: self._up(instance))

    def _wanted(self) -> bool:
        """Whether instances that found no capacity yet are still needed."""
        if self.desired_instances <= self.min_instances:
            return True
        rooms = [
            i.room.clone()
            for i in self.instances
            if i.state in (InstanceState.LAUNCHING, InstanceState.IN_SERVICE)
        ]
        seeking = self.desired_instances - len(rooms)
        queue = [(copy.owner.name, copy.spec) for copy in self.pending]
        opened, _ = pack(rooms, queue, seeking, self.fresh)
        return opened >= seeking

    def _up(self, instance: Instance) -> None:
        kernel = self.kernel
        self.log.settle(kernel.now_s)
        instance.state = InstanceState.IN_SERVICE
        instance.event = None
        instance.empty_since_s = kernel.now_s
        if not kernel.settings.bill_launching_instances:
            self.books.bill(1, kernel.now_s)
        if self.model is not None:
            self.put(self.model.new_copy(), instance)
        self.fill()
        self.scale_in.operation()
        self.scale_in.plan()
        self.endpoint.refresh()

    # --- departures
    def release(self, instance: Instance) -> None:
        """Let an empty instance go."""
        kernel = self.kernel
        self.log.settle(kernel.now_s)
        instance.state = InstanceState.RELEASING
        key = (self.endpoint.name, self.spec.name, instance.ordinal)
        wait_s = kernel.draw(kernel.settings.instance_release_s, "release", *key)
        instance.event = kernel.after(wait_s, lambda: self._gone(instance))
        self.books.releases += 1
        self.endpoint.refresh()

    def _gone(self, instance: Instance) -> None:
        self._forget(instance)
        self.scale_in.plan()
        self.launch_missing()

    def _forget(self, instance: Instance) -> None:
        """The instance is no longer ours (or never was)."""
        kernel = self.kernel
        self.log.settle(kernel.now_s)
        billing = kernel.settings.bill_launching_instances
        if instance.state is not InstanceState.SEEKING:
            kernel.held_instances[self.kind.name] -= 1
            if billing or instance.state is not InstanceState.LAUNCHING:
                self.books.bill(-1, kernel.now_s)
        if instance.event is not None:
            instance.event.cancel()
        instance.state = InstanceState.GONE
        self.instances.remove(instance)
        self.endpoint.refresh()

    def lose(self, instance: Instance) -> None:
        """The instance dies with everything on it; AWS replaces what is missing."""
        self.books.losses += 1
        copies = list(instance.copies)
        self._forget(instance)
        for owner in dict.fromkeys(copy.owner for copy in copies):
            owner.copies_lost([copy for copy in copies if copy.owner is owner])
        self.launch_missing()

    def set_instances(self, instances: int) -> None:
        """Set the fixed number of instances (no managed scaling); the youngest leave.

        On a variant with components only instances without copies may have to leave.
        """
        self.fixed_instances = instances
        self.launch_missing()
        staying = [i for i in self.instances if i.state is not InstanceState.RELEASING]
        surplus = max(0, len(staying) - instances)
        staying.sort(
            key=lambda i: (bool(i.copies), i.state is InstanceState.IN_SERVICE, -i.ordinal)
        )
        for instance in staying[:surplus]:
            if instance.state is not InstanceState.IN_SERVICE:
                self._forget(instance)
            elif not instance.copies:
                self.release(instance)
            for copy in list(instance.copies):
                copy.owner.drop(copy, by_demand=False)
        self.endpoint.refresh()

    def close(self) -> None:
        """The endpoint is deleted: everything goes, nothing comes back."""
        self.closing = True
        self.scaling = None
        self.fixed_instances = 0
        for instance in list(self.instances):
            if instance.state in (InstanceState.SEEKING, InstanceState.LAUNCHING):
                self._forget(instance)
            elif instance.copies:
                for copy in list(instance.copies):
                    copy.owner.drop(copy, by_demand=False)
            elif instance.state is InstanceState.IN_SERVICE:
                self.release(instance)
