"""Fleets of any size with the recorded fleet's activity, played through the real handlers.

A small fleet is every so manieth model of the recording, from the busiest to those never called. A
large one is the whole recording several times: each time another day of it, so that its copies of
a model are busy at different moments. Without recorded traffic (`ICSCALER_TRACES`) the generator's
fleet is played.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.demo.play import Arriving, next_minute
from icscaler_cli.demo.room import first_copies
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.stage import Stage, set_stage
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.pricing import load_prices, static_peak
from icscaler_sim.simulate.default_fleet import OBJECTIVE, classes_by_rule, fleet_text
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.traces import MONDAY_S, Trace, default_copy_shape, generate_fleet, read_trace
from icscaler_sim.traces.trace import build_trace
from icscaler_sim.world.specs import ProfileCatalog

ROOT = Path(__file__).parents[1]
RECORDING = "servegen_fleet_dev_w1_60s.csv.gz"
HOUR_S, DAY_S = 3600, 86_400
# Endpoints and components need some time before the traffic begins.
AHEAD_S = 2 * HOUR_S
PARAMETERS = {"Mode": "act"}
# Fewer than the default fleet rule deals: what costs by the endpoint is not made to look cheap.
MODELS_PER_ENDPOINT = 20


@cache
def recording() -> Trace:
    """A week of traffic; where none is recorded, of as many models by the generator."""
    folder = os.environ.get("ICSCALER_TRACES")
    if folder:
        return read_trace(Path(folder, RECORDING))
    return generate_fleet(157, 1, days=7, mean_rps=400)


def traffic(models: int, hours: float, from_h: float = 0.0) -> Trace:
    """`hours` of the recording from hour `from_h` of its first day, for so many models."""
    week = recording()
    busiest = sorted(week.models, key=lambda name: -week.totals()[name].requests)
    windows, left, day = [], models, 0
    while left > 0:
        size = min(left, len(busiest))
        chosen = [busiest[place * len(busiest) // size] for place in range(size)]
        start_s = round(from_h * HOUR_S) + day * DAY_S
        cut = week.window(start_s, start_s + round(hours * HOUR_S)).select(chosen)
        windows.append((day, cut))
        left, day = left - size, day + 1
    return _together(windows)


def _together(windows: list[tuple[int, Trace]]) -> Trace:
    names = [f"{name}-d{day}" if day else name for day, cut in windows for name in cut.models]
    offsets = np.cumsum([0, *(len(cut.models) for _, cut in windows)])
    first = windows[0][1]
    return build_trace(
        first.source,
        tuple(names),
        first.width_s,
        first.period_s,
        np.concatenate([cut.t_start_s for _, cut in windows]),
        np.concatenate(
            [cut.model_index + offset for (_, cut), offset in zip(windows, offsets, strict=False)]
        ),
        *(
            np.concatenate([getattr(cut, column) for _, cut in windows])
            for column in ("requests", "input_tokens", "output_tokens")
        ),
    )


def scenario(models: int, hours: float, from_h: float = 0.0) -> Scenario:
    """Traffic and the fleet of the default rule: classes by how busy a model is, objectives."""
    trace = traffic(models, hours, from_h)
    shapes = {name: default_copy_shape(name) for name in trace.models}
    critical, interactive = max(1, models // 50), max(1, models // 8)
    text = fleet_text(
        trace.source,
        shapes,
        static_peak(trace, shapes),
        load_prices(),
        classes_by_rule(f"critical={critical},interactive={interactive},batch", trace),
        OBJECTIVE,
        MODELS_PER_ENDPOINT,
    )
    fleet = compile_fleet(load_fleet(text))
    compiled = copy_shapes(fleet.endpoints)
    copies = first_copies(fleet, trace, compiled)
    start_s = MONDAY_S + round(from_h * HOUR_S)
    return Scenario("recorded", trace.source, start_s, trace, fleet, compiled, copies, seed=1)


@dataclass(frozen=True, slots=True)
class Played:
    """A stage on which the traffic is played step by step."""

    cloud: LocalCloud
    stage: Stage
    scenario: Scenario
    arriving: Arriving
    start_s: int

    def until(self, second: int, on_minute: Callable[[], None] = lambda: None) -> None:
        """Play up to that second of the traffic."""
        cloud = self.cloud
        while cloud.clock.now_s < self.start_s + second:
            end_s = min(second, int(cloud.clock.now_s) - self.start_s + 60)
            self.arriving.until(end_s)
            cloud.run_until(self.start_s + end_s)
            on_minute()


@contextmanager
def playing(scene: Scenario, **parameters: str) -> Iterator[Played]:
    """The controller deployed over the scenario's endpoints, at second 0 of the traffic."""
    catalog = ProfileCatalog({name: shape.profile for name, shape in scene.shapes.items()})
    with LocalCloud(start_s=scene.start_s - AHEAD_S, seed=scene.seed, profiles=catalog) as cloud:
        stage = set_stage(
            cloud, scene, ROOT / "template.yaml", lambda _: None, PARAMETERS | parameters
        )
        put_to_sleep(cloud, scene)
        start_s = max(scene.start_s, next_minute(cloud.clock.now_s))
        cloud.run_until(start_s)
        yield Played(cloud, stage, scene, Arriving(cloud.world, scene.trace, start_s), start_s)


def put_to_sleep(cloud: LocalCloud, scene: Scenario) -> None:
    """Models nobody calls in the traffic's first hour begin at zero copies, as they would be.

    CreateInferenceComponent refuses zero, and a controller just deployed does not know who is
    rarely used.
    """
    called = {name for _, _, rows in scene.trace.iter_bins(0, HOUR_S) for name, *_ in rows}
    for endpoint in scene.fleet.endpoints.values():
        for name, model in endpoint.models.items():
            if name not in called and model.min_copies == 0:
                cloud.world.set_copies(name, 0)
