"""A fleet of one endpoint in memory, for tests of the use cases."""

from dataclasses import dataclass, field

from icscaler import dispatch, reconcile
from icscaler.adapters.codec import encode
from icscaler.adapters.memory import (
    MemoryEndpoints,
    MemoryLookQueue,
    MemoryMetrics,
    MemoryNotifier,
)
from icscaler.adapters.memory_store import MemoryStateStore
from icscaler.entities import EndpointConfig, EndpointView, VariantView
from icscaler.ports import Allowance, LookRequest
from tests.unit.core.build import T0, config, minutes, model, view


def endpoint_view(instances: int = 2) -> EndpointView:
    variant = VariantView("main", "ml.p4d.24xlarge", instances, instances, 0, instances)
    return EndpointView("shared", "InService", {"main": variant})


@dataclass
class Desk:
    """Ports in memory, and shortcuts: `tick` is one minute with a look, `load` what it sees."""

    config: EndpointConfig = field(default_factory=lambda: config(model()))
    at_s: int = T0
    time_left_s: float = 20.0

    def __post_init__(self) -> None:
        self.store = MemoryStateStore()
        self.endpoints, self.metrics = MemoryEndpoints(), MemoryMetrics()
        self.notifier, self.queue = MemoryNotifier(), MemoryLookQueue()
        self.endpoints.add(endpoint_view(), *(view(name) for name in self.config.models))
        self.store.publish({"shared": self.config}, "v1", None)
        self.deps = reconcile.Deps(self.store, self.endpoints, self.metrics, self.notifier, encode)
        self.dispatch_deps = dispatch.Deps(self.store, self.queue, self.notifier)

    def load(self, requests: float | None, name: str = "m") -> None:
        """Metric minutes up to now with that many requests in flight."""
        copies = self.endpoints.components[name].current_copies
        for minute in minutes(self.at_s, [requests] * 15, copies):
            self.metrics.put(name, minute)

    def look(self, **changes) -> reconcile.LookOutcome:
        fields = {
            "endpoint": "shared",
            "event_at_s": self.at_s,
            "cause": "Tick",
            "sent_s": self.at_s + 0.5,
            "received_s": self.at_s + 1.0,
        }
        request = LookRequest(**{**fields, **changes})
        run = reconcile.Invocation("request-1", lambda: self.time_left_s)
        return reconcile.look(request, self.deps, run)

    def tick(self, requests: float | None = 5.0) -> reconcile.LookOutcome:
        self.at_s += 60
        self.endpoints.settle(self.at_s)
        self.store.grant_allowance(Allowance(10, 0, self.at_s + 150))
        for name in self.config.models:
            self.load(requests, name)
        return self.look()

    def copies(self, name: str = "m") -> int:
        return self.endpoints.components[name].desired_copies
