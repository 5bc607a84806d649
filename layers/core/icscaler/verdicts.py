"""Verdicts: what a look decided about a component, in the words that records and people get.

They are stored with the state, so that somebody who asks between two looks is told the reasons of
the last one, whether or not it changed anything. Who is asleep by them may rest (`resting`).
"""

from icscaler.entities import Decision
from icscaler.learned import Verdict


def text(reason: str, copies: int, by: str | None) -> str:
    """A step as people read it: `Stabilized 3`, `Displaced 0 by inline-completion`."""
    return f"{reason} {copies} by {by}" if by else f"{reason} {copies}"


def steps_text(decision: Decision) -> tuple[str, ...]:
    """All steps of a decision, first to last."""
    return tuple(text(step.reason, step.copies, step.by) for step in decision.steps)


def verdict(decision: Decision, before: Verdict | None) -> Verdict:
    """The verdict of this look; it lasts since the look that first decided just the same."""
    # For every model and look: no text is made of what mostly stays as it was.
    steps = tuple([(step.reason, step.copies, step.by) for step in decision.steps])
    copies, blocked = decision.desired_copies, decision.blocked
    same = before is not None and before.copies == copies and before.blocked == blocked
    if before is not None and same and before.steps == steps:
        return before
    return Verdict(copies, steps, blocked, decision.at_s)
