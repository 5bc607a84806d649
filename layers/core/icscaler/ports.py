"""What the use cases need from the world outside, as protocols.

`adapters` holds the AWS implementations and the in-memory ones; both pass the same contract tests.
Methods raise only `PortError` (a store or API that cannot be used now) and `LeaseLostError`;
refusals by AWS of a write come back as typed `Outcome`s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from icscaler.alarm_plan import MetricAlarm
from icscaler.entities import (
    STATE_SCHEMA_VERSION,
    Change,
    ComponentView,
    EndpointConfig,
    EndpointState,
    EndpointView,
    Hold,
    MetricMinute,
    ModelConfig,
    NoticeItem,
    Outcome,
    Snapshot,
)


class PortError(Exception):
    """A dependency could not be used: which one, which call, and the reason it gave."""


class LeaseLostError(PortError):
    """Somebody else holds the endpoint's lease now; nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to an endpoint until `expires_at_s`; `fencing` only ever grows."""

    endpoint: str
    owner: str
    fencing: int
    expires_at_s: int


@dataclass(slots=True)
class FleetPointer:
    """Which configuration is in force, and the switches that need no deploy.

    `metrics_told_s`: last tick at which the metrics had vanished and a person knew it; 0: never.
    `added`: those of `endpoints` that are in no fleet file, but in an overlay (`Overlay.home`).
    `version` is empty where nothing else is managed: nothing was published yet.
    """

    version: str
    endpoints: tuple[str, ...]
    paused: bool = False
    paused_endpoints: tuple[str, ...] = ()
    paused_models: tuple[str, ...] = ()
    metrics_vanished: bool = False
    added: tuple[str, ...] = ()
    metrics_told_s: int = 0


@dataclass(frozen=True, slots=True)
class Overlay:
    """What `holder`, a workflow, lays over one component of an endpoint; see `overlays`.

    One a holder and component: putting it again replaces it. It ends at `until_s` (None: when it is
    removed). `model` registers a component that is in no fleet file yet: it is managed like this
    until it is published, which removes the overlay. `home` is the endpoint it is on, without
    models, where no file has that either: it is managed while such an overlay is there. Floors only
    rise and ceilings only fall.
    """

    component: str
    holder: str
    until_s: int | None
    from_s: int = 0
    min_copies: int | None = None
    max_copies: int | None = None
    paused: bool = False
    model: ModelConfig | None = None
    home: EndpointConfig | None = None


