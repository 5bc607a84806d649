"""Invariants: what must hold for every look, whatever happens. Checked by tests and simulations.

Each check takes one look's inputs and results and yields a sentence per violation, beginning with
the number of the invariant in `docs/design/000-invariants.md`. Checks look at results from outside
and recompute what they need; they do not trust the plan's own reasons.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from icscaler import groups, guards, limits, ownership
from icscaler.entities import (
    Change,
    Decision,
    EndpointConfig,
    EndpointState,
    MetricMinute,
    Plan,
    Snapshot,
    Step,
)
from icscaler.packing import Packing
from icscaler.policies import evidence
from icscaler.reasons import Reason

Decide = Callable[[EndpointConfig, EndpointState, Snapshot, int], tuple[EndpointState, Plan]]


@dataclass(slots=True)
class Look:
    """One look: what went in (`config`, `state`, `seen`) and what came out (`after`, `plan`)."""

    config: EndpointConfig
    state: EndpointState
    seen: Snapshot
    after: EndpointState
    plan: Plan

    def case(self, name: str) -> guards.Case:
        """The guards' view of one component after the look."""
        view = self.seen.components[name]
        return guards.Case(
            self.config,
            self.config.models[name],
            self.after.models[name],
            self.seen,
            view.desired_copies,
            view.current_copies,
        )


def check(look: Look, decide: Decide) -> list[str]:
    """All violations of one look; empty when everything holds."""
    found: list[str] = []
    for change in look.plan.changes:
        found.extend(_bounds(look, change))
        found.extend(_no_blind_removal(look, change))
        found.extend(_ownership(look, change))
        found.extend(_explained(look, change))
    found.extend(_protected(look))
    found.extend(_capacity(look))
    found.extend(_ceilings(look))
    found.extend(_wakes(look))
    found.extend(_groups(look))
    again = decide(look.config, look.state, look.seen, look.seen.at_s)
    if again != (look.after, look.plan):
        found.append("4: the same snapshot gave another plan")
    return found


def check_monotonic(look: Look, decide: Decide, name: str) -> list[str]:
    """5: same state, one look, before packing: more demand never gives fewer copies.

    Demand of settled minutes also moves the weights of a tournament, so for models with an
    objective only the fresh minutes grow.
    """
    minutes = look.seen.metrics.get(name)
    if minutes is None or name not in look.plan.decisions:
        return []
    learns = look.config.models[name].policy is None
    from_s = evidence.settled_until_s(look.config, look.seen.at_s) if learns else 0
    louder = tuple(_double(minute) if minute.at_s >= from_s else minute for minute in minutes)
    seen = replace(look.seen, metrics={**look.seen.metrics, name: louder})
    _, plan = decide(look.config, look.state, seen, seen.at_s)
    before, after = look.plan.decisions[name], plan.decisions[name]
    if _before_packing(after.steps) < _before_packing(before.steps):
        return [f"5: {name} got fewer copies for more demand"]
    return []


def _before_packing(steps: tuple[Step, ...]) -> int:
    late = (
        Reason.MAX_GPUS,
        Reason.DISPLACED,
        Reason.WAITING_FOR_ROOM,
        Reason.REMOVAL_ALLOWANCE,
    )
    return [step.copies for step in steps if step.reason not in late][-1]


def _double(minute: MetricMinute) -> MetricMinute:
    def twice(value: float | None) -> float | None:
        return None if value is None else 2 * value

    return MetricMinute(
        minute.at_s,
        twice(minute.invocations),
        twice(minute.concurrency_per_copy),
        twice(minute.refused),
        minute.heartbeat,
    )


def _bounds(look: Look, change: Change) -> Iterator[str]:
    case = look.case(change.component)
    if change.to_copies > case.ceiling:
        yield f"1: {change.component} to {change.to_copies}, above its ceiling {case.ceiling}"
    displaced = any(
        step.reason in (Reason.DISPLACED, Reason.WAITING_FOR_ROOM)
        for step in look.plan.decisions[change.component].steps
    )
    if change.to_copies < case.floor and not displaced and change.to_copies < change.from_copies:
        yield f"1: {change.component} to {change.to_copies}, below its floor {case.floor}"


def _protected(look: Look) -> Iterator[str]:
    """A protected model is short only when the protected floors alone do not fit."""
    budget = _instances(look)
    for variant_name, variant in look.config.variants.items():
        members = [
            name for name in look.plan.decisions if look.config.models[name].variant == variant_name
        ]
        packing = Packing.of(variant, budget[variant_name])
        fixed = list(limits.reserved(look.config, look.seen, variant_name))
        fixed += limits.unmanaged(look.config, look.seen, variant_name)
        floors, short = [], []
        for name in members:
            case, decision = look.case(name), look.plan.decisions[name]
            copy = look.seen.components[name].resources or case.model.resources
            if decision.blocked is not None:
                fixed += [copy] * max(case.from_copies, case.current_copies)
            elif case.model.protected:
                floors += [copy] * case.floor
                wanted = min(
                    case.floor, max(decision.desired_copies, _before_packing(decision.steps))
                )
                waits = any(s.reason is Reason.WAITING_FOR_ROOM for s in decision.steps)
                if decision.desired_copies < wanted and not waits:
                    short.append(name)
        fits = packing.add_all(fixed) and packing.add_all(floors)
        for name in short if fits else ():
            yield f"1: {name} is protected and below its floor although the floors fit"


