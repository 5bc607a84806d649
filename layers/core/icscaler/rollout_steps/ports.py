"""What the steps of a rolling update need from the world outside, as protocols.

Methods raise only `PortError` and what their docstrings name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from icscaler.entities import EndpointView, Hold, Outcome
from icscaler.ports import EndpointItem, FleetPointer, FleetView, Lease, PortError
from icscaler.rollout.entities import Control, Deployed, Job, Rollout, Signals, Specification

T = TypeVar("T")


class ConflictError(PortError):
    """Somebody else changed the record since it was read: read it again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rollout's record with the version that its next write must name."""

    rollout: Rollout
    version: int
    execution: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A rollout in the list of all: enough to find those whose execution is gone."""

    rollout_id: str
    status: str
    started_s: int
    execution: str


class Records(Protocol):
    """The record of rollouts in the state table."""

    def create(self, rollout: Rollout, execution: str, jobs: Sequence[Job]) -> Kept:
        """Keep a new rollout, or the one that has this id already: the first start counts."""
        ...

    def rollout(self, rollout_id: str) -> Kept | None: ...
    def save(self, kept: Kept, rollout: Rollout) -> Kept:
        """Replace the record. Raises `ConflictError` when it changed since `kept` was read."""
        ...

    def close(self, kept: Kept) -> None:
        """Nothing is held any more: it leaves the list of active rollouts."""
        ...

    def jobs(self, rollout_id: str) -> dict[str, Job]: ...
    def job(self, rollout_id: str, component: str) -> Job | None: ...
    def save_job(self, rollout_id: str, job: Job) -> None: ...
    def control(self, rollout_id: str) -> Control: ...
    def put_token(self, rollout_id: str, token: str, question: str) -> None:
        """Keep the task token with which the waiting execution is answered."""
        ...

    def token(self, rollout_id: str) -> str | None: ...
    def listed(self, *, active: bool) -> tuple[Listed, ...]: ...


class Store(Protocol):
    """What rollouts use of the state table besides their own records."""

    def fleet_pointer(self) -> FleetPointer | None: ...
    def fleet(self, at_s: int, *, summaries: bool = False) -> FleetView: ...
    def load(self, endpoint: str, version: str) -> EndpointItem: ...
    def acquire_lease(self, endpoint: str, owner: str, at_s: int, ttl_s: int) -> Lease | None: ...
    def release(self, lease: Lease) -> None: ...
    def hold(self, lease: Lease, component: str, hold: Hold, at_s: int) -> bool: ...
    def remove_hold(self, endpoint: str, component: str, holder: str) -> bool: ...
    def list_workflow(self, workflow: str, shape: type[T]) -> list[tuple[T, int]]:
        """All records of a workflow on single models, each with its version."""
        ...

    def write_workflow(
        self, workflow: str, key: str, record: object, version: int, at_s: int
    ) -> int: ...


class Components(Protocol):
    """SageMaker, as far as updating components needs it."""

    def describe_endpoint(self, endpoint: str) -> EndpointView | None: ...
    def deployed(self, names: Sequence[str]) -> dict[str, Deployed | None]:
        """Whole components; None: it does not exist."""
        ...

    def update(
        self, name: str, specification: Specification, deployment: Mapping[str, Any] | None
    ) -> Outcome: ...
    def set_copies_of(self, name: str, copies: int) -> Outcome: ...


class SignalSource(Protocol):
    """CloudWatch, as far as gates and plans need it."""

    def signals(
        self, names: Sequence[str], from_s: int, to_s: int, percentile: int
    ) -> dict[str, Signals]: ...
    def peak_rates(self, names: Sequence[str], from_s: int, to_s: int) -> dict[str, float]:
        """Requests of the busiest minute; a component without a datapoint is left out."""
        ...

    def hourly(self, names: Sequence[str], from_s: int, hours: int) -> dict[str, list[float]]:
        """Requests by hour from the full hour `from_s` on; without a datapoint: left out."""
        ...


class AlarmSwitch(Protocol):
    """CloudWatch alarms: states to look at, and the rollout's own alarm."""

    def states(self, names: Sequence[str]) -> dict[str, str]:
        """`OK`, `ALARM` or `INSUFFICIENT_DATA`; an alarm that does not exist is left out."""
        ...

    def make(self, name: str, description: str) -> None: ...
    def ring(self, name: str, reason: str) -> None:
        """Set it to ALARM."""
        ...

    def remove(self, name: str) -> None: ...


class Executions(Protocol):
    """Step Functions."""

    def status(self, execution: str) -> str | None:
        """`RUNNING` or how it ended; None: there is no such execution."""
        ...

    def answer(self, token: str) -> None:
        """Let a waiting execution go on; harmless when it no longer waits."""
        ...
