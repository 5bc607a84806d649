"""The `icscaler rollout` commands: options in, exit code out."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from icscaler.rollout.entities import Rollout
from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, open_controller
from icscaler_cli.options import Profile, Region, StackName, Yes, confirm, place_of
from icscaler_cli.output import (
    AwsTroubleError,
    ExitCode,
    console,
    print_json,
    reported_failures,
    say,
)
from icscaler_cli.rollout import place as places
from icscaler_cli.rollout import view

if TYPE_CHECKING:
    from rich.console import Group

app = typer.Typer(
    help="Rolling updates of inference components, batch by batch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

RequestFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The request, YAML or JSON (docs/rolling-updates.md)."),
]
RolloutId = Annotated[str, typer.Argument(metavar="ID", help="The rollout's id.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="When it starts: like '02:00 Europe/Berlin', or `quieter`. Default: as the file says.",
    ),
]
EVERY_S = 10


@contextmanager
def _opened(stack: str | None, region: str | None, profile: str | None) -> Iterator[Controller]:
    """The deployed controller; what goes wrong with it is told."""
    place = place_of(None, stack, region, profile)
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            yield controller


@contextmanager
def _deciding(
    rollout_id: str, stack: str | None, region: str | None, profile: str | None
) -> Iterator[tuple[Controller, Rollout]]:
    """A rollout that has not ended, for what people decide; then its execution looks at it."""
    with _opened(stack, region, profile) as controller:
        rollout = places.kept_rollout(controller, rollout_id).rollout
        if view.is_finished(rollout):
            raise AwsTroubleError(
                f"{rollout_id} has ended: {rollout.status}", "start another one, under a new id"
            )
        yield controller, rollout
        places.answer(controller, rollout_id)


@app.command()
def plan(
    file: RequestFile,
    at: At = None,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show what a rolling update would do, whether it fits and what it costs. Changes nothing."""
    from icscaler.config.rollout_request import read_request
    from icscaler.rollout.plan import make_plan, refused_for, starts_s
    from icscaler.rollout_steps.sight import see
    from icscaler_sim.pricing.table import load_prices

    with reported_failures():
        content = places.read_file(file, at)
    with _opened(stack, region, profile) as controller:
        now_s = int(clock.now_s())
        request = read_request(content, now_s)
        prices = {kind.name: kind.usd_per_hour for kind in load_prices().types}
        made = make_plan(request, see(places.deps_of(controller), request, now_s, prices))
        begins_s = starts_s(request, made, now_s)
    if as_json:
        print_json(asdict(made))
    elif made.waves:
        console().print(view.plan_view(made))
    if begins_s > now_s and not as_json:
        say(f"Starts at {view.clock_text(begins_s)}, by what it is like then.")
    refused = refused_for(made, later=begins_s > now_s)
    for problem in made.problems:
        about = f"{problem.component}: " if problem.component else ""
        told, style = ("refused", "bold red") if problem in refused else ("not now", "yellow")
        say(f"{told}: {about}{problem.text} ({problem.refusal})", style)
    if refused:
        raise typer.Exit(ExitCode.INVALID)
    if not made.waves and not made.problems:
        say("Nothing to do: every component selected is as wanted already.")


@app.command()
def start(
    file: RequestFile,
    at: At = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Start a rolling update. The same id again joins the one that was started first."""
    with reported_failures():
        content = places.read_file(file, at)
    with _opened(stack, region, profile) as controller:
        execution, new = places.start(controller, content)
    say(f"{'Started' if new else 'Runs, or ran, already'}: {execution}")
    say(f"    icscaler rollout watch {content['rollout_id']}")


@app.command()
def watch(
    rollout_id: RolloutId,
    once: Annotated[bool, typer.Option("--once", help="Show it as it is, and end.")] = False,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Follow a rolling update until it ends. Exit code 4: it was not completed."""
    from rich.console import Console
    from rich.live import Live

    with _opened(stack, region, profile) as controller:
        found, shown = _seen(controller, rollout_id)
        if as_json:
            print_json(view.as_dict(found, controller.store.jobs(rollout_id)))
        elif once:
            console().print(shown)
        else:
            with Live(shown, console=Console(highlight=False), auto_refresh=False) as live:
                while not view.is_finished(found):
                    clock.sleep(EVERY_S)
                    found, shown = _seen(controller, rollout_id)
                    live.update(shown, refresh=True)
    if view.is_finished(found) and not view.succeeded(found):
        raise typer.Exit(ExitCode.INCOMPLETE)


def _seen(controller: Controller, rollout_id: str) -> "tuple[Rollout, Group]":
    """A rollout as it is now, and how that is shown."""
    found = places.kept_rollout(controller, rollout_id).rollout
    jobs, control = controller.store.jobs(rollout_id), controller.store.control(rollout_id)
    return found, view.progress_view(found, jobs, control, int(clock.now_s()))


@app.command("list")
def list_rollouts(stack: StackName = None, region: Region = None, profile: Profile = None) -> None:
    """All rollouts, the newest last."""
    with _opened(stack, region, profile) as controller:
        for one in controller.store.listed(active=False):
            console().print(f"{one.rollout_id}  {one.status}  {view.clock_text(one.started_s)}")


@app.command()
def pause(
    rollout_id: RolloutId,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Start no further component; those under way are brought to their end."""
    with _deciding(rollout_id, stack, region, profile) as (controller, _):
        controller.store.pause_rollout(rollout_id, True, _me())
    say(f"{rollout_id} pauses when the components under way have ended.")


@app.command()
def resume(
    rollout_id: RolloutId,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Go on after a pause."""
    with _deciding(rollout_id, stack, region, profile) as (controller, _):
        controller.store.pause_rollout(rollout_id, False, _me())
    say(f"{rollout_id} goes on.")


@app.command()
def approve(
    rollout_id: RolloutId,
    wave: Annotated[
        int | None, typer.Option("--wave", min=1, help="Default: the one that waits.")
    ] = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Let a wave start that waits for approval."""
    with _deciding(rollout_id, stack, region, profile) as (controller, found):
        number = places.wave_to_approve(found, wave)
        controller.store.approve_waves(rollout_id, [number], _me())
    say(f"Approved: wave {number} of {rollout_id}.")


@app.command()
def abort(
    rollout_id: RolloutId,
    reason: Annotated[str, typer.Option("--reason", help="Kept in the record.")] = "",
    yes: Yes = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Stop, and bring the old version back wherever the new one is."""
    confirm(
        yes,
        f"Abort {rollout_id} and roll back what it updated?",
        otherwise="add --yes to abort without being asked",
        nothing="Nothing was done.",
    )
    with _deciding(rollout_id, stack, region, profile) as (controller, _):
        controller.store.abort_rollout(rollout_id, _me(), reason or "no reason given")
    say(f"{rollout_id} stops, and is rolled back: icscaler rollout watch {rollout_id}")


@app.command()
def report(
    rollout_id: RolloutId,
    out: Annotated[Path, typer.Option("--out", help="The HTML file.")] = Path("rollout.html"),
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Write a picture of waves, batches and gates over time."""
    from icscaler_cli.rollout.report import html

    with _opened(stack, region, profile) as controller:
        found = places.kept_rollout(controller, rollout_id).rollout
        page = html(found, controller.store.jobs(rollout_id), int(clock.now_s()))
    out.write_text(page, encoding="utf-8")
    say(f"Wrote {out}")


def _me() -> str:
    """Who decides, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