def _capacity(look: Look) -> Iterator[str]:
    budget = _instances(look)
    for variant_name, variant in look.config.variants.items():
        copies = list(limits.reserved(look.config, look.seen, variant_name))
        # Taking a draining copy back claims no new room: it still has its own.
        views = look.seen.components
        grown = [
            change
            for change in look.plan.changes
            if change.to_copies > max(change.from_copies, views[change.component].current_copies)
            and look.config.models[change.component].variant == variant_name
        ]
        targets = {change.component: change.to_copies for change in look.plan.changes}
        for name, view in look.seen.components.items():
            model = look.config.models.get(name)
            resources = view.resources or (model.resources if model else None)
            on_variant = (model.variant if model else view.variant) == variant_name
            if resources is not None and on_variant:
                held = max(view.desired_copies, view.current_copies, targets.get(name, 0))
                copies += [resources] * held
        gpus = sum(copy.gpus for copy in copies)
        room = budget[variant_name] * variant.gpus
        if grown and gpus > room:
            yield f"2: {variant_name} would hold {gpus} GPUs of {room}"


def _ceilings(look: Look) -> Iterator[str]:
    """Nobody grows beyond a floor while the models of its class or owner hold all they may."""
    targets = {change.component: change.to_copies for change in look.plan.changes}
    for ceiling in look.config.gpu_ceilings:
        held, grown = 0, []
        for name in look.plan.decisions:
            case, view = look.case(name), look.seen.components[name]
            if not ceiling.holds(case.model):
                continue
            there = max(view.desired_copies, view.current_copies)
            copy = view.resources or case.model.resources
            held += copy.gpus * max(there, targets.get(name, 0))
            if targets.get(name, 0) > max(there, case.floor):
                grown.append(name)
        if grown and held > ceiling.gpus:
            yield f"2: {ceiling.label} would hold {held} GPUs of {ceiling.gpus} for {grown}"


def _no_blind_removal(look: Look, change: Change) -> Iterator[str]:
    case = look.case(change.component)
    by_demand = change.to_copies < min(change.from_copies, case.ceiling)
    if by_demand and (case.blind or look.seen.metrics_vanished):
        yield f"3: {change.component} loses copies without data"
    if by_demand and look.seen.removal_allowance is None:
        yield f"3: {change.component} loses copies without an allowance"


def _ownership(look: Look, change: Change) -> Iterator[str]:
    model = look.config.models.get(change.component)
    if model is None:
        yield f"6: {change.component} is in no fleet file"
        return
    reason = ownership.blocked(look.config, model, look.after.models[model.name], look.seen)
    if reason is not None:
        yield f"6: {change.component} is written to although {reason}"


def _explained(look: Look, change: Change) -> Iterator[str]:
    steps = look.plan.decisions[change.component].steps
    if not steps or steps[-1].copies != change.to_copies:
        yield f"9: the steps of {change.component} do not end at {change.to_copies}"


def _wakes(look: Look) -> Iterator[str]:
    excused = (
        Reason.WAITING_FOR_ROOM,
        Reason.DISPLACED,
        Reason.MAX_GPUS,
        Reason.REFUSED_RECENTLY,
    )
    for name, decision in look.plan.decisions.items():
        case = look.case(name)
        asleep = case.from_copies == 0 and decision.blocked is None and case.ceiling > 0
        if not asleep or decision.desired_copies > 0:
            continue
        if any(step.reason in excused for step in decision.steps):
            continue
        # Every keep rule stays at least four minutes after use.
        idle_s = 240 if case.model.policy is None else case.model.idle_s
        since_s = 0 if idle_s is None else case.state.last_minute_s + evidence.MINUTE_S - idle_s
        minutes = look.seen.metrics.get(name, ())
        asked = any(m.refused and m.at_s >= since_s for m in minutes)
        if asked or look.seen.wakes.get(name, -1) > max(since_s, 0):
            yield f"8: {name} was asked for at zero copies and stays there"


def _groups(look: Look) -> Iterator[str]:
    """Before packing: nobody of a group sleeps on while another one is used, nor goes alone."""
    stopped = (Reason.REFUSED_RECENTLY, Reason.SCALE_OUT_COOLDOWN)
    for group, names in groups.members(look.config).items():
        present = {n: look.plan.decisions[n] for n in names if n in look.plan.decisions}
        used = [name for name, one in present.items() if _used(look, name, one)]
        for name, one in present.items():
            reachable = one.blocked is None and look.case(name).ceiling > 0
            excused = any(step.reason in stopped for step in one.steps)
            if used and reachable and not excused and _before_packing(one.steps) < 1:
                yield f"10: {name} is not wanted although {used[0]} of group {group} is used"


def _used(look: Look, name: str, decision: Decision) -> bool:
    case = look.case(name)
    wish = groups.Wish(case, decision.recommended_copies, blocked=decision.blocked)
    return groups.in_use(wish)


def _instances(look: Look) -> dict[str, int]:
    return limits.instances(look.config, look.after.variants, look.seen)
