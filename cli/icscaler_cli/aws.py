"""Where a deployed controller is, and AWS's failures in words of use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from icscaler_cli.output import AwsTroubleError

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

    @property
    def stack_name(self) -> str | None:
        """The stack's name; None when only the table is known."""
        return None if self.table else self.stack or DEFAULT_STACK

    def __str__(self) -> str:
        where = f"stack {self.stack_name}" if self.stack_name else f"table {self.table}"
        return f"{where} in {self.region}" if self.region else where


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
            "docs/deploy.md lists the permissions that each command needs",
        )
    if kind == "ProfileNotFound":
        return AwsTroubleError(text, "`aws configure list-profiles` lists those there are")
    if kind == "NoRegionError":
        return AwsTroubleError("no AWS Region is set", "add --region, or set AWS_REGION")
    if kind in ("InvalidRegionError", "EndpointConnectionError", "ConnectTimeoutError"):
        return AwsTroubleError(text, "check --region, AWS_ENDPOINT_URL and the network")
    if code == "ResourceNotFoundException" and "Table" in getattr(error, "operation_name", ""):
        return AwsTroubleError(f"there is no such table: {place}", _elsewhere(place))
    if code == "ValidationError" and "does not exist" in message:
        return AwsTroubleError(f"there is no such stack: {place}", _elsewhere(place))
    return AwsTroubleError(text, "try again; if it stays, the message above is AWS's own")


def _elsewhere(place: Place) -> str:
    region = "check --region" if place.region else "add --region if it is in another Region"
    return f"{region}; name the stack with --stack, or the table with --table"
