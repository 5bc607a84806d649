"""Dispatch: which endpoints should be looked at, and how much may be removed fleet-wide.

The only sender to the look queue. A tick queues every endpoint of the fleet and grants the minute's
allowance for removals; a wake request is noted on the endpoint it concerns, then that endpoint is
queued; an endpoint's own state change queues it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from icscaler.ports import (
    Allowance,
    EndpointSummary,
    FleetPointer,
    LookQueue,
    StateStore,
)

MINUTE_S = 60


class Cause(StrEnum):
    """What made somebody look."""

    TICK = "Tick"
    WAKE_REQUESTED = "WakeRequested"
    ENDPOINT_CHANGED = "EndpointChanged"
    ASKED = "Asked"


@dataclass(slots=True)
class DispatchEvent:
    """A trigger, parsed: when it happened, its id, and what it names."""

    cause: Cause
    at_s: int
    event_id: str
    components: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(slots=True)
class DispatchOutcome:
    """What was queued, for logs and metrics."""

    cause: Cause
    at_s: int
    queued: tuple[str, ...] = ()
    not_queued: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    allowance: int | None = None
    late_endpoints: tuple[str, ...] = ()
    metrics_vanished: bool = False


@dataclass(slots=True)
class Deps:
    """What dispatch needs, and the fleet-wide limits.

    `removal_share`: the share of all copies that may go per minute by demand, but at least
    `removal_least`. `vanished_share`: when this share of all models (and at least
    `vanished_least`) is blind together, nothing scales in anywhere.
    """

    store: StateStore
    queue: LookQueue
    removal_share: float = 0.1
    removal_least: int = 3
    vanished_share: float = 0.5
    vanished_least: int = 5
    allowance_s: int = 150
    late_after_s: int = 300


@dataclass(slots=True)
class _Looks:
    known: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def dispatch(event: DispatchEvent, deps: Deps) -> DispatchOutcome:
    """Queue looks for an event. Raises `PortError` when the table can't be used."""
    ticks = event.cause is Cause.TICK
    fleet = deps.store.fleet(event.at_s, summaries=ticks)
    pointer = fleet.pointer
    outcome = DispatchOutcome(event.cause, event.at_s)
    if pointer is None:
        outcome.unknown = (*event.components, *event.endpoints)
        return outcome
    if ticks:
        _grant(event, deps, fleet.summaries, pointer, outcome)
        looks = _Looks(known=list(pointer.endpoints))
    else:
        looks = _named(event, deps, pointer)
    outcome.unknown = tuple(looks.unknown)
    outcome.not_queued = deps.queue.send(
        [
            (endpoint, event.at_s, str(event.cause), _deduplication_id(event, endpoint))
            for endpoint in looks.known
        ]
    )
    outcome.queued = tuple(e for e in looks.known if e not in outcome.not_queued)
    return outcome


def _deduplication_id(event: DispatchEvent, endpoint: str) -> str:
    """Ticks collapse by endpoint and minute, other events by their own id."""
    if event.cause is Cause.TICK:
        return f"{endpoint}-{event.at_s // MINUTE_S}"
    return f"{endpoint}-{event.event_id}"


def _named(event: DispatchEvent, deps: Deps, pointer: FleetPointer) -> _Looks:
    looks = _Looks()
    for component in event.components:
        endpoint = deps.store.endpoint_of(component)
        if endpoint is None or endpoint not in pointer.endpoints:
            looks.unknown.append(component)
            continue
        if event.cause is Cause.WAKE_REQUESTED:
            # Stored first: were the message lost, the next tick would still see the wake.
            deps.store.request_wake(endpoint, component, event.at_s)
        looks.known.append(endpoint)
    for endpoint in event.endpoints:
        (looks.known if endpoint in pointer.endpoints else looks.unknown).append(endpoint)
    looks.known = sorted(set(looks.known))
    return looks


def _grant(
    event: DispatchEvent,
    deps: Deps,
    left: Sequence[EndpointSummary],
    pointer: FleetPointer,
    outcome: DispatchOutcome,
) -> None:
    summaries = [summary for summary in left if summary.endpoint in pointer.endpoints]
    outcome.metrics_vanished = metrics_vanished(summaries, deps)
    if outcome.metrics_vanished != pointer.metrics_vanished:
        deps.store.set_metrics_vanished(outcome.metrics_vanished)
    copies = sum(summary.copies for summary in summaries)
    outcome.allowance = max(deps.removal_least, int(deps.removal_share * copies))
    deps.store.grant_allowance(
        Allowance(limit=outcome.allowance, used=0, until_s=event.at_s + deps.allowance_s)
    )
    seen = {s.endpoint for s in summaries if event.at_s - s.at_s <= deps.late_after_s}
    outcome.late_endpoints = tuple(e for e in pointer.endpoints if e not in seen)


def metrics_vanished(summaries: list[EndpointSummary], deps: Deps) -> bool:
    """Whether so many models are blind at once that the metrics, not the models, are silent."""
    blind = sum(summary.blind_models for summary in summaries)
    models = sum(summary.models for summary in summaries)
    return blind >= deps.vanished_least and blind >= deps.vanished_share * models
