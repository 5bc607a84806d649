"""The report of a run: one HTML file that needs nothing else, neither network nor server."""

import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from icscaler_sim.pricing import Alternative, Bill
from icscaler_sim.report.result import Change, ModelRun, RunResult, Standing, Wake
from icscaler_sim.report.summary import change_figures, wake_figures
from icscaler_sim.report.wording import WORDS

MOST_POINTS = 1440
"""Points a series is drawn with at most; longer runs are summed to wider steps."""

_SCRIPTS = ("page.js", "core.js", "charts.js", "figures.js", "tournament.js", "decisions.js")


def report_html(run: RunResult) -> str:
    """The whole page."""
    data = json.dumps(document(run), separators=(",", ":"), allow_nan=False)
    return filled(
        asset("report.html"),
        title=run.title,
        style=asset("report.css"),
        data=data,
        script="\n".join(asset(name) for name in _SCRIPTS),
    )


def filled(page: str, *, title: str, style: str, data: str, script: str) -> str:
    """A page with its marks replaced; `data` is JSON."""
    parts = {
        "TITLE": html.escape(title),
        "STYLE": style,
        # Inside a script element only this sequence could end it.
        "DATA": data.replace("</", "<\\/"),
        "SCRIPT": script,
    }
    return re.sub("@([A-Z]+)@", lambda mark: parts[mark[1]], page)


def asset(name: str, package: str = __package__) -> str:
    """A file of a report's page."""
    return files(package).joinpath("assets", name).read_text("utf-8")


def document(run: RunResult) -> dict[str, Any]:
    """What the page's script draws from."""
    factor = max(1, math.ceil(run.steps / MOST_POINTS))
    return {
        "title": run.title,
        "traffic": run.traffic,
        "seed": run.seed,
        "start_s": run.start_s,
        "step_s": run.step_s * factor,
        "duration_s": run.steps * run.step_s,
        "reference_type": run.reference_type,
        "prices": {
            "as_of": run.prices.as_of.isoformat(),
            "source": run.prices.source,
            "notes": list(run.prices.notes),
        },
        "requests": asdict(run.requests),
        "models": [_model(model, run, factor) for model in run.models],
        "gpus_in_use": _means(run.gpus_in_use, factor, 2),
        "gpu_capacity": _means(run.gpu_capacity, factor, 2),
        "alternatives": [_alternative(one) for one in run.alternatives],
        "wakes": [_wake(wake) for wake in run.wakes],
        "wake_figures": {k: v for k, v in wake_figures(run.wakes).items() if k != "each"},
        "changes": [_change(change) for change in run.changes],
        "change_figures": change_figures(run.changes),
        "standings": [_standing(one) for one in run.standings],
        "words": WORDS,
        "looks": run.looks,
        "failed_looks": list(run.failed_looks),
        "invariant_violations": list(run.invariant_violations),
        "notes": list(run.notes),
    }


def _model(model: ModelRun, run: RunResult, factor: int) -> dict[str, Any]:
    changes = [change for change in run.changes if change.component == model.name]
    return {
        "name": model.name,
        "endpoint": model.endpoint,
        "gpus": model.gpus_per_copy,
        "min_copies": model.min_copies,
        "protected": model.protected,
        "requests": asdict(model.requests),
        "gpu_hours": round(math.fsum(model.held) * model.gpus_per_copy * run.step_s / 3600, 2),
        "changes": len(changes),
        "demand": _means(model.demand_rps, factor, 3),
        "lost": _sums(model.lost, factor),
        "held": _means(model.held, factor, 2),
        "ready": _means(model.ready, factor, 2),
    }


def _alternative(one: Alternative) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.label,
        "reference": _bill(one.on_reference),
        "cheapest": _bill(one.on_cheapest),
    }


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "gpu_hours": round(bill.gpu_hours, 2),
        "instance_hours": round(bill.instance_hours, 2),
        "instance_gpu_hours": round(bill.instance_gpu_hours, 2),
        "dollars": round(bill.dollars, 2),
        "instances": dict(bill.instances),
        "estimated": bill.estimated_price,
    }


def _wake(wake: Wake) -> dict[str, Any]:
    return {
        "component": wake.component,
        "at_s": round(wake.first_refused_s, 1),
        "took_s": round(wake.took_s, 1),
        "phases_s": {name: round(value, 1) for name, value in wake.phases_s.items()},
    }


def _change(change: Change) -> list[Any]:
    return [
        change.at_s,
        change.component,
        change.from_copies,
        change.to_copies,
        list(change.steps),
        change.outcome,
        change.message,
        list(change.rules),
    ]


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "at_s": one.at_s,
        "component": one.component,
        "copies": one.copies,
        "first_copy": one.first_copy,
        "rules": [
            [
                rule.name,
                rule.copies,
                round(rule.weight, 3),
                round(rule.gpu_minutes, 1),
                round(rule.lost, 1),
                round(rule.cost),
            ]
            for rule in one.rules
        ],
        "next_best": [[copies, round(cost)] for copies, cost in one.next_best.items()],
    }


def _means(values: Sequence[float], factor: int, digits: int) -> list[float]:
    chunks = [values[at : at + factor] for at in range(0, len(values), factor)]
    return [_short(math.fsum(chunk) / len(chunk), digits) for chunk in chunks]


def _sums(values: Sequence[int], factor: int) -> list[int]:
    return [int(sum(values[at : at + factor])) for at in range(0, len(values), factor)]


def _short(value: float, digits: int) -> float:
    """Rounded, and without a fraction where there is none: a day of steps is written out."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded
