"""Bounds: the fewest GPU-hours of somebody who knows the traffic and every start-up time.

Every model by itself. Copies are interchangeable, so copy k is needed exactly when the offered
load exceeds k - 1 copies, and the levels can be judged one by one. Between two needs a copy is kept
or let go and started again in time, whichever holds fewer GPUs: a gap of G seconds costs min(G, S)
with a start-up of S. Serving everybody is thus solved exactly (`serving_all`). Who may refuse
compares, level by level, what a held copy would serve with the GPU time it holds (`refusing`): more
copies serve ever fewer further requests, so the levels nest by themselves and again nothing is lost
by judging each alone. Tests compare both with brute force.

What makes them bounds: copies start on instances that are there with their image cached, in their
median time; nothing drains; any number of changes may overlap; and the requests of a bin are served
if the copies' slots hold its mean load (nobody waits). Instances are billed for the packed copies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from icscaler_sim.pricing import Bill, HeldCopies, InstanceType, instances_over_time, measured
from icscaler_sim.report import Requests
from icscaler_sim.scoring import ModelScore, Score
from icscaler_sim.traces import CopyShape, Trace
from icscaler_sim.world import WorldSettings

if TYPE_CHECKING:
    from icscaler_sim.simulate.run import Scenario

FloatArray = NDArray[np.float64]
STEP_S = 600
_MEDIAN = 0.5
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Demand:
    """One model's traffic by bins of `width_s`: offered load in copies, and requests."""

    width_s: int
    load: FloatArray
    requests: FloatArray


@dataclass(frozen=True, slots=True)
class Held:
    """Copies held over time, seconds per bin summed over all copies, starting ones included."""

    copy_seconds: FloatArray
    served: float
    starts: int


def start_s(shape: CopyShape, settings: WorldSettings) -> float:
    """The median start-up on an instance that is there and has the image."""
    profile = shape.profile
    weights_s = profile.weights_gb * settings.weights_load_s_per_gb.at(_MEDIAN)
    return weights_s + (profile.engine_s or settings.engine_start_s.at(_MEDIAN))


