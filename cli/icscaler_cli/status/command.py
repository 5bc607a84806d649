"""The `icscaler status` command: options in, exit code out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import typer

from icscaler import overlays
from icscaler.entities import EndpointConfig
from icscaler.ports import EndpointItem, FleetPointer
from icscaler_cli import clock
from icscaler_cli.aws import Place, explained
from icscaler_cli.controller import Controller, Fleet, open_controller
from icscaler_cli.options import (
    Endpoints,
    Json,
    Models,
    Profile,
    Region,
    StackName,
    TableName,
    place_of,
)
from icscaler_cli.output import console, number, print_json, reported_failures, say
from icscaler_cli.status.standing import EndpointStanding, standing
from icscaler_cli.status.view import as_dict, details, heading, models_table
from icscaler_cli.switching import refuse_unknown, tell_still_paused

_WORKERS = 8
MAX_UNMANAGED_SHOWN = 10

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def status(
    endpoint: Endpoints = None,
    model: Models = None,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show what runs where, why, since when, and what comes next.

    Reasons are those of the last look at each endpoint. With --model everything about it. Only
    reads.
    """
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            pointer = controller.store.fleet_pointer()
            items = controller.items(pointer)
            refuse_unknown(Fleet(pointer, _configs(items)), endpoint or [], model or [])
            found = _standings(controller, pointer, items, endpoint or [], model or [])
    if as_json:
        version = pointer.version if pointer else None
        paused, mode = bool(pointer and pointer.paused), controller.parameters.get("Mode")
        shown = {one.name: as_dict(one) for one in found}
        print_json({"version": version, "paused": paused, "mode": mode, "endpoints": shown})
    elif pointer is None:
        say(f"Nothing is published in {place}. Begin with `icscaler fleet publish FILE`.")
    else:
        _show(place, controller, pointer, found, single=bool(model))


def _configs(items: dict[str, EndpointItem]) -> dict[str, EndpointConfig]:
    at_s = int(clock.now_s())
    return {
        name: overlays.merge(item.config, item.overlays, at_s)
        for name, item in items.items()
        if item.config is not None
    }


def _standings(
    controller: Controller,
    pointer: FleetPointer | None,
    items: dict[str, EndpointItem],
    endpoints: list[str],
    models: list[str],
) -> list[EndpointStanding]:
    if pointer is None:
        return []
    at_s = int(clock.now_s())
    taken = {name: one.at_s for name, one in controller.store.takeovers().items()}
    chosen = [
        items[name]
        for name, config in _configs(items).items()
        if (not endpoints or name in endpoints)
        and (not models or set(models) & config.models.keys())
    ]

    def one(item: EndpointItem) -> EndpointStanding:
        assert item.config is not None
        view = controller.endpoint_view(item.config.name)
        found = standing(item, pointer, view, at_s, observes=controller.observes)
        since = (replace(m, taken_over_s=taken.get(m.name)) for m in found.models)
        found = replace(found, models=tuple(since))
        if models:
            found = replace(found, models=tuple(m for m in found.models if m.name in models))
        return found

    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(one, chosen))


def _show(
    place: Place,
    controller: Controller,
    pointer: FleetPointer,
    found: list[EndpointStanding],
    *,
    single: bool,
) -> None:
    at_s = int(clock.now_s())
    mode = ", observes only (Mode=observe)" if controller.observes else ""
    say(f"{place}, version {pointer.version or 'none'}{mode}", "bold")
    tell_still_paused(pointer)
    if pointer.metrics_vanished:
        say("The metrics of many models vanished together: nothing scales in.", "bold red")
    for one in found:
        console().print(heading(one, at_s), markup=False)
        if single:
            for model in one.models:
                for line in details(model, at_s):
                    console().print(line, markup=False)
            continue
        if one.models:
            console().print(models_table(one.models, at_s))
        if one.unmanaged:
            names = ", ".join(one.unmanaged[:MAX_UNMANAGED_SHOWN])
            more = len(one.unmanaged) - MAX_UNMANAGED_SHOWN
            say(
                f"{number(len(one.unmanaged), 'component')} in no fleet file, never touched: "
                f"{names}{f' and {more} more' if more > 0 else ''}"
            )
