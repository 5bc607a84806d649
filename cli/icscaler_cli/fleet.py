"""`icscaler fleet`: check a fleet file, publish it, show what is in force."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler.config.problems import FleetFileError, did_you_mean
from icscaler.config.schema import fleet_json_schema
from icscaler.entities import EndpointConfig
from icscaler.ports import FleetPointer, StateStore
from icscaler.schedules.zones import UTC as UTC_CLOCK
from icscaler_cli import fleet_calendar
from icscaler_cli.aws import explained
from icscaler_cli.controller import open_controller, tell_published
from icscaler_cli.fleet_view import changes, fleet_table
from icscaler_cli.options import Profile, Region, StackName, TableName, Yes, confirm, place_of
from icscaler_cli.output import (
    AwsTroubleError,
    ExitCode,
    console,
    count,
    number,
    print_json,
    print_problems,
    problem_dict,
    reported_failures,
    say,
)

MAX_CHANGES_SHOWN = 40
NOTHING_PUBLISHED = "none"

app = typer.Typer(
    help="Check and publish the fleet file, and show what is in force.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

File = Annotated[Path, typer.Argument(help="The fleet file (YAML).", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]


@app.command()
def validate(file: File, as_json: Json = False) -> None:
    """Check a fleet file: everything that is wrong with it, in one go. Needs no AWS account."""
    if not as_json:
        with reported_failures():
            _announce(file, _compiled(file))
        return
    try:
        compiled = _compiled(file)
    except FleetFileError as error:
        problems = [problem_dict(one) for one in error.problems]
        print_json({"valid": False, "version": None, "problems": problems})
        raise typer.Exit(ExitCode.INVALID) from error
    problems = [problem_dict(one) for one in compiled.warnings]
    print_json({"valid": True, "version": compiled.version, "problems": problems})


@app.command()
def publish(
    file: File,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect",
            metavar="VERSION",
            help="Publish only if this version is in force now (`none`: nothing published yet).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Check a fleet file and put it in force: the whole fleet at once, or nothing of it."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        compiled = _compiled(file)
        _announce(file, compiled)
        controller = open_controller(place)
        store = controller.store
        with explained(place):
            pointer = store.fleet_pointer()
            before = _in_force(store, pointer)
        version = pointer.version if pointer else None
        _refuse_unexpected(expect, version)
        if version == compiled.version:
            say(f"Version {version} is in force already; nothing to do.")
            return
        _show_changes(before, compiled)
        if dry_run:
            say("Dry run: nothing was published.")
            return
        confirm(
            yes,
            f"Publish version {compiled.version} to {place}?",
            otherwise="add --yes to publish without being asked, or --dry-run to look only",
            nothing="Nothing was published.",
        )
        with explained(place):
            store.publish(compiled.endpoints, compiled.version, version)
        say(f"Version {compiled.version} is in force.", "bold green")
        told = tell_published(controller, compiled.version)
        if not told and _have_spike_alarms(*before.values(), *compiled.endpoints.values()):
            say("Spike alarms follow within 15 minutes.")


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
        store = open_controller(place).store
        with explained(place):
            pointer = store.fleet_pointer()
            endpoints = _in_force(store, pointer)
    if as_json:
        found = {name: asdict(config) for name, config in endpoints.items()}
        print_json({"version": pointer.version if pointer else None, "endpoints": found})
    elif pointer is None:
        say(f"Nothing is published in {place}. Begin with `icscaler fleet publish FILE`.")
    else:
        paused = ", the whole fleet is paused" if pointer.paused else ""
        say(f"Version {pointer.version}{paused}", "bold")
        console().print(fleet_table(endpoints))


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
    from_s = int(time.time()) // 60 * 60
    until_s = from_s + days * fleet_calendar.DAY_S
    with reported_failures():
        if file is not None:
            endpoints = _compiled(file).endpoints
        else:
            with explained(place):
                endpoints = open_controller(place).fleet().endpoints
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


def _compiled(file: Path) -> CompiledFleet:
    return compile_fleet(load_fleet(file, at_s=int(time.time())))


def _announce(file: Path, compiled: CompiledFleet) -> None:
    print_problems(compiled.warnings)
    models = sum(len(config.models) for config in compiled.endpoints.values())
    warned = f" ({count(compiled.warnings)})" if compiled.warnings else ""
    say(
        f"{file} is valid{warned}: {number(models, 'model')} on "
        f"{number(len(compiled.endpoints), 'endpoint')}, "
        f"version {compiled.version}",
        "green",
    )


def _in_force(store: StateStore, pointer: FleetPointer | None) -> dict[str, EndpointConfig]:
    """The published configuration of every endpoint."""
    if pointer is None:
        return {}
    loaded = {name: store.load(name, pointer.version).config for name in pointer.endpoints}
    return {name: config for name, config in loaded.items() if config is not None}


def _have_spike_alarms(*endpoints: EndpointConfig) -> bool:
    return any(model.spike_alarm for config in endpoints for model in config.models.values())


def _refuse_unknown(model: str, endpoints: dict[str, EndpointConfig]) -> None:
    known = {name for config in endpoints.values() for name in config.models}
    if model not in known:
        say(f"error: there is no model {model} in this fleet", "bold red")
        say(f"    {did_you_mean(model, known) or 'icscaler fleet show lists those there are'}")
        raise typer.Exit(ExitCode.USAGE)


def _refuse_unexpected(expect: str | None, version: str | None) -> None:
    if expect is not None and expect != (version or NOTHING_PUBLISHED):
        raise AwsTroubleError(
            f"version {version or NOTHING_PUBLISHED} is in force, not {expect}",
            "somebody published in between: look at `icscaler fleet show`, then publish again",
        )


def _show_changes(before: dict[str, EndpointConfig], compiled: CompiledFleet) -> None:
    found = list(changes(before, compiled.endpoints))
    for change in found[:MAX_CHANGES_SHOWN]:
        say(f"  {change}")
    if len(found) > MAX_CHANGES_SHOWN:
        say(f"  and {len(found) - MAX_CHANGES_SHOWN} more")
    if not found:
        say("  No setting changes.")
