"""The tournaments of a look in the report's words."""

from collections.abc import Iterator

from icscaler import demand
from icscaler.decide import recommend
from icscaler.invariants import Look
from icscaler.policies.tournament import Explanation
from icscaler_sim.report import RuleStanding, Standing


def standings_of(look: Look) -> Iterator[Standing]:
    """How the rules of each model by objective stood; nothing of models that state a target."""
    for name in sorted(look.plan.decisions):
        found = demand.explanation(recommend(look.config, look.state, look.seen, name).case)
        if found is not None:
            yield _standing(look.seen.at_s, name, found)


def _standing(at_s: int, name: str, found: Explanation) -> Standing:
    return Standing(
        at_s=at_s,
        component=name,
        copies=found.choice.copies,
        first_copy=found.decisive is found.keep,
        rules=[
            RuleStanding(one.name, one.wish, one.weight, one.held, one.lost, one.cost)
            for one in found.decisive
        ],
        next_best=found.next_best,
    )
