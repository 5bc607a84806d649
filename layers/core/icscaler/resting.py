"""Resting: who sleeps at zero copies and is not called is thought about every ten minutes.

Of hundreds of models most are asleep. Without a call nothing about such a model changes between two
looks but that its silent minutes go by, which are learned as well together. What could wake it
without a call is its profile of yesterday, which is kept in blocks of ten minutes: so a look at
which a block ends decides about it in full, and any sign of use, of people or of AWS does at once.
Until then its state stays as it is and the decision is that of the last full look.
"""

from icscaler import bounds, ownership
from icscaler.entities import Decision, EndpointConfig, ModelConfig, ModelState, Snapshot, Step
from icscaler.policies import accepted_load, evidence, objectives
from icscaler.policies.tournament.rules import BLOCK_S
from icscaler.reasons import Reason

_NOTHING = (Step(Reason.EARNS_ITS_GPUS, 0),)
# What a full look leaves behind when demand alone says so; see `verdicts.verdict`.
_ASLEEP = tuple((step.reason, step.copies, step.by) for step in _NOTHING)


def rests(
    config: EndpointConfig, model: ModelConfig, before: ModelState | None, seen: Snapshot
) -> bool:
    """Whether this look may leave the component as the last full look left it."""
    if before is None or before.verdict is None or before.verdict.steps != _ASLEEP:
        return False
    until_s = evidence.settled_until_s(config, seen.at_s)
    if (until_s - evidence.MINUTE_S) // BLOCK_S != before.last_minute_s // BLOCK_S:
        return False
    return (
        seen.metrics.get(model.name) == ()
        and _nothing_asked(model, before, seen)
        and _nothing_due(config, model, before, until_s)
        and ownership.blocked(config, model, before, seen) is None
    )


def decision(model: ModelConfig, at_s: int) -> Decision:
    """Of a component that rests: it stays at zero copies."""
    return Decision(model.name, at_s, 0, 0, 0, _NOTHING)


def _nothing_asked(model: ModelConfig, before: ModelState, seen: Snapshot) -> bool:
    """No copy is there, asked for by anybody, or on its way."""
    view, wake_s = seen.components[model.name], seen.wakes.get(model.name)
    return (
        view.desired_copies == view.current_copies == 0
        and before.observed_desired == before.observed_current == 0
        and before.intent is None
        and model.name not in seen.outcomes
        and (wake_s is None or wake_s < before.last_minute_s + evidence.MINUTE_S)
        # A group is called by its members, and bounds with hours by the clock.
        and model.group is None
        and not bounds.by_the_clock(model)
        and not model.min_copies
    )


def _nothing_due(
    config: EndpointConfig, model: ModelConfig, before: ModelState, until_s: int
) -> bool:
    """This look reads no latency or objective of it (`observe`), which would have to be learned."""
    active_s = before.last_active_s
    latency_s = accepted_load.latency_since_s(model, before.service, active_s, False, until_s)
    if latency_s is not None or model.policy is not None:
        return False
    return objectives.due(config, model, before.in_time, active_s, until_s) is None
