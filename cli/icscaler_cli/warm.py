"""`icscaler warm`: have models warm for a while."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from icscaler.config.workflows.warm_up import WarmUpInput
from icscaler_cli.executions.command import Detach, Json, Name, check, finish, run
from icscaler_cli.options import Profile, Region, StackName, place_of
from icscaler_cli.output import ExitCode, reported_failures, say

MACHINE_OUTPUT = "WarmMachineArn"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def warm(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Models, or patterns.")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Models of this class.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="GROUP", help="Models of this group.")
    ] = None,
    copies: Annotated[
        int, typer.Option("--copies", min=1, help="Copies of each model, at least.")
    ] = 1,
    ready_by: Annotated[
        str | None,
        typer.Option(
            "--ready-by", metavar="TIME", help="Like '08:55 Europe/Berlin'. Default: at once."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="When the floor ends.")
    ] = None,
    for_s: Annotated[
        int | None,
        typer.Option("--for", metavar="SECONDS", help="Instead of --until: how long it holds."),
    ] = None,
    payload: Annotated[
        str | None,
        typer.Option("--payload", metavar="TEXT", help="Body of a first request to each model."),
    ] = None,
    detach: Detach = False,
    name: Name = None,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Have models warm for a while: ready by a time, until another.

    Sets a floor that ends by itself. Waits until the window ends; --detach to do something else.
    """
    given = _given(models, class_name, group, copies, payload)
    times = {"ready_by": ready_by, "until": until, "for_s": for_s}
    given |= {key: value for key, value in times.items() if value is not None}
    with reported_failures():
        check(WarmUpInput, given)
    ended = run(
        MACHINE_OUTPUT, given, place_of(None, stack, region, profile), detach=detach, name=name
    )
    if ended is None:
        return
    finish(ended, as_json)
    if not as_json:
        _tell(ended.output)
    if ended.output.get("late"):
        raise typer.Exit(ExitCode.INCOMPLETE)


def _given(
    models: list[str] | None,
    class_name: str | None,
    group: str | None,
    copies: int,
    payload: str | None,
) -> dict[str, Any]:
    """The execution's input, without its times."""
    conditions = {"name": models or None, "class": class_name, "group": group}
    select = {key: value for key, value in conditions.items() if value is not None}
    requests = {} if payload is None else {"requests": {"payload": payload}}
    return {"select": select, "copies": copies, **requests}


def _tell(output: Mapping[str, Any]) -> None:
    """Who was late, and whose first request failed."""
    for model, why in output.get("late", {}).items():
        say(f"late: {model}: {why}", "yellow")
    for model, why in output.get("failed_requests", {}).items():
        say(f"first request failed: {model}: {why}", "yellow")
