"""The controller's state table as commands find it, and AWS's failures in words of use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler_cli.output import AwsTroubleError

if TYPE_CHECKING:
    from icscaler.adapters.dynamodb import DynamoStateStore

TABLE_OUTPUT = "StateTableName"
BUS_OUTPUT = "ControllerBusName"
DEFAULT_STACK = "icscaler"
_SIGN_IN = "sign in (like `aws sso login`), or name another profile with --profile or AWS_PROFILE"
_CREDENTIAL_ERRORS = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "TokenRetrievalError",
        "SSOTokenLoadError",
        "UnauthorizedSSOTokenError",
        "SSOError",
    }
)
_CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "IncompleteSignature",
    }
)
_DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state table is: by its name, or as an output of a stack."""

    table: str | None = None
    stack: str | None = None
    region: str | None = None
    profile: str | None = None

    def __str__(self) -> str:
        where = f"table {self.table}" if self.table else f"stack {self.stack or DEFAULT_STACK}"
        return f"{where} in {self.region}" if self.region else where


def open_store(place: Place) -> "DynamoStateStore":
    """The state store of a deployed controller. Raises `AwsTroubleError`."""
    import boto3

    from icscaler.adapters import clients
    from icscaler.adapters.dynamodb import DynamoStateStore
    from icscaler.adapters.dynamodb.table import Table

    with explained(place):
        session = boto3.Session(profile_name=place.profile, region_name=place.region)
        name = place.table or _output_of(session, place.stack or DEFAULT_STACK, TABLE_OUTPUT)
        client = session.client("dynamodb", config=clients.config())
        client.describe_table(TableName=name)
        return DynamoStateStore(Table(client, name))


def tell_published(place: Place, version: str) -> bool:
    """Send `FleetPublished` to the controller; False when it could not be sent.

    Nothing is lost then: who listens to it looks by itself every 15 minutes. A table alone does
    not say which bus is the controller's.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from icscaler.adapters import clients, notifier

    if place.table:
        return False
    session = boto3.Session(profile_name=place.profile, region_name=place.region)
    try:
        bus = _output_of(session, place.stack or DEFAULT_STACK, BUS_OUTPUT)
        client: Any = session.client("events", config=clients.config())
        answer = client.put_events(Entries=[notifier.fleet_published(version, bus)])
    except (AwsTroubleError, BotoCoreError, ClientError):
        return False
    return int(answer["FailedEntryCount"]) == 0


def _output_of(session: Any, stack: str, output: str) -> str:
    from icscaler.adapters import clients

    client = session.client("cloudformation", config=clients.config())
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
    if output not in outputs:
        raise AwsTroubleError(
            f"stack {stack} has no output {output} (its status is {found['StackStatus']})",
            "name the stack that icscaler was deployed as with --stack, or its table with --table",
        )
    return str(outputs[output])


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Turn what boto3 and the adapters raise into `AwsTroubleError`."""
    from botocore.exceptions import BotoCoreError, ClientError

    from icscaler.adapters.publishing import PublishConflictError
    from icscaler.ports import PortError

    try:
        yield
    except PublishConflictError as error:
        raise AwsTroubleError(
            str(error), "look at what is in force (`icscaler fleet show`), then publish again"
        ) from error
    except (BotoCoreError, ClientError, PortError) as error:
        cause = error.__cause__ if isinstance(error, PortError) and error.__cause__ else error
        raise _trouble(cause, place) from error


def _trouble(error: BaseException, place: Place) -> AwsTroubleError:
    kind, text = type(error).__name__, str(error)
    details = getattr(error, "response", {}).get("Error", {})
    code, message = details.get("Code", ""), details.get("Message", "")
    if kind in _CREDENTIAL_ERRORS:
        return AwsTroubleError(f"no usable AWS credentials: {text}", _SIGN_IN)
    if code in _CREDENTIAL_CODES:
        return AwsTroubleError(f"AWS refuses the credentials: {code}: {message}", _SIGN_IN)
    if code in _DENIED_CODES:
        return AwsTroubleError(
            f"not allowed: {message or code}",
            "it needs cloudformation:DescribeStacks (with --stack), and on the state table "
            "dynamodb:DescribeTable, GetItem, Query, and to publish BatchWriteItem, UpdateItem",
        )
    if kind == "ProfileNotFound":
        return AwsTroubleError(text, "`aws configure list-profiles` lists those there are")
    if kind == "NoRegionError":
        return AwsTroubleError("no AWS Region is set", "add --region, or set AWS_REGION")
    if kind in ("InvalidRegionError", "EndpointConnectionError", "ConnectTimeoutError"):
        return AwsTroubleError(text, "check --region, AWS_ENDPOINT_URL and the network")
    if code == "ResourceNotFoundException":
        return AwsTroubleError(f"there is no such table: {place}", _elsewhere(place))
    if code == "ValidationError" and "does not exist" in message:
        return AwsTroubleError(f"there is no such stack: {place}", _elsewhere(place))
    return AwsTroubleError(text, "try again; if it stays, the message above is AWS's own")


def _elsewhere(place: Place) -> str:
    region = "check --region" if place.region else "add --region if it is in another Region"
    return f"{region}; name the stack with --stack, or the table with --table"
