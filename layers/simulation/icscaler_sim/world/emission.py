"""The world's rows as CloudWatch series: names, dimensions, units, statistics, silence.

Source of names, units and valid statistics: SageMaker AI Developer Guide, "Amazon SageMaker AI
metrics in Amazon CloudWatch". Utilisation other than of GPUs is a plausible shape, not a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from icscaler_sim.metrics.data import Datum, Project, Row, Table, distribution, single
from icscaler_sim.metrics.store import Combine, GaugeSeries, MetricKey, MetricStore, key_of
from icscaler_sim.world.rows import FleetRow, InFlightRow, MinuteRow
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.station import Station
from icscaler_sim.world.waiting import WaitPart

INVOCATION_NAMESPACE = "AWS/SageMaker"
COMPONENT_NAMESPACE = "/aws/sagemaker/InferenceComponents"
ENDPOINT_NAMESPACE = "/aws/sagemaker/Endpoints"

_MICROSECONDS = 1e6
_GPU_MEMORY_SHARE = 0.9  # engines reserve their KV cache at start

Projects: TypeAlias = list[tuple[str, str, Project]]
"""(metric, unit, how to see it in a row)."""


def publish_component(store: MetricStore, station: Station, settings: WorldSettings) -> None:
    """Let the store read a component's metrics from its station's rows."""
    dims = {"InferenceComponentName": station.name}
    invocations = _invocation_projects(settings)
    invocations.append(("InvocationsPerCopy", "None", _per_copy(settings)))
    invocations.append(("NoCapacityInvocationFailures", "None", _no_capacity(settings)))
    _attach(store, INVOCATION_NAMESPACE, dims, station.minutes, invocations)
    _attach(store, COMPONENT_NAMESPACE, dims, station.minutes, _UTILISATION)
    _attach_in_flight(store, "ConcurrentRequestsPerCopy", dims, station, settings)


def publish_variant_requests(
    store: MetricStore, endpoint: str, variant: str, station: Station, settings: WorldSettings
) -> None:
    """Count a component's requests in its variant's series too."""
    dims = _variant_dims(endpoint, variant)
    projects = _invocation_projects(settings)
    _attach(store, INVOCATION_NAMESPACE, dims, station.minutes, projects)


def publish_single_model(
    store: MetricStore, endpoint: str, variant: str, station: Station, settings: WorldSettings
) -> None:
    """Let the store read a single-model variant's metrics (one copy per instance)."""
    publish_variant_requests(store, endpoint, variant, station, settings)
    dims = _variant_dims(endpoint, variant)
    per_instance: Projects = [("InvocationsPerInstance", "None", _per_copy(settings))]
    _attach(store, INVOCATION_NAMESPACE, dims, station.minutes, per_instance)
    _attach_in_flight(store, "ConcurrentRequestsPerModel", dims, station, settings)


def publish_fleet(
    store: MetricStore, endpoint: str, variant: str, fleet: Table, parts: list[Table]
) -> None:
    """Let the store read a variant's utilisation; `parts` are its components' minutes."""
    dims = _variant_dims(endpoint, variant)
    for metric, combine in _FLEET.items():
        key = key_of(ENDPOINT_NAMESPACE, metric, dims)
        store.attach_series(key, GaugeSeries("Percent", fleet, parts, combine))


def _variant_dims(endpoint: str, variant: str) -> dict[str, str]:
    return {"EndpointName": endpoint, "VariantName": variant}


def _attach(
    store: MetricStore, namespace: str, dims: dict[str, str], table: Table, projects: Projects
) -> None:
    for metric, unit, project in projects:
        store.attach(key_of(namespace, metric, dims), unit, table, project)


def _attach_in_flight(
    store: MetricStore, metric: str, dims: dict[str, str], station: Station, settings: WorldSettings
) -> None:
    key: MetricKey = key_of(INVOCATION_NAMESPACE, metric, dims)
    if settings.emit_10s:
        store.attach(key, "None", station.tens, _in_flight_10s(settings.concurrency_zero_points))
    else:
        project = _in_flight_60s(settings.concurrency_zero_points)
        store.attach(key, "None", station.minutes, project)


