"""HTTP as AWS services speak it: requests into operations, results and refusals into replies.

Driven by botocore's own service models, so nothing is written twice. Protocols: JSON 1.0 and 1.1
(`X-Amz-Target`), rest-json, smithy-rpc-v2-cbor (what boto3 1.44 speaks to CloudWatch) and query
(what older clients speak to it; read and written by moto's own parser and serialiser).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from icscaler_localcloud import moto_query, moto_seams
from icscaler_localcloud.services import ServiceError

# botocore's typed stubs know neither members of shapes nor the CBOR classes.
Shape = Any
OperationModel = Any
CBOR = "smithy-rpc-v2-cbor"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One HTTP request to one AWS service; header names are lower case."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ApiReply:
    """One HTTP reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """What a request asks for: operation, its parameters, and how to answer."""

    operation: OperationModel
    params: dict[str, Any]
    protocol: str


@cache
def codec(service: str) -> Codec:
    """The (cached) codec of a service by botocore's name for it."""
    return Codec(service)


class Codec:
    """Parses requests to, and serialises replies of, one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.model = ServiceModel(Loader().load_service_model(service, "service-2"), service)

    # -- requests

    def parse(self, request: ApiRequest) -> ParsedCall:
        """Which operation with which parameters; ServiceError where there is no such operation."""
        headers = request.headers
        protocol = self.protocol(headers)
        path = urlsplit(request.url).path
        if protocol == CBOR:
            operation = self._operation(path.rsplit("/", 1)[-1])
            params = _cbor_parser.parse_data_item(
                _cbor_parser.get_peekable_stream_from_bytes(request.body)
            )
            return ParsedCall(operation, params if isinstance(params, dict) else {}, protocol)
        if protocol == "json":
            operation = self._operation(headers["x-amz-target"].rsplit(".", 1)[-1])
            body = json.loads(request.body) if request.body else {}
            shape = operation.input_shape
            return ParsedCall(operation, _from_json(body, shape) if shape else {}, protocol)
        if protocol == "query":
            form = {k: v[0] for k, v in parse_qs(request.body.decode(), True).items()}
            operation = self._query_operation(form.get("Action", ""))
            return ParsedCall(operation, moto_query.read_query(operation, form), protocol)
        return self._parse_rest(request)

    def _query_operation(self, name: str) -> OperationModel:
        if "query" in self.model.metadata["protocols"] and name in self.model.operation_names:
            return self._operation(name)
        version = self.model.api_version
        raise ServiceError(
            "InvalidAction", f"Could not find operation {name} for version {version}"
        )

    def rest_operation(self, method: str, url: str, headers: Mapping[str, str]) -> str | None:
        """The operation of a REST service that this calls, if there is one."""
        found = self._route(method, url, headers)
        return found[0] if found else None

    def protocol(self, headers: Mapping[str, str]) -> str:
        """The protocol a request speaks, by its headers."""
        if headers.get("smithy-protocol") == "rpc-v2-cbor":
            return CBOR
        if "x-amz-target" in headers:
            return "json"
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return "query"
        return "rest-json"

    def _operation(self, name: str) -> OperationModel:
        if name not in self.model.operation_names:
            raise ServiceError("UnknownOperationException", f"{self.service} has no {name}")
        return self.model.operation_model(name)

    @cached_property
    def _routes(self) -> list[_Route]:
        """The operations of a REST service, most specific first."""
        if "rest" not in self.model.metadata.get("protocol", ""):
            return []
        routes = [_Route.of(self._operation(name)) for name in self.model.operation_names]
        return sorted(routes, key=lambda route: route.rank)

    def _route(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> tuple[str, re.Match[str]] | None:
        split = urlsplit(url)
        keys = parse_qs(split.query, keep_blank_values=True).keys()
        for route in self._routes:
            match = route.pattern.match(split.path) if route.method == method else None
            if match is not None and route.query <= keys and route.headers <= headers.keys():
                return route.operation, match
        return None

    def _parse_rest(self, request: ApiRequest) -> ParsedCall:
        found = self._route(request.method, request.url, request.headers)
        if found is None:
            path = urlsplit(request.url).path
            raise ServiceError(
                "UnknownOperationException", f"{self.service} has no {request.method} {path}"
            )
        operation = self._operation(found[0])
        uri = {key: unquote(value) for key, value in found[1].groupdict().items()}
        return ParsedCall(operation, _rest_params(operation, uri, request), "rest-json")

    # -- replies

    def reply(self, call: ParsedCall, result: Mapping[str, Any] | None) -> ApiReply:
        """The reply that carries `result` (members by API name)."""
        result = result or {}
        shape = call.operation.output_shape
        headers = {"x-amzn-RequestId": moto_seams.new_id()}
        if call.protocol == CBOR:
            headers |= {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
            body = _cbor_serializer.encode(result, shape) if shape is not None else b""
            return ApiReply(200, headers, body)
        if call.protocol == "rest-json":
            return _rest_reply(call.operation, result, headers)
        if call.protocol == "query":
            headers["Content-Type"] = "text/xml"
            body = moto_query.write_query(call.operation, result, headers["x-amzn-RequestId"])
            return ApiReply(200, headers, body)
        headers["Content-Type"] = _json_type(self.model)
        body = json.dumps(_to_json(result, shape)).encode() if shape is not None else b"{}"
        return ApiReply(200, headers, body)

    def refuse(self, headers: Mapping[str, str], error: ServiceError) -> ApiReply:
        """The reply to a request with `headers` that carries a refusal."""
        protocol = self.protocol(headers)
        status = self._status(error)
        reply = {"x-amzn-RequestId": moto_seams.new_id()}
        if protocol == "query":
            return ApiReply(status, reply | {"Content-Type": "text/xml"}, _query_error(error))
        members: dict[str, Any] = {"__type": error.code, "message": error.message}
        if protocol == CBOR:
            reply |= {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
            return ApiReply(status, reply, _cbor_serializer.encode(members, _CBOR_ERROR))
        reply |= {"x-amzn-ErrorType": error.code, "Content-Type": _json_type(self.model)}
        members |= error.fields
        shape = self._error_shape(error)
        if shape is not None and "Message" in shape.members:
            members["Message"] = error.message
        return ApiReply(status, reply, json.dumps(members).encode())

    def _error_shape(self, error: ServiceError) -> Shape | None:
        model: Any = self.model
        return model.shape_for_error_code(error.code)

    def _status(self, error: ServiceError) -> int:
        shape = self._error_shape(error)
        modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
        return int(modelled or error.status)


# -- JSON -----------------------------------------------------------------------------------------


def _json_type(model: ServiceModel) -> str:
    if model.metadata.get("protocol") == "rest-json":
        return "application/json"
    return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"


def _name_on_wire(member: str, shape: Shape) -> str:
    name: str = shape.serialization.get("name", member)
    return name


def _from_json(value: Any, shape: Shape) -> Any:
    """JSON as sent -> plain data: timestamps as epoch seconds, blobs as bytes."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        members = shape.members
        parsed = {}
        for member, member_shape in members.items():
            sent = value.get(_name_on_wire(member, member_shape))
            if sent is not None:
                parsed[member] = _from_json(sent, member_shape)
        return parsed
    if kind == "list":
        return [_from_json(item, shape.member) for item in value]
    if kind == "map":
        return {key: _from_json(item, shape.value) for key, item in value.items()}
    if kind == "timestamp":
        return _epoch_s(value)
    if kind == "blob":
        return base64.b64decode(value)
    return value


