"""Ownership: may this component be written to, and did somebody else write to it?

Everything here compares what is observed with what this controller intended. Cooldowns, minimum
life and the manual hold start from observed changes, never from requests, so a crash between
storing an intent and acting on it leaves nothing wrong behind.
"""

from dataclasses import fields
from operator import attrgetter

from icscaler import bounds
from icscaler.entities import (
    ComponentView,
    EndpointConfig,
    ModelConfig,
    ModelState,
    Outcome,
    OutcomeKind,
    RefusedCopies,
    Snapshot,
)
from icscaler.learned import StartTimes
from icscaler.policies import evidence, startup
from icscaler.reasons import Reason

# An intent nobody confirmed in this time never happened or was undone by somebody.
INTENT_MEMORY_S = 3600
_REFUSALS = (OutcomeKind.NO_ROOM, OutcomeKind.QUOTA, OutcomeKind.INVALID, OutcomeKind.DENIED)
_fields_of = attrgetter(*(field.name for field in fields(ModelState)))
_WRITABLE_ENDPOINT = ("InService", "Updating", "SystemUpdating")


def first_sight(config: EndpointConfig, view: ComponentView, at_s: int) -> ModelState:
    """State of a component seen for the first time.

    Its recent history is taken in. What is loaded counts as used until now; what is at zero
    copies stays there until somebody asks for it.
    """
    return ModelState(
        first_seen_s=at_s,
        observed_desired=view.desired_copies,
        observed_current=view.current_copies,
        last_active_s=0,
        last_unknown_s=at_s if view.current_copies else 0,
        last_minute_s=evidence.settled_until_s(config, at_s) - 10 * evidence.MINUTE_S,
        last_heartbeat_s=at_s,
        copies_log=((at_s, view.current_copies),),
        newest_copy_s=at_s if view.current_copies == 0 else 0,
        starts=StartTimes(been_there=view.current_copies > 0),
    )


def follow(
    config: EndpointConfig,
    model: ModelConfig,
    before: ModelState | None,
    seen: Snapshot,
    last_look_s: int | None,
) -> ModelState:
    """The new state after comparing it with what is observed; `before` is not modified."""
    view = seen.components[model.name]
    if before is None:
        return first_sight(config, view, seen.at_s)
    state = ModelState(*_fields_of(before))  # as `replace` does, in a quarter of its time
    variant = seen.endpoint.variants.get(view.variant)
    intent, raised = state.intent, view.desired_copies > state.observed_desired
    if raised and intent is not None and intent.copies == view.desired_copies:
        state.starts = startup.order(state.starts, intent.at_s, intent.copies, variant)
    if intent is not None or view.desired_copies != state.observed_desired:
        _follow_desired(model, state, view, seen)
    state.starts = startup.follow(state.starts, view, variant, seen.at_s, last_look_s)
    if view.current_copies > state.observed_current:
        state.newest_copy_s = seen.at_s
        evidence.log_copies(state, view.current_copies, seen.at_s)
    elif view.current_copies < state.observed_current:
        # They left some time after the last look; counting them longer would overstate the load.
        evidence.log_copies(state, view.current_copies, last_look_s or seen.at_s)
    state.observed_current = view.current_copies
    outcome = seen.outcomes.get(model.name)
    if outcome is not None:
        _follow_outcome(model, state, outcome)
    return state


def _follow_desired(
    model: ModelConfig, state: ModelState, view: ComponentView, seen: Snapshot
) -> None:
    at_s, intent, now = seen.at_s, state.intent, view.desired_copies
    ours = intent is not None and intent.copies == now
    if now != state.observed_desired:
        if now > state.observed_desired:
            state.last_scale_out_s = at_s
            state.last_scale_out_copies = now - state.observed_desired
        else:
            state.last_scale_in_s = at_s
        held = seen.holds.get(model.name)
        expected = view.scalable_target or (held is not None and held.until_s > at_s)
        if not ours and not expected:
            state.manual_until_s = at_s + model.limits.manual_change_hold_s
        state.owned_copies = now if ours else None
        state.observed_desired = now
    if intent is not None and (ours or at_s - intent.at_s > INTENT_MEMORY_S):
        state.intent = None


def _follow_outcome(model: ModelConfig, state: ModelState, outcome: Outcome) -> None:
    if outcome.kind in _REFUSALS and outcome.copies > state.observed_desired:
        until_s = outcome.at_s + model.limits.refusal_memory_s
        state.refused = RefusedCopies(outcome.copies, outcome.kind, until_s)
    elif outcome.kind is OutcomeKind.ACCEPTED:
        state.refused = None


def blocked(
    config: EndpointConfig, model: ModelConfig, state: ModelState, seen: Snapshot
) -> Reason | None:
    """Why nothing may be written to the component in this look; None: it may."""
    view = seen.components[model.name]
    hold = seen.holds.get(model.name)
    if view.status == "Failed":
        return Reason.COMPONENT_FAILED
    if _paused(config, model, seen):
        return Reason.PAUSED
    if config.observe or model.observe:
        return Reason.OBSERVE
    if hold is not None and hold.forbids_writes(seen.at_s):
        return Reason.HELD_BY_ROLLOUT
    if view.scalable_target:
        return Reason.FOREIGN_TARGET
    if state.manual_until_s > seen.at_s:
        return Reason.MANUAL_CHANGE
    if model.adapter_of is not None:
        return Reason.FOLLOWS_BASE
    if seen.endpoint.status not in _WRITABLE_ENDPOINT:
        return Reason.ENDPOINT_NOT_IN_SERVICE
    return Reason.IN_FLIGHT if view.status != "InService" else None


def _paused(config: EndpointConfig, model: ModelConfig, seen: Snapshot) -> bool:
    return (
        seen.fleet_paused
        or seen.endpoint_paused
        or config.paused
        or bounds.paused(model, seen.at_s)
        or model.name in seen.paused_models
    )
