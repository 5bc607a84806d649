"""`icscaler history`: every change of a model's copies, who made it and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.table import Table

from icscaler.ports import DecisionRecord, Sighting
from icscaler.records import OBSERVED
from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.controller import open_controller
from icscaler_cli.models import endpoint_of
from icscaler_cli.moments import FORMS, iso, moment, utc
from icscaler_cli.options import Json, Profile, Region, StackName, TableName, place_of
from icscaler_cli.output import ExitCode, console, print_json, reported_failures, say
from icscaler_sim.report.wording import explain_step

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change, or one decision that was not acted on. `from_copies` None: first seen."""

    at_s: int
    from_copies: int | None
    to_copies: int
    by: str
    outcome: str
    steps: tuple[str, ...] = ()
    message: str = ""


@app.command()
def history(
    model: Annotated[str, typer.Argument(help="A component (model).", metavar="MODEL")],
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Default: 1d. {FORMS}")
    ] = "1d",
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Default: now.")] = "0s",
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="NAME", help="Where it was, if it left the fleet."),
    ] = None,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """List the changes of a model's copies, with who made them and the reasons.

    Records are kept for RecordRetentionDays (30). Only reads.
    """
    place = place_of(table, stack, region, profile)
    since, until = moment(from_, "--from"), moment(to, "--to")
    with reported_failures():
        controller = open_controller(place)
        now_s = clock.now_s()
        from_s, to_s = since.at_s(now_s), until.at_s(now_s)
        if from_s >= to_s:
            say(f"error: --from {from_} is not before --to {to}", "bold red")
            raise typer.Exit(ExitCode.USAGE)
        with explained(place):
            home = endpoint or endpoint_of(controller, model)
            records = controller.store.records(home, from_s, to_s, model)
            sightings = controller.store.sightings(home, from_s, to_s, model)
    found = entries(records, sightings)
    if as_json:
        print_json([_as_dict(one) for one in found])
    elif not found:
        say(f"Nothing changed {model} on {home} from {utc(from_s)} to {utc(to_s)} UTC.")
        say("Records are kept for RecordRetentionDays; an earlier --from may find more.")
    else:
        say(f"{model} on {home}, {utc(from_s)} to {utc(to_s)} UTC", "bold")
        console().print(_table(found))


def entries(records: Iterable[DecisionRecord], sightings: Iterable[Sighting]) -> list[Entry]:
    """Both kinds together, oldest first; what others did comes before what followed from it."""
    theirs = [Entry(one.at_s, one.from_copies, one.to_copies, one.by, "") for one in sightings]
    return sorted([*theirs, *map(_ours, records)], key=lambda one: one.at_s)


def _ours(one: DecisionRecord) -> Entry:
    by = "icscaler, observing" if one.outcome == OBSERVED else "icscaler"
    return Entry(one.at_s, one.from_copies, one.to_copies, by, one.outcome, one.steps, one.message)


def _as_dict(one: Entry) -> dict[str, Any]:
    return {
        "at": iso(one.at_s),
        "from_copies": one.from_copies,
        "to_copies": one.to_copies,
        "by": one.by,
        "outcome": one.outcome,
        "steps": list(one.steps),
        "message": one.message,
    }


def _table(found: list[Entry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("when (UTC)", "copies", "by", "why"):
        table.add_column(title, overflow="fold")
    for one in found:
        table.add_row(utc(one.at_s), _copies(one), one.by, "; ".join(_why(one)))
    return table


def _copies(one: Entry) -> str:
    if one.from_copies is None:
        return str(one.to_copies)
    return f"{one.from_copies} -> {one.to_copies}"


def _why(one: Entry) -> Iterator[str]:
    yield from map(explain_step, one.steps)
    if one.outcome == OBSERVED:
        yield "decided only, not written"
    elif one.outcome not in ("", "Accepted"):
        yield f"{one.outcome}: {one.message}" if one.message else one.outcome