def _to_json(value: Any, shape: Shape) -> Any:
    """A result -> what `json.dumps` takes; an unknown member is a KeyError naming it."""
    kind = shape.type_name
    if kind == "structure":
        members = shape.members
        return {
            _name_on_wire(member, members[member]): _to_json(item, members[member])
            for member, item in value.items()
            if item is not None
        }
    if kind == "list":
        return [_to_json(item, shape.member) for item in value]
    if kind == "map":
        return {key: _to_json(item, shape.value) for key, item in value.items()}
    if kind == "timestamp":
        return _epoch_s(value)
    if kind == "blob":
        return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return value


def _epoch_s(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float(value)


def _query_error(error: ServiceError) -> bytes:
    kind = "Sender" if error.status < 500 else "Receiver"
    return (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
        f"<Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{moto_seams.new_id()}</RequestId></ErrorResponse>"
    ).encode()


# -- rest-json ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Route:
    """What a request must have to be a call of an operation; header names are lower case."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    rank: tuple[int, ...]

    @classmethod
    def of(cls, operation: OperationModel) -> _Route:
        path, _, fixed = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", _uri_group, re.escape(path))
        query = frozenset(parse_qs(fixed, keep_blank_values=True))
        query |= _required_at(operation, "querystring")
        headers = frozenset(name.lower() for name in _required_at(operation, "header"))
        rank = (path.count("{"), -len(path), -len(query), -len(headers))
        method = operation.http["method"]
        return cls(operation.name, method, re.compile(f"{pattern}/?$"), query, headers, rank)


def _required_at(operation: OperationModel, location: str) -> frozenset[str]:
    """Names of the required members that travel in the query or in headers."""
    shape = operation.input_shape
    required = shape.required_members if shape is not None else ()
    return frozenset(
        _name_on_wire(member, shape.members[member])
        for member in required
        if shape.members[member].serialization.get("location") == location
    )


def _uri_group(match: re.Match[str]) -> str:
    return f"(?P<{match.group(1)}>{'.+' if match.group(2) else '[^/]+'})"


def _rest_params(
    operation: OperationModel, uri: Mapping[str, str], request: ApiRequest
) -> dict[str, Any]:
    shape: Shape | None = operation.input_shape
    if shape is None:
        return {}
    query = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    payload = shape.serialization.get("payload")
    if payload is not None:
        params = {payload: _payload(request.body, shape.members[payload])} if request.body else {}
    else:
        params = _from_json(json.loads(request.body), shape) if request.body else {}
    for member, member_shape in shape.members.items():
        location = member_shape.serialization.get("location")
        name = _name_on_wire(member, member_shape)
        if location == "uri":
            params[member] = uri[name]
        elif location == "querystring" and name in query:
            values = query[name]
            params[member] = values if member_shape.type_name == "list" else values[0]
        elif location == "header" and name.lower() in request.headers:
            params[member] = request.headers[name.lower()]
    return params


def _payload(body: bytes, shape: Shape) -> Any:
    if shape.type_name == "blob":
        return body
    return body.decode() if shape.type_name == "string" else _from_json(json.loads(body), shape)


def _rest_reply(
    operation: OperationModel, result: Mapping[str, Any], headers: dict[str, str]
) -> ApiReply:
    shape = operation.output_shape
    status = int(operation.http.get("responseCode", 200))
    headers["Content-Type"] = "application/json"
    if shape is None:
        return ApiReply(status, headers, b"")
    payload = shape.serialization.get("payload")
    in_body: dict[str, Any] = {}
    body = b""
    for member, value in result.items():
        member_shape = shape.members[member]
        location = member_shape.serialization.get("location")
        if value is None:
            continue
        if location == "statusCode":
            status = int(value)
        elif location == "header":
            headers[_name_on_wire(member, member_shape)] = str(value)
        elif member == payload:
            raw = value if member_shape.type_name in ("blob", "string") else json.dumps(value)
            body = raw.encode() if isinstance(raw, str) else bytes(raw)
        else:
            in_body[member] = value
    if payload is None:
        body = json.dumps(_to_json(in_body, shape)).encode()
    return ApiReply(status, headers, body)


# -- CBOR -----------------------------------------------------------------------------------------


class _CborSerializer(RpcV2CBORSerializer):
    """botocore's request serialiser, turned to replies: the same shapes the other way round."""

    def _convert_timestamp_to_str(self, value: Any, timestamp_format: Any = None) -> float:
        return _epoch_s(value)

    def encode(self, value: Mapping[str, Any], shape: Shape) -> bytes:
        encoded = bytearray()
        serialize: Any = self._serialize_data_item  # type: ignore[attr-defined]
        serialize(encoded, value, shape)
        return bytes(encoded)


_cbor_parser = RpcV2CBORParser(timestamp_parser=float)
_cbor_serializer = _CborSerializer()


_CBOR_ERROR: Shape = ServiceModel(
    {
        "metadata": {},
        "shapes": {
            "String": {"type": "string"},
            "Refusal": {
                "type": "structure",
                "members": {"__type": {"shape": "String"}, "message": {"shape": "String"}},
            },
        },
    }
).shape_for("Refusal")
