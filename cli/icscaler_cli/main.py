"""`icscaler`: the operator's command line.

Commands live in modules of their own that are imported only when used, so that asking for the
version or another command's help does not wait for what they need.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

# Command -> the line that help shows, without importing the module whose `app` it is.
_COMMANDS = {
    "demo": "Play a day of traffic through the controller on a local cloud. Needs no AWS account.",
    "fleet": "Check and publish the fleet file, and show what is in force.",
}


class _LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run (or asked for their own help)."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or as long as nobody runs it, a stand-in that knows its help line."""
        if cmd_name in _COMMANDS and cmd_name not in self.commands:
            return TyperCommand(cmd_name, help=_COMMANDS[cmd_name])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is to run."""
        if args and args[0] in _COMMANDS and args[0] not in self.commands:
            command = typer.main.get_command(import_module(f"icscaler_cli.{args[0]}").app)
            command.name = args[0]
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)


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