@dataclass(slots=True)
class EndpointItem:
    """Everything stored about an endpoint, read in one go at the start of a look.

    `state_version` must be handed back when storing (optimistic lock). `views` is what the last
    looks described, so that unchanged components need no new Describe call.
    `last_look_received_s` is when the message of the last successful look was received.
    """

    config: EndpointConfig | None
    state: EndpointState
    state_version: int
    views: dict[str, ComponentView] = field(default_factory=dict)
    wakes: dict[str, int] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    last_look_received_s: float = 0.0
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many copies looks may remove fleet-wide until `until_s`, and how many already were."""

    limit: int
    used: int
    until_s: int


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """What each look leaves for `dispatch`: enough for fleet-wide limits.

    `models` are those with copies in service; `blind_models` of them have no metrics. `at_zero` is
    how many are meant to have no copy; None where an older version left the summary.
    """

    endpoint: str
    at_s: int
    copies: int
    models: int
    blind_models: int
    at_zero: int | None = None


@dataclass(frozen=True, slots=True)
class FleetView:
    """What concerns the whole fleet at one moment. `allowance` None: none is in force."""

    pointer: FleetPointer | None
    allowance: Allowance | None = None
    summaries: tuple[EndpointSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class Wake:
    """Somebody wants a component at `at_s`. `token` tells a repetition from a second request."""

    endpoint: str
    component: str
    at_s: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """How a look ends: outcomes for the next one, its summary, when its message was received."""

    outcomes: Mapping[str, Outcome]
    summary: EndpointSummary
    received_s: float


class OverlayStore(Protocol):
    """Where workflows leave overlays. No lease is needed: see `overlays`."""

    def put_overlay(self, endpoint: str, overlay: Overlay) -> bool:
        """Lay it on, or replace the same holder's one of the same component.

        False, and nothing written, when it registers a component that another endpoint has.
        """
        ...

    def remove_overlay(self, endpoint: str, component: str, holder: str) -> bool:
        """Take it off; False when it is not there (any more)."""
        ...

    def overlays(self, endpoint: str) -> tuple[Overlay, ...]:
        """All of an endpoint by component and holder, expired ones too while they are kept."""
        ...


class StateStore(Protocol):
    """The state table."""

    def fleet_pointer(self) -> FleetPointer | None: ...
    def fleet(self, at_s: int, *, summaries: bool = False) -> FleetView:
        """Pointer and allowance in one consistent read; the endpoints' summaries if asked for."""
        ...

    def acquire_lease(self, endpoint: str, owner: str, at_s: int, ttl_s: int) -> Lease | None:
        """The lease, or None while somebody else holds it."""
        ...

    def load(self, endpoint: str, version: str) -> EndpointItem:
        """Config of that version, state, holds, wakes and last outcomes (a consistent read)."""
        ...

    def store(
        self,
        lease: Lease,
        state_version: int,
        state: EndpointState,
        views: Mapping[str, ComponentView],
        acknowledged: Sequence[str],
        closing: Closing | None = None,
    ) -> int:
        """Store state and views, acknowledge holds; the new version. Raises `LeaseLostError`.

        With `closing` the look is finished in the same write: nothing was left to be done.
        """
        ...

    def finish(self, lease: Lease, closing: Closing) -> None:
        """Leave outcomes for the next look, release the lease. Raises `LeaseLostError`."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the lease back without anything else; harmless when it is no longer ours."""
        ...

    def request_wake(self, wake: Wake, every_s: int = 1) -> bool:
        """Note a wake; False, and nothing written, when one was noted within `every_s` before.

        An older wake that arrives late is refused as well. The newest one repeated is no other
        wake: True, so that what followed from it can be done again.
        """
        ...

    def endpoint_of(self, component: str) -> str | None: ...
    def configuration(self, endpoint: str, version: str) -> EndpointConfig | None:
        """The published configuration alone, or an overlay's `home` where that version has none for
        it; else None."""
        ...

    def grant_allowance(self, allowance: Allowance) -> None:
        """Replace the allowance by one that lasts longer; otherwise nothing (a repeated tick)."""
        ...

    def draw_allowance(self, copies: int, at_s: int) -> bool:
        """Take `copies` from the allowance in force; False when that is not left."""
        ...

    def set_metrics_vanished(self, vanished: bool) -> None: ...
    def set_metrics_told(self, at_s: int) -> None: ...

    def record(self, records: Sequence["DecisionRecord"], snapshot: "LookSnapshot | None") -> None:
        """Keep decision records and the look's snapshot for a while (they expire)."""
        ...

    def sighted(self, sightings: Sequence["Sighting"]) -> None:
        """Keep what others changed, as long as records are kept."""
        ...


@dataclass(slots=True)
class LookInputs:
    """All that one look depended on: replaying it gives the same plan byte for byte."""

    config: EndpointConfig
    state: EndpointState
    seen: Snapshot
    schema_version: int = STATE_SCHEMA_VERSION


@dataclass(slots=True)
class LookSnapshot:
    """The inputs of a look as stored; `payload` is the encoded `LookInputs`.

    `plan_digest` is of the encoded plan that was made from them, `core` names the code that made
    it (`adapters.core_version`). Empty where an older version left the snapshot.
    """

    endpoint: str
    at_s: int
    payload: bytes
    plan_digest: str = ""
    core: str = ""


