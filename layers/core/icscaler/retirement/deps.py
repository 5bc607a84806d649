"""What retirement works with; built once per container."""

from dataclasses import dataclass

from icscaler.lifecycle.ports import Executions, LifecycleStore, Works
from icscaler.ports import Alarms, Endpoints, Metrics


@dataclass(slots=True)
class Deps:
    """The ports of retirement; the names of all our alarms begin with `alarm_prefix`."""

    store: LifecycleStore
    works: Works
    endpoints: Endpoints
    metrics: Metrics
    alarms: Alarms
    executions: Executions
    alarm_prefix: str
