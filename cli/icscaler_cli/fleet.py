"""`icscaler fleet`: check a fleet file, publish it, show what is in force."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from icscaler import overlays
from icscaler.config.problems import FleetFileError, did_you_mean
from icscaler.config.schema import fleet_json_schema
from icscaler.entities import EndpointConfig
from icscaler.schedules.zones import UTC as UTC_CLOCK
from icscaler_cli import clock, fleet_calendar, fleet_diff, fleet_publish
from icscaler_cli.aws import explained
from icscaler_cli.controller import open_controller
from icscaler_cli.fleet_publish import announce, compiled_file
from icscaler_cli.fleet_view import fleet_table
from icscaler_cli.options import (
    File,
    Json,
    Profile,
    Region,
    StackName,
    TableName,
    place_of,
)
from icscaler_cli.output import (
    ExitCode,
    console,
    number,
    print_json,
    problem_dict,
    reported_failures,
    say,
)

app = typer.Typer(
    help="Check and publish the fleet file, and show what is in force.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def validate(file: File, as_json: Json = False) -> None:
    """Check a fleet file: everything that is wrong with it, in one go. Needs no AWS account."""
    if not as_json:
        with reported_failures():
            announce(file, compiled_file(file))
        return
    try:
        compiled = compiled_file(file)
    except FleetFileError as error:
        problems = [problem_dict(one) for one in error.problems]
        print_json({"valid": False, "version": None, "problems": problems})
        raise typer.Exit(ExitCode.INVALID) from error
    problems = [problem_dict(one) for one in compiled.warnings]
    print_json({"valid": True, "version": compiled.version, "problems": problems})


app.command()(fleet_publish.diff)
app.command()(fleet_publish.publish)
app.command()(fleet_publish.versions)
app.command()(fleet_publish.rollback)


@app.command()
def show(
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show the fleet that is in force."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            pointer = controller.store.fleet_pointer()
            items = controller.items(pointer)
    at_s = int(clock.now_s())
    endpoints = {
        name: overlays.merge(item.config, item.overlays, at_s)
        for name, item in items.items()
        if item.config is not None
    }
    unmanaged = {
        name: sorted(set(items[name].views) - set(config.models))
        for name, config in endpoints.items()
    }
    if as_json:
        found = {name: asdict(config) for name, config in endpoints.items()}
        version = pointer.version if pointer else None
        print_json({"version": version, "endpoints": found, "unmanaged": unmanaged})
    elif pointer is None:
        say(f"Nothing is published in {place}. Begin with `icscaler fleet publish FILE`.")
    else:
        paused = ", the whole fleet is paused" if pointer.paused else ""
        say(f"Version {pointer.version or 'none'}{paused}", "bold")
        console().print(fleet_table(endpoints))
        for name, components in unmanaged.items():
            fleet_diff.report(name, components)


@app.command()
def calendar(
    file: Annotated[
        Path | None,
        typer.Argument(help="A fleet file. Left out: the fleet in force.", metavar="[FILE]"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="One model, and what comes of it for it."),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="How many days.")] = 7,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show when schedules and overrides hold in the next seven days."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        if file is not None:
            endpoints = compiled_file(file).endpoints
        else:
            with explained(place):
                endpoints = open_controller(place).fleet().endpoints
        from_s = int(clock.now_s()) // 60 * 60
        until_s = from_s + days * fleet_calendar.DAY_S
        if model is not None:
            _refuse_unknown(model, endpoints)
    found = fleet_calendar.entries(endpoints, from_s, until_s, model)
    if as_json:
        print_json([entry.as_dict() for entry in found])
        return
    if not found:
        of = f" for {model}" if model else ""
        say(f"Nothing is scheduled{of} in the next {number(days, 'day')}.")
    else:
        for line in fleet_calendar.lines(found, from_s):
            console().print(line, markup=False)
    if model is not None:
        _show_bounds(endpoints, model, from_s, until_s)


def _show_bounds(
    endpoints: dict[str, EndpointConfig], model: str, from_s: int, until_s: int
) -> None:
    (config,) = (one for one in endpoints.values() if model in one.models)
    ahead = fleet_calendar.bounds_ahead(config, config.models[model], from_s, until_s)
    clocks = [config.zones[config.schedules[n].zone] for n in config.models[model].schedules]
    zone = next((one for one in clocks if one.name != "UTC"), UTC_CLOCK)
    say(f"\n{model}:", "bold")
    console().print(fleet_calendar.bounds_table(ahead, zone))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the fleet file, for editors and other tools."""
    print_json(fleet_json_schema())


def _refuse_unknown(model: str, endpoints: dict[str, EndpointConfig]) -> None:
    known = {name for config in endpoints.values() for name in config.models}
    if model not in known:
        say(f"error: there is no model {model} in this fleet", "bold red")
        say(f"    {did_you_mean(model, known) or 'icscaler fleet show lists those there are'}")
        raise typer.Exit(ExitCode.USAGE)
