"""What a policy's run is judged by: the same for every policy, in the words of docs/simulate.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icscaler_sim.pricing import Bill
from icscaler_sim.report import Requests


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One model over the run. `cold_minutes`: minutes in which somebody met no ready copy."""

    name: str
    stratum: str
    class_name: str
    gpus_per_copy: int
    protected: bool
    requests: Requests
    gpu_hours: float
    starts: int = 0
    young_kills: int = 0
    cold_minutes: int = 0
    never_woken: bool = False

    @property
    def served_fraction(self) -> float | None:
        """Share of its requests that were in time; None when nobody called."""
        return self.requests.in_time / self.requests.total if self.requests.total else None


@dataclass(frozen=True, slots=True)
class WakeScore:
    """One time a model was asked for at zero copies until a copy could answer.

    `start_s` is the part from the copy's order on: what no policy could have made shorter.
    """

    component: str
    first_refused_s: float
    took_s: float
    start_s: float


@dataclass(frozen=True, slots=True)
class HeldScore:
    """Requests that waited in a peer's own proxy; they are in the requests too, by the clock."""

    total: int
    in_time: int
    late: int
    timed_out: int


@dataclass(frozen=True, slots=True)
class ChangeScore:
    """Changes of copy counts that AWS accepted, and attempts it did not, by outcome."""

    scale_out: int = 0
    scale_in: int = 0
    to_zero: int = 0
    from_zero: int = 0
    not_accepted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """One policy with its settings on one period. GPU-hours run from start order to removal.

    `on_reference` is what was simulated; `on_cheapest` the same copies on the cheapest types that
    fit. `timeline` holds, per model, copies held in each step of `step_s` (means), if kept, and
    `lost_timeline` the requests that were found late or refused in it (held ones apart).
    `instance_hours_of`: billed, by endpoint and instance type, where instances were simulated.
    `kind` "bound" marks computed bounds, which know the future: they have no looks or wakes.
    """

    name: str
    label: str
    settings: Mapping[str, object]
    seed: int
    hours: float
    models: Sequence[ModelScore]
    on_reference: Bill
    on_cheapest: Bill
    wakes: Sequence[WakeScore] = ()
    changes: ChangeScore = field(default_factory=ChangeScore)
    aws_calls: Mapping[str, int] = field(default_factory=dict)
    held: HeldScore | None = None
    looks: int = 0
    violations: Sequence[str] = ()
    cpu_s: float = 0.0
    played_hours: float = 0.0
    step_s: int = 600
    timeline: Mapping[str, Sequence[float]] = field(default_factory=dict)
    lost_timeline: Mapping[str, Sequence[int]] = field(default_factory=dict)
    instance_hours_of: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    kind: str = "policy"

    @property
    def requests(self) -> Requests:
        """Of all models."""
        return sum((model.requests for model in self.models), Requests())

    @property
    def gpu_hours(self) -> float:
        """GPUs held by copies."""
        return self.on_reference.gpu_hours

    @property
    def lost_fraction(self) -> float:
        """Share of all requests that were late or refused."""
        return 1.0 - self.requests.in_time_fraction

    @property
    def model_lost_mean(self) -> float:
        """Mean over called models of their own lost share: every model counts alike."""
        shares = [one for model in self.models if (one := model.served_fraction) is not None]
        return 1.0 - sum(shares) / len(shares) if shares else 0.0

    @property
    def model_minutes_per_s(self) -> float | None:
        """Simulated model-minutes per CPU second of the run, warm-up included, set-up apart."""
        return len(self.models) * self.played_hours * 60 / self.cpu_s if self.cpu_s else None
