"""What is played: the demo's fleet and traffic, or a small fleet that settles quickly.

Beside the healthy endpoints there is poison: in the demo's fleet an endpoint called `poisoned`
whose every look ends in an exception, in the small one messages that nobody can read. After the
traffic comes a quiet stretch with a steady load and every switch off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.demo.run import find_repository
from icscaler_cli.demo.scenario import MONDAY_S, Scenario, Wanted, build_scenario
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.traces import Trace
from icscaler_sim.traces.trace import build_trace
from tests.chaos.switches import SLOW_START, SWITCHES, PutOn, slow_start

POISONED = "poisoned"
_POISON = """
version: 1
defaults: {max_copies: 1, policy: {target_tracking: {metric: concurrency, target_value: 28}}}
endpoints:
  poisoned: {variants: {AllTraffic: {instance_type: ml.p4d.24xlarge, max_instances: 1}}}
models:
  - {name: poison, resources: {gpus: 1, memory_mb: 1024}}
"""
_SMALL = """
version: 1
defaults:
  policy:
    target_tracking:
      metric: concurrency
      target_value: 20
      scale_in_stabilization_s: 120
      scale_in_cooldown_s: 60
  idle_s: 300
  max_copies: 6
  limits: {minimum_life_s: 120, refusal_memory_s: 120}
  resources: {gpus: 1, cpus: 4, memory_mb: 16384}
endpoints:
  shared: {variants: {AllTraffic: {instance_type: ml.p4d.24xlarge, max_instances: 2}}}
models:
  - {name: typed, class: critical}
  - {name: asked, class: interactive}
  - {name: rare, class: batch, resources: {gpus: 4, cpus: 8, memory_mb: 65536}, max_copies: 1}
"""
_DEMO_SHARES = {
    "inline-completion": 3.2,
    "text-evaluation": 1.0,
    "block-generation": 0.87,
    "flow-generation": 0.87,
}
_BIN_S = 60
_SIZES: Mapping[str, tuple[int, int]] = {"typed": (1500, 60), "asked": (2600, 230)}
_SIZE = (3000, 400)


@dataclass(frozen=True, slots=True)
class Scene:
    """`scenario` with its traffic for `minutes`, then `quiet` for `quiet_minutes`."""

    scenario: Scenario
    quiet: Trace
    minutes: int
    quiet_minutes: int
    switches: Mapping[str, PutOn] = field(default_factory=lambda: SWITCHES)

    @property
    def healthy(self) -> list[str]:
        """Endpoints whose looks do not die by themselves."""
        return [name for name in self.scenario.fleet.endpoints if name != POISONED]


def demo_scene(minutes: int = 120, quiet_minutes: int = 60, start_h: float = 8.0) -> Scene:
    """The demo's fleet and its generated traffic from that hour on."""
    repository = find_repository()
    wanted = Wanted(None, None, minutes / 60, start_h, 0)
    scenario = build_scenario(wanted, repository, Path(), load_prices(None))
    poison = compile_fleet(load_fleet(_POISON))
    endpoints = scenario.fleet.endpoints | poison.endpoints
    fleet = replace(scenario.fleet, endpoints=endpoints)
    merged = replace(
        scenario,
        fleet=fleet,
        shapes={**scenario.shapes, **copy_shapes(poison.endpoints)},
        first_copies={**scenario.first_copies, "poison": 1},
    )
    quiet = steady(scenario.trace, quiet_minutes, _DEMO_SHARES)
    return Scene(merged, quiet, minutes, quiet_minutes)


def small_scene(minutes: int = 15, quiet_minutes: int = 24) -> Scene:
    """Three models whose load comes and goes within minutes."""
    fleet = compile_fleet(load_fleet(_SMALL))
    hill = [300, 300, 2400, 4800, 4800, 3600, 2400, 1200]
    counts = {
        "typed": [hill[m // 2 % len(hill)] for m in range(minutes)],
        "asked": [0 if m % 9 > 4 else 500 for m in range(minutes)],
        "rare": [2 if m in (6, 7, 8) else 0 for m in range(minutes)],
    }
    shapes = copy_shapes(fleet.endpoints)
    copies = {"typed": 1, "asked": 1, "rare": 1}
    scenario = Scenario("small", "made up", MONDAY_S, counted(counts), fleet, shapes, copies, 0)
    # A start under way when the switch goes off must end in the quiet minutes, which are few here.
    switches = SWITCHES | {SLOW_START: partial(slow_start, 3.0)}
    quiet = steady(scenario.trace, quiet_minutes, {"typed": 0.75, "asked": 0.75})
    return Scene(scenario, quiet, minutes, quiet_minutes, switches)


def steady(trace: Trace, minutes: int, shares: Mapping[str, float]) -> Trace:
    """So much of each model's mean load, minute by minute the same.

    The shares are such that copies do not depend on where they come from. A load a little above
    what n copies are meant for keeps n as well as n + 1, by the tolerance of target tracking; and
    a single-model endpoint gives instances back so slowly that its load had better want all.
    """
    loads = {}
    sizes = {}
    for name, share in shares.items():
        rows = trace.model_index == trace.models.index(name)
        total = int(trace.requests[rows].sum())
        loads[name] = [max(1, int(total * share * 60 / trace.period_s))] * minutes
        sizes[name] = (
            int(trace.input_tokens[rows].sum() / total),
            int(trace.output_tokens[rows].sum() / total),
        )
    return counted(loads, sizes)


def counted(
    counts: Mapping[str, Sequence[int]], sizes: Mapping[str, tuple[int, int]] = _SIZES
) -> Trace:
    """Requests a minute by model as a trace."""
    names = tuple(counts)
    rows = [
        (minute * _BIN_S, place, many, *(many * tokens for tokens in sizes.get(name, _SIZE)))
        for place, name in enumerate(names)
        for minute, many in enumerate(counts[name])
        if many
    ]
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    minutes = max(len(series) for series in counts.values())
    return build_trace("made up", names, _BIN_S, minutes * _BIN_S, *columns)
