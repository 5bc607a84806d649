"""One demo from request to report."""

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from icscaler_cli.demo.finish import run_result
from icscaler_cli.demo.look_log import LookLog
from icscaler_cli.demo.play import SETTLE_S, Player
from icscaler_cli.demo.printed import print_result
from icscaler_cli.demo.scenario import Scenario, Wanted, build_scenario
from icscaler_cli.demo.stage import set_stage
from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.demo.view import View, open_view
from icscaler_cli.demo.watch import Watch
from icscaler_cli.playing import TEMPLATE, find_repository
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.pricing import PriceTable, load_prices
from icscaler_sim.report import RunResult, report_html, summary_json

SETUP_HEADSTART_S = 3600
"""Endpoints and components are created this long before the traffic begins."""


@dataclass(frozen=True, slots=True)
class Request:
    """The command's options."""

    trace: Path | None = None
    fleet: Path | None = None
    hours: float | None = None
    start_h: float = 0.0
    seed: int = 0
    out: Path = Path("build", "demo")
    prices: Path | None = None
    plain: bool = False


def run_demo(request: Request, console: Console) -> RunResult:
    """Play, print the figures, write `summary.json` and `report.html`.

    Raises `DemoError`, `TraceError`, `FleetFileError` or `PriceTableError` for bad input.
    """
    repository = find_repository()
    prices = load_prices(request.prices)
    out = _folder(request.out)
    wanted = Wanted(request.trace, request.fleet, request.hours, request.start_h, request.seed)
    scenario = build_scenario(wanted, repository, out, prices)
    began_s = time.perf_counter()
    with open_view(console, scenario, plain=request.plain) as view:
        result = play_scenario(scenario, repository / TEMPLATE, prices, view)
    _write(out / "summary.json", summary_json(result))
    _write(out / "report.html", report_html(result))
    print_result(console, result, out, time.perf_counter() - began_s)
    return result


def play_scenario(scenario: Scenario, template: Path, prices: PriceTable, view: View) -> RunResult:
    """The whole stack on a local cloud of its own, from nothing to a result."""
    for endpoint in scenario.fleet.endpoints.values():
        for variant in endpoint.variants.values():
            try:
                prices.get(variant.instance_type)
            except KeyError as error:
                raise DemoError(
                    str(error.args[0]), "add it to a price table of your own and name it: --prices"
                ) from error
    start_s = scenario.start_s - SETUP_HEADSTART_S
    with LocalCloud(start_s=start_s, seed=scenario.seed, profiles=scenario.profiles()) as cloud:
        stage = set_stage(cloud, scenario, template, view.tell)
        log, watch = LookLog(cloud), Watch(scenario)
        player = Player(cloud, scenario, log, watch)
        recording = player.play(view.minute)
        log.read()
        tally = cloud.world.tally
        span_s = (stage.deployed_s, recording.start_s + scenario.duration_s + SETTLE_S)
        records = watch.finish(stage.store, span_s, log, tally.wakes)
        return run_result(
            scenario,
            recording,
            tally,
            records,
            prices,
            looks=log.looks,
            failed_looks=log.failures,
            violations=watch.violations,
            standings=[one for one in watch.standings if one.at_s >= recording.start_s],
        )


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"{path} cannot be made: {error.strerror}", "name another folder: --out"
        ) from error
    return path


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise DemoError(
            f"{path} cannot be written: {error.strerror}", "name another folder: --out"
        ) from error
