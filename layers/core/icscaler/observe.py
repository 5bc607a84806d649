"""Observe: what a look reads of an endpoint, with as few calls as will do.

List tells which components exist and when they were last modified, but no copy counts; Describe
tells those, one call a component. So described are: the new and the modified, those in flight,
those whose desired and current copies differ, those this controller meant to change, and all
others in rotation. Single-model variants are told by DescribeEndpoint alone. Metric series are
asked for only where the model's situation needs them.
"""

from dataclasses import replace
from typing import Protocol

from icscaler import bases, variants
from icscaler.entities import (
    ComponentView,
    EndpointConfig,
    EndpointState,
    EndpointView,
    MetricMinute,
    ModelConfig,
    Snapshot,
)
from icscaler.learned import InTime, ServiceTime
from icscaler.policies import accepted_load, evidence, objectives, signs_of_life
from icscaler.ports import (
    Allowance,
    EndpointItem,
    Endpoints,
    FleetPointer,
    Listed,
    Metrics,
    SeriesRequest,
)

ROTATION_S = 600
HISTORY_S = 900


class Sources(Protocol):
    """The ports an observation is made from."""

    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def metrics(self) -> Metrics: ...


def observe(
    config: EndpointConfig,
    item: EndpointItem,
    pointer: FleetPointer,
    allowance: Allowance | None,
    sources: Sources,
    at_s: int,
) -> Snapshot:
    """The snapshot a decision is made from. Raises `PortError` when it can't be read."""
    endpoint = sources.endpoints.describe_endpoint(config.name)
    components: dict[str, ComponentView] = {}
    metrics: dict[str, tuple[MetricMinute, ...]] = {}
    if endpoint is not None:
        if variants.hosts_components(config):
            components = _components(config, item, sources.endpoints, at_s)
        components |= _single_models(config, item, endpoint, sources.endpoints, at_s)
        requests = series_requests(config, item.state, components, at_s)
        metrics = sources.metrics.minutes(requests, at_s) if requests else {}
    return Snapshot(
        at_s=at_s,
        config_version=config.version,
        endpoint=endpoint or EndpointView(config.name, "Missing"),
        components=components,
        metrics=bases.metrics(config, metrics),
        wakes=bases.wakes(config, item.wakes),
        holds=item.holds,
        outcomes=item.outcomes,
        paused_models=pointer.paused_models,
        endpoint_paused=config.name in pointer.paused_endpoints,
        fleet_paused=pointer.paused,
        removal_allowance=max(0, allowance.limit - allowance.used) if allowance else None,
        metrics_vanished=pointer.metrics_vanished,
    )


def _components(
    config: EndpointConfig, item: EndpointItem, endpoints: Endpoints, at_s: int
) -> dict[str, ComponentView]:
    listed = {row.name: row for row in endpoints.list_components(config.name)}
    stale = [
        name
        for name, row in sorted(listed.items())
        if needs_describing(row, item.views.get(name), item.state, at_s)
    ]
    due = [n for n in stale if n not in item.views or _in_rotation(item.views[n], at_s)]
    # Whose turn it merely is comes last: it can wait when calls are throttled.
    stale.sort(key=lambda name: name in item.views and _in_rotation(item.views[name], at_s))
    described = endpoints.describe_components(stale, at_s) if stale else {}
    # Whose target was given up is asked every time: it should not wait for its turn.
    owned = (name for name, view in item.views.items() if view.scalable_target and name in listed)
    asked = sorted({*due, *owned})
    foreign = endpoints.scalable_targets(asked) if asked else frozenset()
    components: dict[str, ComponentView] = {}
    for name, row in listed.items():
        view, before = described.get(name), item.views.get(name)
        if view is None:
            # Deleted since it was listed, or not readable now: what is known of it is not evidence
            # enough to write, and its status in the list says whether it is in flight.
            if name in described or before is None:
                continue
            view = replace(before, status=row.status)
        if name in asked:
            view = replace(view, scalable_target=name in foreign)
        elif before is not None:
            view = replace(view, scalable_target=before.scalable_target)
        components[name] = view
    return components


def _single_models(
    config: EndpointConfig,
    item: EndpointItem,
    endpoint: EndpointView,
    endpoints: Endpoints,
    at_s: int,
) -> dict[str, ComponentView]:
    """Single-model variants; who owns their instances is asked in rotation.

    A variant of a target is asked every time, as for components.
    """
    views = variants.views(config, endpoint, item.views, at_s)
    due = [
        n
        for n, view in views.items()
        if n not in item.views
        or _in_rotation(item.views[n], at_s)
        or (view.scalable_target and endpoint.variants[view.variant].max_instances is None)
    ]
    if due:
        foreign = endpoints.scalable_variants(config.name, [views[n].variant for n in due])
        for name in due:
            view = views[name]
            managed = endpoint.variants[view.variant].max_instances is not None
            views[name] = replace(
                view, scalable_target=managed or view.variant in foreign, described_at_s=at_s
            )
    return views


def needs_describing(
    row: Listed, before: ComponentView | None, state: EndpointState, at_s: int
) -> bool:
    """Whether what is known of a listed component is not good enough for this look."""
    if before is None:
        return True
    model = state.models.get(row.name)
    return (
        row.last_modified_s != before.last_modified_s
        or row.status != "InService"
        or before.status != "InService"
        or before.desired_copies != before.current_copies
        or (model is not None and model.intent is not None)
        or _in_rotation(before, at_s)
    )


def _in_rotation(view: ComponentView, at_s: int) -> bool:
    return at_s - view.described_at_s >= ROTATION_S


def series_requests(
    config: EndpointConfig,
    state: EndpointState,
    components: dict[str, ComponentView],
    at_s: int,
) -> list[SeriesRequest]:
    """One series for a model at zero copies, two for a loaded one; heartbeat, latency at times."""
    return [
        _series(config, model, state, components[name], at_s)
        for name, model in sorted(config.models.items())
        if name in components
    ]


def _series(
    config: EndpointConfig,
    model: ModelConfig,
    state: EndpointState,
    view: ComponentView,
    at_s: int,
) -> SeriesRequest:
    known = state.models.get(model.name)
    start_s, active_s, service, in_time = at_s - HISTORY_S, 0, ServiceTime(), InTime()
    if known is not None:
        active_s, service, in_time = known.last_active_s, known.service, known.in_time
        start_s = max(known.last_minute_s + evidence.MINUTE_S, at_s - evidence.LONGEST_HOLE_S)
    start_s = min(start_s, at_s - evidence.MINUTE_S) // evidence.MINUTE_S * evidence.MINUTE_S
    loaded = view.current_copies > 0
    settled_s = evidence.settled_until_s(config, at_s)
    latency_s = accepted_load.latency_since_s(model, service, active_s, loaded, settled_s)
    judged = objectives.due(config, model, in_time, active_s, settled_s)
    latency, promised = latency_s is not None, judged is not None
    since_s = start_s if latency_s is None else min(start_s, latency_s)
    since_s = since_s if judged is None else min(since_s, judged.since_s)
    alone = model.kind == "variant"
    return SeriesRequest(
        component=model.name,
        start_s=since_s,
        invocations=loaded or latency or promised,
        concurrency=(loaded or latency) and evidence.reads_in_flight(model),
        refused=(promised or not loaded) and not alone,
        heartbeat=loaded
        and signs_of_life.heartbeat_due(known, state.last_look_s, config.blind_after_s, at_s),
        latency=latency,
        deadline_s=None if judged is None else judged.promise.deadline_s,
        variant=(config.name, model.variant) if alone else None,
        in_tens=model.spike_alarm,
    )
