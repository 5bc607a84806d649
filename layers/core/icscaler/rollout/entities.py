"""Values of a rolling update: what was asked for, what is planned, and what became of it.

Times are `int` epoch seconds (`..._s`). A specification is a plain mapping in SageMaker's own words
(InferenceComponentSpecification), because it is handed through, not understood.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Specification = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BatchWish:
    """How many copies at a time: a number, or a share of the copies in percent."""

    copies: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class WaveWish:
    """A wave as asked for: named components, or a number or share of those not yet updated."""

    components: tuple[str, ...] = ()
    count: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """What must hold before the next wave starts.

    `baseline_s` before the component's update is compared with what came after it, and with the
    siblings not yet updated. Fewer than `min_requests` on either side say nothing: it is waited
    for more, `no_traffic_wait_s` at most, then `no_traffic` decides.
    """

    bake_s: int = 300
    alarms: tuple[str, ...] = ()
    max_error_fraction: float = 0.01
    max_latency_factor: float = 1.25
    latency_percentile: int = 90
    min_throughput_factor: float = 0.5
    baseline_s: int = 1800
    min_requests: int = 50
    no_traffic: Literal["pass", "fail"] = "pass"
    no_traffic_wait_s: int = 600


@dataclass(frozen=True, slots=True)
class Expectation:
    """`path` (JMESPath) of the reply's JSON must have the value `equals`, or just any (`any`)."""

    path: str
    equals: Any = None
    any: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """What is sent, how often, and what counts as an answer. `max_latency_s` None: any."""

    payload: str
    content_type: str = "application/json"
    requests: int = 1
    max_latency_s: float | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """Which components: by name, by pattern (`*`, `?`), by class, group or owner of the file, or
    those with all of the `labels`."""

    names: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A rolling update as asked for. `patch` is merged on what is deployed, where it is given.

    It starts at once, at `start_s`, or (`start_quieter`) when there is least to do in the next day.
    """

    rollout_id: str
    components: Selector
    specification: Specification | None = None
    patch: Specification | None = None
    waves: tuple[WaveWish, ...] = ()
    batch: BatchWish = BatchWish(copies=1)
    rollback_batch: BatchWish | None = None
    wait_interval_s: int = 60
    component_time_limit_s: int = 7200
    hold_time_limit_s: int = 600
    gate: Gate = Gate()
    approve_waves: tuple[int, ...] = ()
    approval_expires_s: int = 14_400
    parallel: int = 10
    parallel_per_endpoint: int = 1
    start_s: int | None = None
    start_quieter: bool = False
    escrow: bool = True
    abort_by_alarm: bool = True
    on_peak: Literal["raise", "ignore", "refuse"] = "raise"
    probes: tuple[Probe, ...] = ()
    dry_run: bool = False


# ---------------------------------------------------------------- plan


class Refusal(StrEnum):
    """Why a rolling update can't be done as asked."""

    UNKNOWN_COMPONENT = "UnknownComponent"
    NOTHING_SELECTED = "NothingSelected"
    NOT_IN_SERVICE = "NotInService"
    ALARM_FIRING = "AlarmFiring"
    ALARM_MISSING = "AlarmMissing"
    OTHER_OWNER = "OtherOwner"
    OTHER_ROLLOUT = "OtherRollout"
    PAUSED = "Paused"
    NO_ROOM = "NoRoom"
    PEAK_AHEAD = "PeakAhead"
    BAD_SPECIFICATION = "BadSpecification"
    BAD_WAVES = "BadWaves"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse, about a component or (empty) the whole rollout."""

    refusal: Refusal
    component: str
    text: str


@dataclass(frozen=True, slots=True)
class Room:
    """Whether the extra copies of a batch fit: how sure, and under which condition.

    `when`: `now`, `idle` (after idle copies have left), `instances` (with more instances, up to the
    endpoint's maximum), `never`.
    """

    fit: Literal["sure", "possible", "no"]
    when: Literal["now", "idle", "instances", "never"]
    instances_more: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One component's part of the plan. `batch_copies` 0: no copies, the spec is replaced at once.

    `raise_to` is the copy count it is brought to first, None where it stays. `surge_copies` run
    beside the old ones; so many are kept free for bringing a batch back.
    """

    component: str
    endpoint: str
    variant: str
    copies: int
    batch_copies: int
    rollback_batch_copies: int
    batches: int
    wanted: Specification
    deployed: Specification
    changes: tuple[str, ...]
    room: Room
    eta_s: int
    raise_to: int | None = None
    adapters: tuple[str, ...] = ()
    adapter: bool = False


@dataclass(frozen=True, slots=True)
class Wave:
    """Components updated before the same gate."""

    components: tuple[str, ...]
    room: Room
    eta_s: int
    extra_instance_minutes: int
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to a request. `problems` empty: it can be done. No waves: there is nothing to do.

    `extra_dollars` is None without a price of the instance type. `quieter_s`: when, in the next 24
    hours, a start would meet `quieter_share` of the demand that a start now meets; None: not much
    less at any hour, or nothing is known of yesterday.
    """

    waves: tuple[Wave, ...]
    steps: dict[str, Step]
    problems: tuple[Problem, ...] = ()
    unchanged: tuple[str, ...] = ()
    eta_s: int = 0
    extra_instance_minutes: int = 0
    extra_dollars: float | None = None
    quieter_s: int | None = None
    quieter_share: float | None = None


# ---------------------------------------------------------------- record


class JobPhase(StrEnum):
    """Where one component is. The last six are ends."""

    WAITING = "Waiting"
    HOLDING = "Holding"
    RAISING = "Raising"
    UPDATING = "Updating"
    ENDING = "Ending"
    PROVING = "Proving"
    UPDATED = "Updated"
    UNTOUCHED = "Untouched"
    RESTORED = "Restored"
    DIRTY = "Dirty"
    ROLLED_BACK = "RolledBack"
    STUCK = "Stuck"


ENDS = frozenset(
    {
        JobPhase.UPDATED,
        JobPhase.UNTOUCHED,
        JobPhase.RESTORED,
        JobPhase.DIRTY,
        JobPhase.ROLLED_BACK,
        JobPhase.STUCK,
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log of a component or of the whole rollout."""

    at_s: int
    what: str
    text: str = ""


@dataclass(slots=True)
class Job:
    """One component's record: written by its own execution, read by the rollout's.

    `direction` is `forward` or `back`. `attempt` numbers the executions started for it.
    `heard_s` is when a step last ran, `due_s` when the next one is due. One at no copies is `woken`
    to be proven, and once it was, `put_back`.
    """

    component: str
    endpoint: str
    step: Step
    phase: JobPhase = JobPhase.WAITING
    direction: Literal["forward", "back"] = "forward"
    attempt: int = 0
    failures: int = 0
    failed_at: str = ""
    started_s: int | None = None
    held_s: int | None = None
    update_sent_s: int | None = None
    wave_done_s: int | None = None
    ended_s: int | None = None
    heard_s: int | None = None
    due_s: int | None = None
    deadline_s: int | None = None
    copies_before: int | None = None
    batch_copies: int | None = None
    abort_sent_s: int | None = None
    woken: bool = False
    put_back: bool = False
    reason: str = ""
    most_copies: int = 0
    made_s: int = 0
    log: tuple[Entry, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether its execution has nothing more to do in this direction."""
        return self.phase in ENDS


class Status(StrEnum):
    """Where the rollout is. The last five are ends."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    BAKING = "Baking"
    WAITING_FOR_APPROVAL = "WaitingForApproval"
    PAUSED = "Paused"
    ROLLING_BACK = "RollingBack"
    COMPLETED = "Completed"
    ROLLED_BACK = "RolledBack"
    STUCK = "Stuck"
    ABANDONED = "Abandoned"
    REFUSED = "Refused"


FINISHED = frozenset(
    {Status.COMPLETED, Status.ROLLED_BACK, Status.STUCK, Status.ABANDONED, Status.REFUSED}
)


@dataclass(frozen=True, slots=True)
class GateValue:
    """One comparison of a gate, as recorded."""

    component: str
    measure: str
    before: float | None
    after: float | None
    limit: float | None
    verdict: Literal["pass", "breach", "too few"]


@dataclass(slots=True)
class Rollout:
    """The rollout's own record: written by its execution only. `starts_s`: when it was to start."""

    request: Request
    plan: Plan
    status: Status = Status.RUNNING
    wave: int = 0
    started_s: int = 0
    starts_s: int | None = None
    ended_s: int | None = None
    bake_from_s: int | None = None
    wave_started_s: int | None = None
    approved: tuple[int, ...] = ()
    asked_s: int | None = None
    reason: str = ""
    failures: int = 0
    failed_at: str = ""
    gates: tuple[tuple[int, int, tuple[GateValue, ...]], ...] = ()
    waves_done: tuple[int, ...] = ()
    log: tuple[Entry, ...] = ()


@dataclass(slots=True)
class Control:
    """What people asked for meanwhile; written by them, read by the rollout."""

    paused: bool = False
    aborted: bool = False
    approved: tuple[int, ...] = ()
    by: str = ""
    reason: str = ""


@dataclass(slots=True)
class Deployed:
    """An inference component as DescribeInferenceComponent shows it, whole."""

    name: str
    endpoint: str
    variant: str
    status: str
    specification: Specification
    desired_copies: int
    current_copies: int
    last_modified_s: int
    failure_reason: str | None = None
    scalable_target: bool = False
    alarms: tuple[str, ...] = ()


@dataclass(slots=True)
class Signals:
    """What a gate compares, over one window of one component. None: no datapoint."""

    requests: float | None = None
    errors: float | None = None
    latency_us: float | None = None
    minutes: int = 0


@dataclass(slots=True)
class Evidence:
    """All that a gate judges: signals before and after, of the wave and of its siblings."""

    before: dict[str, Signals] = field(default_factory=dict)
    after: dict[str, Signals] = field(default_factory=dict)
    siblings_before: dict[str, Signals] = field(default_factory=dict)
    siblings_after: dict[str, Signals] = field(default_factory=dict)
    firing: tuple[str, ...] = ()