@dataclass(slots=True)
class DecisionRecord:
    """Why a component's copies were changed; (endpoint, at_s) points to the look's snapshot.

    `variant`: of a single-model variant, whose copies are instances; None: of a component.
    Of an observed component the outcome is `Observed`: nothing was written. `rules`: the heaviest
    of those that carried the vote, where a tournament decided.
    """

    endpoint: str
    component: str
    at_s: int
    from_copies: int
    to_copies: int
    outcome: str
    steps: tuple[str, ...]
    config_version: str
    attempt_id: str
    message: str = ""
    variant: str | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A change of desired copies that this controller did not make; seen by the look at `at_s`.

    `by`: a workflow's hold, Application Auto Scaling, or somebody else. `from_copies` None: the
    component was seen for the first time.
    """

    endpoint: str
    component: str
    at_s: int
    from_copies: int | None
    to_copies: int
    by: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """A scalable target of Application Auto Scaling that was suspended for this controller.

    `suspended_before` is its SuspendedState from before, to be given back exactly.
    """

    model: str
    resource_id: str
    dimension: str
    suspended_before: dict[str, bool]
    at_s: int


@dataclass(slots=True)
class Listed:
    """One row of ListInferenceComponents: status and times, no copy counts."""

    name: str
    variant: str
    status: str
    last_modified_s: int


class Endpoints(Protocol):
    """SageMaker's control plane, as far as a look needs it."""

    def describe_endpoint(self, endpoint: str) -> EndpointView | None:
        """None when it does not exist."""
        ...

    def list_components(self, endpoint: str) -> tuple[Listed, ...]: ...
    def describe_components(
        self, names: Sequence[str], at_s: int
    ) -> dict[str, ComponentView | None]:
        """Bounded concurrency. None: it does not exist. A name left out could not be read."""
        ...

    def scalable_targets(self, names: Sequence[str]) -> frozenset[str]:
        """Those whose copies Application Auto Scaling owns and has not suspended."""
        ...

    def scalable_variants(self, endpoint: str, variants: Sequence[str]) -> frozenset[str]:
        """The same for instances of variants."""
        ...

    def set_copies(self, change: Change, at_s: int) -> Outcome:
        """Of an inference component, or of a variant its instances and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """Which metric series of one component a look needs, from `start_s` to now.

    `variant`: (endpoint, variant) of a single-model variant, whose series are kept under that.
    `in_tens`: of the concurrency its ten-second points are read, which tell how fast it rose.

    `deadline_s`: the share of requests within it, and errors; None: neither.
    """

    component: str
    start_s: int
    invocations: bool = True
    concurrency: bool = False
    refused: bool = False
    heartbeat: bool = True
    latency: bool = False
    deadline_s: float | None = None
    variant: tuple[str, str] | None = None
    in_tens: bool = False


class Metrics(Protocol):
    """CloudWatch, as far as a look needs it."""

    def minutes(
        self, requests: Sequence[SeriesRequest], at_s: int
    ) -> dict[str, tuple[MetricMinute, ...]]:
        """Metric minutes oldest first, only those ended by `at_s`. Up to 500 series a call.

        Of the minute that still runs there is the concurrency so far, which has points every ten
        seconds: it may raise a decision long before the minute has ended.
        A component whose series could not be read is left out (blind), never filled with zeros.
        """
        ...


class Alarms(Protocol):
    """CloudWatch alarms, as far as keeping them needs it; writes are paced."""

    def find(self, prefix: str) -> dict[str, MetricAlarm | None]:
        """Every alarm whose name begins so; None: not on one statistic of one metric."""
        ...

    def put(self, alarm: MetricAlarm) -> None:
        """Create the alarm, or replace all of it."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete alarms; one that does not exist is no error."""
        ...


class Notifier(Protocol):
    """Tells people and other systems."""

    def copy_count_changed(self, records: Sequence[DecisionRecord]) -> None:
        """One `CopyCountChanged` event for each accepted change."""
        ...

    def notify(self, endpoint: str, notices: Sequence[NoticeItem], at_s: int) -> None: ...


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A message on the look queue: when it was sent, and when it was first received."""

    endpoint: str
    event_at_s: int
    cause: str
    sent_s: float
    received_s: float


class LookQueue(Protocol):
    """The FIFO queue in front of `reconcile`."""

    def send(self, looks: Sequence[tuple[str, int, str, str]]) -> tuple[str, ...]:
        """(endpoint, event_at_s, cause, deduplication id); endpoints that could not be queued."""
        ...
