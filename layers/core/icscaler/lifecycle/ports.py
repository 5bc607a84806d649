"""What workflows on single models need from the world outside, besides `icscaler.ports`.

As there: methods raise only `PortError`, and refusals of a write come back as `Outcome`s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from icscaler.entities import EndpointConfig, Hold, Outcome
from icscaler.ports import DecisionRecord, EndpointItem, FleetPointer, Lease, Overlay

T = TypeVar("T")


class Kind(StrEnum):
    """What workflows make and remove, by SageMaker's own nouns."""

    COMPONENT = "InferenceComponent"
    ENDPOINT = "Endpoint"
    ENDPOINT_CONFIG = "EndpointConfig"
    MODEL = "Model"


@dataclass(slots=True)
class ComponentFacts:
    """An inference component as described. `specification` is SageMaker's own; `base` names the
    component that an adapter is loaded into."""

    name: str
    arn: str
    endpoint: str
    variant: str
    status: str
    desired_copies: int
    current_copies: int
    created_s: int
    modified_s: int
    failure_reason: str = ""
    specification: Mapping[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str | None:
        """The component whose copies this adapter lives in; None for what is no adapter."""
        found = self.specification.get("BaseInferenceComponentName")
        return str(found) if found else None

    @property
    def model(self) -> str | None:
        """The SageMaker model it was made from; None where it names an image itself."""
        found = self.specification.get("ModelName")
        return str(found) if found else None


@dataclass(slots=True)
class EndpointFacts:
    """An endpoint as described."""

    name: str
    arn: str
    status: str
    config: str
    failure_reason: str = ""


class Works(Protocol):
    """Making and removing things in SageMaker."""

    def component(self, name: str) -> ComponentFacts | None:
        """None when it does not exist."""
        ...

    def endpoint(self, name: str) -> EndpointFacts | None: ...
    def instance_type(self, config: str, variant: str) -> str | None:
        """Of a variant of an endpoint configuration; None: not one type, or no such variant."""
        ...

    def arn_of(self, kind: Kind, name: str) -> str | None:
        """The ARN of an endpoint configuration or model; None when it does not exist."""
        ...

    def tags(self, arn: str) -> dict[str, str]: ...
    def make(self, kind: Kind, request: Mapping[str, Any]) -> Outcome:
        """The Create call of that kind; an outcome that leaves open what happened is raised."""
        ...

    def remove(self, kind: Kind, name: str) -> Outcome:
        """The Delete call of that kind."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request. `status` 0: nothing did. `problem`: the error's text."""

    status: int
    latency_s: float
    body: bytes = b""
    problem: str = ""


class Requests(Protocol):
    """Requests to models, as their clients send them."""

    def send(
        self,
        endpoint: str,
        component: str,
        payload: bytes,
        content_type: str,
        variant: str | None = None,
    ) -> Reply:
        """One InvokeEndpoint; errors of model and service are replies.

        `variant`: the request is for this single-model variant, and `component` only its name.
        """
        ...


class Executions(Protocol):
    """What is known of other executions."""

    def status(self, execution: str) -> str | None:
        """`RUNNING`, or how it ended; None when it does not exist (any more)."""
        ...


class Announcer(Protocol):
    """Tells other systems (events) and people (notices)."""

    def announce(self, kind: str, detail: Mapping[str, Any], at_s: int) -> None: ...
    def tell(self, subject: str, text: str) -> None: ...


class WorkflowRecords(Protocol):
    """One record for each thing a workflow works on, kept beside the controller's state."""

    def read_workflow(self, workflow: str, key: str, shape: type[T]) -> tuple[T | None, int]:
        """The record and its version; None and 0 before the first."""
        ...

    def write_workflow(
        self, workflow: str, key: str, record: object, version: int, at_s: int
    ) -> int:
        """Replace the record read at `version`; the new version.

        Raises `PortError` when somebody else has written it meanwhile.
        """
        ...


class LifecycleStore(WorkflowRecords, Protocol):
    """What these workflows use of the state table."""

    def fleet_pointer(self) -> FleetPointer | None: ...
    def configuration(self, endpoint: str, version: str) -> EndpointConfig | None: ...
    def load(self, endpoint: str, version: str) -> EndpointItem: ...
    def endpoint_of(self, component: str) -> str | None: ...
    def acquire_lease(self, endpoint: str, owner: str, at_s: int, ttl_s: int) -> Lease | None: ...
    def release(self, lease: Lease) -> None: ...
    def hold(self, lease: Lease, component: str, hold: Hold, at_s: int) -> bool: ...
    def remove_hold(self, endpoint: str, component: str, holder: str) -> bool: ...
    def put_overlay(self, endpoint: str, overlay: Overlay) -> bool: ...
    def remove_overlay(self, endpoint: str, component: str, holder: str) -> bool: ...
    def overlays(self, endpoint: str) -> tuple[Overlay, ...]: ...
    def records(
        self, endpoint: str, from_s: int, until_s: int, component: str | None = None
    ) -> tuple[DecisionRecord, ...]: ...
    def forget_component(self, lease: Lease, component: str) -> None:
        """Remove what was learned of a component that is gone. Raises `LeaseLostError`."""
        ...
