"""Deciding a recorded look again, with the code at hand. Reads nothing and knows no clock."""

from dataclasses import dataclass, replace
from enum import StrEnum

from icscaler import demand
from icscaler.adapters.codec import encode, read_look
from icscaler.decide import decide, recommend
from icscaler.entities import Decision, ModelConfig
from icscaler.learned import Promise
from icscaler.policies.tournament import Explanation
from icscaler.ports import DecisionRecord, LookInputs, LookSnapshot
from icscaler.reconcile import plan_digest
from icscaler.verdicts import steps_text


class Answer(StrEnum):
    """Whether the decision is the same when it is made again."""

    SAME = "same"
    DIFFERENT = "different"
    NO_SNAPSHOT = "no snapshot"
    OTHER_CORE = "other core"
    NO_DIGEST = "no digest"


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A look decided again. `decision` None: the look did not know the model.

    `promise`: the objective that held.
    """

    answer: Answer
    inputs: LookInputs
    model: ModelConfig | None
    decision: Decision | None
    tournament: Explanation | None
    promise: Promise | None = None


def answer_without_recomputing(snapshot: LookSnapshot | None, core: str) -> Answer | None:
    """Why it can't be told whether the same would be decided; None: it can."""
    if snapshot is None:
        return Answer.NO_SNAPSHOT
    if not snapshot.plan_digest:
        return Answer.NO_DIGEST
    return None if snapshot.core == core else Answer.OTHER_CORE


def recomputed(
    snapshot: LookSnapshot, record: DecisionRecord | None, name: str, rules: int
) -> Recomputed:
    """The look of a snapshot again, and the tournament of one model with so many rules."""
    inputs = read_look(snapshot.payload)
    _, plan = decide(inputs.config, replace(inputs.state), inputs.seen, inputs.seen.at_s)
    decision = plan.decisions.get(name)
    same = plan_digest(encode(plan)) == snapshot.plan_digest and (
        record is None or _agrees(record, decision)
    )
    explanation = promise = None
    if decision is not None:
        case = recommend(inputs.config, inputs.state, inputs.seen, name).case
        explanation, promise = demand.explanation(case, rules), case.promise
    answer = Answer.SAME if same else Answer.DIFFERENT
    model = inputs.config.models.get(name)
    return Recomputed(answer, inputs, model, decision, explanation, promise)


def _agrees(record: DecisionRecord, decision: Decision | None) -> bool:
    return decision is not None and (
        record.from_copies,
        record.to_copies,
        record.steps,
    ) == (decision.from_copies, decision.desired_copies, steps_text(decision))