# --- requests
def _seen(count: int, row: MinuteRow, seen_at_s: float, late_fraction: float) -> int:
    """The part of a minute's `count` that a reader sees by now: minutes fill up late."""
    if seen_at_s >= row.settled_at_s:
        return count
    return count - int(count * late_fraction + 0.5)


def _invocation_projects(settings: WorldSettings) -> Projects:
    late, zero = settings.late_fraction, settings.invocation_zero_points
    spread, overhead_us = settings.latency_spread, settings.overhead_s * _MICROSECONDS

    def invocations(row: MinuteRow, seen_at_s: float) -> Datum | None:
        count = _seen(row.accepted, row, seen_at_s, late)
        if count:
            return single(1.0, count)
        return single(0.0) if zero and row.copies else None

    def latency(row: MinuteRow, seen_at_s: float) -> Datum | None:
        served = _seen(row.served, row, seen_at_s, late)
        return _latency(row, served, spread) if served else None

    def overhead(row: MinuteRow, seen_at_s: float) -> Datum | None:
        served = _seen(row.served, row, seen_at_s, late)
        return single(overhead_us, served) if served else None

    def errors_4xx(row: MinuteRow, seen_at_s: float) -> Datum | None:
        return _rate(row, row.no_capacity if settings.no_capacity_in_4xx else 0, seen_at_s, late)

    def errors_5xx(row: MinuteRow, seen_at_s: float) -> Datum | None:
        return _rate(
            row, row.errors + (row.gave_up if settings.gave_up_in_5xx else 0), seen_at_s, late
        )

    def model_errors(row: MinuteRow, seen_at_s: float) -> Datum | None:
        return _rate(row, row.errors + row.gave_up, seen_at_s, late)

    return [
        ("Invocations", "None", invocations),
        ("ModelLatency", "Microseconds", latency),
        ("OverheadLatency", "Microseconds", overhead),
        ("Invocation4XXErrors", "None", errors_4xx),
        ("Invocation5XXErrors", "None", errors_5xx),
        ("InvocationModelErrors", "None", model_errors),
    ]


def _rate(row: MinuteRow, failed: int, seen_at_s: float, late_fraction: float) -> Datum | None:
    """1 for each failed request and 0 for each other: Sum counts, Average is the share."""
    failed = _seen(failed, row, seen_at_s, late_fraction)
    count = max(_seen(row.accepted, row, seen_at_s, late_fraction), failed)
    if not count:
        return None
    parts = [(0.0, count - failed), (1.0, failed)]
    values, counts = zip(*(part for part in parts if part[1]), strict=True)
    return distribution(values, counts)


def _per_copy(settings: WorldSettings) -> Project:
    def project(row: MinuteRow, seen_at_s: float) -> Datum | None:
        count = _seen(row.accepted, row, seen_at_s, settings.late_fraction)
        if count:
            return single(row.per_copy / row.accepted, count)
        return single(0.0) if settings.invocation_zero_points and row.copies else None

    return project


def _no_capacity(settings: WorldSettings) -> Project:
    """Sparse: a minute without such a failure has no point at all."""

    def project(row: MinuteRow, seen_at_s: float) -> Datum | None:
        count = _seen(row.no_capacity, row, seen_at_s, settings.late_fraction)
        return single(1.0, count) if count else None

    return project


def _latency(row: MinuteRow, served: int, spread: Sequence[float]) -> Datum:
    """ModelLatency: service time around its mean, plus what was waited in the container."""
    waited = sum(part[2] for part in row.waits)
    groups = [(0.0, max(0.0, row.served - waited)), *_wait_points(row.waits)]
    total = sum(requests for _, requests in groups) or 1.0
    values: list[float] = []
    counts: list[float] = []
    for wait_s, requests in groups:
        if requests > 0:
            share = requests * served / (total * len(spread))
            values.extend((wait_s + row.service_s * factor) * _MICROSECONDS for factor in spread)
            counts.extend([share] * len(spread))
    return distribution(tuple(values), tuple(counts))


