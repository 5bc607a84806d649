"""What a look sees of AWS and of what others want, in the API's words."""

from dataclasses import dataclass, field
from enum import StrEnum

from icscaler.entities.configuration import CopyResources
from icscaler.managed_scaling import ScaleIn


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
