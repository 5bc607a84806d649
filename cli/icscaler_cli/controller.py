"""A deployed controller as operator commands find it: its store, its stack's outputs, clients."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from icscaler import overlays
from icscaler.entities import EndpointConfig, EndpointView
from icscaler.ports import EndpointItem, FleetPointer, PortError
from icscaler_cli import clock
from icscaler_cli.aws import Place, explained
from icscaler_cli.output import AwsTroubleError

if TYPE_CHECKING:
    from icscaler.adapters.dynamodb import DynamoStateStore

TABLE_OUTPUT = "StateTableName"
BUS_OUTPUT = "ControllerBusName"
MODE_PARAMETER = "Mode"
OBSERVE = "observe"
_WORKERS = 8


class UnknownNamesError(Exception):
    """Names that are not in the published fleet; `str` of it says which, and what may be meant."""

    def __init__(self, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
        every = sorted(known)
        said = []
        for name in names:
            meant = get_close_matches(name, every, 1)
            said.append(f"{name} (did you mean {meant[0]}?)" if meant else name)
        super().__init__(f"no such {kind} in the published fleet: {', '.join(said)}")


@dataclass(slots=True)
class Fleet:
    """The published fleet; empty when nothing is published."""

    pointer: FleetPointer | None
    endpoints: dict[str, EndpointConfig] = field(default_factory=dict)

    @property
    def owners(self) -> dict[str, str]:
        """Endpoint by model."""
        return {m: name for name, config in self.endpoints.items() for m in config.models}

    def check(self, endpoints: Iterable[str], models: Iterable[str]) -> None:
        """Raises `UnknownNamesError` for names that are not in the fleet."""
        for kind, names, known in (
            ("endpoint", endpoints, self.endpoints.keys()),
            ("model", models, self.owners.keys()),
        ):
            unknown = sorted(set(names) - known)
            if unknown:
                raise UnknownNamesError(kind, unknown, known)


@dataclass(frozen=True, slots=True)
class Controller:
    """Where it is, and what to reach it with. With a table alone there are no outputs."""

    place: Place
    session: Any
    store: "DynamoStateStore"
    outputs: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client with this product's timeouts and retries."""
        from icscaler.adapters import clients

        return self.session.client(service, config=clients.config())

    def output(self, key: str) -> str:
        """An output of the stack. Raises `AwsTroubleError`."""
        if key not in self.outputs:
            raise AwsTroubleError(
                f"{self.place} has no output {key}",
                "name the stack that icscaler was deployed as with --stack; if it is an older "
                "version, deploy the current one",
            )
        return self.outputs[key]

    @property
    def observes(self) -> bool:
        """Whether the whole stack only observes, as far as it is known (a table does not say)."""
        return self.parameters.get(MODE_PARAMETER) == OBSERVE

    def items(self, pointer: FleetPointer | None) -> dict[str, EndpointItem]:
        """Everything stored about each endpoint of the fleet in force."""
        if pointer is None:
            return {}
        with ThreadPoolExecutor(_WORKERS) as pool:
            found = pool.map(lambda name: self.store.load(name, pointer.version), pointer.endpoints)
            return dict(zip(pointer.endpoints, found, strict=True))

    def endpoint_view(self, name: str) -> EndpointView | None:
        """Status and instances of an endpoint; None where this may not be asked."""
        from icscaler.adapters.sagemaker import SageMakerEndpoints

        try:
            autoscaling = self.client("application-autoscaling")
            return SageMakerEndpoints(self.client("sagemaker"), autoscaling).describe_endpoint(name)
        except PortError:
            return None

    def fleet(self) -> Fleet:
        """What is managed now: what is published, and what workflows have laid over it."""
        pointer, at_s = self.store.fleet_pointer(), int(clock.now_s())
        names = pointer.endpoints if pointer else ()
        found = {name: overlays.published(self.store, pointer, name, at_s) for name in names}
        return Fleet(pointer, {name: config for name, config in found.items() if config})

    def published(self) -> Fleet:
        """What is published alone: what the next publication replaces."""
        pointer = self.store.fleet_pointer()
        if pointer is None or not pointer.version:
            return Fleet(None)
        names = (name for name in pointer.endpoints if name not in pointer.added)
        found = {name: self.store.configuration(name, pointer.version) for name in names}
        return Fleet(pointer, {name: config for name, config in found.items() if config})


def open_controller(place: Place) -> Controller:
    """Find a deployed controller. Raises `AwsTroubleError`."""
    import boto3

    from icscaler.adapters import clients
    from icscaler.adapters.dynamodb import DynamoStateStore
    from icscaler.adapters.dynamodb.table import Table

    with explained(place):
        session = boto3.Session(profile_name=place.profile, region_name=place.region)
        clock.follow(session)
        outputs, parameters = _stack(session, place.stack_name) if place.stack_name else ({}, {})
        name = place.table or outputs[TABLE_OUTPUT]
        client = session.client("dynamodb", config=clients.config())
        client.describe_table(TableName=name)
        store = DynamoStateStore(Table(client, name))
        return Controller(place, session, store, outputs, parameters)


def tell_published(controller: Controller, version: str) -> bool:
    """Send `FleetPublished` to the controller; False when it could not be sent.

    Nothing is lost then: who listens to it looks by itself every 15 minutes. A table alone does
    not say which bus is the controller's.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from icscaler.adapters import notifier

    bus = controller.outputs.get(BUS_OUTPUT)
    if bus is None:
        return False
    try:
        answer = controller.client("events").put_events(
            Entries=[notifier.fleet_published(version, bus)]
        )
    except (BotoCoreError, ClientError):
        return False
    return int(answer["FailedEntryCount"]) == 0


def _stack(session: Any, stack: str) -> tuple[dict[str, str], dict[str, str]]:
    """Outputs and parameters of a stack that is ours."""
    from icscaler.adapters import clients

    client = session.client("cloudformation", config=clients.config())
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
    if TABLE_OUTPUT not in outputs:
        raise AwsTroubleError(
            f"stack {stack} has no output {TABLE_OUTPUT} (its status is {found['StackStatus']})",
            "name the stack that icscaler was deployed as with --stack, or its table with --table",
        )
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())}
    return outputs, parameters
