"""`icscaler fleet diff`, `publish`, `versions` and `rollback`: putting a fleet in force."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from icscaler.adapters.publishing import PublishedVersion
from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler.entities import EndpointConfig
from icscaler.ports import FleetPointer
from icscaler_cli import clock, fleet_diff
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, open_controller, tell_published
from icscaler_cli.options import (
    File,
    Json,
    Profile,
    Region,
    StackName,
    TableName,
    Yes,
    confirm,
    place_of,
)
from icscaler_cli.output import (
    AwsTroubleError,
    ExitCode,
    console,
    count,
    number,
    print_json,
    print_problems,
    reported_failures,
    say,
)

NOTHING_PUBLISHED = "none"

Expect = Annotated[
    str | None,
    typer.Option(
        "--expect",
        metavar="VERSION",
        help="Publish only if this version is in force now (`none`: nothing published yet).",
    ),
]


def diff(
    file: File,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Show what publishing a file would change: settings, and what comes of them for each model."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        compiled_file(file)
        controller = open_controller(place)
        compiled = _adopting(file, controller)
        with explained(place):
            pointer, before = in_force(controller)
            found = fleet_diff.compare(
                controller, pointer, before, compiled.endpoints, compiled.version
            )
        if as_json:
            fleet_diff.show_json(found)
            return
        announce(file, compiled)
        version = pointer.version if pointer else NOTHING_PUBLISHED
        if version == compiled.version:
            say(f"Version {version} is in force already.")
        fleet_diff.show(found)
        if version != compiled.version:
            command = f"icscaler fleet publish {file} --expect {version}"
            say(f"To publish this and nothing else: {command}")


def publish(
    file: File,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    expect: Expect = None,
    yes: Yes = False,
) -> None:
    """Check a fleet file and put it in force: the whole fleet at once, or nothing of it."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        compiled_file(file)
        controller = open_controller(place)
        compiled = _adopting(file, controller)
        announce(file, compiled)
        _put_in_force(controller, compiled.endpoints, compiled.version, expect, yes)


def versions(
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List the versions of the fleet that can be gone back to, that published last first."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            pointer, found = controller.store.fleet_pointer(), controller.store.versions()
    current = pointer.version if pointer else None
    if as_json:
        print_json([asdict(one) | {"in_force": one.version == current} for one in found])
    elif not found:
        say(f"Nothing is published in {place}. Begin with `icscaler fleet publish FILE`.")
    else:
        console().print(_versions_table(found, current))


def rollback(
    version: Annotated[
        str | None,
        typer.Argument(
            help="The version to go back to. Left out: the one before.", metavar="[VERSION]"
        ),
    ] = None,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    expect: Expect = None,
    yes: Yes = False,
) -> None:
    """Put an earlier version of the fleet in force again."""
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            pointer, found = controller.store.fleet_pointer(), controller.store.versions()
            chosen = version or _before(pointer, found)
            endpoints = controller.store.archived(chosen) if chosen else {}
        if not endpoints:
            known = ", ".join(one.version for one in found) or NOTHING_PUBLISHED
            what = f"version {chosen} is not kept" if chosen else "there is no version before"
            say(f"error: {what}", "bold red")
            say(f"    kept are: {known} (`icscaler fleet versions`)")
            raise typer.Exit(ExitCode.USAGE)
        _put_in_force(controller, endpoints, str(chosen), expect, yes)


def _put_in_force(
    controller: Controller,
    endpoints: Mapping[str, EndpointConfig],
    version: str,
    expect: str | None,
    yes: bool,
) -> None:
    """Show what would change, ask, and publish on the condition that nobody else did meanwhile."""
    place = controller.place
    with explained(place):
        pointer, before = in_force(controller)
    now = pointer.version if pointer else None
    _refuse_unexpected(expect, now)
    if now == version:
        say(f"Version {now} is in force already; nothing to do.")
        return
    with explained(place):
        fleet_diff.show(fleet_diff.compare(controller, pointer, before, endpoints, version))
    confirm(
        yes,
        f"Publish version {version} to {place}?",
        otherwise="add --yes to publish without being asked, or `icscaler fleet diff` to look only",
        nothing="Nothing was published.",
    )
    with explained(place):
        controller.store.publish(endpoints, version, now, int(clock.now_s()))
    say(f"Version {version} is in force.", "bold green")
    told = tell_published(controller, version)
    if not told and _have_spike_alarms(*before.values(), *endpoints.values()):
        say("Spike alarms follow within 15 minutes.")


def compiled_file(file: Path) -> CompiledFleet:
    """The fleet of a file, without what is adopted by tag."""
    return compile_fleet(load_fleet(file, at_s=int(clock.now_s())))


def _public_prices() -> dict[str, float]:
    """Dollars an instance-hour by type; only reports use them."""
    from icscaler_sim.pricing import load_prices

    return {kind.name: kind.usd_per_hour for kind in load_prices().types}


def _adopting(file: Path, controller: Controller) -> CompiledFleet:
    """The fleet as it would be published: with the components that carry its adoption tag."""
    at_s = int(clock.now_s())
    fleet = load_fleet(file, at_s=at_s)
    if fleet.adoption is None:
        return compile_fleet(fleet, _public_prices())
    from icscaler.adapters.sagemaker import SageMakerEndpoints
    from icscaler.adapters.tags import tagged_components

    with explained(controller.place):
        sagemaker = controller.client("sagemaker")
        described = SageMakerEndpoints(
            sagemaker, controller.client("application-autoscaling"), budget_s=600
        )
        endpoints, tag = sorted(fleet.endpoints), fleet.adoption.tag
        found = tagged_components(sagemaker, described, endpoints, tag, at_s)
    say(f"{number(len(found), 'component')} with the tag {tag} found.")
    return compile_fleet(load_fleet(file, at_s=at_s, tagged=found), _public_prices())


def announce(file: Path, compiled: CompiledFleet) -> None:
    """What was found in a file that is valid."""
    print_problems(compiled.warnings)
    models = sum(len(config.models) for config in compiled.endpoints.values())
    warned = f" ({count(compiled.warnings)})" if compiled.warnings else ""
    say(
        f"{file} is valid{warned}: {number(models, 'model')} on "
        f"{number(len(compiled.endpoints), 'endpoint')}, "
        f"version {compiled.version}",
        "green",
    )


def in_force(
    controller: Controller,
) -> tuple[FleetPointer | None, dict[str, EndpointConfig]]:
    """The published configuration of every endpoint."""
    fleet = controller.published()
    return fleet.pointer, fleet.endpoints


def _before(pointer: FleetPointer | None, found: Iterable[PublishedVersion]) -> str | None:
    """The version that was published last, that in force aside."""
    return next((one.version for one in found if pointer and one.version != pointer.version), None)


def _versions_table(found: Iterable[PublishedVersion], current: str | None) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("version", "published (UTC)", "endpoints", "models", ""):
        table.add_column(title)
    for one in found:
        at = datetime.fromtimestamp(one.at_s, UTC).strftime("%Y-%m-%d %H:%M")
        state = "in force" if one.version == current else ""
        table.add_row(one.version, at, str(one.endpoints), str(one.models), state)
    return table


def _have_spike_alarms(*endpoints: EndpointConfig) -> bool:
    return any(model.spike_alarm for config in endpoints for model in config.models.values())


def _refuse_unexpected(expect: str | None, version: str | None) -> None:
    if expect is not None and expect != (version or NOTHING_PUBLISHED):
        raise AwsTroubleError(
            f"version {version or NOTHING_PUBLISHED} is in force, not {expect}",
            "somebody published in between: look at `icscaler fleet diff`, then publish again",
        )
