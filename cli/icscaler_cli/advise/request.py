"""One piece of advice from request to results."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from icscaler_cli.advise.play import advise, most_runs
from icscaler_cli.advise.printed import advice_dict, print_advice
from icscaler_cli.advise.progress import following
from icscaler_cli.advise.resize import Measurement
from icscaler_cli.output import ExitCode
from icscaler_cli.playing import ENSEMBLE_FLEET, find_repository
from icscaler_cli.simulate.play import STDOUT, check_writable, write_whole
from icscaler_cli.simulate.scene import Scene, build_scene
from icscaler_cli.simulate.traffic import GENERATE, Period, read_traffic, time_text
from icscaler_sim.advice import HostRules, ReservationRules
from icscaler_sim.baselines import Value
from icscaler_sim.pricing import PriceTable, load_prices
from icscaler_sim.simulate import ICSCALER, Job, Scenario, SimulationError
from icscaler_sim.simulate.policies import nearest
from icscaler_sim.simulate.run import check_job
from icscaler_sim.traces import read_usage, usage_file_beside
from icscaler_sim.world import Refusal
from icscaler_sim.world.catalog import instance_type

_SPEED = re.compile(r"([\w.]+)=(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Request:
    """The command's options."""

    trace: str
    fleet: Path | None = None
    class_rule: str | None = None
    start: str | None = None
    end: str | None = None
    warm_up: str | None = None
    prices: Path | None = None
    types: Sequence[str] = ()
    speeds: Sequence[str] = ()
    slowest: float = 0.5
    workers: int = 0
    price: float | None = None
    usage: Path | None = None
    margin: float = 0.25
    least_measured_h: float = 24.0
    resize: bool = False
    seed: int = 0
    write_fleet: Path | None = None
    json_out: Path | None = None


def advise_request(request: Request, results: Console, messages: Console) -> int:
    """Play, print, write. Raises what `icscaler simulate` raises, and then nothing is written."""
    for path in (request.json_out, request.write_fleet):
        check_writable(path)
    prices = load_prices(request.prices)
    period = Period(request.start, request.end, request.warm_up)
    measurement = _measurement(request)
    traffic = read_traffic(request.trace, None, period, request.seed)
    scene = build_scene(traffic, request.fleet, request.class_rule, (), prices)
    text, source = _fleet_text(request, scene)
    rules = _rules(request, prices, scene.scenario)
    settings: dict[str, Value] = {} if request.price is None else {"price": request.price}
    job = Job(ICSCALER, settings, request.seed)
    check_job(scene.scenario, job)
    for note in (*scene.traffic.notes, *_strangers(measurement, scene)):
        messages.print(note, style="yellow")
    most = most_runs(measurement)
    length = time_text(scene.scenario.trace.period_s)
    messages.print(f"At most {most} runs of {length} of traffic each.", style="dim")
    with following(messages, most) as progress:
        found = advise(text, source, scene.scenario, rules, job, measurement, progress)
    document = advice_dict(found)
    if request.json_out == STDOUT:
        results.out(json.dumps(document, indent=2), highlight=False)
    else:
        print_advice(results, found)
    if request.write_fleet is not None:
        write_whole(request.write_fleet, found.file_text)
        messages.print(f"Wrote {request.write_fleet}", style="dim")
    if request.json_out not in (None, STDOUT):
        assert request.json_out is not None
        write_whole(request.json_out, json.dumps(document, indent=2) + "\n")
        messages.print(f"Wrote {request.json_out}", style="dim")
    return ExitCode.OK


def _fleet_text(request: Request, scene: Scene) -> tuple[str, str]:
    if scene.fleet_text is not None:
        return scene.fleet_text, "default fleet rule"
    path = request.fleet or find_repository() / ENSEMBLE_FLEET
    return path.read_text("utf-8"), str(path)


def _measurement(request: Request) -> Measurement:
    """What was measured: `--usage`, else what lies beside the trace. Raises `TraceError`."""
    file = request.usage
    if file is None and not request.trace.startswith(GENERATE):
        file = usage_file_beside(Path(request.trace))
    if file is None and request.resize:
        raise SimulationError(
            "--resize needs what copies used, and nothing was measured",
            "export it with icscaler export-history, and name it: --usage NAME_usage.csv",
        )
    rules = ReservationRules(request.margin, round(request.least_measured_h * 3600))
    return Measurement({} if file is None else read_usage(file), rules, request.resize)


def _strangers(measurement: Measurement, scene: Scene) -> Iterator[str]:
    unknown = sorted(measurement.uses.keys() - scene.scenario.fleet.shapes.keys())
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield f"Measured, but not in the fleet: {', '.join(unknown[:5])}{more}."


def _rules(request: Request, prices: PriceTable, scenario: Scenario) -> HostRules:
    """Raises `SimulationError` for a type that the price table or the world does not know."""
    known = [kind.name for kind in prices.types if _playable(kind.name)]
    speeds = {}
    for text in request.speeds:
        parts = _SPEED.fullmatch(text.strip())
        if parts is None or float(parts[2]) <= 0:
            raise SimulationError(
                f"--speed {text} cannot be read", "write TYPE=FACTOR: ml.g5.12xlarge=0.4"
            )
        speeds[parts[1]] = float(parts[2])
    for name in (*request.types, *speeds):
        if name not in known:
            raise SimulationError(f"there is no instance type '{name}'", nearest(name, known))
    reference = prices.get(_usual_type(scenario))
    return HostRules(reference, request.types or known, request.slowest, speeds, request.workers)


def _usual_type(scenario: Scenario) -> str:
    """The type that most components run on; of a fleet without any, most models."""
    members = [(m.kind, e.variants[m.variant].instance_type) for e, m in scenario.fleet.members()]
    components = [kind for what, kind in members if what == "component"]
    return Counter(components or [kind for _, kind in members]).most_common(1)[0][0]


def _playable(name: str) -> bool:
    try:
        instance_type(name)
    except Refusal:
        return False
    return True
