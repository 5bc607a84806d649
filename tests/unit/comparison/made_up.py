"""A small comparison that was really played: one scenario, several policies."""

from __future__ import annotations

from functools import cache
from typing import Any

from icscaler_sim.comparison import Entry, Played, document
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import Job, run_job
from tests.unit.simulate.builders import PRICES, START_S, model, scenario

MINUTES = 90
COUNTS = {
    "busy": [600] * MINUTES,
    "seldom": [2 if minute == 60 else 0 for minute in range(MINUTES)],
    "never": [0] * MINUTES,
}
SCENARIO = scenario(
    COUNTS,
    model("busy", min_copies=1, protected=True, class_name="critical"),
    model("seldom", class_name="</script>"),
    model("never"),
)
JOBS = ("icscaler", "keep-alive", "kpa", "static-packed", "clairvoyant")


@cache
def scores() -> tuple[Score, ...]:
    return tuple(run_job(SCENARIO, Job(name, keep_timeline=True)) for name in JOBS)


def played(**changed: Any) -> Played:
    facts: dict[str, Any] = {
        "traffic": "made up",
        "fleet": "fleet.yaml",
        "reference_type": "ml.p4d.24xlarge",
        "models": 3,
        "requests": 600 * MINUTES + 2,
        "bin_s": 60,
        "from_s": 0,
        "to_s": 60 * MINUTES,
        "start_s": START_S,
        "seeds": (0,),
        "classes": {"critical": 1},
        "in_time_s": {"": 30.0, "critical": 5.0},
        "prices": PRICES,
        "notes": ("A note.",),
    }
    return Played(**{**facts, **changed})


def entries() -> list[Entry]:
    return [Entry(score) for score in scores()]


def content() -> dict[str, Any]:
    return document(played(), entries())
