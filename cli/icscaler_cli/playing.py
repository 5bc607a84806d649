"""What the commands that play traffic share: bad input as a message and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.output import ExitCode, reported_failures, say
from icscaler_sim.pricing import PriceTableError
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.traces import TraceError

UNHEALTHY = 4
"""Exit code: it was played, but a look failed or an invariant was violated."""
INTERRUPTED = 130
TEMPLATE = "template.yaml"
ENSEMBLE_FLEET = Path("examples", "codegen-ensemble.yaml")
"""All models of the generated ensemble on one shared endpoint."""
HYBRID_FLEET = Path("examples", "hybrid-ensemble.yaml")
"""The same models, the steady one on an endpoint of its own."""
"""All models of the generated ensemble on one shared endpoint."""
"""The fleet of the generated ensemble, in the checkout."""


@contextmanager
def reported_input(interrupted: str) -> Iterator[None]:
    """Everything a user may run into, as a message and an exit code.

    `interrupted` is said when they stop it.
    """
    try:
        with reported_failures():
            yield
    except (DemoError, SimulationError) as error:
        say(f"error: {error.trouble}", "bold red")
        say(f"    {error.remedy}")
        raise typer.Exit(ExitCode.INVALID) from error
    except (TraceError, PriceTableError) as error:
        say(f"error: {error}", "bold red")
        raise typer.Exit(ExitCode.INVALID) from error
    except KeyboardInterrupt:
        say(interrupted, "bold yellow")
        raise typer.Exit(INTERRUPTED) from None


def find_repository() -> Path:
    """The checkout this command is part of: it holds the template and the functions."""
    for folder in Path(__file__).resolve().parents:
        if (folder / TEMPLATE).is_file() and (folder / "functions").is_dir():
            return folder
    raise DemoError(
        f"{TEMPLATE} is not there",
        "it is what is deployed: install icscaler from a checkout of the project",
    )
