"""Properties of one resource: each is taken exactly once, and none may be left over.

Where a resource is one API call whose members have the same names, the properties go to the API
as they are (`call`): botocore's model then tells unknown and mistyped ones at any depth.
CloudFormation accepts numbers and booleans as strings; `coerce` turns them into what the API's
shape wants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from icscaler_localcloud.deployer.errors import DeployError
from icscaler_localcloud.wire import codec

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

Shape = Any  # botocore's stubs know no members of shapes
_REQUIRED = object()
# botocore's words for a member that the API does not have.
_UNKNOWN = re.compile(r'Unknown parameter in (\S+): "(\w+)"')


class Properties:
    """The resolved properties of one resource."""

    def __init__(self, logical_id: str, kind: str, values: Mapping[str, Any]) -> None:
        self.logical_id, self.kind = logical_id, kind
        self._left = dict(values)

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """The property's value, or the default; a required one that is missing is an error."""
        if name in self._left:
            return self._left.pop(name)
        if default is _REQUIRED:
            raise self.error(name, "is required")
        return default

    def ignore(self, *names: str) -> None:
        """Accept properties that mean nothing here (each use says why)."""
        for name in names:
            self._left.pop(name, None)

    def rest(self) -> dict[str, Any]:
        """All properties not taken yet; they count as taken."""
        left, self._left = self._left, {}
        return left

    def finish(self) -> None:
        """DeployError when a property was not taken: nobody knows what to do with it."""
        for name in self._left:
            raise self.error(name, "is not supported by the local deployer")

    def only(self, name: str, value: Any, known: set[str]) -> Mapping[str, Any]:
        """The nested object `value` of property `name`, with known keys only."""
        if not isinstance(value, Mapping):
            raise self.error(name, "must be an object")
        for key in value:
            if key not in known:
                raise self.error(f"{name}.{key}", "is not supported by the local deployer")
        return value

    def error(self, name: str | None, message: str) -> DeployError:
        """A DeployError about this resource and one of its properties."""
        return DeployError(
            message, resource=self.logical_id, resource_type=self.kind, property_name=name
        )

    def call(
        self, cloud: LocalCloud, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Make the API call that creates the resource; refusals become DeployErrors."""
        shape = codec(service).model.operation_model(operation).input_shape
        client = cloud.client(service)
        method = getattr(client, _method_name(client, operation))
        try:
            answer: Mapping[str, Any] = method(**coerce(params, shape))
        except ParamValidationError as error:
            raise self._from_validation(error) from None
        except ClientError as error:
            detail = error.response["Error"]
            raise self.error(None, f"{detail['Code']}: {detail['Message']}") from None
        return answer

    def _from_validation(self, error: ParamValidationError) -> DeployError:
        report = str(error.kwargs.get("report", error))
        unknown = _UNKNOWN.search(report)
        if unknown is None:
            return self.error(None, report)
        where, name = unknown.groups()
        return self.error(name if where == "input" else f"{where}.{name}", report)


def _method_name(client: Any, operation: str) -> str:
    for method, name in client.meta.method_to_api_mapping.items():
        if name == operation:
            return str(method)
    raise KeyError(operation)


def coerce(value: Any, shape: Shape) -> Any:
    """The value with strings turned to the numbers and booleans that the shape wants."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {k: coerce(v, members[k]) if k in members else v for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [coerce(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, Mapping):
        return {k: coerce(v, shape.value) for k, v in value.items()}
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value) if value.lstrip("-").isdigit() else value
    if kind in ("float", "double") and isinstance(value, (str, int)):
        return float(value)
    if kind == "boolean":
        return boolean(value)
    if kind == "string" and not isinstance(value, str):
        return as_json(value) if isinstance(value, (Mapping, list)) else text(value)
    return value


def boolean(value: Any) -> Any:
    """CloudFormation's booleans may be the strings "true" and "false"."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def text(value: Any) -> str:
    """A scalar as CloudFormation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(value: Any) -> str:
    """A policy, pattern or other document as JSON; a string is one already."""
    return value if isinstance(value, str) else json.dumps(value)


def tags_of(value: Any) -> dict[str, str]:
    """Tags as a mapping, whether given as one or as a list of Key and Value."""
    if isinstance(value, Mapping):
        return {str(k): text(v) for k, v in value.items()}
    return {str(tag["Key"]): text(tag["Value"]) for tag in value or []}
