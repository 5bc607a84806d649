"""What a run yields: the figures, the series behind the pictures, and every change with its reason.

Plain values without any knowledge of how the run was made, so that the demo, the simulator and the
tests share one report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from icscaler_sim.pricing import Alternative, PriceTable

OURS = "icscaler"


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests by fate: service began within 30 s, began later, or never (error or gave up)."""

    total: int = 0
    in_time: int = 0
    late: int = 0
    refused: int = 0

    @property
    def in_time_fraction(self) -> float:
        """1.0 where nothing was asked for."""
        return self.in_time / self.total if self.total else 1.0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            self.total + other.total,
            self.in_time + other.in_time,
            self.late + other.late,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model over the run. The series have one value per step of the run.

    `demand_rps` counts every arrival; `lost` those of the step that were refused or late. `held`
    are copies from start order to removal (they hold GPUs); `ready` are those that serve.
    """

    name: str
    endpoint: str
    gpus_per_copy: int
    min_copies: int
    protected: bool
    requests: Requests
    demand_rps: Sequence[float]
    lost: Sequence[int]
    held: Sequence[float]
    ready: Sequence[float]


@dataclass(frozen=True, slots=True)
class Wake:
    """A model asked for at zero copies, until a copy answered. `phases_s` add up to `took_s`."""

    component: str
    first_refused_s: float
    ready_s: float
    phases_s: Mapping[str, float]

    @property
    def took_s(self) -> float:
        """From the first refused request to the first copy that serves."""
        return self.ready_s - self.first_refused_s


@dataclass(frozen=True, slots=True)
class Change:
    """One decided change of a copy count. `steps` as recorded: `AboveTarget 3`, newest last.

    `rules`: the heaviest of those that carried the vote, where a tournament decided.
    """

    at_s: int
    component: str
    endpoint: str
    from_copies: int
    to_copies: int
    steps: tuple[str, ...]
    outcome: str
    message: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleStanding:
    """One rule of a model's tournament: what it wishes, and what following it would have cost.

    `cost` is of both, in requests; the figures fade, so they are of about the last days.
    """

    name: str
    copies: int
    weight: float
    gpu_minutes: float
    lost: float
    cost: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's tournament at one look: the heaviest rules, and what other choices would cost.

    `first_copy`: the rules are those that vote on whether there should be a copy at all.
    `next_best`: by copies, how much more than the best rule the cheapest one that wishes so costs.
    """

    at_s: int
    component: str
    copies: int
    first_copy: bool
    rules: Sequence[RuleStanding]
    next_best: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run. `gpus_in_use` and `gpu_capacity` are of all endpoints, per step.

    `invariant_violations` are sentences (none is the only good number); `failed_looks` are looks
    that ended in an error, as sentences too.
    """

    title: str
    traffic: str
    start_s: int
    step_s: int
    steps: int
    seed: int
    reference_type: str
    prices: PriceTable
    models: Sequence[ModelRun]
    gpus_in_use: Sequence[float]
    gpu_capacity: Sequence[float]
    alternatives: Sequence[Alternative]
    wakes: Sequence[Wake]
    changes: Sequence[Change]
    looks: int
    failed_looks: Sequence[str] = ()
    invariant_violations: Sequence[str] = ()
    notes: Sequence[str] = field(default=())
    standings: Sequence[Standing] = field(default=())

    @property
    def requests(self) -> Requests:
        """Of all models."""
        return sum((model.requests for model in self.models), Requests())

    @property
    def healthy(self) -> bool:
        """Whether every look succeeded and every invariant held."""
        return not self.invariant_violations and not self.failed_looks

    def alternative(self, name: str) -> Alternative:
        """Raises `KeyError` when the run was not compared with it."""
        for one in self.alternatives:
            if one.name == name:
                return one
        raise KeyError(name)
