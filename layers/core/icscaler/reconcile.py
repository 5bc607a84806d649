"""Reconcile: one look at one endpoint. Observe, decide, store, act, record.

An event only says "look now"; what is done depends on what is observed. State is stored with a
version check before acting and acting is "set desired copies to n", so a repeat, a crash in the
middle and two looks racing each other cost time, never correctness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256

from icscaler import observe, overlays, records
from icscaler.decide import decide
from icscaler.entities import Change, EndpointState, Outcome, OutcomeKind, Plan, Snapshot
from icscaler.ports import (
    Allowance,
    Closing,
    DecisionRecord,
    EndpointItem,
    Endpoints,
    EndpointSummary,
    FleetPointer,
    Lease,
    LeaseLostError,
    LookInputs,
    LookRequest,
    LookSnapshot,
    Metrics,
    Notifier,
    PortError,
    StateStore,
)

# After this many throttled writes in one look the rest is left to the next one, but wakes are
# tried: the account's calls are short, and those of other endpoints may be wakes too.
MAX_THROTTLED_WRITES = 2


class LookKind(StrEnum):
    """How a look ended."""

    LOOKED = "Looked"
    COLLAPSED = "Collapsed"
    BUSY = "Busy"
    NOT_MANAGED = "NotManaged"
    LEASE_LOST = "LeaseLost"
    FAILED = "Failed"


@dataclass(slots=True)
class LookOutcome:
    """What a look did, for logs and metrics."""

    endpoint: str
    kind: LookKind
    at_s: int
    plan: Plan | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    summary: EndpointSummary | None = None
    message: str = ""


@dataclass(slots=True)
class Deps:
    """What a look needs; built once per container. `core` names the code that decides."""

    store: StateStore
    endpoints: Endpoints
    metrics: Metrics
    notifier: Notifier
    encode: Callable[[LookInputs | Plan], bytes]
    core: Callable[[], str] = str
    lease_s: int = 120
    keep_all_snapshots: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a look: who holds the lease, and how long it may still take."""

    owner: str
    time_left_s: Callable[[], float]


def look(request: LookRequest, deps: Deps, run: Invocation) -> LookOutcome:
    """Look at one endpoint once.

    A dependency that can't be used ends the look as `FAILED`: the next tick tries again, sooner
    than the queue would. Anything else that is raised is a bug and goes to the dead-letter queue.
    """
    received_s = int(request.received_s)
    lease: Lease | None = None
    try:
        fleet = deps.store.fleet(received_s)
        if fleet.pointer is None or request.endpoint not in fleet.pointer.endpoints:
            return LookOutcome(request.endpoint, LookKind.NOT_MANAGED, received_s)
        lease = deps.store.acquire_lease(request.endpoint, run.owner, received_s, deps.lease_s)
        if lease is None:
            return LookOutcome(request.endpoint, LookKind.BUSY, received_s)
        return _look(request, deps, run, (fleet.pointer, fleet.allowance), lease)
    except LeaseLostError as error:
        return LookOutcome(request.endpoint, LookKind.LEASE_LOST, received_s, message=str(error))
    except PortError as error:
        if lease is not None:
            _release(deps, lease)
        return LookOutcome(request.endpoint, LookKind.FAILED, received_s, message=str(error))


def _look(
    request: LookRequest,
    deps: Deps,
    run: Invocation,
    fleet: tuple[FleetPointer, Allowance | None],
    lease: Lease,
) -> LookOutcome:
    pointer, allowance = fleet
    item = deps.store.load(request.endpoint, pointer.version)
    at_s = look_time_s(request, item)
    if request.sent_s < item.last_look_received_s:
        deps.store.release(lease)
        return LookOutcome(request.endpoint, LookKind.COLLAPSED, at_s)
    if item.config is None:
        deps.store.release(lease)
        return LookOutcome(request.endpoint, LookKind.NOT_MANAGED, at_s)
    config = overlays.merge(item.config, item.overlays, at_s)
    inputs = LookInputs(
        config, item.state, observe.observe(config, item, pointer, allowance, deps, at_s)
    )
    seen = inputs.seen
    state, plan = decide(inputs.config, inputs.state, seen, at_s)
    fresh_holds = [name for name, hold in seen.holds.items() if hold.acknowledged_s is None]
    summary = _summary(request.endpoint, seen, plan)
    # A quiet look is stored and finished in one write.
    quiet = None if plan.changes or plan.notices else Closing({}, summary, request.received_s)
    deps.store.store(lease, item.state_version, state, seen.components, fresh_holds, quiet)
    intended = _record(inputs, state, plan, deps)
    outcomes = act(plan, deps, run, at_s)
    message = _report(inputs, plan, intended, outcomes, deps)
    if quiet is None:
        deps.store.finish(lease, Closing(outcomes, summary, request.received_s))
    return LookOutcome(request.endpoint, LookKind.LOOKED, at_s, plan, outcomes, summary, message)


