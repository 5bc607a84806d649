"""What onboarding works with; built once per container."""

from collections.abc import Callable
from dataclasses import dataclass

from icscaler.entities import VariantConfig
from icscaler.lifecycle.ports import Executions, LifecycleStore, Requests, Works
from icscaler.ports import Endpoints


@dataclass(slots=True)
class Deps:
    """The ports of onboarding. `hardware`: what instances of a type offer; None: not known."""

    store: LifecycleStore
    works: Works
    endpoints: Endpoints
    requests: Requests
    executions: Executions
    hardware: Callable[[str], VariantConfig | None]
