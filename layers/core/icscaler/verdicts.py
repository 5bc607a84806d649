"""Verdicts: what a look decided about a component, in the words that records and people get.

They are stored with the state, so that somebody who asks between two looks is told the reasons of
the last one, whether or not it changed anything. No decision reads them.
"""

from icscaler.entities import Decision, Step
from icscaler.learned import Verdict


def step_text(step: Step) -> str:
    """A step as people read it: `Stabilized 3`, `Displaced 0 by inline-completion`."""
    by = f" by {step.by}" if step.by else ""
    return f"{step.reason} {step.copies}{by}"


def steps_text(decision: Decision) -> tuple[str, ...]:
    """All steps of a decision, first to last."""
    return tuple(step_text(step) for step in decision.steps)


def verdict(decision: Decision, before: Verdict | None) -> Verdict:
    """The verdict of this look; it lasts since the look that first decided just the same."""
    blocked = None if decision.blocked is None else str(decision.blocked)
    since_s, steps = decision.at_s, steps_text(decision)
    if before is not None:
        same = (before.copies, before.steps, before.blocked)
        if same == (decision.desired_copies, steps, blocked):
            return before
    return Verdict(decision.desired_copies, steps, blocked, since_s)
