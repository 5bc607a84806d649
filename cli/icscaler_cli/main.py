"""`icscaler`: the operator's command line.

Commands live in modules of their own that are imported only when used, so that asking for the
version or another command's help does not wait for what they need.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# Command -> the module whose `app` (a typer.Typer) it is.
_COMMANDS = {
    "demo": "icscaler_cli.demo",
    "fleet": "icscaler_cli.fleet",
}


class _LazyGroup(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command's module, once."""
        if cmd_name in _COMMANDS and cmd_name not in self.commands:
            command = typer.main.get_command(import_module(_COMMANDS[cmd_name]).app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    name="icscaler",
    cls=_LazyGroup,
    help="Autoscaling for Amazon SageMaker AI inference components.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"icscaler {version('icscaler')}")
        raise typer.Exit


@app.callback()
def icscaler(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Autoscaling for Amazon SageMaker AI inference components."""
