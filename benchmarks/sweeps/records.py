"""One line of JSON per run, keyed by everything that determines it: what is there is not run again.

The code is part of the key. For a peer that is the simulator; for icscaler the core too.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import icscaler
import icscaler_sim
from benchmarks.sweeps.scenes import DAY_S, SceneKey, source_of
from icscaler_sim.scoring import Score
from icscaler_sim.scoring.figures import wake_figures
from icscaler_sim.simulate import ICSCALER, Job, Scenario, complete


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sweep. `without`: what of the decision core is taken out (`ablations`)."""

    scene: SceneKey
    job: Job
    without: str = ""

    @property
    def key(self) -> str:
        """Of traffic, fleet, policy, settings, seed and switches; not of the code."""
        text = json.dumps(self.told(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def code(self) -> str:
        """Of the code that takes part."""
        return code_of(self.job.policy == ICSCALER)

    def told(self) -> dict[str, Any]:
        """What determines it, in words."""
        job = self.job
        return {
            **({"without": self.without} if self.without else {}),
            **source_of(self.scene),
            "policy": job.policy,
            "settings": complete(job.policy, job.settings),
            "seed": job.seed,
            "wake_events": job.wake_events,
            "spike_alarms": job.spike_alarms,
        }


@cache
def code_of(with_core: bool) -> str:
    """A digest of the source files."""
    found = hashlib.sha256()
    packages = [icscaler_sim, icscaler] if with_core else [icscaler_sim]
    for package in packages:
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return found.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Record:
    """The kept figures of one run."""

    key: str
    code: str
    told: Mapping[str, Any]
    figures: Mapping[str, Any]

    @property
    def policy(self) -> str:
        return str(self.told["policy"])

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.told["settings"]
        return settings

    @property
    def gpu_hours(self) -> float:
        return float(self.figures["gpu_hours"])

    @property
    def lost(self) -> float:
        """Share of all requests that were late or refused."""
        return float(self.figures["lost"])

    @property
    def model_lost(self) -> float:
        return float(self.figures["model_lost"])


class Ledger:
    """A file of records. Several processes never write it: one does, a line at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[tuple[str, str], Record] = {}
        for record in read(path):
            self._records[record.key, record.code] = record

    def of(self, run: Run, *, any_code: bool = False) -> Record | None:
        """What was kept of it; of other versions of the code the newest, if that will do."""
        found = self._records.get((run.key, run.code))
        if found is None and any_code:
            old = [record for (key, _), record in self._records.items() if key == run.key]
            found = old[-1] if old else None
        return found

    def keep(self, run: Run, figures: Mapping[str, Any]) -> Record:
        """Write it down at once, so that an interruption loses no more than the run it meets."""
        record = Record(run.key, run.code, run.told(), figures)
        line = {"key": record.key, "code": record.code, **record.told, "figures": figures}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            if file.tell() and not self._ends_whole():
                file.write(b"\n")  # the line before was cut off
            file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
        self._records[record.key, record.code] = record
        return record

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())


def read(path: Path) -> Iterable[Record]:
    """The records of a file; a last line that was cut off by an interruption is left out."""
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            item = json.loads(line)
        except json.JSONDecodeError:
            continue
        told = {name: item[name] for name in item if name not in ("key", "code", "figures")}
        yield Record(item["key"], item["code"], told, item["figures"])


def figures_of(score: Score, scenario: Scenario) -> dict[str, Any]:
    """What the tables need; the job must have kept its timeline."""
    requests = score.requests
    starts = sum(model.starts for model in score.models)
    return {
        "hours": score.hours,
        "gpu_hours": round(score.gpu_hours, 3),
        "gpus": round(score.gpu_hours / score.hours, 3) if score.hours else 0.0,
        "instance_hours": round(score.on_reference.instance_hours, 3),
        "instance_gpu_hours": round(score.on_reference.instance_gpu_hours, 3),
        "dollars": round(score.on_reference.dollars, 2),
        "cheapest_dollars": round(score.on_cheapest.dollars, 2),
        "requests": requests.total,
        "late": requests.late,
        "refused": requests.refused,
        "lost": 1.0 - requests.in_time_fraction,
        "model_lost": score.model_lost_mean,
        "classes": _by(score, "class_name"),
        "strata": _by(score, "stratum"),
        "parts": _parts(score, scenario),
        "peak_gpus": _peaks(score, scenario),
        "wakes": wake_figures(score.wakes),
        "never_woken": sum(model.never_woken for model in score.models),
        "cold_minutes": sum(model.cold_minutes for model in score.models),
        "protected_cold_minutes": sum(m.cold_minutes for m in score.models if m.protected),
        "starts": starts,
        "young_kills": sum(model.young_kills for model in score.models),
        "changes": score.changes.scale_out + score.changes.scale_in,
        "aws_calls": sum(score.aws_calls.values()),
        "violations": len(score.violations),
        "cpu_s": round(score.cpu_s, 2),
        "model_minutes_per_s": round(score.model_minutes_per_s or 0.0),
    }


def _by(score: Score, field: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name in sorted({getattr(model, field) for model in score.models}):
        mine = [model for model in score.models if getattr(model, field) == name]
        shares = [one for model in mine if (one := model.served_fraction) is not None]
        total = sum(model.requests.total for model in mine)
        in_time = sum(model.requests.in_time for model in mine)
        found[name or "none"] = {
            "gpu_hours": round(sum(model.gpu_hours for model in mine), 3),
            "lost": 1 - in_time / total if total else 0.0,
            "model_lost": 1 - sum(shares) / len(shares) if shares else 0.0,
        }
    return found


def _parts(score: Score, scenario: Scenario) -> list[dict[str, float]]:
    """GPU-hours, requests and lost ones of each day. Who waits over midnight counts where his fate
    was sealed."""
    if not score.timeline:
        return []
    trace = scenario.trace
    days = -(-trace.period_s // DAY_S)
    found = [{"gpu_hours": 0.0, "requests": 0.0, "lost": 0.0} for _ in range(days)]
    for name, held in score.timeline.items():
        gpus = scenario.fleet.shapes[name].gpus
        lost = score.lost_timeline[name]
        for step, copies in enumerate(held):
            part = found[min(days - 1, step * score.step_s // DAY_S)]
            part["gpu_hours"] += copies * gpus * score.step_s / 3600
            part["lost"] += lost[step]
    for at_s, requests in zip(trace.t_start_s.tolist(), trace.requests.tolist(), strict=True):
        found[at_s // DAY_S]["requests"] += requests
    return [{name: round(value, 3) for name, value in part.items()} for part in found]


def _peaks(score: Score, scenario: Scenario) -> dict[str, float]:
    """The most GPUs held at a time by each endpoint, of ten-minute means."""
    found = {}
    for endpoint in scenario.fleet.endpoints.values():
        mine = [
            [copies * scenario.fleet.shapes[name].gpus for copies in score.timeline[name]]
            for name in endpoint.models
            if name in score.timeline
        ]
        found[endpoint.name] = round(max(map(sum, zip(*mine, strict=True)), default=0.0), 2)
    return found
