"""Dispatch: which endpoints should be looked at, and how much may be removed fleet-wide.

The only sender to the look queue. A tick queues every endpoint of the fleet, grants the minute's
allowance for removals, and tells people when the metrics of many models have vanished together; a
wake (somebody's request, or the alarm on refused requests naming a component) is noted on the
endpoint it concerns, then that endpoint is queued; an endpoint's own change of state and a spike
alarm queue the endpoint. Why alarms are treated so: docs/waking.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from icscaler import bounds, switches
from icscaler.entities import EndpointConfig, NoticeItem
from icscaler.ports import (
    Allowance,
    EndpointSummary,
    FleetPointer,
    FleetView,
    LookQueue,
    PortError,
    StateStore,
    Wake,
)
from icscaler.reasons import Notice

MINUTE_S = 60
SPIKE_S = 10
EPISODE_GAP_S = 900


class Cause(StrEnum):
    """What made somebody look.

    `REQUESTS_REFUSED` is the fleet-wide alarm: it names the component, or nobody at all.
    """

    TICK = "Tick"
    WAKE_REQUESTED = "WakeRequested"
    REQUESTS_REFUSED = "RequestsRefused"
    SPIKE = "Spike"
    ENDPOINT_CHANGED = "EndpointChanged"
    ASKED = "Asked"


_WAKES = (Cause.WAKE_REQUESTED, Cause.REQUESTS_REFUSED)


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
    """What was queued, for logs and metrics.

    Of components to be woken: `woken` are noted, `limited` were woken a moment ago, `unwakeable`
    are paused, have a ceiling of 0, or are variants, which always run. `unknown` names are not in
    the published fleet. `not_told`: why a person who must know something does not know it yet.
    """

    cause: Cause
    at_s: int
    queued: tuple[str, ...] = ()
    not_queued: tuple[str, ...] = ()
    woken: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()
    unwakeable: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    allowance: int | None = None
    late_endpoints: tuple[str, ...] = ()
    metrics_vanished: bool = False
    not_told: str = ""


class People(Protocol):
    """Who must know what concerns the whole fleet."""

    def notify_fleet(self, notices: Sequence[NoticeItem], at_s: int) -> None:
        """Raises `PortError` when they can't be told."""
        ...


@dataclass(slots=True)
class Deps:
    """What dispatch needs, and the fleet-wide limits.

    `removal_share`: the share of all copies that may go per minute by demand, but at least
    `removal_least`. `vanished_share`: when this share of all models (and at least
    `vanished_least`) is blind together, nothing scales in anywhere. `wake_every_s`: how often a
    wake of one component takes effect; a wake spends GPUs.
    """

    store: StateStore
    queue: LookQueue
    people: People
    wake_every_s: int = 60
    removal_share: float = 0.1
    removal_least: int = 3
    vanished_share: float = 0.5
    vanished_least: int = 5
    allowance_s: int = 150
    late_after_s: int = 300


@dataclass(slots=True)
class _Looks:
    endpoints: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)
    unwakeable: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def dispatch(event: DispatchEvent, deps: Deps) -> DispatchOutcome:
    """Queue looks for an event. Raises `PortError` when the table can't be used."""
    ticks = event.cause is Cause.TICK
    names_nobody = not event.components and not event.endpoints
    fleet = deps.store.fleet(event.at_s, summaries=names_nobody)
    pointer = fleet.pointer
    outcome = DispatchOutcome(event.cause, event.at_s)
    if pointer is None:
        outcome.unknown = (*event.components, *event.endpoints)
        return outcome
    if ticks:
        _grant(event, deps, fleet.summaries, pointer, outcome)
        looks = _Looks(list(pointer.endpoints))
    elif names_nobody:
        looks = _Looks(list(_with_sleepers(fleet, pointer)))
    else:
        looks = _named(event, deps, pointer)
    for kind in ("woken", "limited", "unwakeable", "unknown"):
        setattr(outcome, kind, tuple(getattr(looks, kind)))
    outcome.not_queued = deps.queue.send(
        [
            (endpoint, event.at_s, str(event.cause), _deduplication_id(event, endpoint))
            for endpoint in looks.endpoints
        ]
    )
    outcome.queued = tuple(e for e in looks.endpoints if e not in outcome.not_queued)
    if outcome.metrics_vanished:
        # Last: what a person is told may wait, looks may not.
        outcome.not_told = _tell(event, deps, fleet.summaries, pointer)
    return outcome


