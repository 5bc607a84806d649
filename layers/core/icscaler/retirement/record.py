"""What is to be retired, and what a retirement has done so far."""

from dataclasses import dataclass
from enum import StrEnum

WORKFLOW = "retire_model"


@dataclass(frozen=True, slots=True)
class Retire:
    """What is asked for. `quiet_s`: without `force` it must have had no request for so long.

    `adapters`: those loaded into it go with it. `sagemaker_model`: the SageMaker model it was made
    from is deleted too. `patience_s`: how long one step may take.
    """

    component: str
    force: bool = False
    adapters: bool = False
    sagemaker_model: bool = False
    quiet_s: int = 900
    patience_s: int = 3600


class Phase(StrEnum):
    """How far it is. In `RETIRED` and `FAILED` nobody works on it."""

    PLANNED = "Planned"
    TO_ZERO = "ToZero"
    ADAPTERS = "Adapters"
    COMPONENT = "Component"
    RETIRED = "Retired"
    FAILED = "Failed"


@dataclass(slots=True)
class Retirement:
    """One retirement, kept under the component's name. `left`: what is for people to do. `swept_s`:
    when the sweep gave its hold back, because the execution was stopped."""

    component: str
    run: str
    arn: str
    started_s: int
    endpoint: str
    adapters: tuple[str, ...] = ()
    is_adapter: bool = False
    sagemaker_model: str | None = None
    phase: Phase = Phase.PLANNED
    phase_s: int = 0
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failure: str = ""
    swept_s: int | None = None

    @property
    def open(self) -> bool:
        """Whether somebody works on it, or was stopped while he did."""
        return self.phase not in (Phase.RETIRED, Phase.FAILED)

    def enter(self, phase: Phase, at_s: int) -> bool:
        """Go to a phase; False when it is in it already, so that its patience runs on."""
        if self.phase is phase:
            return False
        self.phase, self.phase_s = phase, at_s
        return True

    def note_removed(self, what: str) -> None:
        """Put down once what is gone."""
        if what not in self.removed:
            self.removed += (what,)
