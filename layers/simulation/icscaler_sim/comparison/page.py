"""A comparison as one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from icscaler_sim.comparison.document import Entry
from icscaler_sim.comparison.table import at_losses, name_text, settings_text
from icscaler_sim.comparison.verdicts import losses, verdicts
from icscaler_sim.report.html import asset, filled
from icscaler_sim.scoring import LOSS_LEVELS
from icscaler_sim.simulate.policies import ICSCALER, knobs_of
from icscaler_sim.traces import Trace

MOST_POINTS = 336
"""Points a model's series is drawn with at most; longer periods get wider steps."""
MOST_TIMELINES = 24
_SCRIPTS = ("compare.js", "frontier.js", "lanes.js", "details.js")


def page_html(content: Mapping[str, Any], trace: Trace, entries: Sequence[Entry]) -> str:
    """The whole page. Models' series are drawn where the scores kept them."""
    package = __package__ or ""
    script = [asset("page.js", "icscaler_sim.report")]
    script += [asset(name, package) for name in _SCRIPTS]
    return filled(
        asset("compare.html", package),
        title=title(content),
        style=asset("report.css", "icscaler_sim.report") + asset("compare.css", package),
        data=json.dumps(page_data(content, trace, entries), separators=(",", ":"), allow_nan=False),
        script="\n".join(script),
    )


def title(content: Mapping[str, Any]) -> str:
    """What is compared."""
    names = list(dict.fromkeys(policy["name"] for policy in content["policies"]))
    traffic = content["run"]["traffic"]
    return f"{names[0]} on {traffic}" if len(names) == 1 else f"{len(names)} policies on {traffic}"


def page_data(content: Mapping[str, Any], trace: Trace, entries: Sequence[Entry]) -> dict[str, Any]:
    """What the page's scripts draw from."""
    policies = content["policies"]
    return {
        "run": content["run"],
        "ours": ICSCALER,
        "policies": [
            {**policy, "said": name_text(policy), "knobs_said": settings_text(policy)}
            for policy in policies
        ],
        "knobs": {
            name: {knob.name: [knob.default, knob.meaning] for knob in knobs_of(name)}
            for name in {policy["name"] for policy in policies}
        },
        "verdicts": list(verdicts(policies)) if len(content["run"]["seeds"]) == 1 else [],
        "losses": losses(policies),
        "loss_levels": list(LOSS_LEVELS),
        "at_losses": at_losses(policies),
        "timelines": timelines(trace, entries),
    }


def timelines(trace: Trace, entries: Sequence[Entry]) -> dict[str, Any] | None:
    """Demand of every model, and per run copies held and requests lost; silent series left out."""
    kept = _kept(entries)
    if not kept:
        return None
    width_s = entries[kept[0]].score.step_s
    steps = max(len(one) for one in entries[kept[0]].score.timeline.values())
    factor = max(1, math.ceil(steps / MOST_POINTS))
    step_s = width_s * factor
    points = -(-trace.period_s // step_s)
    return {
        "step_s": step_s,
        "points": points,
        "demand": _demand(trace, step_s, points),
        "runs": [
            {
                "policy": place,
                "held": _reduced(entries[place].score.timeline, factor, mean=True),
                "lost": _reduced(entries[place].score.lost_timeline, factor, mean=False),
            }
            for place in kept
        ],
    }


def _kept(entries: Sequence[Entry]) -> list[int]:
    """All runs that have series, or of many one for each policy, the first."""
    having = [place for place, entry in enumerate(entries) if entry.score.timeline]
    if len(having) <= MOST_TIMELINES:
        return having
    first: dict[str, int] = {}
    for place in having:
        first.setdefault(entries[place].score.name, place)
    return sorted(first.values())


def _demand(trace: Trace, step_s: int, points: int) -> dict[str, list[float]]:
    counts = np.zeros((len(trace.models), points))
    np.add.at(counts, (trace.model_index, trace.t_start_s // step_s), trace.requests)
    rates = counts / step_s
    return {
        name: [_short(value) for value in rates[place].tolist()]
        for place, name in enumerate(trace.models)
        if rates[place].any()
    }


def _reduced(
    series: Mapping[str, Sequence[float]], factor: int, *, mean: bool
) -> dict[str, list[float]]:
    found = {}
    for name, values in series.items():
        if not any(values):
            continue
        chunks = [values[at : at + factor] for at in range(0, len(values), factor)]
        found[name] = [_short(sum(one) / (len(one) if mean else 1)) for one in chunks]
    return found


def _short(value: float) -> float:
    """Three digits that matter; whole numbers without a fraction: thousands are written out."""
    if value == int(value):
        return int(value)
    return float(f"{value:.3g}") if abs(value) < 100 else round(value)
