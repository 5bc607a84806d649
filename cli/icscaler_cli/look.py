"""`icscaler look`: ask the deployed controller for looks now."""

import json
from typing import Annotated, Any

import typer

from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, open_controller
from icscaler_cli.options import Profile, Region, StackName, place_of
from icscaler_cli.output import AwsTroubleError, ExitCode, number, reported_failures, say
from icscaler_cli.switching import refuse_unknown

DISPATCH_OUTPUT = "DispatchFunctionName"
NAMES_PER_CALL = 100  # dispatch takes no more from one event

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def look(
    endpoints: Annotated[
        list[str] | None,
        typer.Argument(metavar="ENDPOINT", help="Endpoints. Default: the whole fleet."),
    ] = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Ask for a look at endpoints now, instead of within a minute.

    Also when the schedule stands still. A look that finds nothing to do does nothing.
    """
    found = place_of(None, stack, region, profile)
    with reported_failures():
        controller = open_controller(found)
        with explained(found):
            fleet = controller.fleet()
            refuse_unknown(fleet, endpoints or [], [])
            names = sorted({*(endpoints or fleet.endpoints)})
            queued = _ask(controller, names)
    if not names:
        say("Nothing is published, so there is nothing to look at.")
        return
    say(f"Asked for {number(len(queued), 'look')}: {', '.join(queued)}")
    left = sorted({*names} - {*queued})
    if left:
        say(f"error: could not be queued: {', '.join(left)}", "bold red")
        say("    see the log of the dispatch function; the next tick queues them again")
        raise typer.Exit(ExitCode.INCOMPLETE)


def _ask(controller: Controller, names: list[str]) -> list[str]:
    """Those that dispatch has queued."""
    function = controller.output(DISPATCH_OUTPUT) if names else ""
    queued: list[str] = []
    for start in range(0, len(names), NAMES_PER_CALL):
        asked = {"EndpointNames": names[start : start + NAMES_PER_CALL]}
        answer = controller.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(asked).encode()
        )
        said: Any = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            message = said.get("errorMessage", said) if isinstance(said, dict) else said
            raise AwsTroubleError(
                f"{function} failed: {message}", "its log has the whole story; then try again"
            )
        queued += said.get("queued", [])
    return queued
