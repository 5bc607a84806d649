"""Finding one model in a published fleet."""

import typer

from icscaler_cli.controller import Controller
from icscaler_cli.output import ExitCode, say
from icscaler_cli.switching import refuse_unknown


def endpoint_of(controller: Controller, model: str) -> str:
    """The endpoint a model is on; ends the command when nobody knows the model."""
    found = controller.store.endpoint_of(model)
    if found is not None:
        return found
    fleet = controller.fleet()
    if fleet.pointer is None:
        say(f"error: nothing is published in {controller.place}", "bold red")
        say("    begin with `icscaler fleet publish FILE`")
        raise typer.Exit(ExitCode.INVALID)
    refuse_unknown(fleet, [], [model])
    return fleet.owners[model]
