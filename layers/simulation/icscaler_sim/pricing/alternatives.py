"""What the same traffic costs in other ways: an endpoint per model, and everything always on.

Words (the same for all): `gpu_hours` are GPUs held by copies from start order to removal;
`instance_gpu_hours` are GPUs of billed instances. Static peak means copies for the highest offered
concurrency of any 60 s of the period, without headroom, for every model called at least once.
Copies are the same on every instance type: how much slower a smaller GPU serves is not priced.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from icscaler_sim.pricing.table import InstanceType, PriceTable
from icscaler_sim.traces.fleet_rule import CopyShape
from icscaler_sim.traces.trace import Trace

PEAK_WIDTH_S = 60
IDLE_RELEASE_S = 600
"""How long managed scaling keeps an instance that hosts nothing (AWS blog: 10 minutes)."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Use and price of one alternative. `instances` is the most at a time, per instance type."""

    gpu_hours: float
    instance_hours: float
    instance_gpu_hours: float
    dollars: float
    instances: Mapping[str, int]
    estimated_price: bool = False

    @staticmethod
    def total(bills: "Iterable[Bill]") -> "Bill":
        """All of them together."""
        parts = list(bills)
        instances: dict[str, int] = {}
        for part in parts:
            for name, count in part.instances.items():
                instances[name] = instances.get(name, 0) + count
        return Bill(
            gpu_hours=math.fsum(part.gpu_hours for part in parts),
            instance_hours=math.fsum(part.instance_hours for part in parts),
            instance_gpu_hours=math.fsum(part.instance_gpu_hours for part in parts),
            dollars=math.fsum(part.dollars for part in parts),
            instances=instances,
            estimated_price=any(part.estimated_price for part in parts),
        )


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to serve the traffic, on the reference type and on the cheapest fitting one(s)."""

    name: str
    label: str
    on_reference: Bill
    on_cheapest: Bill


@dataclass(frozen=True, slots=True)
class HeldCopies:
    """Copies one endpoint held over time: element i is over [i, i + 1) x `step_s` seconds.

    Every model has the same number of elements; fractions mean part of the step.
    """

    step_s: int
    copies: Mapping[str, Sequence[float]]


# ---------------------------------------------------------------- static peak


def static_peak(trace: Trace, shapes: Mapping[str, CopyShape]) -> dict[str, int]:
    """Copies for the highest 60 s offered concurrency of each model; 0 for those never called.

    A trace with wider bins than 60 s gives the peak of its own bins, which is lower.
    """
    width_s = trace.width_s
    if width_s < PEAK_WIDTH_S and PEAK_WIDTH_S % width_s == 0:
        trace, width_s = trace.rebin(PEAK_WIDTH_S), PEAK_WIDTH_S
    profiles = [shapes[name].profile for name in trace.models]
    base_s = np.array([profile.base_s for profile in profiles])
    prefill_s = np.array([1.0 / profile.prefill_tokens_per_s for profile in profiles])
    output_s = np.array([profile.output_token_s for profile in profiles])
    who = trace.model_index
    work_s = (
        trace.requests * base_s[who]
        + trace.input_tokens * prefill_s[who]
        + trace.output_tokens * output_s[who]
    )
    peaks = np.zeros(len(trace.models))
    np.maximum.at(peaks, who, work_s / width_s)
    return {
        name: math.ceil(peak / profile.slots_per_copy)
        for name, profile, peak in zip(trace.models, profiles, peaks.tolist(), strict=True)
    }


def endpoint_per_model(
    peaks: Mapping[str, int],
    shapes: Mapping[str, CopyShape],
    hours: float,
    prices: PriceTable,
    reference: InstanceType,
) -> Alternative:
    """Every called model has an endpoint of its own, at static peak all the time."""
    on_reference, on_cheapest = [], []
    for name, copies in peaks.items():
        if not copies:
            continue
        shape = shapes[name]
        fitting = prices.fitting(shape.gpus, shape.gpu_memory_gb)
        on_reference.append(_constant({name: copies}, shapes, hours, reference))
        bills = [_constant({name: copies}, shapes, hours, kind) for kind in fitting]
        on_cheapest.append(min([*bills, on_reference[-1]], key=lambda bill: bill.dollars))
    return Alternative(
        "endpoint_per_model",
        "one endpoint per model",
        Bill.total(on_reference),
        Bill.total(on_cheapest),
    )


def all_always_on(
    peaks: Mapping[str, int],
    shapes: Mapping[str, CopyShape],
    hours: float,
    prices: PriceTable,
    reference: InstanceType,
) -> Alternative:
    """Every called model at static peak all the time, packed on one shared endpoint."""
    called = {name: copies for name, copies in peaks.items() if copies}
    on_reference = _constant(called, shapes, hours, reference)
    bills = [_constant(called, shapes, hours, kind) for kind in _hosts(called, shapes, prices)]
    return Alternative(
        "always_on",
        "all models always on",
        on_reference,
        min([*bills, on_reference], key=lambda bill: bill.dollars),
    )


# ---------------------------------------------------------------- measured


def measured(
    name: str,
    label: str,
    bill: Bill,
    held: Mapping[str, HeldCopies],
    shapes: Mapping[str, CopyShape],
    prices: PriceTable,
    reference: Mapping[str, InstanceType],
) -> Alternative:
    """A run's own bill on the reference types, and its copies over time on the cheapest ones.

    `held` and `reference`, the type it ran on, are per endpoint; each endpoint gets the cheapest
    type that hosts its biggest copy.
    Copies are packed, an instance is kept for `IDLE_RELEASE_S` after it is last needed, and what
    the run needed beyond that on the reference type (placement, launches) is added in proportion.
    """
    ideal_s = sum(
        sum(instances_over_time(timeline, shapes, reference[endpoint])) * timeline.step_s
        for endpoint, timeline in held.items()
    )
    overhead = max(1.0, bill.instance_hours * 3600.0 / ideal_s) if ideal_s else 1.0
    cheapest = []
    for endpoint, timeline in held.items():
        hosts = {*_hosts(timeline.copies, shapes, prices), reference[endpoint]}
        bills = [_over_time(timeline, shapes, kind, overhead) for kind in hosts]
        cheapest.append(min(bills, key=lambda one: (one.dollars, *one.instances)))
    best = Bill.total(cheapest)
    return Alternative(name, label, bill, best if best.dollars < bill.dollars else bill)


def instances_over_time(
    timeline: HeldCopies, shapes: Mapping[str, CopyShape], kind: InstanceType
) -> list[int]:
    """Instances of `kind` in each step: copies packed, instances kept `IDLE_RELEASE_S` longer."""
    names = list(timeline.copies)
    if not names:
        return []
    keep = max(1, math.ceil(IDLE_RELEASE_S / timeline.step_s))
    needed: list[int] = []
    memo: dict[tuple[int, ...], int] = {}
    for step in zip(*timeline.copies.values(), strict=True):
        # A copy held for a part of the step needs its place in it.
        copies = tuple(math.ceil(held - 1e-9) for held in step)
        if copies not in memo:
            memo[copies] = packed_instances(dict(zip(names, copies, strict=True)), shapes, kind)
        needed.append(memo[copies])
    return [max(needed[max(0, at - keep) : at + 1]) for at in range(len(needed))]


def packed_instances(
    copies: Mapping[str, int], shapes: Mapping[str, CopyShape], kind: InstanceType
) -> int:
    """Instances that hold these copies: biggest first, each where the least room is left over.

    Raises `ValueError` when a copy needs more GPUs than one instance has.
    """
    free = [0] * (kind.gpus + 1)
    total = 0
    for gpus, count in sorted(
        ((shapes[name].gpus, count) for name, count in copies.items() if count), reverse=True
    ):
        if gpus > kind.gpus:
            raise ValueError(f"a copy of {gpus} GPUs does not fit {kind.name} ({kind.gpus} GPUs)")
        for _ in range(count):
            room = next((room for room in range(gpus, kind.gpus + 1) if free[room]), None)
            if room is None:
                room = kind.gpus
                total += 1
            else:
                free[room] -= 1
            free[room - gpus] += 1
    return total


# ---------------------------------------------------------------- inside


def _hosts(
    copies: Mapping[str, object], shapes: Mapping[str, CopyShape], prices: PriceTable
) -> tuple[InstanceType, ...]:
    """Types that could host every one of these models."""
    gpus = max((shapes[name].gpus for name in copies), default=1)
    memory_gb = max((shapes[name].gpu_memory_gb for name in copies), default=0.0)
    return prices.fitting(gpus, memory_gb)


def _constant(
    copies: Mapping[str, int],
    shapes: Mapping[str, CopyShape],
    hours: float,
    kind: InstanceType,
) -> Bill:
    instances = packed_instances(copies, shapes, kind)
    return Bill(
        gpu_hours=hours * sum(shapes[name].gpus * count for name, count in copies.items()),
        instance_hours=hours * instances,
        instance_gpu_hours=hours * instances * kind.gpus,
        dollars=hours * instances * kind.usd_per_hour,
        instances={kind.name: instances} if instances else {},
        estimated_price=kind.estimated,
    )


def _over_time(
    timeline: HeldCopies, shapes: Mapping[str, CopyShape], kind: InstanceType, overhead: float
) -> Bill:
    instances = instances_over_time(timeline, shapes, kind)
    hours = sum(instances) * timeline.step_s / 3600.0 * overhead
    gpu_steps = math.fsum(
        shapes[name].gpus * math.fsum(held) for name, held in timeline.copies.items()
    )
    return Bill(
        gpu_hours=gpu_steps * timeline.step_s / 3600.0,
        instance_hours=hours,
        instance_gpu_hours=hours * kind.gpus,
        dollars=hours * kind.usd_per_hour,
        instances={kind.name: max(instances, default=0)},
        estimated_price=kind.estimated,
    )