def demands(trace: Trace, shapes: Mapping[str, CopyShape]) -> dict[str, Demand]:
    """The traffic of every model that is called."""
    bins = -(-trace.period_s // trace.width_s)
    found = {}
    for place, name in enumerate(trace.models):
        rows = np.flatnonzero(trace.model_index == place)
        if not len(rows):
            continue
        profile = shapes[name].profile
        work_s = (
            trace.requests[rows] * profile.base_s
            + trace.input_tokens[rows] / profile.prefill_tokens_per_s
            + trace.output_tokens[rows] * profile.output_token_s
        )
        load, requests = np.zeros(bins), np.zeros(bins)
        at = trace.t_start_s[rows] // trace.width_s
        load[at] = work_s / trace.width_s / profile.slots_per_copy
        requests[at] = trace.requests[rows]
        found[name] = Demand(trace.width_s, load, requests)
    return found


def serving_all(demand: Demand, start: float, floor: int = 0) -> Held:
    """The fewest copy-seconds that give every bin's load its slots; `floor` copies at least."""
    need = np.maximum(np.ceil(demand.load - _ROUNDING).astype(np.int64), floor)
    seconds = np.zeros(len(need))
    starts = 0
    for level in range(1, int(need.max(initial=0)) + 1):
        starts += _hold(seconds, need >= level, demand.width_s, start)
    return Held(seconds, float(demand.requests.sum()), starts)


def refusing(
    demand: Demand, start: float, gpus: int, gpu_seconds_per_request: float, floor: int = 0
) -> Held:
    """The best use of GPU time when a served request is worth so much of it and may be refused."""
    levels = max(floor, math.ceil(float(demand.load.max(initial=0.0)) - _ROUNDING))
    seconds = np.zeros(len(demand.load))
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(demand.load > 0, demand.requests / demand.load, 0.0)
    served, starts = 0.0, 0
    for level in range(1, levels + 1):
        serves = each * np.clip(demand.load - (level - 1), 0.0, 1.0)
        if level <= floor:
            on = np.ones(len(serves), dtype=bool)
        else:
            gain = serves * gpu_seconds_per_request / gpus - demand.width_s
            on = worth_holding(gain, start)
        if not on.any():
            break
        starts += _hold(seconds, on, demand.width_s, start)
        served += float(serves[on].sum())
    return Held(seconds, served, starts)


def worth_holding(gain: Sequence[float] | FloatArray, start: float) -> NDArray[np.bool_]:
    """The bins to hold one copy in: the largest sum of gains less `start` for every beginning.

    Two states, dynamic programming. What is on in the first bin began before the period, free.
    """
    values = [float(value) for value in gain]
    if not values:
        return np.zeros(0, dtype=bool)
    off, on = 0.0, values[0]
    came_on: list[bool] = [True]  # the best way to be on here was to be on before
    stayed_off: list[bool] = [True]
    for value in values[1:]:
        keeps, begins = on, off - start
        came_on.append(keeps >= begins)
        stayed_off.append(off >= on)
        off, on = max(off, on), max(keeps, begins) + value
    held = np.zeros(len(values), dtype=bool)
    now = on > off
    for place in range(len(values) - 1, -1, -1):
        held[place] = now
        now = came_on[place] if now else not stayed_off[place]
    return held


def _hold(seconds: FloatArray, on: NDArray[np.bool_], width_s: int, start: float) -> int:
    """Add one copy's seconds: where it is on, and before, as long as it starts or a gap lasts.

    Returns how often it starts.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    seconds[on] += width_s
    starts = 0
    for place, begin in enumerate(begins.tolist()):
        before = int(ends[place - 1]) if place else 0
        gap_s = (begin - before) * width_s
        left_s = min(float(gap_s), start)
        starts += gap_s > start
        at = begin - 1
        while left_s > 0:
            part_s = min(left_s, float(width_s))
            seconds[at] += part_s
            left_s -= part_s
            at -= 1
    return starts


def bound(scenario: Scenario, policy: str, settings: Mapping[str, object]) -> Score:
    """The bound as a policy's score."""
    from icscaler_sim.simulate.policies import CLAIRVOYANT_REFUSING, label_of

    worth_s = None
    if policy == CLAIRVOYANT_REFUSING:
        worth_s = 60 * float(str(settings["gpu_minutes_per_request"]))
    trace = scenario.judged
    known = demands(trace, scenario.fleet.shapes)
    models, held = [], {}
    for _, model in scenario.fleet.members():
        shape = scenario.fleet.shapes[model.name]
        empty = np.zeros(-(-trace.period_s // trace.width_s))
        demand = known.get(model.name, Demand(trace.width_s, empty, empty))
        start = start_s(shape, scenario.settings)
        if worth_s is None:
            best = serving_all(demand, start, model.min_copies)
        else:
            best = refusing(demand, start, shape.gpus, worth_s, model.min_copies)
        held[model.name] = best.copy_seconds
        total = int(demand.requests.sum())
        in_time = min(total, round(best.served))
        models.append(
            ModelScore(
                name=model.name,
                stratum=scenario.fleet.strata.get(model.name, ""),
                class_name=model.class_name,
                gpus_per_copy=shape.gpus,
                protected=model.protected,
                requests=Requests(total, in_time, 0, total - in_time),
                gpu_hours=float(best.copy_seconds.sum()) * shape.gpus / 3600,
                starts=best.starts,
            )
        )
    on_reference, on_cheapest = _bills(scenario, held)
    return Score(
        name=policy,
        label=label_of(policy),
        settings=dict(settings),
        seed=0,
        hours=trace.period_s / 3600,
        models=models,
        on_reference=on_reference,
        on_cheapest=on_cheapest,
        kind="bound",
    )


def _bills(scenario: Scenario, held: Mapping[str, FloatArray]) -> tuple[Bill, Bill]:
    """Instances for the packed copies: of the fleet's own types, and of the cheapest that fit."""
    width_s = scenario.trace.width_s
    shapes, prices = scenario.fleet.shapes, scenario.prices
    own, cheapest = [], []
    for endpoint in scenario.fleet.endpoints.values():
        for variant, hardware in endpoint.variants.items():
            mine = [m.name for m in endpoint.models.values() if m.variant == variant]
            copies = {name: (held[name] / width_s).tolist() for name in mine}
            timeline = HeldCopies(width_s, copies)
            kind: InstanceType = prices.get(hardware.instance_type)
            counts = instances_over_time(timeline, shapes, kind)
            hours = sum(counts) * width_s / 3600
            bill = Bill(
                gpu_hours=sum(float(held[name].sum()) * shapes[name].gpus / 3600 for name in mine),
                instance_hours=hours,
                instance_gpu_hours=hours * kind.gpus,
                dollars=hours * kind.usd_per_hour,
                instances={kind.name: max(counts, default=0)},
                estimated_price=kind.estimated,
            )
            name = endpoint.name
            both = measured("", "", bill, {name: timeline}, shapes, prices, {name: kind})
            own.append(both.on_reference)
            cheapest.append(both.on_cheapest)
    return Bill.total(own), Bill.total(cheapest)
