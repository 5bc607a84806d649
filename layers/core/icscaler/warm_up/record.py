"""What is asked of a warm-up, and what it has done so far."""

from dataclasses import dataclass
from enum import StrEnum

from icscaler.rollout.entities import Probe

WORKFLOW = "warm_up"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which models of the fleet; all conditions given must hold, and names may be patterns."""

    names: tuple[str, ...] = ()
    class_name: str | None = None
    group: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What is asked for: `copies` of each model in service by `ready_by_s`, until `until_s`.

    Floors are set one start-up time and `margin_s` before; `start_up_s` is for models of which no
    start-up time is known. `ready_by_s` None: as soon as possible. Times in epoch seconds.
    """

    selection: Selection
    copies: int
    ready_by_s: int | None
    until_s: int
    start_up_s: int = 900
    margin_s: int = 120
    requests: Probe | None = None


class Verdict(StrEnum):
    """How one model fared."""

    WAITING = "Waiting"
    READY = "Ready"
    LATE = "Late"
    NOT_READY = "NotReady"


@dataclass(slots=True)
class Target:
    """One model: when its floor begins, when it was ready, and what is said of it.

    `variant`: where a single-model variant's instances are its copies; None: a component.
    """

    component: str
    endpoint: str
    from_s: int
    verdict: Verdict = Verdict.WAITING
    ready_s: int | None = None
    reason: str = ""
    asked: bool = False
    variant: str | None = None


class Phase(StrEnum):
    """How far the warm-up is."""

    PLANNED = "Planned"
    WARMING = "Warming"
    RELEASED = "Released"
    FAILED = "Failed"


@dataclass(slots=True)
class WarmUpRecord:
    """One warm-up, kept under the name of its execution. `told`: that it is late was announced."""

    run: str
    copies: int
    ready_by_s: int
    until_s: int
    targets: list[Target]
    phase: Phase = Phase.PLANNED
    failure: str = ""
    told: bool = False

    @property
    def starts_s(self) -> int:
        """When the first floor begins."""
        return min(target.from_s for target in self.targets)
