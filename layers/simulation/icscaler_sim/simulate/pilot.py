"""What the driver asks of whoever decides copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Pilot(Protocol):
    """Decides copies of all models of a world, look by look, and sets them through its `Hands`."""

    @property
    def calls(self) -> Mapping[str, int]:
        """AWS calls made so far, by operation."""

    def look(self, at_s: int) -> None:
        """The regular look at everything, due at `at_s` (the world may be a moment later)."""

    def called(self, name: str, until_s: float) -> None:
        """Requests for `name` arrive until `until_s`: its metrics will have something to say.

        For skipping models of which no metric can have changed; it must not enter a decision.
        """


class Still:
    """Capacity that nobody touches."""

    @property
    def calls(self) -> Mapping[str, int]:
        return {}

    def look(self, at_s: int) -> None:
        """Nothing to do."""

    def called(self, name: str, until_s: float) -> None:
        """Nothing to do."""
