"""What happened, counted exactly: requests, GPU time, instance time, starts, wakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from icscaler_sim.world.specs import Wake


@dataclass(slots=True)
class RequestCounts:
    """Requests of one component (or of all). `arrived == in_time + late + refused + waiting`.

    In time: service began within `WorldSettings.in_time_s` of arrival. Late: served after that.
    Refused: everything else, by cause.
    """

    arrived: int = 0
    in_time: int = 0
    late: int = 0
    waiting: int = 0
    no_capacity: int = 0
    """Met no ready copy."""
    gave_up: int = 0
    """Waited longer than its patience."""
    model_error: int = 0
    """Served, but the container answered with an error."""
    copy_lost: int = 0
    """Was being served when its instance was lost."""
    copy_removed: int = 0
    """Still waited when the last copy left."""

    @property
    def refused(self) -> int:
        """All that got no answer."""
        return (
            self.no_capacity + self.gave_up + self.model_error + self.copy_lost + self.copy_removed
        )

    def add(self, other: RequestCounts) -> None:
        """Count `other`'s requests too."""
        self.arrived += other.arrived
        self.in_time += other.in_time
        self.late += other.late
        self.waiting += other.waiting
        self.no_capacity += other.no_capacity
        self.gave_up += other.gave_up
        self.model_error += other.model_error
        self.copy_lost += other.copy_lost
        self.copy_removed += other.copy_removed


@dataclass(slots=True)
class CopyCounts:
    """Copies of one component: how many were ordered, became ready, failed, left; GPUs held.

    `gpu_seconds` runs from a copy's start order to its removal. `young_removals` are copies
    taken away by a lower copy count within 10 minutes of being ready.
    """

    starts: int = 0
    ready: int = 0
    failures: int = 0
    removals: int = 0
    young_removals: int = 0
    gpu_seconds: float = 0.0
    gpus_held: int = 0
    held_since_s: float = 0.0

    def hold(self, gpus: int, now_s: float) -> None:
        """`gpus` more (or fewer) GPUs are held from `now_s` on."""
        self.gpu_seconds = self.gpu_seconds_at(now_s)
        self.held_since_s = now_s
        self.gpus_held += gpus

    def gpu_seconds_at(self, now_s: float) -> float:
        """GPU-seconds held up to `now_s`."""
        return self.gpu_seconds + self.gpus_held * (now_s - self.held_since_s)


@dataclass(slots=True)
class InstanceCounts:
    """Instances of one endpoint and type: time billed, launches, launches without capacity."""

    gpus_each: int
    launches: int = 0
    launch_failures: int = 0
    releases: int = 0
    losses: int = 0
    seconds: float = 0.0
    billed: int = 0
    since_s: float = 0.0

    def bill(self, instances: int, now_s: float) -> None:
        """`instances` more (or fewer) are billed from `now_s` on."""
        self.seconds = self.seconds_at(now_s)
        self.since_s = now_s
        self.billed += instances

    def seconds_at(self, now_s: float) -> float:
        """Instance-seconds billed up to `now_s`."""
        return self.seconds + self.billed * (now_s - self.since_s)


class Tally:
    """The world's books. Reading changes nothing; times are up to the moment of reading."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._requests: dict[str, list[Callable[[float], RequestCounts]]] = {}
        self._copies: dict[str, CopyCounts] = {}
        self._instances: dict[tuple[str, str], InstanceCounts] = {}
        self._called: dict[str, str] = {}
        self.wakes: list[Wake] = []
        self.failures: list[tuple[float, str, str]] = []
        """(when, component or endpoint, what went wrong), in time order."""

    # --- written by the world
    def track_requests(self, name: str, counts: Callable[[float], RequestCounts]) -> None:
        """Take the requests of `name` from `counts` (one source per life of that name)."""
        self._requests.setdefault(name, []).append(counts)

    def copies_of(self, name: str) -> CopyCounts:
        """The books of a component's copies, over all its lives."""
        return self._copies.setdefault(name, CopyCounts())

    def instances_of(self, endpoint: str, type_name: str, gpus_each: int) -> InstanceCounts:
        """The books of an endpoint's instances of one type."""
        return self._instances.setdefault((endpoint, type_name), InstanceCounts(gpus_each))

    def alias(self, name: str, books: str) -> None:
        """Let what is kept under `books` be read as `name` too."""
        self._called[name] = books

    # --- read by reports
    def names(self) -> Iterable[str]:
        """Everything that ever took requests; single-model variants as "endpoint/variant"."""
        return self._requests.keys()

    def requests(self, name: str | None = None) -> RequestCounts:
        """Requests of one component, or of all."""
        counts, now_s = RequestCounts(), self._now_s()
        if name is not None:
            name = self._called.get(name, name)
        sources = self._requests.get(name, ()) if name is not None else ()
        if len(sources) == 1:
            return sources[0](now_s)
        for known in self._requests if name is None else (name,):
            for source in self._requests.get(known, ()):
                counts.add(source(now_s))
        return counts

    def copies(self, name: str | None = None) -> CopyCounts:
        """Copies of one component, or of all, with GPU-seconds up to now."""
        now_s = self._now_s()
        total = CopyCounts(held_since_s=now_s)
        for known in self._copies if name is None else (self._called.get(name, name),):
            counts = self._copies.get(known)
            if counts is not None:
                total.starts += counts.starts
                total.ready += counts.ready
                total.failures += counts.failures
                total.removals += counts.removals
                total.young_removals += counts.young_removals
                total.gpus_held += counts.gpus_held
                total.gpu_seconds += counts.gpu_seconds_at(now_s)
        return total

    def gpu_seconds(self, name: str | None = None) -> float:
        """GPU-seconds held by copies, from start order to removal."""
        return self.copies(name).gpu_seconds

    def instance_seconds(self) -> Mapping[tuple[str, str], float]:
        """Billed instance-seconds by (endpoint, instance type)."""
        now_s = self._now_s()
        return {key: counts.seconds_at(now_s) for key, counts in self._instances.items()}

    def instance_gpu_seconds(self) -> Mapping[tuple[str, str], float]:
        """Billed instance-seconds times the type's GPUs, by (endpoint, instance type)."""
        return {
            key: seconds * self._instances[key].gpus_each
            for key, seconds in self.instance_seconds().items()
        }

    def instances(self) -> Mapping[tuple[str, str], InstanceCounts]:
        """Launches, failures, releases and losses by (endpoint, instance type)."""
        return dict(self._instances)
