"""Groups (ensembles): models that a product needs together wake and stay warm as one unit.

Two rules, around the guards of each member, on the members of one endpoint:

* `call`: while one member is in use, every other is wanted with at least one copy.
* `keep`: no member goes to zero before all can: whoever is held by a guard holds the others.

Only use calls. A floor does not (schedules and overrides select a group themselves), nor do minutes
of which nothing is known, nor a member that can't run (paused, observed or owned by somebody else
at zero copies, or with a ceiling of 0): its clients would keep the rest warm in vain. Copies above
the first are each member's own business. Bounds come after `call` and before allocation as for any
wish: a group that does not fit is told about (`incomplete`), and what fits runs.

A group is endpoint-local, because the lease, the snapshot and the state of a decision are. Of a
group on two endpoints each looks after its part; the fleet file warns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from icscaler.entities import Decision, EndpointConfig, Step
from icscaler.guards import Case
from icscaler.reasons import Reason

# Blocks under which a member without copies gets none for as long as they last.
_OUT_OF_REACH = (
    Reason.PAUSED,
    Reason.OBSERVE,
    Reason.FOREIGN_TARGET,
    Reason.COMPONENT_FAILED,
)


@dataclass(slots=True)
class Wish:
    """What demand alone asks for one component: copies, and the steps that led there."""

    case: Case
    recommended: int
    steps: list[Step] = field(default_factory=list)
    blocked: Reason | None = None


def members(config: EndpointConfig) -> dict[str, tuple[str, ...]]:
    """Component names by group, for groups of more than one; an adapter stands with its base."""
    found: dict[str, list[str]] = {}
    grouped = [(n, model.group) for n, model in config.models.items() if model.group is not None]
    for name, group in sorted(grouped):
        base = config.models[name].adapter_of
        found.setdefault(group, []).extend((name, base) if base in config.models else (name,))
    return {g: tuple(dict.fromkeys(names)) for g, names in found.items() if len(set(names)) > 1}


def in_use(wish: Wish) -> bool:
    """Whether a member calls the others: demand wants it, and what wants it is use."""
    case = wish.case
    if wish.recommended < 1 or case.ceiling < 1:
        return False
    if case.from_copies == 0 and wish.blocked in _OUT_OF_REACH:
        return False
    return case.state.last_active_s >= case.state.last_unknown_s


def call(config: EndpointConfig, wishes: Mapping[str, Wish]) -> dict[str, int]:
    """Copies to go on with: demand's, and one where another member of the group is in use."""
    wanted = {name: wish.recommended for name, wish in wishes.items()}
    for names in members(config).values():
        present = [name for name in names if name in wishes]
        callers = [name for name in present if in_use(wishes[name])]
        if not callers:
            continue
        # The one used last is named: the same one while nothing changes.
        caller = max(callers, key=lambda name: (wishes[name].case.state.last_active_s, name))
        for name in present:
            if wanted[name] < 1:
                wanted[name] = 1
                wishes[name].steps.append(Step(Reason.GROUP, 1, caller))
    return wanted


def keep(config: EndpointConfig, cases: Mapping[str, Case], decisions: dict[str, Decision]) -> None:
    """Hold at one copy whom the rest of the group does not follow to zero; replaces decisions."""
    for names in members(config).values():
        present = [name for name in names if name in decisions]
        held = [name for name in present if _stays(cases[name], decisions[name])]
        for name in present:
            case, decision = cases[name], decisions[name]
            leaves = case.from_copies > 0 and decision.desired_copies == 0 and case.ceiling > 0
            if held and leaves and decision.blocked is None:
                steps = (*decision.steps, Step(Reason.GROUP, 1, held[0]))
                decisions[name] = replace(decision, steps=steps, desired_copies=1)


def _stays(case: Case, decision: Decision) -> bool:
    """Whether a member has copies, and keeps some although its floor does not ask for them."""
    if case.from_copies == 0 or decision.blocked in _OUT_OF_REACH:
        return False
    return decision.desired_copies > max(0, case.floor)


def incomplete(
    config: EndpointConfig, decisions: Mapping[str, Decision]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Groups of which some run or start and others find no room: name, those, these."""
    for group, names in sorted(members(config).items()):
        present = [decisions[name] for name in names if name in decisions]
        lacking = tuple(d.component for d in present if d.desired_copies == 0 and _no_room(d))
        running = tuple(d.component for d in present if d.desired_copies > 0)
        if lacking and running:
            yield group, running, lacking


def _no_room(decision: Decision) -> bool:
    return any(
        step.reason in (Reason.DISPLACED, Reason.REFUSED_RECENTLY) for step in decision.steps
    )
