"""The `icscaler demo` command: options in, exit code out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.output import ExitCode, console, reported_failures, say

UNHEALTHY = 4
"""Exit code: the demo was played, but a look failed or an invariant was violated."""
INTERRUPTED = 130

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
            help="The fleet file. Default: examples/demo-fleet.yaml, or for a trace one sized by "
            "the default fleet rule.",
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
    with _reported():
        # Imported here: what `--help` shows needs none of it.
        from icscaler_cli.demo.run import Request, run_demo

        request = Request(trace, fleet, hours, start, seed, out, prices, plain)
        result = run_demo(request, console())
    if not result.healthy:
        say("The run is not healthy: see invariant_violations and failed_looks.", "bold red")
        raise typer.Exit(UNHEALTHY)


@contextmanager
def _reported() -> Iterator[None]:
    """Everything a user may run into, as a message and an exit code."""
    from icscaler_sim.pricing import PriceTableError
    from icscaler_sim.traces import TraceError

    try:
        with reported_failures():
            yield
    except DemoError as error:
        say(f"error: {error.trouble}", "bold red")
        say(f"    {error.remedy}")
        raise typer.Exit(ExitCode.INVALID) from error
    except (TraceError, PriceTableError) as error:
        say(f"error: {error}", "bold red")
        raise typer.Exit(ExitCode.INVALID) from error
    except KeyboardInterrupt:
        say("Interrupted: no report was written.", "bold yellow")
        raise typer.Exit(INTERRUPTED) from None
