"""The `icscaler local` commands: options in, exit codes out."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from icscaler_cli.output import console, print_json, reported_failures, say

DEFAULT_PORT = 4580

app = typer.Typer(
    help="The local cloud: SageMaker endpoints for any AWS client, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where it listens, on 127.0.0.1.")
]


@app.command()
def up(
    port: Port = DEFAULT_PORT,
    speed: Annotated[
        float,
        typer.Option(
            "--speed", min=0.0, help="Virtual seconds a second; 0: only `local advance` moves time."
        ),
    ] = 1.0,
    fleet: Annotated[
        Path | None,
        typer.Option(
            "--fleet",
            metavar="FILE",
            help="Create the endpoints and models of this fleet file and deploy the controller.",
        ),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Play this traffic (docs/traces.md)."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the world.")] = 0,
    processes: Annotated[
        bool,
        typer.Option("--processes", help="Run Lambda functions in processes of their own."),
    ] = False,
) -> None:
    """Serve the local cloud until Ctrl-C, and print what to paste to use it.

    Port 0 chooses a free one. Without --fleet and --trace the cloud is empty.
    """
    from icscaler_cli.local.up import Wanted, serve

    serve(Wanted(port, speed, fleet, trace, seed, processes), console())


@app.command()
def status(port: Port = DEFAULT_PORT) -> None:
    """Virtual time, calls, looks and invocations of a cloud that is up, in JSON."""
    from icscaler_cli.local.steer import ask

    with reported_failures():
        print_json(ask(port, "GET", "status"))


@app.command()
def advance(
    seconds: Annotated[
        float, typer.Argument(min=0.0, max=86_400.0, help="How much virtual time passes.")
    ],
    port: Port = DEFAULT_PORT,
) -> None:
    """Let virtual time pass at once, whatever the speed."""
    from icscaler_cli.local.steer import ask

    with reported_failures():
        say(f"It is {ask(port, 'POST', 'advance', {'seconds': seconds})['virtual_time']}.")


@app.command()
def fault(
    switch: Annotated[
        str, typer.Argument(help="A switch that `icscaler local faults` lists; off: all of them.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Its settings: in their order, or as name=value in any."),
    ] = None,
    port: Port = DEFAULT_PORT,
) -> None:
    """Let something go wrong: calls, deliveries, functions, clocks, metrics, instances, copies.

    For example: throttle sagemaker times=3 | lose_deliveries scheduler chance=0.2 times=forever |
    kill_before_call ReconcileFunction dynamodb PutItem | stuck_updating my-model
    """
    from icscaler_cli.local.steer import ask

    with reported_failures():
        if switch == "off" and not settings:
            ask(port, "DELETE", "faults")
            say("Every fault switch is off.")
            return
        named = dict(one.split("=", 1) for one in settings or () if "=" in one)
        given = [one for one in settings or () if "=" not in one]
        answer = ask(port, "POST", "faults", {**named, "fault": switch, "given": given})
        told = " ".join(f"{name}={value}" for name, value in answer.items() if name != "fault")
        say(f"{switch} is on: {told}")


@app.command()
def faults(port: Port = DEFAULT_PORT) -> None:
    """List the fault switches with their settings, and those that are on."""
    from rich.table import Table

    from icscaler_cli.local.steer import ask

    with reported_failures():
        answer = ask(port, "GET", "faults")
    table = Table("switch and [settings]", "what it does", box=None, padding=(0, 2, 0, 0))
    for one in answer["switches"]:
        table.add_row(escape(f"{one['fault']} {one['settings']}"), escape(one["does"]))
    console().print(table)
    for one in answer["on"]:
        told = " ".join(f"{key}={value}" for key, value in one.items() if key != "fault")
        say(f"on: {one['fault']} {told}")
