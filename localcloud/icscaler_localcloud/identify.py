"""Which AWS service and operation an HTTP request is for, when every service has one address.

`AWS_ENDPOINT_URL` sends all of a client's services to one port, so the host says nothing. What
does: the signature's scope names the service (unverified: any credentials do), and what the
protocol says: `X-Amz-Target` (JSON), the path `/service/X/operation/Y` (CBOR), `Action` and
`Version` in the form (query), method and path (REST). Unsigned requests are told by protocol alone,
among the services in `_UNSIGNED`; what then fits nothing else is S3's, as every path is a bucket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import UnknownServiceError

from icscaler_localcloud.http_front import HttpRequest
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.wire import CBOR, ApiRequest, Codec, codec

# AWS4-HMAC-SHA256 Credential=AKIA.../20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=...
_SCOPE = re.compile(r"Credential=[^/,\s]*/\d*/[^/]*/(?P<service>[^/]+)/aws4_request")
_SCOPE_IN_QUERY = re.compile(r"X-Amz-Credential=[^&]*?(?:/|%2F)(?P<service>[\w-]+)(?:/|%2F)aws4")
# Names services sign with, where botocore's own name is another; in the order they are tried.
_SIGNING_NAMES = {
    "email": ("ses", "sesv2"),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
_UNSIGNED = (
    *("sagemaker", "sagemaker-runtime", "cloudwatch", "application-autoscaling", "lambda"),
    *("events", "scheduler", "sqs", "sns", "dynamodb", "stepfunctions", "logs", "ssm", "sts"),
    *("iam", "cloudformation", "kms", "ecr", "secretsmanager", "s3"),
)


def identify(request: HttpRequest) -> tuple[str, str]:
    """(service by botocore's name, operation); ServiceError when no service has such a call."""
    for service in _candidates(request):
        operation = _operation(codec(service), request)
        if operation is not None:
            return service, operation
    raise ServiceError(
        "UnknownOperationException",
        f"{request.method} {request.target} is no call of a service of the local cloud.",
        status=404,
    )


def _candidates(request: HttpRequest) -> Iterator[str]:
    signed_with = _scope(request)
    if signed_with is None:
        yield from _UNSIGNED
        return
    for service in _SIGNING_NAMES.get(signed_with, (signed_with,)):
        if _exists(service):
            yield service


def _scope(request: HttpRequest) -> str | None:
    match = _SCOPE.search(request.headers.get("authorization", ""))
    match = match or _SCOPE_IN_QUERY.search(request.target)
    return match["service"] if match else None


@cache
def _exists(service: str) -> bool:
    try:
        codec(service)
    except UnknownServiceError:
        return False
    return True


def _operation(wire: Codec, request: HttpRequest) -> str | None:
    """The operation of this service that the request calls, if it is one of its calls."""
    path, query = urlsplit(request.target).path, urlsplit(request.target).query
    protocol = wire.protocol(request.headers)
    metadata = wire.model.metadata
    name: str | None
    if protocol == CBOR:
        parts = path.split("/")  # .../service/GraniteServiceVersion20100801/operation/PutMetricData
        name = parts[-1] if parts[-3:-2] == [metadata.get("targetPrefix")] else None
    elif protocol == "json":
        prefix, _, name = request.headers["x-amz-target"].rpartition(".")
        name = name if prefix == metadata.get("targetPrefix") else None
    elif protocol == "query" or "Action=" in query:
        form = parse_qs(query) | parse_qs(request.body.decode("utf-8", "replace"))
        same = form.get("Version", [metadata["apiVersion"]])[0] == metadata["apiVersion"]
        name = form.get("Action", [""])[0] if same else None
    else:
        name = wire.rest_operation(request.method, request.target, request.headers)
    return name if name in wire.model.operation_names else None


def to_api_request(request: HttpRequest, service: str, origin: str) -> ApiRequest:
    """The request as a client of the real service would have sent it to `origin`."""
    headers = {**request.headers, "host": urlsplit(origin).netloc}
    return ApiRequest(service, request.method, origin + request.target, headers, request.body)
