"""Records: what a look leaves for those who ask later why copies are as they are.

Three kinds. A change that this controller makes has a decision record before it is made. A decision
about an observed component, which is not acted on, has one whenever it differs from the look's
before. A change that somebody else made has a sighting. The first two point to a snapshot of the
look, from which the decision can be computed again.
"""

from icscaler import demand
from icscaler.decide import recommend
from icscaler.entities import Decision, EndpointState, ModelState, Plan
from icscaler.ports import DecisionRecord, LookInputs, Sighting
from icscaler.reasons import Reason
from icscaler.verdicts import steps_text

# Outcome of a record written before acting; it stays only if the look died in the middle.
INTENDED = "Intended"
# Outcome of a decision about an observed component: nothing was written, nor will be.
OBSERVED = "Observed"
FIRST_SEEN = "first seen"
AUTO_SCALING = "Application Auto Scaling"
SOMEBODY = "somebody else"
MOST_RULES = 3


def intended(inputs: LookInputs, plan: Plan) -> list[DecisionRecord]:
    """One for each change that the plan will make."""
    return [
        _record(inputs, plan.decisions[change.component], INTENDED, change.attempt_id)
        for change in plan.changes
    ]


def observed(inputs: LookInputs, plan: Plan) -> list[DecisionRecord]:
    """One for each observed component about which something else was decided than before."""
    return [
        _record(inputs, decision, OBSERVED, "")
        for name, decision in plan.decisions.items()
        if decision.blocked is Reason.OBSERVE and _is_news(decision, inputs.state.models.get(name))
    ]


def _is_news(decision: Decision, state: ModelState | None) -> bool:
    before = state.verdict if state is not None else None
    return (
        before is None
        or before.blocked != Reason.OBSERVE
        or before.copies != decision.desired_copies
    )


def _record(
    inputs: LookInputs, decision: Decision, outcome: str, attempt_id: str
) -> DecisionRecord:
    model = inputs.config.models[decision.component]
    return DecisionRecord(
        endpoint=inputs.config.name,
        component=decision.component,
        at_s=decision.at_s,
        from_copies=decision.from_copies,
        to_copies=decision.desired_copies,
        outcome=outcome,
        steps=steps_text(decision),
        config_version=inputs.seen.config_version,
        attempt_id=attempt_id,
        variant=model.variant if model.kind == "variant" else None,
        rules=_rules(inputs, decision),
    )


def _rules(inputs: LookInputs, decision: Decision) -> tuple[str, ...]:
    case = recommend(inputs.config, inputs.state, inputs.seen, decision.component).case
    found = demand.explanation(case)
    return tuple(str(share) for share in found.decisive[:MOST_RULES]) if found else ()


def sightings(inputs: LookInputs, after: EndpointState) -> list[Sighting]:
    """Changes of desired copies since the look before that this controller did not make."""
    found = []
    for name in sorted(after.models.keys() & inputs.seen.components.keys()):
        before, now = inputs.state.models.get(name), after.models[name]
        if before is None:
            from_copies, by = None, FIRST_SEEN
        elif before.observed_desired != now.observed_desired and now.owned_copies is None:
            from_copies, by = before.observed_desired, _who(inputs, name)
        else:
            continue
        at_s, endpoint = inputs.seen.at_s, inputs.config.name
        found.append(Sighting(endpoint, name, at_s, from_copies, now.observed_desired, by))
    return found


def _who(inputs: LookInputs, name: str) -> str:
    hold = inputs.seen.holds.get(name)
    if hold is not None and hold.until_s > inputs.seen.at_s:
        return hold.holder
    return AUTO_SCALING if inputs.seen.components[name].scalable_target else SOMEBODY
