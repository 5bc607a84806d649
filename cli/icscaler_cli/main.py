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
    "adopt": "Have models scaled by icscaler, and by nobody else.",
    "compare": "Say what icscaler would have saved and lost against what ran.",
    "advise": "Say which models should share an endpoint, which should have one, and on what.",
    "demo": "Play a day of traffic through the deployed controller on the local cloud.",
    "endpoint": "Put an endpoint's managed scaling right: limits and scale-in policy.",
    "explain": "Say why a model has the copies it has, computed again from the snapshot.",
    "export-history": "Export a fleet's past requests from CloudWatch as a trace to replay.",
    "fleet": "Check and publish the fleet file, and show what is in force.",
    "history": "List the changes of a model's copies, with who made them and why.",
    "learned": "Show start-up times by phase, service times and objectives as learned so far.",
    "local": "The local cloud: SageMaker endpoints for any AWS client, on this machine.",
    "look": "Ask for a look at endpoints now, instead of within a minute.",
    "onboard": "Onboard a model: place it, start it, probe it, have it scaled.",
    "pause": "Keep the controller from writing to models, endpoints or the whole fleet.",
    "release": "Hand models back before the stack is deleted, or they leave the fleet file.",
    "rollout": "Rolling updates of inference components: plan, start, watch, approve, abort.",
    "resume": "Let the controller write again to what was paused by `icscaler pause`.",
    "retire": "Retire a model: its copies, its adapters, the component, what was kept for it.",
    "simulate": "Compare scaling policies on recorded or generated traffic, without AWS.",
    "status": "Show what runs where, why, since when, and what comes next.",
    "warm": "Have models warm for a while: ready by a time, until another.",
}


class _LazyGroup(TyperGroup):
    """A group whose commands are imported when they are asked for, but not to be listed."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """All of them, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *_COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; while help lists commands, a stand-in that knows the command's line."""
        if cmd_name in _COMMANDS and cmd_name not in self.commands:
            if self._listing:
                return TyperCommand(cmd_name, help=_COMMANDS[cmd_name])
            command = typer.main.get_command(
                import_module(f"icscaler_cli.{cmd_name.replace('-', '_')}").app
            )
            command.name = cmd_name
            self.commands[cmd_name] = command
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Help of the group itself."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


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
