"""What publishing a fleet needs of the state store, besides `ports.StateStore`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from icscaler.entities import EndpointConfig
from icscaler.ports import FleetPointer, PortError


class PublishConflictError(PortError):
    """Somebody else published since the version that this publication started from."""


# So many versions can be gone back to; the oldest are forgotten first.
VERSIONS_KEPT = 20


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version that was put in force, and when it was last (epoch s)."""

    version: str
    at_s: int
    endpoints: int
    models: int


class FleetPublisher(Protocol):
    """Puts configurations in force and holds the switches that need no deploy."""

    def fleet_pointer(self) -> FleetPointer | None: ...
    def publish(
        self,
        configs: Mapping[str, EndpointConfig],
        version: str,
        expected_version: str | None,
        at_s: int = 0,
    ) -> None:
        """Put `configs` (by endpoint) in force as `version`, all at once.

        `expected_version` is the one in force when the publication was prepared, None before the
        first. Raises `PublishConflictError` when it is not in force (any more), `PortError` when
        the store can't be used or a configuration is too large for it. The version can be
        published again by what `archived` returns for it, until `VERSIONS_KEPT` newer ones were.
        """
        ...

    def versions(self) -> tuple[PublishedVersion, ...]:
        """The versions kept, that published last first."""
        ...

    def archived(self, version: str) -> dict[str, EndpointConfig]:
        """The configurations of a version that is kept; empty when it is not."""
        ...

    def set_paused(
        self, paused: bool, *, endpoint: str | None = None, model: str | None = None
    ) -> None:
        """Pause or resume one endpoint, one model, or (neither named) the whole fleet."""
        ...
