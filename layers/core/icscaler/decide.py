"""Decide: the one pure function that turns what is seen of an endpoint into a plan.

    decide(config, state, seen, at_s) -> (state, plan)

Deterministic and total; inputs are not modified. The pipeline, each step with a reason code:

    follow (what changed since the last look)  ->  learn (settled metric minutes, once each)
    -> recommend (policies) -> call (groups) -> shape (guards, bounds) -> keep (groups)
    -> allocate (per variant) -> allowance -> plan
"""

from dataclasses import replace

from icscaler import groups, guards, limits, notices, ownership
from icscaler.allocate import Allocation, Claim, allocate
from icscaler.entities import (
    STATE_SCHEMA_VERSION,
    Change,
    CopyResources,
    Decision,
    EndpointConfig,
    EndpointState,
    Intent,
    ModelConfig,
    ModelState,
    Objective,
    Plan,
    Snapshot,
    Step,
    TargetTracking,
)
from icscaler.learned import FinishedStart, VariantState
from icscaler.policies import evidence, keep_alive, startup, tournament
from icscaler.reasons import Reason


def decide(
    config: EndpointConfig, state: EndpointState, seen: Snapshot, at_s: int
) -> tuple[EndpointState, Plan]:
    """What to do about one endpoint now; see the module. `at_s` is `seen.at_s`."""
    wishes = {
        name: _recommend(config, state, seen, name)
        for name in sorted(config.models)
        if name in seen.components
    }
    cases = {name: wish.case for name, wish in wishes.items()}
    wanted = groups.call(config, wishes)
    decisions = {name: _shape(wish, wanted[name]) for name, wish in wishes.items()}
    groups.keep(config, cases, decisions)
    variants = limits.follow_instances(config, state, seen)
    price, short = _allocate(
        config, seen, cases, decisions, limits.instances(config, variants, seen)
    )
    removals = _draw_allowance(seen, cases, decisions)
    changes = _order(config, cases, decisions, removals)
    started = _started(config, cases, variants, at_s)
    after = EndpointState(
        schema_version=STATE_SCHEMA_VERSION,
        last_look_s=at_s,
        models={name: _intend(case.state, decisions[name], at_s) for name, case in cases.items()},
        variants=variants,
        decisions_s=startup.latest(state.decisions_s, *(one.decision_s for one in started)),
    )
    # A component that is gone for a moment (deleted and made anew) keeps what was learned of it.
    after.models |= {n: s for n, s in state.models.items() if n in config.models and n not in cases}
    said, after.noticed = notices.collect(config, state, seen, after, decisions, short)
    unmanaged = tuple(sorted(set(seen.components) - set(config.models)))
    blind = tuple(name for name, case in cases.items() if case.blind)
    return after, Plan(at_s, tuple(changes), decisions, said, price, unmanaged, blind, started)


def _started(
    config: EndpointConfig,
    cases: dict[str, guards.Case],
    variants: dict[str, VariantState],
    at_s: int,
) -> tuple[FinishedStart, ...]:
    """The starts that ended by this look; what they say of instances is noted in `variants`."""
    last = ((name, case.state.starts.last) for name, case in cases.items())
    started = [(name, start) for name, start in last if start is not None and start.seen_s == at_s]
    for name, start in started:
        variant = variants[config.models[name].variant]
        variant.launches_s = startup.latest(variant.launches_s, start.instance_s or None)
    return tuple(start for _, start in started)


def _recommend(
    config: EndpointConfig, before: EndpointState, seen: Snapshot, name: str
) -> groups.Wish:
    model, view = config.models[name], seen.components[name]
    state = ownership.follow(config, model, before.models.get(name), seen, before.last_look_s)
    fresh = evidence.learn(config, model, state, seen, before.decisions_s)
    case = guards.Case(config, model, state, seen, view.desired_copies, view.current_copies)
    steps: list[Step] = []
    recommended = _demand(case, fresh, steps)
    blocked = ownership.blocked(config, model, state, seen)
    return groups.Wish(case, recommended, steps, blocked)


def _shape(wish: groups.Wish, wanted: int) -> Decision:
    """What guards and bounds leave of a wish; `wanted` is with what the group asks for."""
    case = wish.case
    shaped = guards.shape(case, wanted, wish.steps)
    return Decision(
        component=case.model.name,
        at_s=case.at_s,
        from_copies=case.from_copies,
        recommended_copies=wish.recommended,
        desired_copies=shaped,
        steps=tuple(wish.steps),
        blocked=wish.blocked,
    )


