"""How our own AWS services plug into the local cloud.

moto answers most services. Those it lacks (SageMaker with inference components, CloudWatch with
percentiles and metric math, Application Auto Scaling for components) are ours. An own service
knows operations, not HTTP: the wire module parses a request and serialises the answer with
botocore's own model of the service, in whatever protocol the caller speaks (JSON 1.0 / 1.1,
rest-json, query, smithy-rpc-v2-cbor), so one implementation serves boto3 in this process, boto3
in a subprocess and any other AWS client.

The protocol
------------
A factory takes the `LocalCloud` and returns an object with one method::

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None

* `operation` is the API name as in botocore's model ("CreateInferenceComponent").
* `params` are the request members by their API names (nested structures are dicts and lists,
  timestamps are epoch seconds as `float`, blobs are `bytes`). Absent members are absent. Clients
  validate required members and types before they send; ranges and states are the service's job.
* the result holds the response members by their API names. A timestamp may be an `int` or
  `float` of epoch seconds or an aware `datetime`; a blob is `bytes` or `str`. Members that are
  `None` are left out. `None` means an empty response.
* a refusal is `raise ServiceError(code, message)`, answered in the protocol's own error shape.
  Any other exception is a bug and reaches the caller unchanged; it is not turned into HTTP 500,
  because botocore would retry it.

The virtual clock and the world have been advanced to "now" when `call` runs; read the time from
`cloud.clock.now_s`. Services must not advance the clock. Work for later goes through
`cloud.call_at(at_s, callback)` (once) or `cloud.every(period_s, callback)`; what AWS would put on
the default event bus goes through `cloud.events.publish(...)` (see `events.EventRouter`).

Factories are named as "module:attribute" and imported on the first call of their service, so that
the registry costs nothing and imports nothing by itself. `cloud.service(name)` returns the built
object, for tests and for services that need each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud


class ServiceError(Exception):
    """A refusal as AWS words it.

    `code` is what `ClientError.response["Error"]["Code"]` shows; `fields` are further members of
    the modelled exception shape (for example `OriginalStatusCode` of ModelError). Where the
    service model gives the error an HTTP status that one is used, else `status`.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


class OwnService(Protocol):
    """One AWS service of ours: see the module docstring for the protocol."""

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Answer one API operation, or raise ServiceError."""
        ...


# botocore's service name -> where its factory lives.
OWN_SERVICES: dict[str, str] = {
    "sagemaker": "icscaler_localcloud.sagemaker:create_service",
    "sagemaker-runtime": "icscaler_localcloud.sagemaker:create_runtime_service",
    "application-autoscaling": "icscaler_localcloud.autoscaling:create_service",
    "cloudwatch": "icscaler_localcloud.cloudwatch:create_service",
    "stepfunctions": "icscaler_localcloud.stepfunctions:create_service",
}


def load_factory(reference: str) -> Callable[[LocalCloud], OwnService]:
    """Import the factory named "module:attribute"."""
    module_name, _, attribute = reference.partition(":")
    factory: Callable[[LocalCloud], OwnService] = getattr(import_module(module_name), attribute)
    return factory
