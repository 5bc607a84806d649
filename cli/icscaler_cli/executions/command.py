"""What `icscaler onboard`, `warm` and `retire` share: checking the input, starting, following."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from icscaler.config.document import Document, read_document
from icscaler.config.problems import FleetFileError, Problem
from icscaler.config.settings import Part
from icscaler.config.workflows.base import input_problems
from icscaler_cli.aws import Place, explained
from icscaler_cli.controller import open_controller
from icscaler_cli.executions.follow import Ended, follow, start
from icscaler_cli.output import ExitCode, print_json, reported_failures, say

Detach = Annotated[bool, typer.Option("--detach", help="Start it, and do not wait for the end.")]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The execution's name; a name is taken only once."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result in JSON, for programs.")]


def read_file(kind: type[Part], path: Path) -> dict[str, Any]:
    """The input in a YAML or JSON file. Raises `FleetFileError` with every problem, by line."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FleetFileError(
            [Problem(str(path), 0, 0, "", f"cannot be read: {error}", "check the path")]
        ) from error
    document = read_document(text, str(path))
    check(kind, document.data, document)
    found: dict[str, Any] = document.data
    return found


def check(kind: type[Part], given: Any, document: Document | None = None) -> None:
    """Raises `FleetFileError` when the workflow would refuse the input."""
    where = document or Document("options")
    problems = list(where.problems)
    if not isinstance(given, Mapping):
        if not problems:
            problems.append(where.problem((), "it must be a mapping", "see docs/lifecycle.md"))
        raise FleetFileError(problems)
    try:
        kind.model_validate(given)
    except ValidationError as invalid:
        problems += [where.problem(*one) for one in input_problems(kind, invalid)]
    if problems:
        raise FleetFileError(problems)


def run(
    output: str, given: Mapping[str, Any], place: Place, *, detach: bool, name: str | None
) -> Ended | None:
    """Start the machine that is the stack's `output`, and follow it to its end; None: detached."""
    with reported_failures():
        controller = open_controller(place)
        with explained(place):
            client = controller.client("stepfunctions")
            arn = start(client, controller.output(output), given, name)
            say(f"Started {arn}")
            if detach:
                say(
                    f"Follow it in the console, or: aws stepfunctions describe-execution "
                    f"--execution-arn {arn}"
                )
                return None
            try:
                return follow(client, arn, lambda state, what: say(f"{state}: {what}"))
            except KeyboardInterrupt:
                say("Not waiting any more; the execution goes on. To stop it:", "yellow")
                say(f"    aws stepfunctions stop-execution --execution-arn {arn}")
                raise typer.Exit(ExitCode.INCOMPLETE) from None


def finish(ended: Ended, as_json: bool) -> None:
    """Print the result for programs; end the command when it failed."""
    if as_json:
        result = {"execution_arn": ended.arn, "status": ended.status, **_result(ended)}
        print_json(result)
    if not ended.succeeded:
        say(f"error: {ended.status.lower()}: {ended.cause or ended.error}", "bold red")
        say("    docs/lifecycle.md has a runbook; after mending the cause, start it again")
        sys.stderr.flush()
        raise typer.Exit(ExitCode.INCOMPLETE)


def _result(ended: Ended) -> dict[str, Any]:
    if not ended.succeeded:
        return {"error": ended.error, "cause": ended.cause}
    return {k: v for k, v in ended.output.items() if k not in ("next", "wait_s")}
