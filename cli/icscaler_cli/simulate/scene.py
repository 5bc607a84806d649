"""The fleet of a simulation: a fleet file, or the default rule for the traffic's models."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.output import number
from icscaler_cli.playing import ENSEMBLE_FLEET, find_repository
from icscaler_cli.simulate.traffic import Traffic
from icscaler_sim.pricing import PriceTable, static_peak
from icscaler_sim.simulate import (
    Fleet,
    Scenario,
    SimulationError,
    acting,
    at_bases,
    bases_of,
)
from icscaler_sim.simulate.default_fleet import CLASS_RULE, OBJECTIVE, classes_by_rule, fleet_text
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.traces import MONDAY_S, CopyShape, default_copy_shape
from icscaler_sim.world import WorldSettings

_NAME = re.compile(r"[A-Za-z0-9](?:-*[A-Za-z0-9]){0,62}")
_LIMIT = re.compile(r"(?:([\w-]+)=)?(\d+(?:\.\d+)?)")
_LIMIT_FORM = "write SECONDS for all models or CLASS=SECONDS: critical=5"


@dataclass(frozen=True, slots=True)
class Scene:
    """The scenario as recorded, and with gaps filled where they were named."""

    scenario: Scenario
    traffic: Traffic
    """As it is played: requests of adapters are their base's."""
    fleet: str
    in_time_s: Mapping[str, float]
    filled: Scenario | None = None
    fleet_text: str | None = None
    """The fleet file that the default rule gave."""

    @property
    def classes(self) -> Counter[str]:
        """Models of each class."""
        return Counter(model.class_name for _, model in self.scenario.fleet.members())


def build_scene(
    traffic: Traffic,
    fleet_file: Path | None,
    class_rule: str | None,
    in_time: Sequence[str],
    prices: PriceTable,
) -> Scene:
    """Raises `SimulationError` or `FleetFileError`."""
    if fleet_file is not None and class_rule is not None:
        raise SimulationError(
            "--class-rule is for traffic without a fleet file", "give classes in the fleet file"
        )
    text = None
    if fleet_file is not None:
        compiled, said = compile_fleet(load_fleet(fleet_file)), str(fleet_file)
    elif traffic.ensemble and class_rule is None:
        compiled = compile_fleet(load_fleet(find_repository() / ENSEMBLE_FLEET))
        said = str(ENSEMBLE_FLEET)
    else:
        rule = class_rule or CLASS_RULE
        text = _default_fleet(traffic, rule, prices)
        compiled, said = compile_fleet(load_fleet(text)), f"default fleet rule, classes {rule}"
    traffic, compiled = _playable(traffic, compiled)
    limits = limits_of(in_time)
    fleet = _fleet(compiled, traffic, limits)
    _check_prices(fleet, prices)
    start_s = MONDAY_S + traffic.from_s - traffic.warm_s
    scenario = Scenario(traffic.trace, fleet, prices, start_s, warm_s=traffic.warm_s)
    filled = None if traffic.filled is None else replace(scenario, trace=traffic.filled)
    usual = {"": WorldSettings().in_time_s}
    return Scene(scenario, traffic, said, usual | limits, filled, text)


def _playable(traffic: Traffic, compiled: CompiledFleet) -> tuple[Traffic, CompiledFleet]:
    """Adapters hold no GPUs: their requests are their base's. Everything is acted on."""
    notes = list(traffic.notes)
    bases = bases_of(compiled.endpoints)
    if bases:
        count = sum(map(len, bases.values()))
        notes.append(
            f"{number(count, 'adapter')} counted for {number(len(bases), 'base')}: of each bin the "
            "larger of a base's own requests and its adapters' together."
        )
    if any(
        endpoint.observe or endpoint.paused or any(m.observe or m.paused for m in models)
        for endpoint in compiled.endpoints.values()
        for models in [endpoint.models.values()]
    ):
        notes.append("Played as if nothing were observed or paused.")
    played = replace(
        traffic,
        trace=at_bases(traffic.trace, bases),
        filled=None if traffic.filled is None else at_bases(traffic.filled, bases),
        notes=tuple(notes),
    )
    return played, replace(compiled, endpoints=acting(compiled.endpoints))


def limits_of(texts: Sequence[str]) -> dict[str, float]:
    """Seconds by class, "" for all. Raises `SimulationError`."""
    found = {}
    for text in texts:
        parts = _LIMIT.fullmatch(text.strip())
        if parts is None or float(parts[2]) <= 0:
            raise SimulationError(f"--in-time {text} cannot be read", _LIMIT_FORM)
        found[parts[1] or ""] = float(parts[2])
    return found


def _default_fleet(traffic: Traffic, rule: str, prices: PriceTable) -> str:
    trace = traffic.trace
    for name in trace.models:
        if not _NAME.fullmatch(name):
            raise SimulationError(
                f"{trace.source}: '{name}' is not a valid name of an inference component",
                "rename it in the trace: letters, digits and inner hyphens, at most 63",
            )
    shapes = {name: default_copy_shape(name) for name in trace.models}
    classes = classes_by_rule(rule, trace)
    peaks = static_peak(trace, shapes)
    return fleet_text(trace.source, shapes, peaks, prices, classes, OBJECTIVE)


def _fleet(compiled: CompiledFleet, traffic: Traffic, limits: Mapping[str, float]) -> Fleet:
    shapes = copy_shapes(compiled.endpoints)
    classes = {
        name: model.class_name
        for endpoint in compiled.endpoints.values()
        for name, model in endpoint.models.items()
    }
    unknown = set(limits) - {"", *classes.values()}
    if unknown:
        raise SimulationError(
            f"--in-time: no model is of class {', '.join(sorted(unknown))}",
            f"the fleet's classes are {', '.join(sorted(set(classes.values())))}",
        )
    for name, shape in shapes.items():
        limit_s = limits.get(classes[name], limits.get(""))
        if limit_s is not None:
            shapes[name] = _limited(shape, limit_s)
    return Fleet(compiled.endpoints, shapes, traffic.strata)


def _limited(shape: CopyShape, limit_s: float) -> CopyShape:
    """Callers who are promised an answer within a time wait as long."""
    patience_s = max(shape.profile.patience_s, limit_s)
    return replace(shape, profile=replace(shape.profile, in_time_s=limit_s, patience_s=patience_s))


def _check_prices(fleet: Fleet, prices: PriceTable) -> None:
    for endpoint in fleet.endpoints.values():
        for variant in endpoint.variants.values():
            try:
                prices.get(variant.instance_type)
            except KeyError as error:
                raise SimulationError(
                    str(error.args[0]), "add it to a price table of your own and name it: --prices"
                ) from error
