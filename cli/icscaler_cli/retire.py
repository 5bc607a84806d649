"""`icscaler retire`: take a model away, with everything that was kept for it."""

from typing import Annotated, Any

import typer

from icscaler.config.workflows.retirement import RetireModel
from icscaler_cli.executions.command import Detach, Json, Name, check, finish, run
from icscaler_cli.options import Profile, Region, StackName, Yes, confirm, place_of
from icscaler_cli.output import reported_failures, say

MACHINE_OUTPUT = "RetireMachineArn"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def retire(
    component: Annotated[str, typer.Argument(metavar="MODEL", help="The component (model).")],
    force: Annotated[bool, typer.Option("--force", help="Also while it has traffic.")] = False,
    adapters: Annotated[
        bool, typer.Option("--adapters", help="Retire its adapters first.")
    ] = False,
    sagemaker_model: Annotated[
        bool, typer.Option("--sagemaker-model", help="Delete its SageMaker model, too.")
    ] = False,
    quiet: Annotated[
        int | None,
        typer.Option(
            "--quiet", metavar="SECONDS", help="For how long it must have had no request."
        ),
    ] = None,
    yes: Yes = False,
    detach: Detach = False,
    name: Name = None,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Retire a model: its copies, its adapters, the component, what was kept for it.

    Refuses while there is traffic, unless forced. It may be repeated.
    """
    given: dict[str, Any] = {"inference_component": component}
    flags = {"force": force, "adapters": adapters, "sagemaker_model": sagemaker_model}
    given |= {key: True for key, stated in flags.items() if stated}
    if quiet is not None:
        given["quiet_s"] = quiet
    with reported_failures():
        check(RetireModel, given)
    confirm(
        yes,
        f"Delete {component}, and all that was kept for it?",
        otherwise="add --yes",
        nothing="Nothing was done.",
    )
    ended = run(
        MACHINE_OUTPUT, given, place_of(None, stack, region, profile), detach=detach, name=name
    )
    if ended is None:
        return
    finish(ended, as_json)
    if not as_json:
        for what in ended.output.get("removed", ()):
            say(f"removed: {what}")
        for what in ended.output.get("left", ()):
            say(f"left for you: {what}", "yellow")
