"""What copies reserve against what they were measured to use, and what could be reserved instead.

A reservation is no cap: CloudWatch's percentages are of what a copy reserves, and AWS documents
them as 0 to 100, so a copy that uses more may show as 100. Only CPUs and host memory can be
lowered: GPUs come whole, and an engine fills their memory with its cache, needed or not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from icscaler.entities import CopyResources
from icscaler_sim.traces import RESOURCES, MeasuredUse, Resource

FULL_PERCENT = 99.5
"""From here on the true use may be more than what is shown."""
WORTH_A_CHANGE = 0.9
"""What could be reserved must be at most this share of what is reserved."""
_STEP: Mapping[Resource, float] = {"cpus": 0.25, "memory_mb": 256.0}


@dataclass(frozen=True, slots=True)
class ReservationRules:
    """`margin_fraction` above the most that was measured; `least_s`: measured less is not enough to
    lower anything."""

    margin_fraction: float = 0.25
    least_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Reservation:
    """One resource of a copy. `reserved` as the fleet file has it (of a variant: what an instance
    has); `use` None: not measured.

    `could`: what would be enough, in the resource's unit; None: no figure. `lower`: it is less than
    what is reserved, and safe to take. `why`: in a few words.
    """

    resource: Resource
    reserved: float
    use: MeasuredUse | None
    could: float | None
    lower: bool
    why: str

    @property
    def used(self) -> float | None:
        """Mean use in the resource's unit; None: not known."""
        return self._amount(None if self.use is None else self.use.mean_percent)

    @property
    def most(self) -> float | None:
        """Most use in the resource's unit; None: not known."""
        return self._amount(None if self.use is None else self.use.most_percent)

    def _amount(self, percent: float | None) -> float | None:
        of = None if self.use is None else self.use.reserved
        return None if percent is None or of is None else of * percent / 100


def reservations(
    resources: CopyResources,
    measured: Mapping[Resource, MeasuredUse],
    rules: ReservationRules,
    *,
    component: bool,
    called: bool,
) -> dict[Resource, Reservation]:
    """Every resource of a model's copy. `component`: it reserves at all (a variant does not).

    `called`: somebody called it in the traffic that goes with the measurement.
    """
    amounts: dict[Resource, float] = {
        "cpus": resources.cpus,
        "memory_mb": resources.memory_mb,
        "gpus": resources.gpus,
        "gpu_memory": resources.gpus,
    }
    found = {}
    for resource in RESOURCES:
        use, reserved = measured.get(resource), amounts[resource]
        could = None if use is None else _enough(use, reserved, rules)
        hindrance = _hindrance(use, reserved, could, rules, called)
        if not component:
            could, hindrance = None, "a copy is a whole instance"
            reserved = (use and use.reserved) or reserved
        found[resource] = Reservation(
            resource, reserved, use, could, not hindrance, hindrance or "could be lower"
        )
    return found


def _enough(use: MeasuredUse, reserved: float, rules: ReservationRules) -> float | None:
    """The most that was used and the margin; None: it is not known, or may have been more.

    Of GPU memory: the GPUs that would hold it, where they are fewer.
    """
    most = use.most_percent / 100 * (1 + rules.margin_fraction)
    if use.most_percent >= FULL_PERCENT:
        return None
    if use.resource == "gpu_memory":
        fits = float(max(1, math.ceil(reserved * most - 1e-9)))
        return fits if fits < reserved else None
    step = _STEP.get(use.resource)
    if step is None or not use.reserved:
        return None
    return max(1, math.ceil(use.reserved * most / step - 1e-9)) * step


def _hindrance(
    use: MeasuredUse | None,
    reserved: float,
    could: float | None,
    rules: ReservationRules,
    called: bool,
) -> str:
    """Why it should not be lowered; empty: it may be."""
    if use is None:
        return "not measured"
    if use.most_percent >= FULL_PERCENT:
        return "all of it was used, or more"
    if use.resource not in _STEP:
        return "GPUs come whole"
    if not reserved:
        return "none reserved"
    if could is None:
        return "what a copy reserves is not known"
    if could > WORTH_A_CHANGE * reserved:
        return "as it should be" if could <= reserved else "more would be safer"
    if not called:
        return "nobody called it"
    if use.measured_s < rules.least_s:
        return f"measured for {use.measured_s / 3600:.1f} h only"
    return ""
