"""Explaining: which rules carried a choice, what they have cost, and what others would cost."""

from dataclasses import dataclass

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament import choice as choices
from icscaler.policies.tournament import rules, vote
from icscaler.policies.tournament.choice import Choice, Now
from icscaler.policies.tournament.vote import Terms


@dataclass(frozen=True, slots=True)
class RuleShare:
    """One rule of a vote. `held`: GPU-minutes; `lost`: requests; `cost` of both, in requests.

    Figures fade with the half-life of the evidence: they are of about the last days.
    """

    name: str
    weight: float
    wish: int
    held: float
    lost: float
    cost: float

    def __str__(self) -> str:
        """As records keep it: `1 x peak of 3 min: 2 copies, weight 0.08, cost 44247`."""
        copies = f"{self.wish} {'copy' if self.wish == 1 else 'copies'}"
        return f"{self.name}: {copies}, weight {self.weight:.2f}, cost {self.cost:.0f}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A choice, the rules with the greatest weights, and the cheapest rules that wish otherwise.

    `next_best`: by copies, the least cost of a rule that wishes for so many, beside the best one's.
    """

    choice: Choice
    price: float
    request_worth: float
    level: tuple[RuleShare, ...]
    keep: tuple[RuleShare, ...]
    next_best: dict[int, float]

    @property
    def decisive(self) -> tuple[RuleShare, ...]:
        """The rules that settled it: those for copies 2 and up, or those for the first copy."""
        return self.level if self.choice.level > 1 else self.keep


def explain(memory: TournamentMemory, terms: Terms, now: Now, most: int = 5) -> Explanation:
    """Why `choose` chooses what it does; computed anew from the same memory."""
    level, keep = _level(memory, terms, now), _keep(memory, terms, now)
    choice = choices.choose(memory, terms, now)
    decisive = level if choice.level > 1 else keep
    best = min(share.cost for share in decisive)
    next_best: dict[int, float] = {}
    for share in decisive:
        wish = max(1, share.wish) if decisive is level else share.wish
        next_best[wish] = min(next_best.get(wish, share.cost - best), share.cost - best)
    return Explanation(
        choice,
        terms.price,
        vote.request_worth(memory, terms),
        _heaviest(level, most),
        _heaviest(keep, most),
        dict(sorted(next_best.items())),
    )


def _heaviest(shares: list[RuleShare], most: int) -> tuple[RuleShare, ...]:
    return tuple(sorted(shares, key=lambda share: (-share.weight, share.cost))[:most])


def _level(memory: TournamentMemory, terms: Terms, now: Now) -> list[RuleShare]:
    costs = vote.level_costs(memory, terms)
    weights = vote.weights(costs, vote.temperature(terms))
    wishes = choices.level_wishes(memory, terms, now)
    gpus, unit = max(1, terms.gpus), memory.level_unit
    figures = zip(
        rules.LEVEL_RULES, weights, wishes, memory.held, memory.missed, costs, strict=True
    )
    return [
        RuleShare(rule.name, weight, wish, held * gpus / unit, missed / unit, cost)
        for rule, weight, wish, held, missed, cost in figures
    ]


def _keep(memory: TournamentMemory, terms: Terms, now: Now) -> list[RuleShare]:
    costs = vote.keep_costs(memory, terms)
    weights = vote.weights(costs, vote.temperature(terms))
    wishes = choices.keep_wishes(memory, now)
    gpus, unit = max(1, terms.gpus), memory.keep_unit
    figures = zip(
        rules.KEEP_RULES, weights, wishes, memory.kept, memory.refused, costs, strict=True
    )
    return [
        RuleShare(rule.name, weight, int(wish), kept * gpus / unit, refused / unit, cost)
        for rule, weight, wish, kept, refused, cost in figures
    ]
