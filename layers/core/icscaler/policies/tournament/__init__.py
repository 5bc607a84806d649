"""The tournament: simple rules compete in shadow on a model's own traffic and vote on its copies.

Demand is seen whether it was served or not, so what any rule would have cost can be computed
afterwards: the GPUs it would have held and the requests it would have lost, start-up time included.
`learn` charges the rules once per settled metric minute, `choose` lets them vote with weights that
fall with their cost. The physics separates by copy, so two tournaments run per model: level rules
for copies 2 and up, keep rules for copy 1.

    rules   the rules and every constant        learn   evidence, once per settled minute
    vote    costs and weights                   choice  copies for now, and their worth
    explain which rules carried a choice
"""

from icscaler.policies.tournament.choice import PRICE_STEP, Choice, Now, choose, copy_prices
from icscaler.policies.tournament.explain import Explanation, RuleShare, explain
from icscaler.policies.tournament.learn import (
    Minute,
    fresh_memory,
    learn,
    recent_peak,
    usable,
    used_until_s,
)
from icscaler.policies.tournament.rules import KEEP_MINUTES
from icscaler.policies.tournament.vote import Terms

__all__ = [
    "KEEP_MINUTES",
    "PRICE_STEP",
    "Choice",
    "Explanation",
    "Minute",
    "Now",
    "RuleShare",
    "Terms",
    "choose",
    "copy_prices",
    "explain",
    "fresh_memory",
    "learn",
    "recent_peak",
    "usable",
    "used_until_s",
]
