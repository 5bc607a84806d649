"""The `icscaler demo` command: options in, exit code out."""

from pathlib import Path
from typing import Annotated

import typer

from icscaler_cli.output import console, say

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            help="Play recorded traffic (CSV, plain or gzip; docs/traces.md) instead of generated.",
        ),
    ] = None,
    fleet: Annotated[
        Path | None,
        typer.Option(
            "--fleet",
            metavar="FILE",
            help="The fleet file. Default: examples/hybrid-ensemble.yaml, or for a trace one "
            "sized by the default fleet rule.",
        ),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", min=0.1, help="How much to play. Default: a day, a whole trace."),
    ] = None,
    start: Annotated[
        float, typer.Option("--start", min=0.0, help="The hour of the traffic to begin with.")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of the generated traffic and of the world.")
    ] = 0,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for summary.json and report.html.")
    ] = Path("build", "demo"),
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices", metavar="FILE", help="A price table to use instead of the shipped."
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Lines instead of the live table.")
    ] = False,
) -> None:
    """Play a day of traffic through the deployed controller on the local cloud.

    The real template.yaml is deployed, its functions run, and SageMaker's part is played by the
    world model; no AWS account is needed and nothing leaves this machine.
    """
    # Imported here: what `--help` shows needs none of it.
    from icscaler_cli.playing import UNHEALTHY, reported_input

    with reported_input("Interrupted: no report was written."):
        from icscaler_cli.demo.run import Request, run_demo

        request = Request(trace, fleet, hours, start, seed, out, prices, plain)
        result = run_demo(request, console())
    if not result.healthy:
        say("The run is not healthy: see invariant_violations and failed_looks.", "bold red")
        raise typer.Exit(UNHEALTHY)
