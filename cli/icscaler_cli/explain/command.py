"""The `icscaler explain` command: options in, exit code out."""

from typing import Annotated

import typer

from icscaler.ports import DecisionRecord, LookSnapshot
from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.controller import Controller, open_controller
from icscaler_cli.explain.recompute import (
    Answer,
    Recomputed,
    answer_without_recomputing,
    recomputed,
)
from icscaler_cli.explain.view import (
    SAYS,
    as_dict,
    decision_lines,
    next_best_lines,
    record_lines,
    rules_table,
    vote_line,
)
from icscaler_cli.models import endpoint_of
from icscaler_cli.moments import FORMS, moment, utc
from icscaler_cli.options import Json, Profile, Region, StackName, TableName, place_of
from icscaler_cli.output import ExitCode, console, print_json, reported_failures, say

MOST_RULES = 60

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="A component (model).", metavar="MODEL")],
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help=f"The decision in force then. {FORMS}")
    ] = "0s",
    look: Annotated[
        bool,
        typer.Option(
            "--look",
            help="The last look that left a snapshot instead of the last change of this model.",
        ),
    ] = False,
    rules: Annotated[
        int, typer.Option("--rules", min=1, max=MOST_RULES, help="How many rules to show.")
    ] = 5,
    other_core: Annotated[
        bool,
        typer.Option("--other-core", help="Compute it with another version than decided it, too."),
    ] = False,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Say why a model has the copies it has: the decision, computed again from its snapshot.

    Shows whether the same plan comes out, byte for byte, and which rules of the tournament carried
    it, what each has cost so far and what others would have cost. Only reads.
    """
    place = place_of(table, stack, region, profile)
    then = moment(at, "--at")
    with reported_failures():
        controller = open_controller(place)
        until_s = then.at_s(clock.now_s()) + 1
        with explained(place):
            home = endpoint_of(controller, model)
            record = None if look else _last_record(controller, home, until_s, model)
            snapshot = _snapshot(controller, home, record, until_s)
    if record is None and snapshot is None:
        _say_nothing_kept(f"{model} on {home}", home, until_s - 1, look=look)
        raise typer.Exit(ExitCode.INVALID)
    answer, found = _recompute(snapshot, record, model, rules, other_core=other_core)
    if as_json:
        print_json(as_dict(record, answer, found))
    else:
        _show(home, record, answer, found, snapshot)
    if answer is not Answer.SAME:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _say_nothing_kept(model: str, home: str, until_s: int, *, look: bool) -> None:
    if look:
        say(f"No look at {home} left a snapshot until {utc(until_s)} UTC.")
        say("    Those that change something do, with the parameter KeepSnapshots=all every one.")
    else:
        say(f"There is no record of a change of {model} until {utc(until_s)} UTC.")
        say("    Records expire after RecordRetentionDays; --look takes the last snapshot.")


def _last_record(
    controller: Controller, endpoint: str, until_s: int, model: str
) -> DecisionRecord | None:
    """The newest one before `until_s`; looks back a day first, then over all that is kept."""
    for from_s in (until_s - 86_400, 0):
        found = controller.store.records(endpoint, from_s, until_s, model)
        if found:
            return found[-1]
    return None


def _snapshot(
    controller: Controller, endpoint: str, record: DecisionRecord | None, until_s: int
) -> LookSnapshot | None:
    if record is not None:
        return controller.store.snapshot(endpoint, record.at_s)
    return controller.store.snapshot_before(endpoint, until_s)


def _recompute(
    snapshot: LookSnapshot | None,
    record: DecisionRecord | None,
    model: str,
    rules: int,
    *,
    other_core: bool,
) -> tuple[Answer, Recomputed | None]:
    from icscaler.adapters.core_version import core_version

    answer = answer_without_recomputing(snapshot, core_version())
    if snapshot is None or (answer is not None and not other_core):
        return answer or Answer.NO_SNAPSHOT, None
    found = recomputed(snapshot, record, model, rules)
    return answer or found.answer, found


def _show(
    endpoint: str,
    record: DecisionRecord | None,
    answer: Answer,
    found: Recomputed | None,
    snapshot: LookSnapshot | None,
) -> None:
    lines: list[str] = []
    if record is not None:
        lines += record_lines(record)
    elif found is not None and found.decision is not None:
        lines += decision_lines(found.decision, endpoint)
    for line in lines:
        console().print(line, markup=False)
    _tell_answer(answer, snapshot)
    if found is None:
        return
    if found.decision is None:
        say("That look did not know the model: it was in no fleet file, or not on the endpoint.")
    elif found.tournament is None:
        say("It follows a target (target_tracking), so no tournament took part.")
    else:
        vote = found.tournament
        console().print(vote_line(vote, found.promise), markup=False)
        console().print(rules_table("rule for copies 2 and up", vote.level))
        console().print(rules_table("rule for the first copy", vote.keep))
        for line in next_best_lines(vote):
            console().print(line, markup=False)


def _tell_answer(answer: Answer, snapshot: LookSnapshot | None) -> None:
    if answer in SAYS:
        say(SAYS[answer], "green" if answer is Answer.SAME else "bold red")
        return
    at = "" if snapshot is None else f" of {utc(snapshot.at_s)} UTC"
    says = {
        Answer.NO_SNAPSHOT: (
            "Not computed again: its snapshot was never kept, or has expired.",
            "snapshots are kept as long as records (RecordRetentionDays)",
        ),
        Answer.NO_DIGEST: (
            f"The look{at} was made by a version that did not keep what to compare with.",
            "--other-core computes it anyway, with this version",
        ),
        Answer.OTHER_CORE: (
            f"The look{at} was decided by other code than this command has: "
            f"{snapshot.core if snapshot else ''}. The same plan can't be promised.",
            "install the version that was deployed then, or add --other-core to compute it anyway",
        ),
    }
    trouble, remedy = says[answer]
    say(trouble, "bold yellow")
    say(f"    {remedy}")
