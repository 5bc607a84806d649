"""Options that several commands share, and what is asked before something is done."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from icscaler_cli.aws import DEFAULT_STACK, Place
from icscaler_cli.output import ExitCode, say

TableName = Annotated[
    str | None, typer.Option("--table", help="The state table, by name.", envvar="ICSCALER_TABLE")
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack",
        help=f"The stack that has the state table. Default: {DEFAULT_STACK}.",
        envvar="ICSCALER_STACK",
    ),
]
# boto3 by itself reads only AWS_DEFAULT_REGION; the AWS command line and other SDKs read this too.
Region = Annotated[
    str | None, typer.Option("--region", help="The AWS Region.", envvar="AWS_REGION")
]
Profile = Annotated[str | None, typer.Option("--profile", help="The AWS profile.")]
File = Annotated[Path, typer.Argument(help="The fleet file (YAML).", metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Endpoints = Annotated[
    list[str] | None,
    typer.Option("--endpoint", metavar="NAME", help="An endpoint; may be given several times."),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="NAME", help="A component (model); may be given several times."
    ),
]


def place_of(
    table: str | None, stack: str | None, region: str | None, profile: str | None
) -> Place:
    """Where the controller is. Ends the command when both table and stack are named."""
    if table and stack:
        say("error: --table and --stack exclude each other", "bold red")
        say("    the stack is only there to find the table: give one of them")
        raise typer.Exit(ExitCode.USAGE)
    return Place(table, stack, region, profile)


def confirm(yes: bool, question: str, *, otherwise: str, nothing: str) -> None:
    """Ask, unless told not to. Ends the command without a yes.

    `otherwise` says what to add when nobody is there to answer; `nothing` that nothing was done.
    """
    if yes:
        return
    if not somebody_is_here():
        say("error: nobody is here to confirm", "bold red")
        say(f"    {otherwise}")
        raise typer.Exit(ExitCode.USAGE)
    if not typer.confirm(question, err=True):
        say(nothing)
        raise typer.Exit(ExitCode.USAGE)


def somebody_is_here() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()
