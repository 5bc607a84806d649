"""Writing: copy counts set as AWS would take them, with refusals as outcomes, and what was done."""

from __future__ import annotations

from typing import NamedTuple

from icscaler.entities import OutcomeKind
from icscaler_sim.simulate.places import set_copies
from icscaler_sim.world import Refusal, World

# What the texts and codes mean; the adapters read the same ones.
_BY_TEXT = (
    ("cannot be updated while", OutcomeKind.IN_FLIGHT),
    ("cannot update in-progress endpoint", OutcomeKind.IN_FLIGHT),
    ("not enough hardware resources", OutcomeKind.NO_ROOM),
    ("could not find", OutcomeKind.NOT_FOUND),
)


class Applied(NamedTuple):
    """One attempt to set a component's copies."""

    at_s: int
    component: str
    from_copies: int
    to_copies: int
    outcome: OutcomeKind


class Hands:
    """The only writer to the world. Keeps every attempt."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.log: list[Applied] = []

    def set_copies(
        self, component: str, from_copies: int, copies: int, at_s: int
    ) -> tuple[OutcomeKind, str]:
        """Set desired copies; the outcome and AWS's text."""
        kind, text = OutcomeKind.ACCEPTED, ""
        try:
            set_copies(self._world, component, copies)
        except Refusal as refusal:
            kind, text = outcome_of(refusal), f"{refusal.code}: {refusal.message}"
        self.log.append(Applied(at_s, component, from_copies, copies, kind))
        return kind, text

    @property
    def accepted(self) -> list[Applied]:
        """Attempts that AWS took."""
        return [each for each in self.log if each.outcome is OutcomeKind.ACCEPTED]


def outcome_of(refusal: Refusal) -> OutcomeKind:
    """What a refusal says about the write."""
    if refusal.code == "ResourceLimitExceeded":
        return OutcomeKind.QUOTA
    text = refusal.message.lower()
    return next((kind for words, kind in _BY_TEXT if words in text), OutcomeKind.INVALID)
