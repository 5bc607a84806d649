"""`icscaler onboard`: from the description of a model to a serving, managed component."""

from pathlib import Path
from typing import Annotated

import typer

from icscaler.config.workflows.onboarding import OnboardModel
from icscaler_cli.executions.command import Detach, Json, Name, finish, read_file, run
from icscaler_cli.options import Profile, Region, StackName, place_of
from icscaler_cli.output import reported_failures, say

MACHINE_OUTPUT = "OnboardMachineArn"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def onboard(
    file: Annotated[Path, typer.Argument(help="The description (YAML or JSON).", metavar="FILE")],
    only_check: Annotated[
        bool, typer.Option("--check", help="Only check the description; needs no AWS account.")
    ] = False,
    detach: Detach = False,
    name: Name = None,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Onboard a model: place it, start it, probe it, have it scaled.

    Prints the lines for the fleet file. What fails is removed again; it may be repeated.
    """
    with reported_failures():
        given = read_file(OnboardModel, file)
    if only_check:
        say(f"{file}: the description is right", "green")
        return
    ended = run(
        MACHINE_OUTPUT, given, place_of(None, stack, region, profile), detach=detach, name=name
    )
    if ended is None:
        return
    finish(ended, as_json)
    lines = ended.output.get("fleet_lines", "")
    if lines and not as_json:
        typer.echo(lines, nl=False)
