"""The `icscaler rollout` commands: options in, exit code out."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from icscaler_cli import clock
from icscaler_cli.aws import Place, explained
from icscaler_cli.controller import Controller, open_controller
from icscaler_cli.options import Profile, Region, StackName, Yes, confirm, place_of
from icscaler_cli.output import ExitCode, console, print_json, reported_failures, say
from icscaler_cli.rollout import place as places

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
EVERY_S = 10


def _controller(stack: str | None, region: str | None, profile: str | None) -> Controller:
    return open_controller(place_of(None, stack, region, profile))


def _request(file: Path) -> dict[str, object]:
    try:
        return places.read_file(file)
    except places.RequestFileError as error:
        for line in str(error).splitlines():
            say(f"error: {line}", "bold red")
        raise typer.Exit(ExitCode.INVALID) from error


@app.command()
def plan(
    file: RequestFile,
    as_json: Json = False,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show what a rolling update would do, whether it fits and what it costs. Changes nothing."""
    from dataclasses import asdict

    from icscaler.config.rollout_request import read_request
    from icscaler.rollout.plan import make_plan
    from icscaler.rollout_steps.sight import see
    from icscaler_cli.rollout import view
    from icscaler_sim.pricing.table import load_prices

    content = _request(file)
    with reported_failures():
        controller = _controller(stack, region, profile)
        with explained(controller.place):
            request = read_request(content, str(file))
            prices = {kind.name: kind.usd_per_hour for kind in load_prices().types}
            made = make_plan(
                request, see(places.deps_of(controller), request, int(clock.now_s()), prices)
            )
    if as_json:
        print_json(asdict(made))
    elif made.waves:
        console().print(view.plan_view(made))
    for problem in made.problems:
        about = f"{problem.component}: " if problem.component else ""
        say(f"refused: {about}{problem.text} ({problem.refusal})", "bold red")
    if made.problems:
        raise typer.Exit(ExitCode.INVALID)
    if not made.waves:
        say("Nothing to do: every component selected is as wanted already.")


@app.command()
def start(
    file: RequestFile,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Start a rolling update. The same id again joins the one that was started first."""
    content = _request(file)
    with reported_failures():
        controller = _controller(stack, region, profile)
        with explained(controller.place):
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

    from icscaler_cli.rollout import view

    with reported_failures():
        controller = _controller(stack, region, profile)
        with explained(controller.place):
            found = places.kept_rollout(controller, rollout_id).rollout
            jobs = controller.store.jobs(rollout_id)
            if as_json:
                print_json(view.as_dict(found, jobs))
            elif once:
                control = controller.store.control(rollout_id)
                now_s = int(clock.now_s())
                console().print(view.progress_view(found, jobs, control, now_s))
            else:
                with Live(console=Console(highlight=False), auto_refresh=False) as live:
                    while True:
                        now_s = int(clock.now_s())
                        found = places.kept_rollout(controller, rollout_id).rollout
                        jobs = controller.store.jobs(rollout_id)
                        control = controller.store.control(rollout_id)
                        shown = view.progress_view(found, jobs, control, now_s)
                        live.update(shown, refresh=True)
                        if view.is_finished(found):
                            break
                        clock.sleep(EVERY_S)
    if view.is_finished(found) and not view.succeeded(found):
        raise typer.Exit(ExitCode.INCOMPLETE)


@app.command("list")
def list_rollouts(stack: StackName = None, region: Region = None, profile: Profile = None) -> None:
    """All rollouts, the newest last."""
    from icscaler_cli.rollout.view import clock_text

    with reported_failures():
        controller = _controller(stack, region, profile)
        with explained(controller.place):
            for one in controller.store.listed(active=False):
                console().print(f"{one.rollout_id}  {one.status}  {clock_text(one.started_s)}")


@app.command()
def pause(
    rollout_id: RolloutId,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Start no further component; those under way are brought to their end."""
    with _decided(stack, region, profile, rollout_id) as controller:
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
    with _decided(stack, region, profile, rollout_id) as controller:
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
    with _decided(stack, region, profile, rollout_id) as controller:
        found = places.kept_rollout(controller, rollout_id).rollout
        number = wave or places.wave_to_approve(found)
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
    with _decided(stack, region, profile, rollout_id) as controller:
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

    with reported_failures():
        controller = _controller(stack, region, profile)
        with explained(controller.place):
            found = places.kept_rollout(controller, rollout_id).rollout
            page = html(found, controller.store.jobs(rollout_id), int(clock.now_s()))
    out.write_text(page, encoding="utf-8")
    say(f"Wrote {out}")


class _decided:  # noqa: N801 - reads as what it is: `with _decided(...) as controller`
    """Opens the controller, checks that the rollout exists, and answers a waiting execution."""

    def __init__(
        self, stack: str | None, region: str | None, profile: str | None, rollout_id: str
    ) -> None:
        self._where: Place = place_of(None, stack, region, profile)
        self._rollout_id = rollout_id
        self._reports = reported_failures()
        self._explains = explained(self._where)

    def __enter__(self) -> Controller:
        self._reports.__enter__()
        try:
            self.controller = open_controller(self._where)
            self._explains.__enter__()
            places.kept_rollout(self.controller, self._rollout_id)
        except BaseException as error:
            self._reports.__exit__(type(error), error, error.__traceback__)
            raise
        return self.controller

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            places.answer(self.controller, self._rollout_id)


def _me() -> str:
    """Who decides, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
