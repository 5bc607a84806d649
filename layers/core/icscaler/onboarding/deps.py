"""What onboarding works with; built once per container."""

from dataclasses import dataclass

from icscaler.lifecycle.ports import Executions, LifecycleStore, Requests, Works
from icscaler.ports import Endpoints


@dataclass(slots=True)
class Deps:
    """The ports of onboarding."""

    store: LifecycleStore
    works: Works
    endpoints: Endpoints
    requests: Requests
    executions: Executions
