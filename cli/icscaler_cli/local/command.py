"""The `icscaler local` commands: options in, exit codes out."""

from pathlib import Path
from typing import Annotated

import typer

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
    kind: Annotated[
        str, typer.Argument(help="throttle, fail, drop_reply, or off: every switch off.")
    ],
    service: Annotated[str, typer.Argument(help="As boto3 names it; * is any.")] = "*",
    operation: Annotated[str, typer.Argument(help="As the API names it; * is any.")] = "*",
    times: Annotated[int, typer.Option("--times", min=1, help="How many calls it strikes.")] = 1,
    function: Annotated[
        str | None, typer.Option("--function", help="Only this function's calls (logical id).")
    ] = None,
    port: Port = DEFAULT_PORT,
) -> None:
    """Let the next calls of a service go wrong."""
    from icscaler_cli.local.steer import ask

    with reported_failures():
        if kind == "off":
            ask(port, "DELETE", "faults")
            say("Every fault switch is off.")
            return
        settings = {"service": service, "operation": operation, "times": times}
        if function is not None:
            settings["function"] = function
        ask(port, "POST", "faults", {"fault": kind, **settings})
        say(f"{kind}: the next {times} of {service}:{operation}")
