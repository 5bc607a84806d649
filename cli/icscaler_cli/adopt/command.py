"""The `icscaler adopt` command: options in, exit code out."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from icscaler_cli import clock
from icscaler_cli.adopt.plan import Candidate, Step, candidate, takeover_of
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
from icscaler_cli.output import ExitCode, console, number, reported_failures, say
from icscaler_cli.release.plan import selected
from icscaler_cli.switching import refuse_unknown

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def adopt(
    model: Models = None,
    endpoint: Endpoints = None,
    every: Annotated[bool, typer.Option("--all", help="The whole fleet.")] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="Suspend the targets that Application Auto Scaling has for them."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Have models scaled by icscaler, and by nobody else.

    Says for each what still keeps icscaler from scaling it. With --take-over the scaling of
    Application Auto Scaling is suspended; `icscaler release` gives it back as it was. It may be
    repeated.
    """
    if every == bool(model or endpoint):
        say("error: name --all, or --endpoint and --model (both may be repeated)", "bold red")
        raise typer.Exit(ExitCode.USAGE)
    place = place_of(table, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            fleet = controller.fleet()
            refuse_unknown(fleet, endpoint or [], model or [])
            found = _candidates(controller, fleet, every, endpoint or [], model or [], take_over)
            if not found:
                say(f"Nothing is published in {place}. Begin with `icscaler fleet publish FILE`.")
                raise typer.Exit(ExitCode.INVALID)
            console().print(_table(found))
            _tell_obstacles(found)
            _take_over(controller, found, dry_run=dry_run, yes=yes)
    if any(one.step is Step.REFUSED for one in found):
        raise typer.Exit(ExitCode.INVALID)


def _candidates(
    controller: Controller,
    fleet: Fleet,
    every: bool,
    endpoints: Sequence[str],
    models: Sequence[str],
    take_over: bool,
) -> list[Candidate]:
    from icscaler.adapters.scaling_targets import ScalingTargets, resource_of

    chosen = selected(fleet, every=every, endpoints=endpoints, models=models)
    if fleet.pointer is None or not chosen:
        return []
    targets = ScalingTargets(controller.client("application-autoscaling"))
    found = targets.find(resource_of(config, model) for config, model in chosen)
    at_s, observes = int(clock.now_s()), controller.observes
    names = {config.name for config, _ in chosen}
    items = {name: controller.store.load(name, fleet.pointer.version) for name in names}
    return [
        candidate(
            items[config.name],
            model,
            fleet.pointer,
            found,
            at_s,
            observes=observes,
            take_over=take_over,
        )
        for config, model in chosen
    ]


def _table(found: Sequence[Candidate]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("endpoint", "model", "copies by the file", "scalable target", "what"):
        table.add_column(title, overflow="fold")
    for one in found:
        copies = f"{one.model.min_copies} to {one.model.max_copies}"
        table.add_row(one.endpoint, one.name, copies, one.target_text, str(one.step))
    return table


def _tell_obstacles(found: Sequence[Candidate]) -> None:
    for one in found:
        for obstacle in one.obstacles:
            say(f"{one.name}: {obstacle.trouble}", "bold red")
            say(f"    {obstacle.remedy}")


def _take_over(
    controller: Controller, found: Sequence[Candidate], *, dry_run: bool, yes: bool
) -> None:
    """Suspend the targets; each is remembered first, so that it can always be given back."""
    from icscaler.adapters.scaling_targets import ScalingTargets

    wanted = [one for one in found if one.step is Step.TAKE_OVER]
    ready = sum(one.step is Step.NOTHING for one in found)
    if ready:
        say(f"{number(ready, 'model')} scaled by icscaler already.", "green")
    if not wanted:
        return
    if dry_run:
        say("Dry run: nothing was done.")
        return
    confirm(
        yes,
        f"Suspend the Application Auto Scaling of {number(len(wanted), 'model')}?",
        otherwise="add --yes to do it without being asked, or --dry-run to look only",
        nothing="Nothing was done.",
    )
    targets, at_s = ScalingTargets(controller.client("application-autoscaling")), clock.now_s()
    for one in wanted:
        takeover = takeover_of(one, int(at_s))
        controller.store.remember_takeover(takeover)
        targets.suspend(takeover)
    say(f"Taken over: {', '.join(one.name for one in wanted)}.", "green")
    say("The next look, within a minute, may write. `icscaler release` gives them back.")
