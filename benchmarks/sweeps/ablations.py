"""Parts of the decision core taken out one at a time, to see what each is worth.

Nothing of this ships: a part is taken out by putting something plain in its place while one run is
played, or by a setting of the fleet file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

from icscaler.learned import StartTimes
from icscaler.policies import accepted_load, startup
from icscaler.policies.tournament import rules, vote
from icscaler_sim.baselines import Value

_NEVER = 1e15
"""A prior that no evidence makes up for."""
_WINNER_ONLY = 1e-3
_PLAIN_MINUTES = 20
Rule = TypeVar("Rule", rules.LevelRule, rules.KeepRule)


@dataclass(frozen=True, slots=True)
class Ablation:
    """`settings` of the fleet file, and what is replaced: (module, name) -> value."""

    settings: Mapping[str, Value] = field(default_factory=dict)
    replaced: Mapping[tuple[Any, str], Any] = field(default_factory=dict)


def _plain_level(rule: rules.LevelRule) -> bool:
    return (rule.window_minutes, rule.headroom, rule.profile) == (_PLAIN_MINUTES, 1.0, False)


def _plain_keep(rule: rules.KeepRule) -> bool:
    return rule.idle_minutes == _PLAIN_MINUTES and not rule.profile


def _priors(
    of: Sequence[Rule], plain: Callable[[Rule], bool], *, only_plain: bool
) -> tuple[float, ...]:
    """Without yesterday's profile, and maybe with one rule only."""
    return tuple(
        _NEVER if rule.profile or (only_plain and not plain(rule)) else rule.prior for rule in of
    )


_LEVELS, _KEEPS = (vote, "_LEVEL_PRIORS"), (vote, "_KEEP_PRIORS")
_CHARGED = startup.charged

ABLATIONS: Mapping[str, Ablation] = {
    "the vote: the cheapest rule alone decides": Ablation(
        replaced={(vote, "temperature"): lambda terms: _WINNER_ONLY}
    ),
    "yesterday's profile": Ablation(
        replaced={
            _LEVELS: _priors(rules.LEVEL_RULES, _plain_level, only_plain=False),
            _KEEPS: _priors(rules.KEEP_RULES, _plain_keep, only_plain=False),
        }
    ),
    "the level rules: the peak of 20 minutes": Ablation(
        replaced={_LEVELS: _priors(rules.LEVEL_RULES, _plain_level, only_plain=True)}
    ),
    "the keep rules: 20 minutes after use": Ablation(
        replaced={_KEEPS: _priors(rules.KEEP_RULES, _plain_keep, only_plain=True)}
    ),
    "both: one fixed rule for all": Ablation(
        replaced={
            _LEVELS: _priors(rules.LEVEL_RULES, _plain_level, only_plain=True),
            _KEEPS: _priors(rules.KEEP_RULES, _plain_keep, only_plain=True),
        }
    ),
    "the worth of rare models": Ablation({"rare_per_s": 0.0}),
    "learned start-up times": Ablation(
        replaced={(startup, "charged"): lambda starts, decisions_s: _CHARGED(StartTimes(), ())}
    ),
    "learned peaks of what is in flight": Ablation(
        replaced={(accepted_load, "_with_peak"): lambda known, *minute: known}
    ),
    "one step: four copies or as many as there are": Ablation({"scale_out_step_copies": 4}),
    "the minimum life of a copy": Ablation({"minimum_life_s": 0}),
}
"""By what is taken out."""


@contextmanager
def without(name: str) -> Iterator[None]:
    """Play with that part taken out; with the empty name nothing is."""
    with ExitStack() as stack:
        if name:
            for (module, attribute), value in ABLATIONS[name].replaced.items():
                stack.enter_context(mock.patch.object(module, attribute, value))
        yield