def mean_latency_s(row: MinuteRow, spread: Sequence[float]) -> float:
    """The Average of ModelLatency, in seconds, without its samples: for who reads nothing else."""
    waited = sum(part[2] for part in row.waits)
    waiting_s = sum((first + last) / 2 * requests for first, last, requests in row.waits)
    mean_s = row.service_s * sum(spread) / len(spread)
    return mean_s + waiting_s / max(row.served, waited) if waited else mean_s


def _wait_points(waits: Sequence[WaitPart]) -> list[tuple[float, float]]:
    """Each stretch of waits as three points."""
    return [
        (first + (last - first) * at, requests / 3)
        for first, last, requests in waits
        for at in (1 / 6, 1 / 2, 5 / 6)
    ]


def _in_flight_10s(zero_points: bool) -> Project:
    def project(row: InFlightRow, seen_at_s: float) -> Datum | None:
        return _gauge(row.low, row.high, row.copies, zero_points)

    return project


def _in_flight_60s(zero_points: bool) -> Project:
    def project(row: MinuteRow, seen_at_s: float) -> Datum | None:
        return _gauge(row.in_flight_low, row.in_flight_high, row.copies, zero_points)

    return project


def _gauge(low: int, high: int, copies: int, zero_points: bool) -> Datum | None:
    if not copies or (high == 0 and not zero_points):
        return None
    return Datum(copies, copies * (low + high) / 2, low, high)


# --- utilisation
def _loaded(base: float, per_load: float) -> Project:
    """A percentage that is there whenever a copy is ready: the heartbeat of a loaded copy."""

    def project(row: MinuteRow, seen_at_s: float) -> Datum | None:
        return single(base + per_load * row.busy_fraction) if row.copies else None

    return project


_UTILISATION: Projects = [
    ("GPUUtilizationNormalized", "Percent", _loaded(0.0, 100.0)),
    ("GPUMemoryUtilizationNormalized", "Percent", _loaded(100 * _GPU_MEMORY_SHARE, 0.0)),
    ("MemoryUtilizationNormalized", "Percent", _loaded(40.0, 10.0)),
    ("CPUUtilizationNormalized", "Percent", _loaded(5.0, 25.0)),
]


def _share(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0


def _gpu_load(row: FleetRow, parts: Sequence[Row]) -> float:
    return _share(sum(part.gpus * part.busy_fraction for part in parts), row.gpus)


def _gpu_memory(row: FleetRow, parts: Sequence[Row]) -> float:
    return _GPU_MEMORY_SHARE * _share(sum(part.gpus for part in parts), row.gpus)


def _cpu_load(row: FleetRow, parts: Sequence[Row]) -> float:
    return 2.0 + 0.2 * _gpu_load(row, parts)


def _memory_load(row: FleetRow, parts: Sequence[Row]) -> float:
    return 5.0 + 0.4 * _share(row.memory_reserved_mb, row.memory_mb)


def _raw(normalized: Combine, devices: str) -> Combine:
    """0-100 x devices of one instance instead of 0-100."""
    return lambda row, parts: (
        normalized(row, parts) * (getattr(row, devices) / row.instances if row.instances else 0)
    )


_FLEET: dict[str, Combine] = {
    "GPUReservation": lambda row, parts: _share(row.gpus_reserved, row.gpus),
    "CPUReservation": lambda row, parts: _share(row.cpus_reserved, row.cpus),
    "MemoryReservation": lambda row, parts: _share(row.memory_reserved_mb, row.memory_mb),
    "GPUUtilization": _raw(_gpu_load, "gpus"),
    "GPUUtilizationNormalized": _gpu_load,
    "GPUMemoryUtilization": _raw(_gpu_memory, "gpus"),
    "GPUMemoryUtilizationNormalized": _gpu_memory,
    "CPUUtilization": _raw(_cpu_load, "cpus"),
    "CPUUtilizationNormalized": _cpu_load,
    "MemoryUtilization": _memory_load,
    "MemoryUtilizationNormalized": _memory_load,
    "DiskUtilization": lambda row, parts: 20.0,
}
