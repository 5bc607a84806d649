"""Every port in memory: product code that passes the same contract tests as the AWS adapters.

The SageMaker here is the smallest that honours the contract: a change is in flight until
`settle()`, a second one meanwhile is refused. What AWS does in between is the world model's job.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from icscaler.adapters.memory_store import MemoryStateStore
from icscaler.alarm_plan import MetricAlarm
from icscaler.entities import (
    Change,
    ComponentView,
    EndpointView,
    MetricMinute,
    NoticeItem,
    Outcome,
    OutcomeKind,
)
from icscaler.ports import DecisionRecord, Listed, SeriesRequest

__all__ = [
    "MemoryAlarms",
    "MemoryEndpoints",
    "MemoryLookQueue",
    "MemoryMetrics",
    "MemoryNotifier",
    "MemoryStateStore",
]

MINUTE_S = 60


@dataclass(slots=True)
class MemoryEndpoints:
    """`ports.Endpoints`. Fill `endpoints`, `components` and `component_endpoints` as needed.

    `refusals` (component to outcome kind) makes writes fail; `unreadable` components are left out
    of descriptions; `writes` lists the accepted changes in order.
    """

    endpoints: dict[str, EndpointView] = field(default_factory=dict)
    components: dict[str, ComponentView] = field(default_factory=dict)
    component_endpoints: dict[str, str] = field(default_factory=dict)
    owned_by_autoscaling: set[str] = field(default_factory=set)
    owned_variants: set[tuple[str, str]] = field(default_factory=set)
    refusals: dict[str, OutcomeKind] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    writes: list[Change] = field(default_factory=list)

    def add(self, endpoint: EndpointView, *components: ComponentView) -> None:
        """Create an endpoint with these components, or more components on it."""
        self.endpoints[endpoint.name] = endpoint
        for component in components:
            self.components[component.name] = component
            self.component_endpoints[component.name] = endpoint.name

    def settle(self, at_s: int) -> None:
        """Let every change in flight arrive."""
        for name, view in self.components.items():
            if view.status == "Updating":
                self.components[name] = replace(
                    view,
                    status="InService",
                    current_copies=view.desired_copies,
                    last_modified_s=at_s,
                )

        for endpoint, at in self.endpoints.items():
            if at.status == "Updating":
                there = {
                    name: replace(one, current_instances=one.desired_instances)
                    for name, one in at.variants.items()
                }
                self.endpoints[endpoint] = replace(
                    at, status="InService", variants=there, last_modified_s=at_s
                )

    def describe_endpoint(self, endpoint: str) -> EndpointView | None:
        view = self.endpoints.get(endpoint)
        return None if view is None else replace(view, variants=dict(view.variants))

    def list_components(self, endpoint: str) -> tuple[Listed, ...]:
        return tuple(
            Listed(name, view.variant, view.status, view.last_modified_s)
            for name, view in sorted(self.components.items())
            if self.component_endpoints[name] == endpoint
        )

    def describe_components(
        self, names: Sequence[str], at_s: int
    ) -> dict[str, ComponentView | None]:
        described: dict[str, ComponentView | None] = {}
        for name in names:
            view = self.components.get(name)
            if name not in self.unreadable:
                described[name] = view and replace(view, described_at_s=at_s, scalable_target=False)
        return described

    def scalable_targets(self, names: Sequence[str]) -> frozenset[str]:
        return frozenset(self.owned_by_autoscaling & set(names))

    def scalable_variants(self, endpoint: str, variants: Sequence[str]) -> frozenset[str]:
        return frozenset(one for one in variants if (endpoint, one) in self.owned_variants)

    def set_copies(self, change: Change, at_s: int) -> Outcome:
        kind = self.refusals.get(change.component) or self._accepts(change)
        if kind is OutcomeKind.ACCEPTED:
            self.writes.append(change)
            self._apply(change, at_s)
        message = "" if kind is OutcomeKind.ACCEPTED else f"refused: {kind}"
        return Outcome(kind, change.attempt_id, change.to_copies, at_s, message)

    def _apply(self, change: Change, at_s: int) -> None:
        if change.variant is None:
            view = self.components[change.component]
            self.components[change.component] = replace(
                view, status="Updating", desired_copies=change.to_copies, last_modified_s=at_s
            )
            return
        name, variant = change.variant
        at = self.endpoints[name]
        changed = replace(at.variants[variant], desired_instances=change.to_copies)
        self.endpoints[name] = replace(
            at,
            status="Updating",
            variants={**at.variants, variant: changed},
            last_modified_s=at_s,
        )

    def _accepts(self, change: Change) -> OutcomeKind:
        if change.variant is not None:
            return self._takes_instances(*change.variant, change.to_copies)
        if change.component not in self.components:
            return OutcomeKind.NOT_FOUND
        in_service = self.components[change.component].status == "InService"
        return OutcomeKind.ACCEPTED if in_service else OutcomeKind.IN_FLIGHT

    def _takes_instances(self, endpoint: str, variant: str, instances: int) -> OutcomeKind:
        at = self.endpoints.get(endpoint)
        if at is None or variant not in at.variants:
            return OutcomeKind.NOT_FOUND
        if at.status != "InService":
            return OutcomeKind.IN_FLIGHT
        return OutcomeKind.ACCEPTED if instances >= 1 else OutcomeKind.INVALID


@dataclass(slots=True)
class MemoryMetrics:
    """`ports.Metrics`. `unreadable` components are left out of answers, as when AWS fails."""

    _minutes: dict[str, dict[int, MetricMinute]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    asked: list[SeriesRequest] = field(default_factory=list)

    def put(self, component: str, minute: MetricMinute) -> None:
        """Keep a minute of a component, replacing what was known of it."""
        self._minutes.setdefault(component, {})[minute.at_s] = replace(minute)

    def minutes(
        self, requests: Sequence[SeriesRequest], at_s: int
    ) -> dict[str, tuple[MetricMinute, ...]]:
        self.asked.extend(requests)
        return {
            request.component: tuple(self._answer(request, at_s))
            for request in requests
            if request.component not in self.unreadable
        }

    def _answer(self, request: SeriesRequest, at_s: int) -> list[MetricMinute]:
        answer = []
        for start_s, minute in sorted(self._minutes.get(request.component, {}).items()):
            if not request.start_s <= start_s < at_s:
                continue
            if start_s > at_s - MINUTE_S:
                in_flight, rise_per_s = minute.concurrency_per_copy, minute.rise_per_s
                minute = MetricMinute(
                    start_s, concurrency_per_copy=in_flight, rise_per_s=rise_per_s
                )
            seen = MetricMinute(
                start_s,
                minute.invocations if request.invocations else None,
                minute.concurrency_per_copy if request.concurrency else None,
                minute.refused if request.refused else None,
                minute.heartbeat and request.heartbeat,
                minute.latency_s if request.latency else None,
                None if request.deadline_s is None else minute.in_deadline_fraction,
                None if request.deadline_s is None else minute.errors,
                minute.rise_per_s if request.concurrency and request.in_tens else None,
            )
            if seen != MetricMinute(start_s):
                answer.append(seen)
        return answer


@dataclass(slots=True)
class MemoryNotifier:
    """`ports.Notifier` and `dispatch.People` that remember what was told; "" is the fleet."""

    changes: list[DecisionRecord] = field(default_factory=list)
    notices: list[tuple[str, int, NoticeItem]] = field(default_factory=list)

    def copy_count_changed(self, records: Sequence[DecisionRecord]) -> None:
        self.changes.extend(replace(record) for record in records)

    def notify(self, endpoint: str, notices: Sequence[NoticeItem], at_s: int) -> None:
        self.notices.extend((endpoint, at_s, notice) for notice in notices)

    def notify_fleet(self, notices: Sequence[NoticeItem], at_s: int) -> None:
        self.notices.extend(("", at_s, notice) for notice in notices)


@dataclass(slots=True)
class MemoryLookQueue:
    """`ports.LookQueue`: messages in order; a repeated deduplication id is taken once.

    SQS forgets ids after five minutes; this one never does. `broken` endpoints can't be queued.
    """

    messages: list[tuple[str, int, str]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def send(self, looks: Sequence[tuple[str, int, str, str]]) -> tuple[str, ...]:
        for endpoint, event_at_s, cause, deduplication_id in looks:
            if endpoint not in self.broken and deduplication_id not in self._seen:
                self._seen.add(deduplication_id)
                self.messages.append((endpoint, event_at_s, cause))
        return tuple(look[0] for look in looks if look[0] in self.broken)


@dataclass(slots=True)
class MemoryAlarms:
    """`ports.Alarms`. None in `alarms` is an alarm of another kind; `calls` are the writes."""

    alarms: dict[str, MetricAlarm | None] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def find(self, prefix: str) -> dict[str, MetricAlarm | None]:
        return {name: alarm for name, alarm in self.alarms.items() if name.startswith(prefix)}

    def put(self, alarm: MetricAlarm) -> None:
        self.calls.append(f"put {alarm.name}")
        self.alarms[alarm.name] = alarm

    def delete(self, names: Sequence[str]) -> None:
        self.calls.append(f"delete {', '.join(names)}")
        for name in names:
            self.alarms.pop(name, None)
