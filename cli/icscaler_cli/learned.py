"""`icscaler learned`: what the controller has learned of each model from its own past."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from icscaler.entities import EndpointState, ModelConfig, ModelState
from icscaler.learned import InTime, Promise
from icscaler.policies import startup
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, Fleet, open_controller
from icscaler_cli.options import Models, Profile, Region, StackName, TableName, place_of
from icscaler_cli.output import console, print_json, reported_failures, say
from icscaler_cli.switching import refuse_unknown

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def learned(
    models: Models = None,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show start-up times by phase, service times and objectives as learned so far.

    Only reads. Times are in seconds.
    """
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            fleet = controller.fleet()
            refuse_unknown(fleet, [], models or [])
            rows = _rows(controller, fleet, set(models or ()))
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("Nothing is published, or no look has been made yet.")
        return
    console().print(_table(rows))
    say("charged: what a wanted copy is reckoned to take, decision included; late quantiles")


def _rows(controller: Controller, fleet: Fleet, names: set[str]) -> list[dict[str, Any]]:
    rows = []
    for endpoint, config in fleet.endpoints.items():
        state = controller.store.load(endpoint, config.version).state
        for name, model in config.models.items():
            if name in state.models and (not names or name in names):
                rows.append({"endpoint": endpoint, "model": name} | _row(model, state, name))
    return rows


def _row(model: ModelConfig, endpoint: EndpointState, name: str) -> dict[str, Any]:
    state: ModelState = endpoint.models[name]
    starts, in_time = state.starts, state.in_time
    variant = endpoint.variants.get(model.variant)
    promised = in_time.promise.in_time_fraction if in_time.promise is not None else None
    missed = in_time.missed_fraction
    return {
        "charged_s": startup.charged(starts, endpoint.decisions_s).all_s,
        "starts": len(starts.total_s),
        "decision_s": _late(endpoint.decisions_s),
        "instance_s": _late(variant.launches_s if variant is not None else ()),
        "cached_s": _late(starts.cached_s),
        "cold_s": _late(starts.cold_s),
        "launched_s": _late(starts.launched_s),
        "drift": [asdict(found) for found in startup.drifts(starts)],
        "service_s": state.service.mean_s,
        "objective": promised,
        "in_time_fraction": None if promised is None or missed is None else 1.0 - missed,
        "worth_factor": None if promised is None else in_time.worth_factor,
        "floor_that_would_reach_it": in_time.floor_copies or None,
        "set_aside": [_account(one, one.promise) for one in in_time.set_aside if one.promise],
    }


def _account(in_time: InTime, promise: Promise) -> dict[str, Any]:
    """What stands still while another objective of the model holds."""
    missed = in_time.missed_fraction
    return {
        "objective": promise.in_time_fraction,
        "deadline_s": promise.deadline_s,
        "in_time_fraction": None if missed is None else 1.0 - missed,
        "worth_factor": in_time.worth_factor,
        "floor_that_would_reach_it": in_time.floor_copies or None,
    }


def _late(values: tuple[int, ...]) -> int | None:
    return startup.late(values) if values else None


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("model", "starts", "charged", "decision", "instance", "cached", "cold"):
        table.add_column(title, overflow="fold", justify="left" if title == "model" else "right")
    for title in ("on new instance", "service", "objective", "in time", "worth"):
        table.add_column(title, justify="right")
    for row in rows:
        keys = ("starts", "charged_s", "decision_s", "instance_s", "cached_s", "cold_s")
        figures = [row["model"], *(_text(row[key]) for key in (*keys, "launched_s"))]
        shares = [_percent(row["objective"]), _percent(row["in_time_fraction"])]
        table.add_row(*figures, _text(row["service_s"], ".2f"), *shares, _factor(row))
        for one in row["set_aside"]:
            shares = [_percent(one["objective"]), _percent(one["in_time_fraction"])]
            table.add_row("  at other times", *[""] * 8, *shares, _factor(one))
    return table


def _text(value: float | None, form: str = "g") -> str:
    return "-" if value is None else format(value, form)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.4g} %"


def _factor(row: dict[str, Any]) -> str:
    if row["worth_factor"] is None:
        return "-"
    floor = row["floor_that_would_reach_it"]
    return f"x {row['worth_factor']:.2f}" + (
        f", out of reach below {floor} copies" if floor else ""
    )
