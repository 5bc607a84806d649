"""What is played: traffic, the fleet that serves it, and how its models behave."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler_cli.demo.room import first_copies
from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.playing import HYBRID_FLEET
from icscaler_sim.pricing import PriceTable, static_peak
from icscaler_sim.simulate.default_fleet import fleet_text
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.traces import (
    MONDAY_S,
    CopyShape,
    Trace,
    default_copy_shape,
    generate_ensemble,
    read_trace,
)
from icscaler_sim.world.specs import ProfileCatalog

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for. `start_h` and `hours` cut the traffic; hours None: to its end."""

    trace: Path | None
    fleet: Path | None
    hours: float | None
    start_h: float
    seed: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """Traffic from second 0, which is at `start_s`, and the compiled fleet.

    `shapes` and `first_copies` (with which each model begins) have every model of the fleet.
    """

    title: str
    traffic: str
    start_s: int
    trace: Trace
    fleet: CompiledFleet
    shapes: Mapping[str, CopyShape]
    first_copies: Mapping[str, int]
    seed: int

    @property
    def duration_s(self) -> int:
        """Whole minutes."""
        return -(-self.trace.period_s // 60) * 60

    def variants_of_their_own(self) -> dict[str, tuple[str, str]]:
        """(endpoint, variant) of each single-model variant, by its name in the fleet."""
        return {
            name: (endpoint.name, model.variant)
            for name, (endpoint, model) in self.models().items()
            if model.kind == "variant"
        }

    def profiles(self) -> ProfileCatalog:
        """How copies behave, by the names the world knows them under."""
        catalog = ProfileCatalog({name: shape.profile for name, shape in self.shapes.items()})
        for name, (endpoint, variant) in self.variants_of_their_own().items():
            catalog.set(f"{endpoint}/{variant}", self.shapes[name].profile)
        return catalog

    def models(self) -> dict[str, tuple[EndpointConfig, ModelConfig]]:
        """Every model with its endpoint, in the traffic's order, then those without traffic."""
        found = {
            name: (endpoint, model)
            for endpoint in self.fleet.endpoints.values()
            for name, model in endpoint.models.items()
        }
        called = {name: found[name] for name in self.trace.models}
        return {**called, **found}


def build_scenario(wanted: Wanted, repository: Path, out: Path, prices: PriceTable) -> Scenario:
    """Read or generate everything. Raises `DemoError`, `SimulationError`, `TraceError` or
    `FleetFileError`."""
    if wanted.trace is None:
        whole = generate_ensemble(wanted.seed, days=_days(wanted))
        trace = _cut(whole, wanted)
        path = wanted.fleet or repository / HYBRID_FLEET
        fleet = compile_fleet(load_fleet(path))
        title = "A code assistant's models, the steady one on its own endpoint"
        traffic = f"generated traffic, seed {wanted.seed}"
    else:
        whole = read_trace(wanted.trace)
        trace = _cut(whole, wanted)
        fleet = _fleet_of(trace, wanted, out, prices)
        title, traffic = "Recorded traffic", trace.source
    shapes = copy_shapes(fleet.endpoints)
    _check_known(trace, shapes, wanted)
    copies = first_copies(fleet, trace, shapes)
    start_s = MONDAY_S + _start_s(whole, wanted)
    return Scenario(title, traffic, start_s, trace, fleet, shapes, copies, wanted.seed)


def _days(wanted: Wanted) -> float:
    """Generated traffic is as long as it is asked for, a day by default."""
    hours = 24.0 if wanted.hours is None else wanted.start_h + wanted.hours
    return max(1.0, hours / 24.0)


def _start_s(trace: Trace, wanted: Wanted) -> int:
    """No bin or minute is cut: the period begins with the one that the start falls into."""
    step_s = math.lcm(trace.width_s, 60)
    return round(wanted.start_h * HOUR_S) // step_s * step_s


def _cut(trace: Trace, wanted: Wanted) -> Trace:
    start_s = _start_s(trace, wanted)
    end_s = trace.period_s if wanted.hours is None else start_s + round(wanted.hours * HOUR_S)
    if start_s >= trace.period_s:
        raise DemoError(
            f"--start {wanted.start_h:g} is behind the end of the traffic",
            f"it is {trace.period_s / HOUR_S:g} hours long",
        )
    return trace.window(start_s, end_s)


def _fleet_of(trace: Trace, wanted: Wanted, out: Path, prices: PriceTable) -> CompiledFleet:
    if wanted.fleet is not None:
        return compile_fleet(load_fleet(wanted.fleet))
    shapes = {name: default_copy_shape(name) for name in trace.models}
    text = fleet_text(trace.source, shapes, static_peak(trace, shapes), prices)
    path = out / "fleet.yaml"
    path.write_text(text, "utf-8")
    return compile_fleet(load_fleet(path))


def _check_known(trace: Trace, shapes: Mapping[str, CopyShape], wanted: Wanted) -> None:
    unknown = [name for name in trace.models if name not in shapes]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise DemoError(
            f"the fleet file does not know {', '.join(unknown[:5])}{more}",
            "add them to its models, or leave --fleet away to size them by the default fleet rule"
            if wanted.trace
            else "the generated traffic is for the models of examples/hybrid-ensemble.yaml",
        )
