"""One copy of a component, from its order to the moment its GPUs are free again."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from icscaler_sim.world.agenda import Event
from icscaler_sim.world.kernel import Kernel
from icscaler_sim.world.specs import ComponentSpec, ServiceProfile

if TYPE_CHECKING:
    from icscaler_sim.world.components import Component
    from icscaler_sim.world.instances import Instance


class CopyState(Enum):
    """Where a copy is in its life."""

    PENDING = "pending"  # ordered, no instance has room yet
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    GONE = "gone"


class Copy:
    """A copy. `phases` are the ends of its start's phases, in order, in epoch seconds."""

    __slots__ = (
        "event",
        "instance",
        "loading",
        "ordered_s",
        "ordinal",
        "owner",
        "phases",
        "profile",
        "ready_s",
        "replaces",
        "spec",
        "state",
    )

    def __init__(
        self,
        owner: Component,
        ordinal: int,
        spec: ComponentSpec,
        profile: ServiceProfile,
        now_s: float,
    ) -> None:
        self.owner = owner
        self.ordinal = ordinal
        self.spec = spec
        self.profile = profile
        self.state = CopyState.PENDING
        self.instance: Instance | None = None
        self.ordered_s = now_s
        self.ready_s: float | None = None
        self.phases: list[tuple[str, float]] = []
        self.event: Event | None = None
        self.loading = False
        self.replaces: Copy | None = None

    def start(self, kernel: Kernel, instance: Instance) -> None:
        """Placed: pull the image, load the weights, start the engine."""
        now_s = kernel.now_s
        self.state = CopyState.STARTING
        self.instance = instance
        image_s, weights_s = self._load_times(kernel, instance)
        timeout_s = self.spec.download_timeout_s or kernel.settings.download_timeout_s
        self.loading = True
        instance.loading += 1
        if image_s + weights_s > timeout_s:
            reason = f"Downloading the model or its image took longer than {timeout_s:.0f} seconds."
            self.event = kernel.after(timeout_s, lambda: self._failed(reason))
            return
        self.phases = [
            ("instance", now_s),
            ("image", now_s + image_s),
            ("weights", now_s + image_s + weights_s),
        ]
        self.event = kernel.after(image_s + weights_s, lambda: self._loaded(kernel))

    def _load_times(self, kernel: Kernel, instance: Instance) -> tuple[float, float]:
        """Seconds for the image, and seconds more until the weights are there too."""
        settings, name = kernel.settings, self.owner.name
        slow = kernel.faults.start_factor(name)
        image_s = 0.0
        if not instance.has_image(self.spec):
            per_gb = kernel.draw(settings.image_pull_s_per_gb, "image", name, self.ordinal)
            image_s = self.profile.image_gb * per_gb * slow
        per_gb = kernel.draw(settings.weights_load_s_per_gb, "weights", name, self.ordinal)
        weights_s = self.profile.weights_gb * per_gb * slow
        if instance.loading or (image_s and settings.weights_beside_image):
            weights_s *= settings.contended_load_factor
        if settings.weights_beside_image:
            weights_s = max(0.0, weights_s - image_s)
        return image_s, weights_s

    def _loaded(self, kernel: Kernel) -> None:
        assert self.instance is not None
        self._end_loading()
        self.instance.keep_image(self.spec)
        name = self.owner.name
        engine_s = self.profile.engine_s
        if engine_s is None:
            engine_s = kernel.draw(kernel.settings.engine_start_s, "engine", name, self.ordinal)
        timeout_s = float(self.spec.startup_timeout_s or kernel.settings.startup_timeout_s)
        unhealthy = self.profile.fails_health_check or kernel.faults.take_failing_copy(name)
        if unhealthy or engine_s > timeout_s:
            reason = (
                f'The container of inference component "{name}" did not pass the ping health '
                f"check within {timeout_s:.0f} seconds."
            )
            self.event = kernel.after(timeout_s, lambda: self._failed(reason))
        else:
            self.event = kernel.after(engine_s, lambda: self._ready(kernel))

    def _ready(self, kernel: Kernel) -> None:
        self.state = CopyState.READY
        self.ready_s = kernel.now_s
        self.phases.append(("engine", kernel.now_s))
        self.event = None
        self.owner.copy_ready(self)

    def _failed(self, reason: str) -> None:
        self.owner.copy_failed(self, reason)

    def _end_loading(self) -> None:
        if self.loading and self.instance is not None:
            self.instance.loading -= 1
        self.loading = False

    def stop(self) -> None:
        """Whatever it was doing, it no longer does it."""
        self._end_loading()
        if self.event is not None:
            self.event.cancel()
            self.event = None

    def phase_lengths(self, since_s: float) -> dict[str, float]:
        """Seconds of each phase after `since_s`; "decision" is the time before the order."""
        lengths = {"decision": max(0.0, self.ordered_s - since_s)}
        begin_s = max(since_s, self.ordered_s)
        for phase, end_s in self.phases:
            lengths[phase] = max(0.0, end_s - begin_s)
            begin_s = max(begin_s, end_s)
        return lengths
