"""What warm-ups work with; built once per container."""

from dataclasses import dataclass

from icscaler.lifecycle.ports import Announcer, LifecycleStore, Requests
from icscaler.ports import Endpoints


@dataclass(slots=True)
class Deps:
    """The ports of warm-ups."""

    store: LifecycleStore
    endpoints: Endpoints
    requests: Requests
    announcer: Announcer
