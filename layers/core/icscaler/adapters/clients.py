"""boto3 clients as this product uses them, and how their failures become `PortError`.

boto3 is imported on first use: importing it costs more than everything else in a cold start.
Retries are botocore's standard mode: exponential backoff with full jitter, throttling included.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from icscaler.ports import PortError

if TYPE_CHECKING:
    from botocore.config import Config

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 6
ATTEMPTS = 3


def config(
    max_connections: int = 10, read_timeout_s: int = READ_TIMEOUT_S, attempts: int = ATTEMPTS
) -> "Config":
    """Timeouts and retries; by default such that they fit into a look: three attempts of at most
    eight seconds each.
    """
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=max_connections,
    )


def client(service: str, max_connections: int = 10) -> Any:
    """A boto3 client; the caller knows which one. Region and credentials come from around us."""
    return _client(service, config(max_connections))


def patient_client(service: str, read_timeout_s: int) -> Any:
    """A boto3 client for calls that may take long, and that are not repeated by themselves."""
    return _client(service, config(read_timeout_s=read_timeout_s, attempts=1))


def stubborn_client(service: str, read_timeout_s: int, attempts: int) -> Any:
    """A boto3 client that tries every call so often, however many failed before it.

    Standard mode has a quota of retries: while much fails for long, each call is tried once only.
    """
    from botocore.config import Config

    without_quota = Config(retries={"mode": "legacy", "total_max_attempts": attempts})
    return _client(service, config(read_timeout_s=read_timeout_s).merge(without_quota))


def _client(service: str, settings: "Config") -> Any:
    import boto3

    # boto3's overloads want a literal name; adapters annotate what they take.
    factory: Any = boto3.client
    return factory(service, config=settings)


@contextmanager
def port_errors(service: str, call: str) -> Iterator[None]:
    """Turn what botocore raises into `PortError("service call: code: message")`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, message = code_and_message(error)
        raise PortError(f"{service} {call}: {code}: {message}") from error
    except BotoCoreError as error:
        raise PortError(f"{service} {call}: {type(error).__name__}: {error}") from error


def code_and_message(error: Any) -> tuple[str, str]:
    """`Error.Code` and `Error.Message` of a botocore `ClientError`."""
    details = error.response.get("Error", {})
    return str(details.get("Code", "Unknown")), str(details.get("Message", ""))