def _demand(case: guards.Case, fresh: evidence.Fresh | None, steps: list[Step]) -> int:
    """What demand asks for, by the model's kind of policy."""
    if case.model.policy is None:
        return _by_objective(case, fresh, steps)
    return _by_target(case, case.model.policy, fresh, steps)


def _by_objective(case: guards.Case, fresh: evidence.Fresh | None, steps: list[Step]) -> int:
    """The copies that earn their GPUs by the tournament's vote."""
    state, known_until_s = case.state, case.state.last_minute_s + evidence.MINUTE_S
    memory = state.tournament or tournament.fresh_memory()
    now = tournament.Now(
        load=fresh.load if fresh is not None else 0.0, used=state.last_active_s > known_until_s
    )
    worth = case.request_worth * state.in_time.worth_factor
    copies = tournament.choose(memory, terms(case.config, case.model, worth), now).copies
    if copies < case.from_copies and state.last_unknown_s >= known_until_s:
        steps.append(Step(Reason.NO_DATA, case.from_copies))
        return case.from_copies
    if case.from_copies == 0 and copies > 0:
        steps.append(Step(_presence_reason(case, fresh), copies))
    else:
        earned = copies >= case.from_copies
        reason = Reason.EARNS_ITS_GPUS if earned else Reason.NOT_WORTH_ITS_GPUS
        steps.append(Step(reason, copies))
    return copies


def terms(
    config: EndpointConfig, model: ModelConfig, request_worth: float = 1.0
) -> tournament.Terms:
    """What copies and requests of a model are worth: as configured, and as its objective has it."""
    objective = model.objective or Objective()
    return tournament.Terms(
        slots=float(model.concurrent_requests_per_copy or 1),
        gpus=model.resources.gpus,
        price=config.price,
        worth=request_worth,
        rare_per_s=objective.rare_per_s,
    )


def _by_target(
    case: guards.Case, policy: TargetTracking, fresh: evidence.Fresh | None, steps: list[Step]
) -> int:
    """Levels above one copy by target tracking, copy 1 by recent use."""
    state, known_until_s = case.state, case.state.last_minute_s + evidence.MINUTE_S
    window = evidence.highest(state.recommendations)
    newest = fresh.copies if fresh is not None else 0
    latest = max(newest, state.recommendations[-1][1] if state.recommendations else 0)
    wish = max(newest, window or 0)
    unknown_s = known_until_s - state.last_unknown_s
    if unknown_s < policy.scale_in_stabilization_s and wish < case.from_copies:
        steps.append(Step(Reason.NO_DATA, case.from_copies))
        return case.from_copies
    if wish > 1:
        reason = (
            Reason.ABOVE_TARGET
            if wish > case.from_copies
            else Reason.BELOW_TARGET
            if wish < case.from_copies
            else Reason.TARGET_MET
        )
        steps.append(Step(reason, latest))
        if latest < wish:
            steps.append(Step(Reason.STABILIZED, wish))
        return wish
    # Unknown minutes may hold a copy that is there; they never call one that is not.
    used_s = max(state.last_active_s, state.last_unknown_s if case.from_copies else 0)
    if keep_alive.wants_presence(case.model.idle_s, used_s, known_until_s):
        steps.append(Step(_presence_reason(case, fresh), 1))
        return 1
    steps.append(Step(Reason.IDLE, 0))
    return 0


def _presence_reason(case: guards.Case, fresh: evidence.Fresh | None) -> Reason:
    if case.from_copies > 0:
        return Reason.RECENTLY_USED
    if fresh is not None and fresh.refused:
        return Reason.WOKEN_BY_REFUSED_REQUEST
    wake_s = case.seen.wakes.get(case.model.name)
    if wake_s is not None and wake_s >= case.state.last_active_s:
        return Reason.WOKEN_BY_WAKE_REQUEST
    return Reason.WOKEN_BY_REFUSED_REQUEST


