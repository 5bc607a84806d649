"""One simulation from request to results."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from icscaler_cli.output import ExitCode
from icscaler_cli.playing import UNHEALTHY
from icscaler_cli.simulate.listing import print_policies
from icscaler_cli.simulate.printed import print_comparison
from icscaler_cli.simulate.progress import following
from icscaler_cli.simulate.scene import Scene, build_scene
from icscaler_cli.simulate.traffic import Period, Traffic, read_traffic, time_text
from icscaler_sim.baselines import Value
from icscaler_sim.comparison import Entry, Played, document, document_json, page_html
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate import ICSCALER, Job, Scenario, SimulationError
from icscaler_sim.simulate.choices import (
    Setting,
    all_policies,
    jobs_of,
    known_policy,
    read_setting,
)
from icscaler_sim.simulate.pool import run_all
from icscaler_sim.simulate.run import check_job

__all__ = ["Request", "print_policies", "simulate_request"]

STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Request:
    """The command's options."""

    trace: str
    fleet: Path | None = None
    class_rule: str | None = None
    write_fleet: Path | None = None
    start: str | None = None
    end: str | None = None
    warm_up: str | None = None
    gaps: Path | None = None
    in_time: Sequence[str] = ()
    prices: Path | None = None
    seeds: Sequence[int] = (0,)
    policies: Sequence[str] = ()
    compare: str | None = None
    settings: Sequence[str] = ()
    price: Sequence[str] = ()
    sweep: bool = False
    json_out: Path | None = None
    html_out: Path | None = None
    processes: int | None = None
    check_every: int = 0


def simulate_request(request: Request, results: Console, messages: Console) -> int:
    """Play everything, print the table, write what was asked for. The exit code.

    Raises `SimulationError`, `TraceError`, `FleetFileError` or `PriceTableError`, and then
    nothing is written.
    """
    jobs = _jobs(request)
    for path in (request.json_out, request.html_out, request.write_fleet):
        check_writable(path)
    period = Period(request.start, request.end, request.warm_up)
    traffic = read_traffic(request.trace, request.gaps, period, request.seeds[0])
    prices = load_prices(request.prices)
    scene = build_scene(traffic, request.fleet, request.class_rule, request.in_time, prices)
    traffic = scene.traffic
    for job in jobs:
        check_job(scene.scenario, job)
    if request.write_fleet is not None and scene.fleet_text is None:
        raise SimulationError("--write-fleet: there is a fleet file", f"it is {scene.fleet}")
    for note in traffic.notes:
        messages.print(note, style="yellow")
    messages.print(_what(traffic, scene, jobs), style="dim")
    began_s = time.perf_counter()
    entries = _play(scene, jobs, request.processes, messages)
    content = document(_played(request, traffic, scene), entries)
    if request.json_out == STDOUT:
        results.out(document_json(content), end="", highlight=False)
    else:
        print_comparison(results, content, time.perf_counter() - began_s)
    for path, text in _files(request, scene, content, entries):
        write_whole(path, text)
        messages.print(f"Wrote {path}", style="dim")
    if any(entry.score.violations for entry in entries):
        messages.print("Invariants were violated: see invariant_violations.", style="bold red")
        return UNHEALTHY
    return ExitCode.OK


def _files(
    request: Request, scene: Scene, content: dict[str, Any], entries: Sequence[Entry]
) -> Iterator[tuple[Path, str]]:
    if request.write_fleet is not None and scene.fleet_text is not None:
        yield request.write_fleet, scene.fleet_text
    if request.json_out not in (None, STDOUT):
        yield request.json_out, document_json(content)
    if request.html_out is not None:
        yield request.html_out, page_html(content, scene.scenario.judged, entries)


def _jobs(request: Request) -> list[Job]:
    settings = [read_setting(text) for text in request.settings]
    chosen: Sequence[tuple[str, Mapping[str, Value]]] = [
        (known_policy(name), {}) for name in dict.fromkeys(request.policies or (ICSCALER,))
    ]
    if request.compare == "all":
        chosen = all_policies()
    elif request.compare is not None:
        raise SimulationError(
            f"--compare knows only all, not {request.compare}", "name single policies with --policy"
        )
    if request.price:
        text = f"{ICSCALER}.price={','.join(request.price)}"
        settings.append(_price(text))
    return jobs_of(
        chosen,
        settings,
        sweep=request.sweep,
        seeds=tuple(dict.fromkeys(request.seeds)),
        check_every=request.check_every,
        keep_timeline=request.html_out is not None,
    )


def _price(text: str) -> Setting:
    setting = read_setting(text)
    for value in setting.values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise SimulationError(f"--price {value} is no price", "give a number above 0")
    return setting


def _play(
    scene: Scene, jobs: Sequence[Job], processes: int | None, messages: Console
) -> list[Entry]:
    rounds: list[tuple[Scenario, str | None]] = [
        (scene.scenario, None if scene.filled is None else "recorded")
    ]
    if scene.filled is not None:
        rounds.append((scene.filled, "filled"))
    entries: list[Entry] = []
    with following(messages, jobs, len(rounds)) as progress:
        for scenario, gaps in rounds:
            progress.begin(gaps)
            scores = run_all(
                scenario,
                jobs,
                processes=processes,
                on_share=progress.share,
                on_score=progress.score,
            )
            entries += [Entry(score, gaps) for score in scores]
    return entries


def _what(traffic: Traffic, scene: Scene, jobs: Sequence[Job]) -> str:
    trace = scene.scenario.judged
    rounds = "" if scene.filled is None else ", as recorded and with gaps filled"
    return (
        f"{traffic.title}: {len(trace.models)} models, {trace.total().requests:,} requests in "
        f"{time_text(trace.period_s)}; {scene.fleet}; {len(jobs)} "
        f"run{'s' if len(jobs) != 1 else ''}{rounds}."
    )


def _played(request: Request, traffic: Traffic, scene: Scene) -> Played:
    trace = scene.scenario.judged
    endpoint = next(iter(scene.scenario.fleet.endpoints.values()))
    return Played(
        traffic=traffic.title,
        fleet=scene.fleet,
        reference_type=next(iter(endpoint.variants.values())).instance_type,
        models=len(trace.models),
        requests=trace.total().requests,
        bin_s=trace.width_s,
        from_s=traffic.from_s,
        to_s=traffic.from_s + trace.period_s,
        start_s=scene.scenario.start_s + traffic.warm_s,
        warm_s=traffic.warm_s,
        seeds=tuple(dict.fromkeys(request.seeds)),
        classes=scene.classes,
        in_time_s=scene.in_time_s,
        prices=scene.scenario.prices,
        notes=traffic.notes,
    )


def check_writable(path: Path | None) -> None:
    """Before anything is played: an hour's runs must not end in a wrong path."""
    if path is None or path == STDOUT:
        return
    if path.is_dir():
        raise SimulationError(f"{path} is a folder", "name a file to write")
    near = path if path.exists() else next(one for one in path.parents if one.exists())
    if near != path and not near.is_dir():
        raise SimulationError(f"{path} cannot be written: {near} is no folder", "name another")
    if not os.access(near, os.W_OK):
        raise SimulationError(f"{path} cannot be written: no permission", "name another place")


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing."""
    scratch: Any = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as scratch:
            scratch.write(text)
        Path(scratch.name).chmod(0o644)
        Path(scratch.name).replace(path)
    except OSError as error:
        if scratch is not None:
            Path(scratch.name).unlink(missing_ok=True)
        raise SimulationError(
            f"{path} cannot be written: {error.strerror}", "name another place"
        ) from error