def look_time_s(request: LookRequest, item: EndpointItem) -> int:
    """The event's time, but later than the last look's; an event from the future counts as now.

    Every look has a time of its own, because records and snapshots are kept by it.
    """
    event_s = min(request.event_at_s, int(request.received_s))
    last_s = item.state.last_look_s
    return event_s if last_s is None else max(event_s, last_s + 1)


def act(plan: Plan, deps: Deps, run: Invocation, at_s: int) -> dict[str, Outcome]:
    """Make the plan's changes in order; an outcome for each, none raised."""
    outcomes: dict[str, Outcome] = {}
    removals = sum(change.removes_by_demand for change in plan.changes)
    may_remove = removals == 0 or deps.store.draw_allowance(removals, at_s)
    throttled = 0
    for change in plan.changes:
        if change.removes_by_demand and not may_remove:
            outcome = _not_done(change, OutcomeKind.NO_ALLOWANCE, at_s)
        elif run.time_left_s() <= 0 or (throttled >= MAX_THROTTLED_WRITES and change.from_copies):
            outcome = _not_done(change, OutcomeKind.NOT_TRIED, at_s)
        else:
            outcome = deps.endpoints.set_copies(change, at_s)
        throttled += outcome.kind is OutcomeKind.THROTTLED
        outcomes[change.component] = outcome
    return outcomes


def _not_done(change: Change, kind: OutcomeKind, at_s: int) -> Outcome:
    return Outcome(kind, change.attempt_id, change.to_copies, at_s)


def _record(
    inputs: LookInputs, after: EndpointState, plan: Plan, deps: Deps
) -> list[DecisionRecord]:
    """Before acting, so that no change is ever without a record; those of the changes to come."""
    config, seen = inputs.config, inputs.seen
    intended = records.intended(inputs, plan)
    kept = intended + records.observed(inputs, plan)
    if kept or deps.keep_all_snapshots:
        digest = plan_digest(deps.encode(plan))
        payload = deps.encode(inputs)
        snapshot = LookSnapshot(config.name, seen.at_s, payload, digest, deps.core())
        deps.store.record(kept, snapshot)
    if sighted := records.sightings(inputs, after):
        deps.store.sighted(sighted)
    return intended


def plan_digest(plan: bytes) -> str:
    """Names an encoded plan; equal plans have equal bytes."""
    return sha256(plan).hexdigest()


def _report(
    inputs: LookInputs,
    plan: Plan,
    intended: Sequence[DecisionRecord],
    outcomes: dict[str, Outcome],
    deps: Deps,
) -> str:
    """Complete the records, send events and notices; what could not be told, never raised."""
    done = [
        replace(record, outcome=str(outcome.kind), message=outcome.message)
        for record in intended
        if (outcome := outcomes.get(record.component)) is not None
    ]
    accepted = [record for record in done if record.outcome == OutcomeKind.ACCEPTED]
    try:
        if done:
            deps.store.record(done, None)
        if accepted:
            deps.notifier.copy_count_changed(accepted)
        if plan.notices:
            deps.notifier.notify(inputs.config.name, plan.notices, inputs.seen.at_s)
    except PortError as error:
        return f"The look is done but not fully reported: {error}"
    return ""


def _summary(endpoint: str, seen: Snapshot, plan: Plan) -> EndpointSummary:
    copies = sum(view.desired_copies for view in seen.components.values())
    loaded = sum(seen.components[name].current_copies > 0 for name in plan.decisions)
    at_zero = sum(seen.components[name].desired_copies == 0 for name in plan.decisions)
    return EndpointSummary(endpoint, seen.at_s, copies, loaded, len(plan.blind), at_zero)


def _release(deps: Deps, lease: Lease) -> None:
    """Best effort: an unreleased lease expires by itself."""
    try:
        deps.store.release(lease)
    except PortError:
        return


def replay(inputs: LookInputs) -> Plan:
    """The plan of a stored look, computed again; the same to the byte."""
    return decide(inputs.config, replace(inputs.state), inputs.seen, inputs.seen.at_s)[1]
