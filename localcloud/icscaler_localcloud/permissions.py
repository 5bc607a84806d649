"""What permissions an API request needs: actions, resources and condition keys.

Source: Service Authorization Reference, "Actions, resources, and condition keys" of each service.
A service not told here needs its action on "*".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from icscaler_localcloud.wire import ApiRequest, codec

Context = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Need:
    """One permission: IAM action, resource ARN (or "*"), condition keys of the request."""

    action: str
    resource: str
    context: Context


# botocore's service name -> IAM's prefix, where they differ.
_PREFIXES = {"sagemaker-runtime": "sagemaker", "stepfunctions": "states"}
# API operation -> IAM action, where they differ.
_ACTIONS = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sns", "PublishBatch"): "Publish",
}
# Calls every principal may make.
_FREE = {("sts", "GetCallerIdentity")}


def needs_of(request: ApiRequest, operation: str) -> list[Need]:
    """Everything the caller's role must allow for this request."""
    service = request.service
    if (service, operation) in _FREE:
        return []
    prefix = _PREFIXES.get(service, service)
    action = f"{prefix}:{_ACTIONS.get((service, operation), operation)}"
    told = _NEEDS.get(service)
    if told is None:
        return [Need(action, "*", ())]
    return list(told(_Asked(request, operation, action)))


@dataclass(frozen=True)
class _Asked:
    request: ApiRequest
    operation: str
    action: str

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """The request's parameters, parsed only where a need depends on them."""
        return _params(self.request)

    @property
    def region(self) -> str:
        """The Region the request was signed for."""
        return self._scope()[2] if self._scope() else "us-east-1"

    def _scope(self) -> list[str]:
        _, _, rest = self.request.headers.get("authorization", "").partition("Credential=")
        return rest.split(",")[0].split("/") if rest else []

    @property
    def account(self) -> str:
        return self.request.headers.get("x-moto-account-id", "123456789012")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def need(self, resource: str, action: str | None = None, context: Context = ()) -> Need:
        return Need(action or self.action, resource, context)


def _params(request: ApiRequest) -> Mapping[str, Any]:
    wire = codec(request.service)
    protocol = wire.protocol(request.headers)
    if protocol == "json":
        parsed: Any = json.loads(request.body) if request.body else {}
        return parsed if isinstance(parsed, dict) else {}
    if protocol == "query":
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    return wire.parse(request).params


def _dynamodb(asked: _Asked) -> Iterator[Need]:
    def table(name: str) -> str:
        return name if name.startswith("arn:") else asked.arn("dynamodb", f"table/{name}")

    params = asked.params
    if asked.operation in ("TransactWriteItems", "TransactGetItems"):
        actions = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
        actions |= {"ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}
        for item in params.get("TransactItems", []):
            for kind, body in item.items():
                yield asked.need(table(body["TableName"]), f"dynamodb:{actions[kind]}")
    elif "RequestItems" in params:
        for name in params["RequestItems"]:
            yield asked.need(table(name))
    elif "TableName" in params:
        arn = table(params["TableName"])
        index = params.get("IndexName")
        yield asked.need(f"{arn}/index/{index}" if index else arn)
    else:
        yield asked.need("*")


def _sqs(asked: _Asked) -> Iterator[Need]:
    url = asked.params.get("QueueUrl")
    name = url.rsplit("/", 1)[-1] if url else asked.params.get("QueueName")
    yield asked.need(asked.arn("sqs", name) if name else "*")


def _sns(asked: _Asked) -> Iterator[Need]:
    yield asked.need(asked.params.get("TopicArn") or asked.params.get("TargetArn") or "*")


def _events(asked: _Asked) -> Iterator[Need]:
    if asked.operation != "PutEvents":
        yield asked.need("*")
        return
    for entry in asked.params.get("Entries", []):
        bus = entry.get("EventBusName", "default")
        arn = bus if bus.startswith("arn:") else asked.arn("events", f"event-bus/{bus}")
        context = (
            ("events:source", (entry.get("Source", ""),)),
            ("events:detail-type", (entry.get("DetailType", ""),)),
        )
        yield asked.need(arn, context=context)


# Resource nouns in SageMaker operation names, longest first, with the request member and ARN type.
_SAGEMAKER_NOUNS = (
    ("InferenceComponent", "InferenceComponentName", "inference-component"),
    ("EndpointConfig", "EndpointConfigName", "endpoint-config"),
    ("Endpoint", "EndpointName", "endpoint"),
    ("Model", "ModelName", "model"),
)


def _sagemaker(asked: _Asked) -> Iterator[Need]:
    params = asked.params
    if asked.operation.startswith("List") and asked.operation != "ListTags":
        yield asked.need("*")
        return
    if "ResourceArn" in params:
        yield asked.need(params["ResourceArn"])
        return
    for noun, member, kind in _SAGEMAKER_NOUNS:
        if noun in asked.operation and member in params:
            yield asked.need(asked.arn("sagemaker", f"{kind}/{params[member]}"))
            break
    else:
        yield asked.need("*")
    if asked.operation in ("CreateEndpoint", "UpdateEndpoint"):
        config = params.get("EndpointConfigName")
        yield asked.need(asked.arn("sagemaker", f"endpoint-config/{config}"))


# CloudWatch actions without resource types: nothing to parse.
_CLOUDWATCH_WIDE = ("GetMetricData", "GetMetricStatistics", "ListMetrics")


def _cloudwatch(asked: _Asked) -> Iterator[Need]:
    if asked.operation in _CLOUDWATCH_WIDE:
        yield asked.need("*")
        return
    params = asked.params
    if asked.operation == "PutMetricData":
        yield asked.need("*", context=(("cloudwatch:namespace", (params["Namespace"],)),))
    elif "AlarmName" in params:
        yield asked.need(asked.arn("cloudwatch", f"alarm:{params['AlarmName']}"))
    elif asked.operation.endswith(("Alarms", "AlarmActions")) and params.get("AlarmNames"):
        for name in params["AlarmNames"]:
            yield asked.need(asked.arn("cloudwatch", f"alarm:{name}"))
    elif asked.operation.endswith(("Alarms", "AlarmActions")):
        yield asked.need(asked.arn("cloudwatch", "alarm:*"))
    else:
        yield asked.need("*")


def _lambda(asked: _Asked) -> Iterator[Need]:
    name = asked.params.get("FunctionName")
    if name and not name.startswith("arn:"):
        name = asked.arn("lambda", f"function:{name}")
    yield asked.need(name or "*")


def _ssm(asked: _Asked) -> Iterator[Need]:
    names = asked.params.get("Names") or [asked.params.get("Name") or asked.params.get("Path")]
    for name in names:
        yield asked.need(asked.arn("ssm", f"parameter/{name.lstrip('/')}") if name else "*")


def _states(asked: _Asked) -> Iterator[Need]:
    params = asked.params
    yield asked.need(params.get("stateMachineArn") or params.get("executionArn") or "*")


_NEEDS: dict[str, Callable[[_Asked], Iterator[Need]]] = {
    "dynamodb": _dynamodb,
    "sqs": _sqs,
    "sns": _sns,
    "events": _events,
    "sagemaker": _sagemaker,
    "sagemaker-runtime": _sagemaker,
    "cloudwatch": _cloudwatch,
    "lambda": _lambda,
    "ssm": _ssm,
    "stepfunctions": _states,
}
