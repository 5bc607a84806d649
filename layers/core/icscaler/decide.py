"""Decide: the one pure function that turns what is seen of an endpoint into a plan.

    decide(config, state, seen, at_s) -> (state, plan)

Deterministic and total; inputs are not modified. The pipeline, each step with a reason code:

    rest (who sleeps and is not called)  ->  follow (what changed since the last look)
    -> learn (settled metric minutes, once each)
    -> recommend (policies) -> call (groups) -> shape (guards, bounds) -> keep (groups)
    -> ceilings of classes and owners -> allocate (per variant) -> allowance -> plan
"""

from dataclasses import replace

from icscaler import (
    demand,
    gpu_ceilings,
    groups,
    guards,
    limits,
    notices,
    ownership,
    verdicts,
)
from icscaler import resting as resting_models
from icscaler import variants as single_model
from icscaler.allocate import Allocation, Claim, allocate, by_right
from icscaler.entities import (
    STATE_SCHEMA_VERSION,
    Change,
    CopyResources,
    Decision,
    EndpointConfig,
    EndpointState,
    ModelState,
    Plan,
    Snapshot,
    Step,
)
from icscaler.learned import FinishedStart, Intent, VariantState
from icscaler.policies import evidence, startup
from icscaler.reasons import Reason


def decide(
    config: EndpointConfig, state: EndpointState, seen: Snapshot, at_s: int
) -> tuple[EndpointState, Plan]:
    """What to do about one endpoint now; see the module. `at_s` is `seen.at_s`."""
    present = [name for name in sorted(config.models) if name in seen.components]
    resting = {
        name: resting_models.decision(config.models[name], at_s)
        for name in present
        if resting_models.rests(config, config.models[name], state.models.get(name), seen)
    }
    wishes = {n: recommend(config, state, seen, n) for n in present if n not in resting}
    cases = {name: wish.case for name, wish in wishes.items()}
    wanted = groups.call(config, wishes)
    decisions = {name: _shape(wish, wanted[name]) for name, wish in wishes.items()}
    groups.keep(config, cases, decisions)
    variants = limits.follow_instances(config, state, seen)
    price, short = _allocate(
        config, seen, cases, decisions, limits.instances(config, variants, seen)
    )
    removals = _draw_allowance(seen, cases, decisions)
    ordered = _order(config, cases, decisions, removals)
    changes = single_model.one_at_a_time(config, ordered, decisions)
    started = _started(config, cases, variants, at_s)
    after = EndpointState(
        schema_version=STATE_SCHEMA_VERSION,
        last_look_s=at_s,
        models={name: _intend(case.state, decisions[name], at_s) for name, case in cases.items()},
        variants=variants,
        decisions_s=startup.latest(state.decisions_s, *(one.decision_s for one in started)),
        gpu_price=price,
    )
    # Who rests stays as it is. A component that is gone for a moment (deleted and made anew) keeps
    # what was learned of it.
    after.models |= {n: s for n, s in state.models.items() if n in config.models and n not in cases}
    said, after.noticed = notices.collect(config, state, seen, after, decisions, short)
    decisions |= resting
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


def recommend(
    config: EndpointConfig, before: EndpointState, seen: Snapshot, name: str
) -> groups.Wish:
    """What one component's own demand asks for: the first part of `decide`, for explanations."""
    model, view = config.models[name], seen.components[name]
    state = ownership.follow(config, model, before.models.get(name), seen, before.last_look_s)
    fresh = evidence.learn(config, model, state, seen, before.decisions_s)
    case = guards.Case(config, model, state, seen, view.desired_copies, view.current_copies, fresh)
    steps: list[Step] = []
    recommended = demand.copies(case, steps)
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
    claims_of, fixed_of = _claims(seen, cases, decisions)
    if config.gpu_ceilings:
        _keep_to_ceilings(config, cases, claims_of, decisions)
    for variant_name in sorted(config.variants):
        variant = config.variants[variant_name]
        claims = claims_of.get(variant_name, [])
        fixed = [*limits.reserved(config, seen, variant_name), *fixed_of.get(variant_name, ())]
        fixed.extend(limits.unmanaged(config, seen, variant_name))
        allocation = allocate(variant, instances[variant_name], fixed, claims)
        price = max(price, allocation.gpu_price)
        short += allocation.short
        _apply(allocation, decisions)
    return price, short


def _claims(
    seen: Snapshot, cases: dict[str, guards.Case], decisions: dict[str, Decision]
) -> tuple[dict[str, list[Claim]], dict[str, list[CopyResources]]]:
    """By variant: what is asked for, and copies nothing may be written to."""
    claims: dict[str, list[Claim]] = {}
    fixed: dict[str, list[CopyResources]] = {}
    for name, case in cases.items():
        held = max(case.from_copies, case.current_copies)
        if not held and not decisions[name].desired_copies:
            continue  # nothing there and nothing asked for: most models, most of the time
        copy = seen.components[name].resources or case.model.resources
        if decisions[name].blocked is None:
            claim = _claim(case, decisions[name], copy, held)
            claims.setdefault(case.model.variant, []).append(claim)
        else:
            fixed.setdefault(case.model.variant, []).extend([copy] * held)
    return claims, fixed


def _keep_to_ceilings(
    config: EndpointConfig,
    cases: dict[str, guards.Case],
    claims_of: dict[str, list[Claim]],
    decisions: dict[str, Decision],
) -> None:
    """Cut wishes to what ceilings of classes and owners leave; replaces decisions in place."""
    claims = {claim.name: claim for some in claims_of.values() for claim in some}
    holders = {}
    for name, case in cases.items():
        labels = tuple(one.label for one in config.gpu_ceilings if one.holds(case.model))
        claim, held = claims.get(name), max(case.from_copies, case.current_copies)
        if labels and (claim is not None or held):
            copy = case.seen.components[name].resources or case.model.resources
            holders[name] = gpu_ceilings.Holder(copy.gpus, held, labels, fixed=claim is None)
    asked = (
        gpu_ceilings.AskedCopy(claim.name, number, firm)
        for _, claim, number, firm in by_right(list(claims.values()))
    )
    for name, found in gpu_ceilings.cut(config.gpu_ceilings, holders, asked).items():
        claims[name].wish_copies = found.copies
        steps = (*decisions[name].steps, Step(Reason.MAX_GPUS, found.copies, found.label))
        decisions[name] = replace(decisions[name], steps=steps, desired_copies=found.copies)


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
        worth=case.model.worth * demand.worth_scale(case),
        protected=case.model.protected,
        floor_copies=case.floor,
        prices=demand.prices(case, wish),
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
    """Releases before claims when somebody waits for room; else claims first.

    Among them wakes first, then protected models, then by worth: what is throttled is what is last.
    """
    acting = [decision for decision in decisions.values() if decision.changes]
    if not acting:
        return []
    # A single-model variant has its room for itself: what it lacks nobody else can release.
    shared = [d for d in decisions.values() if config.models[d.component].kind == "component"]
    tight = any(step.reason in _TIGHT for d in shared for step in d.steps)

    def rank(decision: Decision) -> tuple[bool, bool, bool, float, str]:
        releases = decision.desired_copies < decision.from_copies
        model = cases[decision.component].model
        return (
            releases != tight,
            decision.from_copies > 0,
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
    state.verdict = verdicts.verdict(decision, state.verdict)
    if decision.changes:
        state.intent = Intent(
            _attempt_id(decision), decision.from_copies, decision.desired_copies, at_s
        )
    return state


def _attempt_id(decision: Decision) -> str:
    return f"{decision.component}/{decision.at_s}"
