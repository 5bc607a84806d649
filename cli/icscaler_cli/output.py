"""How commands talk: results to stdout, everything else to stderr, and what exit codes mean."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import IntEnum
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from icscaler.config.problems import FleetFileError, Problem


class ExitCode(IntEnum):
    """What a script may rely on."""

    OK = 0
    INVALID = 1
    USAGE = 2
    AWS = 3
    INCOMPLETE = 4


class AwsTroubleError(Exception):
    """AWS can't be used as asked: what is the trouble, and what to do about it."""

    def __init__(self, trouble: str, remedy: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.remedy = remedy


def console() -> Console:
    """For results. Made anew each time, so that it follows a redirected stdout."""
    return Console(soft_wrap=True, highlight=False)


def messages() -> Console:
    """For everything that is no result."""
    return Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str, style: str = "") -> None:
    """One line for people."""
    messages().print(Text(text, style))


def print_json(value: Any) -> None:
    """A result for programs."""
    typer.echo(json.dumps(value, indent=2, sort_keys=True))


def print_problems(problems: Iterable[Problem]) -> None:
    """Each problem with its remedy, and how many there are."""
    shown = list(problems)
    for problem in shown:
        style = "red" if problem.severity == "error" else "yellow"
        head, _, remedy = str(problem).partition("\n")
        place, word, rest = head.partition(f"{problem.severity}: ")
        messages().print(Text.assemble(place, (word, style), rest))
        if remedy:
            messages().print(Text(remedy, "dim"))


def count(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`."""
    severities = [problem.severity for problem in problems]
    counts = {kind: severities.count(kind) for kind in ("error", "warning")}
    return ", ".join(number(found, kind) for kind, found in counts.items() if found)


def number(amount: int, noun: str, plural: str = "") -> str:
    """`1 model`, `2 models`, `2 copies`."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {plural or noun + 's'}"


def problem_dict(problem: Problem) -> dict[str, Any]:
    """A problem for `--json`."""
    return asdict(problem)


@contextmanager
def reported_failures() -> Iterator[None]:
    """Turn what a user may run into into a message and an exit code."""
    try:
        yield
    except FleetFileError as error:
        print_problems(error.problems)
        say(count(error.problems), "bold red")
        raise typer.Exit(ExitCode.INVALID) from error
    except AwsTroubleError as error:
        say(f"error: {error.trouble}", "bold red")
        say(f"    {error.remedy}")
        raise typer.Exit(ExitCode.AWS) from error
