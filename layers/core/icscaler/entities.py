"""Values of the decision core: configuration, observation, state and plan.

Units are in the names; time is an `int` of epoch seconds called `at_s` (or `..._s`). `None` always
means "not known", never zero. Configuration is frozen. The per-look types are plain slotted
dataclasses for speed and are treated as values: nothing in the core modifies its inputs.

Every type here is serialised by `adapters.codec`; fields may be added with a default, so that the
version before can read what the newer one wrote (unknown fields are ignored when reading).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from icscaler import learned
from icscaler.gpu_ceilings import GpuCeiling
from icscaler.managed_scaling import ScaleIn
from icscaler.reasons import Notice, Reason
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import Zone

STATE_SCHEMA_VERSION = 1

# ---------------------------------------------------------------- configuration


@dataclass(frozen=True, slots=True)
class CopyResources:
    """What one copy reserves on one instance (SageMaker's ComputeResourceRequirements)."""

    gpus: int
    cpus: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """A target tracking policy in AWS's words.

    `target_value` is per copy: in-flight requests for `concurrency`, requests a minute for
    `invocations`. Scale out as soon as one minute is above it; scale in when the metric stays
    under `(1 - scale_in_tolerance_fraction) * target_value`.
    """

    metric: Literal["concurrency", "invocations"]
    target_value: float
    scale_in_tolerance_fraction: float = 0.1
    scale_in_stabilization_s: int = 300
    scale_out_cooldown_s: int = 0
    scale_in_cooldown_s: int = 300
    disable_scale_in: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """The policy under which every copy earns its GPUs (`policies.tournament`).

    `rare_per_s`: requests of a model called this often a second are worth double. A share of
    `in_time_fraction` must be answered within `deadline_s`; None: nothing is promised.
    """

    rare_per_s: float = 1.0
    in_time_fraction: float | None = None
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast one component's copies may move, and how long things are remembered.

    A step is the larger of number and share (out: `guards.scale_out_step`). Life: in service.
    """

    scale_out_step_copies: int | None = None
    scale_out_step_fraction: float | None = None
    scale_in_step_copies: int = 1
    scale_in_step_fraction: float = 0.5
    minimum_life_s: int = 600
    manual_change_hold_s: int = 3600
    refusal_memory_s: int = 300


@dataclass(frozen=True, slots=True)
class Override:
    """A temporary change by a person; it ends by itself at `until_s`."""

    until_s: int
    reason: str
    from_s: int = 0
    min_copies: int | None = None
    max_copies: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One inference component as compiled from the fleet file; `bounds` reads it at a moment.

    `kind` "variant": a single-model variant, whose copies are its instances.
    `concurrent_requests_per_copy`: served at once, more wait; None: accepted load is not learned.
    `policy` and `objective`: one of them says how copies follow demand, the other is None.
    `overlays` are bounds that workflows laid on. `schedules` names those of the endpoint for it.
    """

    name: str
    variant: str
    resources: CopyResources
    policy: TargetTracking | None = None
    class_name: str = "interactive"
    worth: float = 10.0
    protected: bool = False
    min_copies: int = 0
    max_copies: int = 1
    idle_s: int | None = 900
    observe: bool = False
    paused: bool = False
    adapter_of: str | None = None
    group: str | None = None
    owner: str | None = None
    max_gpus: int | None = None
    limits: Limits = Limits()
    overrides: tuple[Override, ...] = ()
    spike_alarm: bool = False
    overlays: tuple[Override, ...] = ()
    concurrent_requests_per_copy: int | None = None
    schedules: tuple[str, ...] = ()
    objective: Objective | None = None
    kind: Literal["component", "variant"] = "component"
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """What one instance offers to copies, and costs (None: not known; for reports only).

    `max_instances` None: as the endpoint says.
    """

    instance_type: str
    gpus: int
    cpus: float
    memory_mb: int
    max_instances: int | None = None
    usd_per_hour: float | None = None
    min_instances: int | None = None
    scale_in: ScaleIn | None = None


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One endpoint as compiled from the fleet file: all that a look at it needs to know.

    `price`: requests that one GPU-minute must save, for models with an objective.
    """

    name: str
    version: str
    variants: dict[str, VariantConfig]
    models: dict[str, ModelConfig]
    observe: bool = False
    paused: bool = False
    metric_settled_s: int = 180
    blind_after_s: int = 300
    instance_patience_s: int = 1200
    shortage_memory_s: int = 1800
    schedules: dict[str, Schedule] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    price: float = 30.0
    gpu_ceilings: tuple[GpuCeiling, ...] = ()


# ---------------------------------------------------------------- observation


@dataclass(slots=True)
class VariantView:
    """A production variant as DescribeEndpoint shows it."""

    name: str
    instance_type: str | None
    current_instances: int
    desired_instances: int
    min_instances: int | None = None
    max_instances: int | None = None
    scale_in: ScaleIn | None = None


@dataclass(slots=True)
class EndpointView:
    """The endpoint's status in the API's words (`InService`, `Updating`, ...)."""

    name: str
    status: str
    variants: dict[str, VariantView] = field(default_factory=dict)
    last_modified_s: int = 0


@dataclass(slots=True)
class ComponentView:
    """An inference component as DescribeInferenceComponent shows it, or a single-model variant.

    `described_at_s` is when these figures were read; `last_modified_s` is SageMaker's own.
    `scalable_target` is True while Application Auto Scaling actively owns its copies. `resources`
    is what a copy of the deployed specification reserves; None for an adapter, which has none.
    """

    name: str
    variant: str
    status: str
    desired_copies: int
    current_copies: int
    last_modified_s: int
    described_at_s: int
    failure_reason: str | None = None
    scalable_target: bool = False
    resources: CopyResources | None = None


@dataclass(slots=True)
class MetricMinute:
    """One metric minute [at_s, at_s + 60) of one component; None where no datapoint was seen.

    `invocations`: requests (Sum). `concurrency_per_copy`: highest in-flight requests of a copy,
    queue included (Maximum). `refused`: NoCapacityInvocationFailures (Sum). `heartbeat`: a
    utilisation datapoint of a loaded copy exists, which tells silence from missing data. Read only
    when needed: `latency_s`: mean ModelLatency, waiting included. `in_deadline_fraction`: share in
    the objective's deadline. `errors`: 5XX (Sum). `rise_per_s`: fastest between ten-second points.
    """

    at_s: int
    invocations: float | None = None
    concurrency_per_copy: float | None = None
    refused: float | None = None
    heartbeat: bool = False
    latency_s: float | None = None
    in_deadline_fraction: float | None = None
    errors: float | None = None
    rise_per_s: float | None = None


@dataclass(slots=True)
class Hold:
    """A workflow's claim on a component: nobody else writes to it until `until_s`.

    In force once a lease holder has set `acknowledged_s`. `reserved_copies` places, each of
    `reserved_resources` or a deployed copy's, are kept free for a rollback (escrow).
    With `scalable` it is escrow alone: the component may be scaled.
    """

    holder: str
    until_s: int
    acknowledged_s: int | None = None
    reserved_copies: int = 0
    reserved_resources: CopyResources | None = None
    scalable: bool = False

    def forbids_writes(self, at_s: int) -> bool:
        """Whether nobody else may write to the component at `at_s`."""
        return at_s < self.until_s and not self.scalable


class OutcomeKind(StrEnum):
    """What became of an attempt to write; refusals by AWS are outcomes, not exceptions."""

    ACCEPTED = "Accepted"
    IN_FLIGHT = "InFlight"
    NO_ROOM = "NoRoom"
    QUOTA = "Quota"
    THROTTLED = "Throttled"
    NOT_FOUND = "NotFound"
    EXISTS = "Exists"
    DENIED = "Denied"
    INVALID = "Invalid"
    UNKNOWN = "Unknown"
    NOT_TRIED = "NotTried"
    NO_ALLOWANCE = "NoAllowance"


@dataclass(slots=True)
class Outcome:
    """The last look's attempt on one component, told to the next look."""

    kind: OutcomeKind
    attempt_id: str
    copies: int
    at_s: int
    message: str = ""


@dataclass(slots=True)
class Snapshot:
    """All that a look sees, and the only thing a decision may depend on besides config and state.

    `metrics` holds minutes oldest first. `wakes` maps component to the newest wake request.
    `removal_allowance` is how many copies this look may remove by demand; None: none was granted.
    `metrics_vanished`: the metrics of many models of the fleet disappeared together.
    """

    at_s: int
    config_version: str
    endpoint: EndpointView
    components: dict[str, ComponentView]
    metrics: dict[str, tuple[MetricMinute, ...]] = field(default_factory=dict)
    wakes: dict[str, int] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    paused_models: tuple[str, ...] = ()
    endpoint_paused: bool = False
    fleet_paused: bool = False
    removal_allowance: int | None = None
    metrics_vanished: bool = False


# ---------------------------------------------------------------- state


@dataclass(slots=True)
class RefusedCopies:
    """AWS refused to go to `copies` or more; believed until `until_s`."""

    copies: int
    kind: OutcomeKind
    until_s: int


@dataclass(slots=True)
class ModelState:
    """What is remembered of one component between looks.

    `recommendations`: (minute, copies) that can still be the maximum of the stabilization window,
    oldest first. `copies_log`: (at_s, current copies) changes. `last_minute_s`: newest settled
    minute learned. `last_unknown_s`: end of the newest in which a loaded one said nothing at all.
    """

    first_seen_s: int
    observed_desired: int
    observed_current: int
    last_active_s: int
    last_minute_s: int
    last_heartbeat_s: int
    last_unknown_s: int = 0
    recommendations: tuple[tuple[int, int], ...] = ()
    copies_log: tuple[tuple[int, int], ...] = ()
    newest_copy_s: int = 0
    last_scale_out_s: int = 0
    last_scale_out_copies: int = 0
    last_scale_in_s: int = 0
    intent: learned.Intent | None = None
    owned_copies: int | None = None
    manual_until_s: int = 0
    refused: RefusedCopies | None = None
    noticed: tuple[str, ...] = ()
    service: learned.ServiceTime = field(default_factory=learned.ServiceTime)
    starts: learned.StartTimes = field(default_factory=learned.StartTimes)
    tournament: learned.TournamentMemory | None = None
    in_time: learned.InTime = field(default_factory=learned.InTime)
    verdict: learned.Verdict | None = None
    silent_s: int = 0  # see policies.signs_of_life


@dataclass(slots=True)
class EndpointState:
    """What is remembered of an endpoint; `decisions_s`: sign of demand to accepted write.

    `gpu_price` is the last plan's, for people.
    """

    schema_version: int = STATE_SCHEMA_VERSION
    last_look_s: int | None = None
    models: dict[str, ModelState] = field(default_factory=dict)
    variants: dict[str, learned.VariantState] = field(default_factory=dict)
    noticed: tuple[str, ...] = ()
    decisions_s: tuple[int, ...] = ()
    gpu_price: float = 0.0


# ---------------------------------------------------------------- plan


@dataclass(slots=True)
class Step:
    """One step of the pipeline: the copies after it, and which component caused it, if one did."""

    reason: Reason
    copies: int
    by: str | None = None


@dataclass(slots=True)
class Decision:
    """What was decided for one component, and the chain of steps that led there.

    `from_copies` is the observed desired count. The last step has `desired_copies`. When `blocked`
    is set nothing may be written to the component in this look, whatever is desired.
    """

    component: str
    at_s: int
    from_copies: int
    recommended_copies: int
    desired_copies: int
    steps: tuple[Step, ...]
    blocked: Reason | None = None

    @property
    def changes(self) -> bool:
        """Whether this decision asks for a write."""
        return self.blocked is None and self.desired_copies != self.from_copies


@dataclass(slots=True)
class Change:
    """One write: set desired copies to `to_copies`. Never "add"; so repeating it is harmless.

    `variant`: (endpoint, variant) whose instances are the copies; None: a component's copies."""

    component: str
    from_copies: int
    to_copies: int
    attempt_id: str
    removes_by_demand: int = 0
    variant: tuple[str, str] | None = None


@dataclass(slots=True)
class NoticeItem:
    """Something a person must know, said once while it lasts."""

    notice: Notice
    subject: str
    text: str


@dataclass(slots=True)
class Plan:
    """The result of a look: ordered changes, every decision, and what it cost.

    `gpu_price` is the worth per GPU of the most valuable copy that did not fit (0: all fitted).
    `unmanaged`: components found on the endpoint but in no fleet file. `blind`: loaded components
    that gave no sign of life for too long. `started`: starts that this look saw ended.
    """

    at_s: int
    changes: tuple[Change, ...]
    decisions: dict[str, Decision]
    notices: tuple[NoticeItem, ...] = ()
    gpu_price: float = 0.0
    unmanaged: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    started: tuple[learned.FinishedStart, ...] = ()
