"""What an onboarding has done so far: the record in the state table, one for each component."""

from dataclasses import dataclass
from enum import StrEnum

WORKFLOW = "onboard_model"
START_UP = "start_up"


class Phase(StrEnum):
    """How far it is. In `ONBOARDED` and `UNDONE` nothing is left to do."""

    PLANNED = "Planned"
    ENDPOINT = "Endpoint"
    COMPONENT = "Component"
    PROBE = "Probe"
    ONBOARDED = "Onboarded"
    FAILED = "Failed"
    UNDONE = "Undone"


@dataclass(slots=True)
class StartUp:
    """How long the first copies took to start, for forecasts of the next ones.

    From SageMaker's own times of creation and of coming into service, so it has the image, the
    weights and the engine in it, with cold caches. SageMaker tells no times of the parts: they are
    None until something that knows them (the container's log) fills them in.
    """

    total_s: int
    copies: int
    measured_s: int
    image_s: int | None = None
    weights_s: int | None = None
    engine_s: int | None = None


@dataclass(slots=True)
class Onboarding:
    """One onboarding. `runs` are the executions whose things may be removed when it fails, the one
    in charge last; `adopted`: the component was there before any of them. `swept_s`: when the
    sweep gave its hold back, because the execution was stopped. Times in epoch seconds.
    """

    component: str
    runs: tuple[str, ...]
    arn: str
    started_s: int
    endpoint: str
    variant: str
    why: str
    makes_endpoint: bool = False
    adopted: bool = False
    phase: Phase = Phase.PLANNED
    phase_s: int = 0
    start_up: StartUp | None = None
    probe_attempts: int = 0
    latency_s: float | None = None
    failure: str = ""
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    swept_s: int | None = None

    @property
    def open(self) -> bool:
        """Whether something is under way, or waits to be removed."""
        return self.phase not in (Phase.ONBOARDED, Phase.UNDONE)

    def enter(self, phase: Phase, at_s: int) -> bool:
        """Go to a phase; False when it is in it already, so that its patience runs on."""
        if self.phase is phase:
            return False
        self.phase, self.phase_s = phase, at_s
        return True
