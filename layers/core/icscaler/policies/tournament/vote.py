"""The vote: what every rule has cost by now, and the weight its wish has for that."""

from dataclasses import dataclass
from math import exp

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament import rules
from icscaler.policies.tournament.rules import TUNING

# A weight under this changes no decision; exp() of less is not worth its time.
_NEGLIGIBLE = 30.0
_LEVEL_PRIORS = tuple(rule.prior for rule in rules.LEVEL_RULES)
_KEEP_PRIORS = tuple(rule.prior for rule in rules.KEEP_RULES)


@dataclass(slots=True)
class Terms:
    """What copies and requests are worth, for one model.

    `slots`: requests one copy serves at once. `gpus`: of one copy. `price`: requests that one
    GPU-minute must save. `worth`: of one of its requests, against 1 for an ordinary one.
    `rare_per_s`: a request counts double at this many requests a second, and more below.
    """

    slots: float
    gpus: int
    price: float
    worth: float = 1.0
    rare_per_s: float = 1.0


def request_worth(memory: TournamentMemory, terms: Terms) -> float:
    """Worth of one request: more for the rarely used, whose every request counts."""
    rate = memory.asked / memory.asked_s if memory.asked_s > 0 else 0.0
    return terms.worth * (1.0 + terms.rare_per_s / max(rate, TUNING.least_rate_per_s))


def level_costs(memory: TournamentMemory, terms: Terms) -> list[float]:
    """Cost of every level rule so far, in requests."""
    per_minute = terms.price * max(1, terms.gpus)
    held, missed = per_minute / memory.level_unit, request_worth(memory, terms) / memory.level_unit
    return [
        held * minutes + missed * requests + per_minute * prior
        for minutes, requests, prior in zip(memory.held, memory.missed, _LEVEL_PRIORS, strict=True)
    ]


def keep_costs(memory: TournamentMemory, terms: Terms) -> list[float]:
    """Cost of every keep rule so far, in requests."""
    kept = terms.price * max(1, terms.gpus) / memory.keep_unit
    refused = request_worth(memory, terms) / memory.keep_unit
    worth = terms.worth
    return [
        kept * minutes + refused * requests + worth * prior
        for minutes, requests, prior in zip(memory.kept, memory.refused, _KEEP_PRIORS, strict=True)
    ]


def temperature(terms: Terms) -> float:
    """How far a rule may be from the best and still be heard; the dearer GPUs, the less."""
    root: float = (TUNING.temperature_price * terms.worth / terms.price) ** 0.5
    found = TUNING.temperature * root
    return min(max(found, TUNING.least_temperature), TUNING.most_temperature)


def votes(costs: list[float], heat: float) -> list[float]:
    """Votes that fall exponentially with cost; the cheapest rule has 1."""
    best = min(costs)
    scale = heat * max(best, 1e-9)
    heard = _NEGLIGIBLE * scale
    return [exp((best - cost) / scale) if cost - best < heard else 0.0 for cost in costs]


def weights(costs: list[float], heat: float) -> list[float]:
    """The votes as shares; they sum to 1."""
    found = votes(costs, heat)
    total = sum(found)
    return [vote / total for vote in found]
