"""What is played: the recorded traffic where `ICSCALER_TRACES` names it, else the generator's.

A scene is named by plain values, so that a run can be found again by them. The fleet is what
`icscaler simulate` gives a trace that comes without a fleet file.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from icscaler_cli.simulate.scene import build_scene
from icscaler_cli.simulate.traffic import Period, read_traffic
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate import Fleet, Scenario
from icscaler_sim.world import Delay, WorldSettings

RECORDED = {
    "fleet": "servegen_fleet_dev_w1_60s.csv.gz",
    "bursty": "servegen_bursty_dev_w1_10s.csv.gz",
    "multimodal": "servegen_mmimage_1d_60s.csv.gz",
}
GAPS = "servegen_gaps_w1.csv"
GENERATED = {
    "fleet": "generate:fleet,models=60,days=7,mean_rps=400",
    "bursty": "generate:ensemble,days=7",
    "multimodal": "generate:fleet,models=35,days=1,mean_rps=10",
}
GENERATOR_SEED = 1
DAY_S = 86_400
GPUS_PER_INSTANCE = 8


@dataclass(frozen=True, slots=True)
class SceneKey:
    """`traffic` from `RECORDED`, cut to days [from_day, to_day).

    `start_s`: seconds a copy takes on an instance that is there, in the median; None: the world's
    own (about 180 s). `instances`: limits of the endpoints' instances, by name; empty: room for
    everything.
    """

    traffic: str = "fleet"
    from_day: float = 0.0
    to_day: float = 7.0
    start_s: float | None = None
    instances: tuple[tuple[str, int], ...] = ()

    @property
    def label(self) -> str:
        """For headings."""
        parts = [self.traffic, self._period()]
        if self.start_s is not None:
            parts.append(f"start {self.start_s:g} s")
        if self.instances:
            parts.append("short of GPUs")
        return ", ".join(parts)

    def _period(self) -> str:
        days, first = self.to_day - self.from_day, int(self.from_day) + 1
        if days < 1:
            return f"{24 * days:g} hours of day {first}"
        return f"day {first}" if days == 1 else f"days {first} to {self.to_day:g}"


def recorded_folder() -> Path | None:
    """The folder of recorded traffic; None: the generator is used."""
    named = os.environ.get("ICSCALER_TRACES")
    return Path(named) if named else None


def source_of(key: SceneKey) -> dict[str, Any]:
    """What determines the scene's traffic and fleet, for finding a run again."""
    folder = recorded_folder()
    if folder is None:
        traffic = f"{GENERATED[key.traffic]},seed={GENERATOR_SEED}"
    else:
        traffic = f"{RECORDED[key.traffic]}:{_digest(folder / RECORDED[key.traffic])}"
    return {"scene": asdict(key), "source": traffic}


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def build(key: SceneKey) -> Scenario:
    """The scenario; holes of the recording are filled with neighbouring traffic."""
    folder, gaps = recorded_folder(), None
    source = GENERATED[key.traffic]
    if folder is not None:
        source = str(folder / RECORDED[key.traffic])
        gaps = folder / GAPS if key.traffic == "fleet" else None
    first, last = (f"{day * DAY_S:g}s" for day in (key.from_day, key.to_day))
    traffic = read_traffic(source, gaps, Period(first, last), GENERATOR_SEED)
    scene = build_scene(traffic, None, "critical=3,interactive=20,batch", (), load_prices())
    scenario = scene.filled or scene.scenario
    if key.start_s is not None:
        scenario = replace(scenario, settings=starting_in(scenario, key.start_s))
    if key.instances:
        scenario = replace(scenario, fleet=limited(scenario.fleet, dict(key.instances)))
    return scenario


def starting_in(scenario: Scenario, median_s: float) -> WorldSettings:
    """Loading of weights and start of the engine scaled, so that both take so long."""
    settings = scenario.settings
    weights_gb = next(iter(scenario.fleet.shapes.values())).profile.weights_gb
    usual_s = settings.weights_load_s_per_gb.at(0.5) * weights_gb + settings.engine_start_s.at(0.5)
    factor = median_s / usual_s

    def scaled(delay: Delay) -> Delay:
        return Delay(*(factor * quantile for quantile in delay.quantiles))

    return replace(
        settings,
        weights_load_s_per_gb=scaled(settings.weights_load_s_per_gb),
        engine_start_s=scaled(settings.engine_start_s),
    )


def limited(fleet: Fleet, instances: dict[str, int]) -> Fleet:
    """The same fleet with so many instances at most."""
    endpoints = {}
    for name, config in fleet.endpoints.items():
        variants = {
            variant: replace(hardware, max_instances=instances[name])
            for variant, hardware in config.variants.items()
        }
        endpoints[name] = replace(config, variants=variants)
    return replace(fleet, endpoints=endpoints)


def share_of_peak(peak_gpus: dict[str, float], share: float) -> tuple[tuple[str, int], ...]:
    """Instances of every endpoint for a share of the GPUs it held at its peak."""
    return tuple(
        (name, max(1, round(share * gpus / GPUS_PER_INSTANCE)))
        for name, gpus in sorted(peak_gpus.items())
    )
