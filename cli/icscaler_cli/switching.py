"""The switches that stop the controller without a deploy: fleet, endpoint, model.

They are in the state table; every look reads them at its start.
"""

from collections.abc import Iterable

import typer

from icscaler.ports import FleetPointer
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, Fleet, UnknownNamesError, open_controller
from icscaler_cli.options import place_of
from icscaler_cli.output import ExitCode, reported_failures, say


def switch(
    paused: bool,
    *,
    fleet: bool,
    endpoints: list[str],
    models: list[str],
    where: tuple[str | None, str | None, str | None, str | None],
) -> None:
    """`icscaler pause` and `icscaler resume`; `where` are table, stack, region and profile."""
    if not fleet and not endpoints and not models:
        say("error: nothing is named", "bold red")
        say("    name --model, --endpoint (both may be repeated) or --fleet")
        raise typer.Exit(ExitCode.USAGE)
    found = place_of(*where)
    with reported_failures():
        controller = open_controller(found)
        with explained(found):
            known = controller.fleet()
            _check(known, endpoints, models, paused)
            set_switches(controller, paused, fleet=fleet, endpoints=endpoints, models=models)
            pointer = controller.store.fleet_pointer()
    subject = ", ".join([*(["the whole fleet"] if fleet else []), *endpoints, *models])
    if paused:
        say(f"Paused: {subject}. Looks go on and decide, but write nothing from the next one on.")
    else:
        say(f"Resumed: {subject}. The next look, within a minute, may write again.")
    tell_still_paused(pointer)


def set_switches(
    controller: Controller,
    paused: bool,
    *,
    fleet: bool,
    endpoints: Iterable[str],
    models: Iterable[str],
) -> None:
    """Set or clear each switch named."""
    if fleet:
        controller.store.set_paused(paused)
    for endpoint in endpoints:
        controller.store.set_paused(paused, endpoint=endpoint)
    for model in models:
        controller.store.set_paused(paused, model=model)


def tell_still_paused(pointer: FleetPointer | None) -> None:
    """What is paused by switches now."""
    if pointer is None:
        return
    parts = ["the whole fleet"] if pointer.paused else []
    parts += [f"endpoint {name}" for name in pointer.paused_endpoints]
    parts += [f"model {name}" for name in pointer.paused_models]
    if parts:
        say(f"Paused now: {', '.join(parts)}")


def _check(fleet: Fleet, endpoints: list[str], models: list[str], paused: bool) -> None:
    if fleet.pointer is None:
        say("error: nothing is published, so there is nothing to pause or resume", "bold red")
        say("    begin with `icscaler fleet publish FILE`")
        raise typer.Exit(ExitCode.INVALID)
    if not paused:
        # A switch may outlive what it names; then it must still be possible to clear it.
        endpoints = sorted({*endpoints} - {*fleet.pointer.paused_endpoints})
        models = sorted({*models} - {*fleet.pointer.paused_models})
    refuse_unknown(fleet, endpoints, models)


def refuse_unknown(fleet: Fleet, endpoints: Iterable[str], models: Iterable[str]) -> None:
    """End the command, with the names that are meant perhaps, when the fleet has no such."""
    try:
        fleet.check(endpoints, models)
    except UnknownNamesError as error:
        say(f"error: {error}", "bold red")
        say("    `icscaler fleet show` lists what is published")
        raise typer.Exit(ExitCode.INVALID) from error
