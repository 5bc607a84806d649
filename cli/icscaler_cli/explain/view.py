"""A recomputed decision, as people and programs read it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from icscaler.entities import Decision
from icscaler.learned import Promise
from icscaler.notices import percent
from icscaler.policies.tournament import Explanation, RuleShare
from icscaler.ports import DecisionRecord
from icscaler.verdicts import steps_text
from icscaler_cli.explain.recompute import Answer, Recomputed
from icscaler_cli.moments import iso, utc
from icscaler_sim.report.wording import WORDS, explain_step

SAYS = {
    Answer.SAME: "Computed again from its snapshot: the same plan, byte for byte.",
    Answer.DIFFERENT: "Computed again from its snapshot: ANOTHER plan. Please report this.",
}


def record_lines(record: DecisionRecord) -> Iterator[str]:
    """What was decided, as it was recorded."""
    message = f": {record.message}" if record.message else ""
    yield f"{utc(record.at_s)} UTC, {record.component} on {record.endpoint}"
    yield f"  {record.from_copies} -> {record.to_copies} copies, {record.outcome}{message}"
    yield from (f"  {explain_step(step)}" for step in record.steps)
    yield f"  configuration {record.config_version}"


def decision_lines(decision: Decision, endpoint: str) -> Iterator[str]:
    """What a look decided that changed nothing of the model."""
    yield f"{utc(decision.at_s)} UTC, {decision.component} on {endpoint}"
    blocked = f", not written: {WORDS[decision.blocked]}" if decision.blocked else ""
    yield f"  {decision.from_copies} -> {decision.desired_copies} copies{blocked}"
    yield from (f"  {explain_step(step)}" for step in steps_text(decision))


def vote_line(found: Explanation, promise: Promise | None) -> str:
    """The vote in words, and the objective that held."""
    wanted = ""
    if promise is not None:
        share, within_s = percent(promise.in_time_fraction), promise.deadline_s
        wanted = f" The objective: {share} within {within_s:g} s."
    return (
        f"The vote: {_copies(found.choice.copies)}; {found.choice.keep:.0%} of it for a first "
        f"copy. A GPU-minute costs {found.price:g} requests, a request counts "
        f"{found.request_worth:.2f}.{wanted}"
    )


def next_best_lines(found: Explanation) -> Iterator[str]:
    """What other numbers of copies would have cost, by the rules that settled it."""
    ranked = sorted(found.next_best.items(), key=lambda pair: pair[1])
    (copies, _), others = ranked[0], ranked[1:4]
    yield f"The cheapest rule wants {_copies(copies)}."
    if not others:
        yield "No rule wants another number of copies."
    for copies, more in others:
        yield f"The cheapest rule for {_copies(copies)} has cost {more:,.0f} requests more."


def rules_table(first: str, shares: Sequence[RuleShare]) -> Table:
    """One row a rule, with what it has cost so far; `cost` is of both, in requests."""
    table = Table(box=None, pad_edge=False)
    for title in (first, "wants", "weight", "GPU-minutes", "lost", "cost"):
        table.add_column(title, justify="left" if title == first else "right", overflow="fold")
    for one in shares:
        figures = (f"{one.held:,.0f}", f"{one.lost:,.0f}", f"{one.cost:,.0f}")
        table.add_row(one.name, str(one.wish), f"{one.weight:.2f}", *figures)
    return table


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"


def as_dict(
    record: DecisionRecord | None, answer: Answer, found: Recomputed | None
) -> dict[str, Any]:
    """For programs."""
    said = None
    if record is not None:
        said = {
            "at": iso(record.at_s),
            "endpoint": record.endpoint,
            "from_copies": record.from_copies,
            "to_copies": record.to_copies,
            "outcome": record.outcome,
            "message": record.message,
            "steps": list(record.steps),
            "config_version": record.config_version,
            "attempt_id": record.attempt_id,
            "rules": list(record.rules),
        }
    return {"record": said, "answer": str(answer), "recomputed": _decided(found)}


def _decided(found: Recomputed | None) -> dict[str, Any] | None:
    if found is None or found.decision is None:
        return None
    one, vote = found.decision, found.tournament
    return {
        "at": iso(one.at_s),
        "from_copies": one.from_copies,
        "recommended_copies": one.recommended_copies,
        "desired_copies": one.desired_copies,
        "blocked": str(one.blocked) if one.blocked else None,
        "steps": list(steps_text(one)),
        "objective": None if found.promise is None else asdict(found.promise),
        "tournament": None if vote is None else _vote(vote),
    }


def _vote(vote: Explanation) -> dict[str, Any]:
    def rows(shares: Sequence[RuleShare]) -> list[dict[str, Any]]:
        return [
            {
                "rule": one.name,
                "wants": one.wish,
                "weight": one.weight,
                "gpu_minutes": one.held,
                "lost_requests": one.lost,
                "cost": one.cost,
            }
            for one in shares
        ]

    return {
        "copies": vote.choice.copies,
        "price": vote.price,
        "request_worth": vote.request_worth,
        "level_rules": rows(vote.level),
        "keep_rules": rows(vote.keep),
        "costs_more": {str(copies): more for copies, more in vote.next_best.items()},
    }