def _tell(
    event: DispatchEvent, deps: Deps, summaries: Sequence[EndpointSummary], pointer: FleetPointer
) -> str:
    """One message an episode, however many endpoints it meets; why it could not be sent, if so.

    What begins within `EPISODE_GAP_S` of the end of another episode is the same for people. A
    message that could not be sent is tried again by the next tick.
    """
    if event.at_s - pointer.metrics_told_s > EPISODE_GAP_S:
        blind = [one for one in summaries if one.blind_models]
        where = "1 endpoint" if len(blind) == 1 else f"{len(blind)} endpoints"
        text = (
            f"The metrics of {sum(one.blind_models for one in blind)} of "
            f"{sum(one.models for one in summaries)} loaded models, on {where}, vanished "
            "together. Nothing scales in anywhere until they are back; wakes go on."
        )
        notice = NoticeItem(Notice.METRICS_VANISHED, "fleet", text)
        try:
            deps.people.notify_fleet([notice], event.at_s)
        except PortError as error:
            return str(error)
    deps.store.set_metrics_told(event.at_s)
    return ""


def _deduplication_id(event: DispatchEvent, endpoint: str) -> str:
    """What repeats collapses: ticks by minute, the alarm that names nobody too (but not with the
    tick, which may have looked before the metric was there), spikes by ten seconds, the period of
    their metric; other events by their own id."""
    if event.cause is Cause.TICK:
        return f"{endpoint}-{event.at_s // MINUTE_S}"
    if event.cause is Cause.REQUESTS_REFUSED and not event.components:
        return f"{endpoint}-{event.cause}-{event.at_s // MINUTE_S}"
    if event.cause is Cause.SPIKE:
        return f"{endpoint}-{event.cause}-{event.at_s // SPIKE_S}"
    return f"{endpoint}-{event.event_id}"


def _with_sleepers(fleet: FleetView, pointer: FleetPointer) -> Iterator[str]:
    """Endpoints on which, for all that is known, a model may be at zero copies."""
    at_zero = {summary.endpoint: summary.at_zero for summary in fleet.summaries}
    return (name for name in pointer.endpoints if at_zero.get(name) != 0)


def _named(event: DispatchEvent, deps: Deps, pointer: FleetPointer) -> _Looks:
    looks = _Looks()
    configs: dict[str, EndpointConfig | None] = {}
    for component in dict.fromkeys(event.components):
        endpoint = deps.store.endpoint_of(component)
        if endpoint is None or endpoint not in pointer.endpoints:
            looks.unknown.append(component)
            continue
        if event.cause in _WAKES:
            if endpoint not in configs:
                configs[endpoint] = deps.store.configuration(endpoint, pointer.version)
            if not _wakeable(configs[endpoint], component, pointer, event.at_s):
                looks.unwakeable.append(component)
                continue
            # Stored first: were the message lost, the next tick would still see the wake.
            wake = Wake(endpoint, component, event.at_s, event.event_id)
            if not deps.store.request_wake(wake, deps.wake_every_s):
                looks.limited.append(component)
                continue
            looks.woken.append(component)
        looks.endpoints.append(endpoint)
    for endpoint in event.endpoints:
        (looks.endpoints if endpoint in pointer.endpoints else looks.unknown).append(endpoint)
    looks.endpoints = sorted(set(looks.endpoints))
    return looks


def _wakeable(
    config: EndpointConfig | None, component: str, pointer: FleetPointer, at_s: int
) -> bool:
    """Whether a wake could bring a copy: not while paused, nor with a ceiling of 0; a single-model
    variant always has one.

    Where the configuration was replaced a moment ago the look decides.
    """
    model = config.models.get(component) if config is not None else None
    if config is None or model is None:
        return True
    if model.kind == "variant" or switches.paused(pointer, config, model, at_s):
        return False
    return bounds.bounds_at(config, model, at_s).ceiling.copies > 0


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
