"""The `icscaler release` command: options in, exit code out."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, Fleet, open_controller
from icscaler_cli.options import (
    Endpoints,
    Models,
    Profile,
    Region,
    StackName,
    TableName,
    Yes,
    confirm,
    place_of,
)
from icscaler_cli.output import AwsTroubleError, ExitCode, console, number, reported_failures, say
from icscaler_cli.release import alarms, targets
from icscaler_cli.release.plan import Released, released, selected
from icscaler_cli.release.view import table_of, tell_next, tell_result
from icscaler_cli.release.waking import DeniedError, Waking
from icscaler_cli.switching import refuse_unknown, set_switches

DEFAULT_WAIT_S = 1200

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What is released, and how."""

    every: bool
    endpoints: tuple[str, ...]
    models: tuple[str, ...]
    floor: int
    leave: bool
    wait_s: int
    alarm_prefix: str | None

    @property
    def options(self) -> list[str]:
        """The names as options."""
        return [f"--endpoint {e}" for e in self.endpoints] + [f"--model {m}" for m in self.models]


@app.command()
def release(
    every: Annotated[bool, typer.Option("--all", help="The whole fleet.")] = False,
    endpoint: Endpoints = None,
    model: Models = None,
    floor: Annotated[
        int, typer.Option("--floor", min=1, help="Copies that each model has afterwards, at least.")
    ] = 1,
    leave: Annotated[
        bool, typer.Option("--leave", help="Wake nothing: hand the models back as they are.")
    ] = False,
    wait: Annotated[
        int,
        typer.Option(
            "--wait", min=0, metavar="SECONDS", help="How long to wait for copies. 0: only ask."
        ),
    ] = DEFAULT_WAIT_S,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    alarm_prefix: Annotated[
        str | None,
        typer.Option(
            "--alarm-prefix",
            metavar="PREFIX/",
            help="With --table only: what the names of the stack's alarms begin with.",
        ),
    ] = None,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Hand models back before the stack is deleted, or they leave the fleet file.

    Pauses them, gives those at zero copies their floor and waits until they serve, and removes the
    alarms that were made for them. It may be repeated, and ends by telling what to do next.
    """
    asked = Request(
        every, tuple(endpoint or ()), tuple(model or ()), floor, leave, wait, alarm_prefix
    )
    _refuse_misuse(asked, table)
    found = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(found)
        with explained(found):
            fleet = controller.fleet()
            refuse_unknown(fleet, asked.endpoints, asked.models)
            finished = _release(controller, fleet, asked, dry_run, yes)
    if not finished:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _refuse_misuse(asked: Request, table: str | None) -> None:
    named = bool(asked.endpoints or asked.models)
    problem = ""
    if asked.every == named:
        problem = "name --all, or --endpoint and --model (both may be repeated)"
    elif asked.alarm_prefix and not table:
        problem = "--alarm-prefix is for --table; a stack tells it itself"
    elif asked.alarm_prefix and not asked.alarm_prefix.endswith(alarms.PREFIX_END):
        problem = f"the prefix ends with {alarms.PREFIX_END}: the stack's name and a slash"
    if problem:
        say(f"error: {problem}", "bold red")
        raise typer.Exit(ExitCode.USAGE)


def _release(
    controller: Controller, fleet: Fleet, asked: Request, dry_run: bool, yes: bool
) -> bool:
    """Do it all, or only show it; whether nothing is left to do."""
    at_s = int(clock.now_s())
    chosen = selected(fleet, every=asked.every, endpoints=asked.endpoints, models=asked.models)
    every = released(chosen, floor=asked.floor, leave=asked.leave, at_s=at_s)
    waking = _waking(controller, fleet)
    waking.observe(every)
    cloudwatch = controller.client("cloudwatch")
    prefix = alarms.prefix_of(controller, asked.alarm_prefix)
    ours = _alarms(cloudwatch, prefix, asked, every)
    if every:
        console().print(table_of(every))
    else:
        say("Nothing is published, so there are no models to hand back.")
    if ours:
        say(f"{number(len(ours), 'alarm')} made for them at run time will be removed.")
    names = None if asked.every else {each.name for each in every}
    theirs = targets.taken_over(controller.store, names)
    if theirs:
        kept = ", ".join(one.model for one in theirs)
        say(f"Application Auto Scaling gets back what was taken over: {kept}.")
    if dry_run:
        say("Dry run: nothing was done.")
        return True
    if every or ours or theirs:
        confirm(
            yes,
            f"Pause and release {number(len(every), 'model')} of {controller.place}?",
            otherwise="add --yes to release without being asked, or --dry-run to look only",
            nothing="Nothing was done.",
        )
    _pause(controller, fleet, asked)
    _wake(waking, every, asked.wait_s)
    if theirs:
        autoscaling = controller.client("application-autoscaling")
        targets.give_back(controller.store, autoscaling, theirs)
    if ours:
        alarms.remove(cloudwatch, ours)
    finished = tell_result(every, None if prefix is None else len(ours))
    tell_next(controller, asked.options, finished)
    return finished


def _waking(controller: Controller, fleet: Fleet) -> Waking:
    from icscaler.adapters.sagemaker import SageMakerEndpoints

    endpoints = SageMakerEndpoints(
        controller.client("sagemaker"), controller.client("application-autoscaling")
    )
    version = fleet.pointer.version if fleet.pointer else ""
    return Waking(controller.store, endpoints, version, say)


def _alarms(
    cloudwatch: Any, prefix: str | None, asked: Request, every: list[Released]
) -> tuple[str, ...]:
    if prefix is None:
        return ()
    models = None if asked.every else {each.name for each in every}
    return alarms.made_at_run_time(cloudwatch, prefix, models)


def _pause(controller: Controller, fleet: Fleet, asked: Request) -> None:
    """Nothing is published: there is no pointer to write the switch on, and nothing to pause."""
    if fleet.pointer is None:
        return
    set_switches(
        controller, True, fleet=asked.every, endpoints=asked.endpoints, models=asked.models
    )
    subject = "The whole fleet is" if asked.every else "They are"
    say(f"{subject} paused: the controller writes nothing to them any more.")


def _wake(waking: Waking, every: list[Released], wait_s: int) -> None:
    try:
        waking.run(every, wait_s)
    except DeniedError as error:
        raise AwsTroubleError(
            f"copies can't be set: {error}",
            "it needs sagemaker:UpdateInferenceComponentRuntimeConfig on the components; "
            "then run the same command again",
        ) from error
