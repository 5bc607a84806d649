"""The figures of a run as plain JSON: `summary.json`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from icscaler_sim.pricing import Alternative, Bill
from icscaler_sim.report.result import OURS, Change, Requests, RunResult, Wake

CHEAPEST_SUFFIX = "_cheapest_type"


def summary(run: RunResult) -> dict[str, Any]:
    """`gpu_hours`, `instance_hours`, `instance_gpu_hours`, `dollars` per alternative, and more.

    Alternatives on their cheapest fitting instance types have keys of their own, with
    `_cheapest_type` at the end.
    """
    bills = _bills(run.alternatives)
    return {
        "gpu_hours": {name: round(bill.gpu_hours, 2) for name, bill in bills.items()},
        "instance_hours": {name: round(bill.instance_hours, 2) for name, bill in bills.items()},
        "instance_gpu_hours": {
            name: round(bill.instance_gpu_hours, 2) for name, bill in bills.items()
        },
        "dollars": {name: round(bill.dollars, 2) for name, bill in bills.items()},
        "instances": {name: dict(bill.instances) for name, bill in bills.items()},
        "requests": _requests(run.requests),
        "models": {model.name: _requests(model.requests) for model in run.models},
        "wakes": wake_figures(run.wakes),
        "changes": change_figures(run.changes),
        "looks": run.looks,
        "failed_looks": list(run.failed_looks),
        "invariant_violations": list(run.invariant_violations),
        "run": {
            "title": run.title,
            "traffic": run.traffic,
            "seed": run.seed,
            "hours": run.steps * run.step_s / 3600,
            "reference_type": run.reference_type,
            "prices_as_of": run.prices.as_of.isoformat(),
            "notes": list(run.notes),
        },
    }


def summary_json(run: RunResult) -> str:
    """`summary` as text, the same for the same run."""
    return json.dumps(summary(run), indent=2) + "\n"


def wake_figures(wakes: Sequence[Wake]) -> dict[str, Any]:
    """How many, how long (percentiles None without any), and each one by phase."""
    took = sorted(wake.took_s for wake in wakes)
    return {
        "total": len(wakes),
        "p50_s": percentile(took, 0.5),
        "p90_s": percentile(took, 0.9),
        "longest_s": round(took[-1], 1) if took else None,
        "each": [
            {
                "component": wake.component,
                "first_refused_s": round(wake.first_refused_s, 1),
                "took_s": round(wake.took_s, 1),
                "phases_s": {name: round(value, 1) for name, value in wake.phases_s.items()},
            }
            for wake in wakes
        ],
    }


def change_figures(changes: Sequence[Change]) -> dict[str, int]:
    """Changes of copy counts that AWS accepted, by direction; and those it did not accept."""
    accepted = [change for change in changes if change.outcome == "Accepted"]
    return {
        "total": len(accepted),
        "scale_out": sum(change.to_copies > change.from_copies for change in accepted),
        "scale_in": sum(change.to_copies < change.from_copies for change in accepted),
        "to_zero": sum(change.to_copies == 0 for change in accepted),
        "from_zero": sum(change.from_copies == 0 for change in accepted),
        "not_accepted": len(changes) - len(accepted),
    }


def percentile(ordered: Sequence[float], fraction: float) -> float | None:
    """The nearest-rank percentile of rising values; None for none."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(fraction * len(ordered)) - 1)], 1)


def saving_fraction(ours: Bill, other: Bill) -> float | None:
    """Share of the other's dollars that ours saves; negative when ours is dearer."""
    return 1.0 - ours.dollars / other.dollars if other.dollars else None


def _bills(alternatives: Sequence[Alternative]) -> dict[str, Bill]:
    bills = {one.name: one.on_reference for one in alternatives}
    bills.update({one.name + CHEAPEST_SUFFIX: one.on_cheapest for one in alternatives})
    if alternatives and OURS not in bills:
        raise ValueError(f"no alternative is called {OURS}")
    return bills


def _requests(requests: Requests) -> dict[str, Any]:
    fraction = round(requests.in_time_fraction, 6)
    return {**asdict(requests), "in_time_fraction": fraction}
