"""A comparison as one JSON document: what was played, and every figure of every run.

docs/simulate.schema.json describes it; a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from icscaler_sim.pricing import PriceTable
from icscaler_sim.scoring import Score, figures

FORMAT = 1
"""Version of the document; raised when a key changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Played:
    """What every policy was put before.

    `from_s` and `to_s` cut the traffic, in seconds of its own period; `from_s` is at `start_s`
    (epoch), and `warm_s` before it were played without being scored. `classes` counts models.
    `in_time_s` are the limits that were asked for, by class; "" is the one of all others.
    """

    traffic: str
    fleet: str
    reference_type: str
    models: int
    requests: int
    bin_s: int
    from_s: int
    to_s: int
    start_s: int
    seeds: Sequence[int]
    classes: Mapping[str, int]
    in_time_s: Mapping[str, float]
    prices: PriceTable
    warm_s: int = 0
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Entry:
    """One run. `gaps`: traffic with holes was played "as recorded" or with them "filled"."""

    score: Score
    gaps: str | None = None


def document(played: Played, entries: Sequence[Entry]) -> dict[str, Any]:
    """All of it. The same traffic, fleet, settings and seeds give the same but for `speed`."""
    return {"format": FORMAT, "run": _run(played), "policies": [_policy(one) for one in entries]}


def document_json(content: Mapping[str, Any]) -> str:
    """The document as text."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _policy(entry: Entry) -> dict[str, Any]:
    shown = figures(entry.score)
    head = ("name", "label", "kind", "settings", "seed")
    return {
        **{key: shown[key] for key in head},
        "gaps": entry.gaps,
        **{key: value for key, value in shown.items() if key not in head},
    }


def _run(played: Played) -> dict[str, Any]:
    return {
        "traffic": played.traffic,
        "models": played.models,
        "requests": played.requests,
        "bin_s": played.bin_s,
        "period": {
            "from_s": played.from_s,
            "to_s": played.to_s,
            "hours": round((played.to_s - played.from_s) / 3600, 4),
            "starts_at_s": played.start_s,
            "warm_up_s": played.warm_s,
        },
        "fleet": played.fleet,
        "classes": dict(sorted(played.classes.items())),
        "seeds": list(played.seeds),
        "in_time_s": {
            "usual": played.in_time_s[""],
            "classes": {name: value for name, value in played.in_time_s.items() if name},
        },
        "reference_type": played.reference_type,
        "prices": {"as_of": played.prices.as_of.isoformat(), "source": played.prices.source},
        "notes": list(played.notes),
    }
