"""Which instance type a shared endpoint should have, from the copies it held over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from icscaler_sim.advice.hosts import HostRules, speed_of
from icscaler_sim.pricing import HeldCopies, InstanceType, PriceTable, instances_over_time
from icscaler_sim.traces import CopyShape


@dataclass(frozen=True, slots=True)
class SharedType:
    """An endpoint on one type, estimated: dollars of the period, and most instances at a time."""

    kind: InstanceType
    speed: float
    dollars: float
    most_instances: int


def shared_types(
    held: HeldCopies,
    shapes: Mapping[str, CopyShape],
    prices: PriceTable,
    rules: HostRules,
    now: InstanceType,
) -> list[SharedType]:
    """Every allowed type that holds a copy of each model, cheapest first, `now`'s among them.

    `held` was measured on `now`. Slower GPUs need more copies for the same work. Instances follow
    the packed copies and are released ten minutes after they are last needed.
    """
    here = speed_of(now, rules) or 1.0
    gpus = max((shapes[name].gpus for name in held.copies), default=1)
    memory_gb = max((shapes[name].gpu_memory_gb for name in held.copies), default=0.0)
    found = []
    for kind in prices.fitting(gpus, memory_gb):
        speed = speed_of(kind, rules)
        allowed = kind.name == now.name or not rules.types or kind.name in rules.types
        if not allowed or speed is None or (speed < rules.slowest and kind.name != now.name):
            continue
        copies = {name: _copies(line, here / speed) for name, line in held.copies.items()}
        instances = instances_over_time(HeldCopies(held.step_s, copies), shapes, kind)
        hours = sum(instances) * held.step_s / 3600
        most = max(instances, default=0)
        found.append(SharedType(kind, speed, hours * kind.usd_per_hour, most))
    return sorted(found, key=lambda one: (one.dollars, one.kind.name))


def _copies(line: Sequence[float], factor: float) -> list[float]:
    """A model in use keeps at least a copy, however fast it is."""
    return [held if factor == 1.0 else math.ceil(held * factor - 1e-9) for held in line]