def _allocate(
    config: EndpointConfig,
    seen: Snapshot,
    cases: dict[str, guards.Case],
    decisions: dict[str, Decision],
    instances: dict[str, int],
) -> tuple[float, tuple[str, ...]]:
    """Fit the shaped wishes on each variant's instances; replaces decisions in place."""
    price = 0.0
    short: tuple[str, ...] = ()
    for variant_name in sorted(config.variants):
        variant = config.variants[variant_name]
        claims, fixed = [], limits.reserved(config, seen, variant_name)
        for name, case in cases.items():
            if case.model.variant != variant_name:
                continue
            held = max(case.from_copies, case.current_copies)
            copy = seen.components[name].resources or case.model.resources
            if decisions[name].blocked is None:
                claims.append(_claim(case, decisions[name], copy, held))
            else:
                fixed.extend([copy] * held)
        fixed.extend(limits.unmanaged(config, seen, variant_name))
        allocation = allocate(variant, instances[variant_name], fixed, claims)
        price = max(price, allocation.gpu_price)
        short += allocation.short
        _apply(allocation, decisions)
    return price, short


def _claim(case: guards.Case, decision: Decision, copy: CopyResources, held: int) -> Claim:
    wish = decision.desired_copies
    untouchable = guards.is_young(case) or case.blind or case.seen.metrics_vanished
    there = case.from_copies if untouchable else 0
    return Claim(
        name=case.model.name,
        copy=copy,
        from_copies=case.from_copies,
        held_copies=held,
        firm_copies=min(wish, max(case.floor, min(there, case.ceiling))),
        wish_copies=wish,
        worth=case.model.worth,
        protected=case.model.protected,
    )


def _apply(allocation: Allocation, decisions: dict[str, Decision]) -> None:
    for name, grant in allocation.grants.items():
        decision = decisions[name]
        steps, desired = list(decision.steps), decision.desired_copies
        if desired == grant.copies == grant.copies_now:
            continue
        if grant.copies < desired:
            steps.append(Step(Reason.DISPLACED, grant.copies, grant.displaced_by))
        if grant.copies_now < grant.copies:
            steps.append(Step(Reason.WAITING_FOR_ROOM, grant.copies_now, grant.waits_for))
        decisions[name] = replace(
            decision, steps=tuple(steps), desired_copies=min(grant.copies, grant.copies_now)
        )


def _draw_allowance(
    seen: Snapshot, cases: dict[str, guards.Case], decisions: dict[str, Decision]
) -> dict[str, int]:
    """Copies each change removes by demand, within the look's allowance; biggest copies first.

    What a lowered ceiling removes needs no allowance: a person asked for it.
    """
    left = seen.removal_allowance or 0
    removals: dict[str, int] = {}
    leaving = [d for d in decisions.values() if d.changes and d.desired_copies < d.from_copies]
    leaving.sort(key=lambda d: (-cases[d.component].model.resources.gpus, d.component))
    for decision in leaving:
        by_demand_from = min(decision.from_copies, cases[decision.component].ceiling)
        wanted = max(0, by_demand_from - decision.desired_copies)
        granted = min(wanted, left)
        left -= granted
        removals[decision.component] = granted
        if granted < wanted:
            desired = by_demand_from - granted
            steps = (*decision.steps, Step(Reason.REMOVAL_ALLOWANCE, desired))
            decisions[decision.component] = replace(decision, steps=steps, desired_copies=desired)
    return removals


def _order(
    config: EndpointConfig,
    cases: dict[str, guards.Case],
    decisions: dict[str, Decision],
    removals: dict[str, int],
) -> list[Change]:
    """Releases before claims when somebody waits for room; else claims first, dearest first."""
    acting = [decision for decision in decisions.values() if decision.changes]
    tight = any(step.reason in _TIGHT for d in decisions.values() for step in d.steps)

    def rank(decision: Decision) -> tuple[bool, bool, float, str]:
        releases = decision.desired_copies < decision.from_copies
        model = cases[decision.component].model
        return (
            releases != tight,
            not model.protected,
            -model.worth,
            decision.component,
        )

    return [
        Change(
            component=decision.component,
            from_copies=decision.from_copies,
            to_copies=decision.desired_copies,
            attempt_id=_attempt_id(decision),
            removes_by_demand=removals.get(decision.component, 0),
        )
        for decision in sorted(acting, key=rank)
    ]


_TIGHT = (Reason.WAITING_FOR_ROOM, Reason.DISPLACED)


def _intend(state: ModelState, decision: Decision, at_s: int) -> ModelState:
    if decision.changes:
        state.intent = Intent(
            _attempt_id(decision), decision.from_copies, decision.desired_copies, at_s
        )
    return state


def _attempt_id(decision: Decision) -> str:
    return f"{decision.component}/{decision.at_s}"
