"""Scores as figures: per policy, per stratum and class, as JSON and as frontiers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from icscaler_sim.pricing import Bill
from icscaler_sim.report import Requests
from icscaler_sim.scoring.result import ModelScore, Score, WakeScore

STRATA = ("very_hot", "hot", "warm", "cold", "rare", "idle")
LOSS_LEVELS = (0.02, 0.01, 0.005, 0.003)
Run = TypeVar("Run")


def _gpu_hours(run: Any) -> float:
    return float(run.gpu_hours)


def figures(score: Score) -> dict[str, Any]:
    """Every figure of one policy. Of the same run all but `speed` are the same every time."""
    return {
        "name": score.name,
        "label": score.label,
        "kind": score.kind,
        "settings": dict(score.settings),
        "seed": score.seed,
        "gpu_hours": round(score.gpu_hours, 2),
        "gpus_mean": round(score.gpu_hours / score.hours, 2) if score.hours else 0.0,
        "instance_hours": round(score.on_reference.instance_hours, 2),
        "instance_gpu_hours": round(score.on_reference.instance_gpu_hours, 2),
        "dollars": round(score.on_reference.dollars, 2),
        "cheapest": _bill(score.on_cheapest),
        "requests": _requests(score.requests),
        "strata": _groups(score.models, lambda model: model.stratum, STRATA),
        "classes": _groups(score.models, lambda model: model.class_name),
        "model_lost_mean": round(score.model_lost_mean, 6),
        "model_served": _served(score.models),
        "cold_minutes": sum(model.cold_minutes for model in score.models),
        "never_woken": [model.name for model in score.models if model.never_woken],
        "wakes": wake_figures(score.wakes),
        "starts": sum(model.starts for model in score.models),
        "young_kills": sum(model.young_kills for model in score.models),
        "changes": {
            "total": score.changes.scale_out + score.changes.scale_in,
            **asdict(score.changes),
        },
        "aws_calls": dict(score.aws_calls),
        "held": asdict(score.held) if score.held is not None else None,
        "looks": score.looks,
        "invariant_violations": list(score.violations),
        "speed": {
            "cpu_s": round(score.cpu_s, 3),
            "model_minutes_per_s": round(score.model_minutes_per_s or 0.0),
        },
        "models": [_model(model) for model in score.models],
    }


def wake_figures(wakes: Iterable[WakeScore]) -> dict[str, Any]:
    """How many; from first refusal until a copy answers; and what of it the policy took to decide
    and the copy to start."""
    found = list(wakes)
    took = sorted(wake.took_s for wake in found)
    started = sorted(wake.start_s for wake in found)
    decided = sorted(wake.took_s - wake.start_s for wake in found)
    return {
        "total": len(found),
        "p50_s": _tenths(percentile(took, 0.5)),
        "p90_s": _tenths(percentile(took, 0.9)),
        "decision_p50_s": _tenths(percentile(decided, 0.5)),
        "decision_p90_s": _tenths(percentile(decided, 0.9)),
        "startup_p50_s": _tenths(percentile(started, 0.5)),
        "startup_p90_s": _tenths(percentile(started, 0.9)),
    }


def percentile(ordered: Sequence[float], fraction: float) -> float | None:
    """The nearest-rank percentile of rising values; None for none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(fraction * len(ordered) - 1e-9) - 1)]


def frontier(
    runs: Iterable[Run], loss: Callable[[Run], float], hours: Callable[[Run], float] = _gpu_hours
) -> list[tuple[float, float, Run]]:
    """(gpu_hours, loss, run) of those that no other beats in both, leanest first."""
    found: list[tuple[float, float, Run]] = []
    for run in sorted(runs, key=lambda one: (hours(one), loss(one))):
        if not found or loss(run) < found[-1][1]:
            found.append((hours(run), loss(run), run))
    return found


def gpu_hours_at(
    runs: Iterable[Run],
    loss: Callable[[Run], float],
    level: float,
    hours: Callable[[Run], float] = _gpu_hours,
) -> float | None:
    """GPU-hours at which a frontier reaches a loss, interpolated on the logarithm of the loss
    between its two neighbours; None when it never does. Runs are scores, or what `hours` and
    `loss` understand."""
    points = frontier(runs, loss, hours)
    for place, (gpu_hours, lost, _) in enumerate(points):
        if lost > level:
            continue
        if place == 0 or lost <= 0:
            return gpu_hours
        before_hours, before, _ = points[place - 1]
        share = math.log(before / level) / math.log(before / lost)
        return before_hours + share * (gpu_hours - before_hours)
    return None


def _groups(
    models: Sequence[ModelScore],
    key: Callable[[ModelScore], str],
    order: Sequence[str] = (),
) -> dict[str, Any]:
    names = {key(model) for model in models}
    ordered = [name for name in order if name in names] + sorted(names - set(order))
    found = {}
    for name in ordered:
        mine = [model for model in models if key(model) == name]
        served = _served(mine)
        found[name or "none"] = {
            "models": len(mine),
            "gpu_hours": round(sum(model.gpu_hours for model in mine), 2),
            "requests": _requests(sum((model.requests for model in mine), Requests())),
            "model_lost_mean": _rounded(None if served["mean"] is None else 1 - served["mean"]),
            "model_served": served,
        }
    return found


def _served(models: Iterable[ModelScore]) -> dict[str, Any]:
    """Over called models: the share of its requests that each had in time."""
    shares = sorted(one for m in models if (one := m.served_fraction) is not None)
    return {
        "called": len(shares),
        "mean": _rounded(sum(shares) / len(shares)) if shares else None,
        "median": _rounded(percentile(shares, 0.5)),
        "p5": _rounded(percentile(shares, 0.05)),
    }


def _requests(requests: Requests) -> dict[str, Any]:
    return {**asdict(requests), "in_time_fraction": round(requests.in_time_fraction, 7)}


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "instance_hours": round(bill.instance_hours, 2),
        "instance_gpu_hours": round(bill.instance_gpu_hours, 2),
        "dollars": round(bill.dollars, 2),
        "instances": dict(bill.instances),
        "estimated_price": bill.estimated_price,
    }


def _model(model: ModelScore) -> dict[str, Any]:
    return {
        "name": model.name,
        "stratum": model.stratum,
        "class": model.class_name,
        "gpus_per_copy": model.gpus_per_copy,
        "gpu_hours": round(model.gpu_hours, 3),
        "protected": model.protected,
        "requests": asdict(model.requests),
        "in_time_fraction": _rounded(model.served_fraction),
        "starts": model.starts,
        "young_kills": model.young_kills,
        "cold_minutes": model.cold_minutes,
        "never_woken": model.never_woken,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
