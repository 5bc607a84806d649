"""The engine: order the resources, create each, keep what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.deployer import template as templates
from icscaler_localcloud.deployer.errors import DeployError
from icscaler_localcloud.deployer.intrinsics import Resolver, references
from icscaler_localcloud.deployer.properties import Properties

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_RESOURCE_KEYS = frozenset(
    {
        "Condition",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdateReplacePolicy",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One created resource: `physical_id` is what Ref gives, `attributes` what GetAtt gives."""

    logical_id: str
    type: str
    physical_id: str
    attributes: Mapping[str, str]


@dataclass(slots=True)
class Stack:
    """A deployed template."""

    name: str
    template: Mapping[str, Any]
    """The template as deployed, after the SAM transform."""
    parameters: Mapping[str, str | list[str]]
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def physical_id(self, logical_id: str) -> str:
        """What Ref gives for the resource; KeyError naming it."""
        return self.resources[logical_id].physical_id

    def attribute(self, logical_id: str, name: str) -> str:
        """What GetAtt gives; KeyError naming it."""
        return self.resources[logical_id].attributes[name]

    def of_type(self, kind: str) -> list[Resource]:
        """All resources of one type, in the order they were created."""
        return [resource for resource in self.resources.values() if resource.type == kind]


@dataclass(slots=True)
class Deployment:
    """What resource handlers work with: the cloud, the template's folder, names, late checks."""

    cloud: LocalCloud
    stack: Stack
    folder: Path
    metadata: Mapping[str, Mapping[str, Any]]
    layers: dict[str, Path | None]
    checks: list[Callable[[], None]] = field(default_factory=list)
    """Run when everything exists: permissions may be attached after they are first needed."""

    def physical_name(self, logical_id: str, *, limit: int = 64, suffix: str = "") -> str:
        """A name as CloudFormation makes them up: stack, logical id, a stable hash."""
        digest = hashlib.sha256(f"{self.stack.name}/{logical_id}".encode()).hexdigest()
        tail = f"-{digest[:12].upper()}{suffix}"
        return f"{self.stack.name}-{logical_id}"[: limit - len(tail)] + tail

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and Region."""
        return f"arn:aws:{service}:{self.cloud.region}:{self.cloud.account}:{resource}"


Created = tuple[str, dict[str, str]]
"""(physical id, attributes)"""
Handler = Callable[[Deployment, Properties], Created]


def deploy(cloud: LocalCloud, path: Path, given: Mapping[str, str], name: str) -> Stack:
    """Create everything the template describes; DeployError names resource and property."""
    from icscaler_localcloud.deployer.registry import HANDLERS

    document = templates.load(path)
    parameters = templates.resolve_parameters(document.get("Parameters", {}), given)
    transformed = templates.transform(document, parameters)
    stack = Stack(name, transformed, parameters)
    resources: Mapping[str, Mapping[str, Any]] = transformed["Resources"]
    for logical_id, resource in resources.items():
        _check_resource(logical_id, resource, HANDLERS)
    resolver = _resolver(cloud, stack, transformed)
    deployment = Deployment(
        cloud,
        stack,
        path.resolve().parent,
        {logical_id: resource.get("Metadata", {}) for logical_id, resource in resources.items()},
        cloud.layers,
    )
    wanted = {
        logical_id: resource
        for logical_id, resource in resources.items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }
    for logical_id in _creation_order(wanted):
        _create(deployment, resolver, logical_id, wanted[logical_id], HANDLERS)
    for check in deployment.checks:
        check()
    for output, body in transformed.get("Outputs", {}).items():
        if "Condition" not in body or resolver.condition(body["Condition"]):
            stack.outputs[output] = str(resolver.resolve(body["Value"]))
    _register(cloud, stack, transformed.get("Outputs", {}))
    return stack


def _register(cloud: LocalCloud, stack: Stack, described: Mapping[str, Any]) -> None:
    """Let CloudFormation clients find the stack by name and read its outputs and parameters.

    moto's CloudFormation could not have created the resources (it skips SAM, alarms and
    schedules in silence), so it is given these only.
    """
    parameters = {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in stack.parameters.items()
    }
    outputs = {
        name: {"Value": value, "Description": str(described[name].get("Description", ""))}
        for name, value in stack.outputs.items()
    }
    template = {
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Resources": {},
        "Outputs": outputs,
    }
    cloud.client("cloudformation").create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    )


def _check_resource(
    logical_id: str, resource: Mapping[str, Any], handlers: Mapping[str, Handler]
) -> None:
    kind = resource.get("Type", "")
    if kind not in handlers:
        raise DeployError(
            "this resource type is not supported by the local deployer",
            resource=logical_id,
            resource_type=kind or "no type",
        )
    for key in resource:
        if key not in _RESOURCE_KEYS:
            raise DeployError(
                f"resource attribute {key} is not supported",
                resource=logical_id,
                resource_type=kind,
            )


def _resolver(cloud: LocalCloud, stack: Stack, template: Mapping[str, Any]) -> Resolver:
    def reference(logical_id: str) -> str:
        if logical_id not in stack.resources:
            raise DeployError(f"Ref to {logical_id}, which is not in the template or not created")
        return stack.resources[logical_id].physical_id

    def attribute(logical_id: str, name: str) -> str:
        resource = stack.resources.get(logical_id)
        if resource is None:
            raise DeployError(f"GetAtt of {logical_id}, which is not in the template")
        if name not in resource.attributes:
            raise DeployError(
                f"has no attribute {name}", resource=logical_id, resource_type=resource.type
            )
        return resource.attributes[name]

    pseudo = {
        "AWS::AccountId": cloud.account,
        "AWS::Partition": "aws",
        "AWS::Region": cloud.region,
        "AWS::StackId": f"arn:aws:cloudformation:{cloud.region}:{cloud.account}:stack/{stack.name}",
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    return Resolver(template, stack.parameters, pseudo, reference, attribute)


def _create(
    deployment: Deployment,
    resolver: Resolver,
    logical_id: str,
    resource: Mapping[str, Any],
    handlers: Mapping[str, Handler],
) -> None:
    kind = resource["Type"]
    try:
        values = resolver.resolve(resource.get("Properties", {}))
    except DeployError as error:
        if error.resource is not None:
            raise
        raise DeployError(str(error), resource=logical_id, resource_type=kind) from None
    properties = Properties(logical_id, kind, values)
    physical_id, attributes = handlers[kind](deployment, properties)
    properties.finish()
    deployment.stack.resources[logical_id] = Resource(logical_id, kind, physical_id, attributes)


def _creation_order(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Logical ids, each after everything it refers to or DependsOn; template order otherwise."""
    done: set[str] = set()
    path: list[str] = []

    def visit(logical_id: str) -> Iterator[str]:
        if logical_id in done:
            return
        if logical_id in path:
            raise DeployError(f"circular dependency: {' -> '.join([*path, logical_id])}")
        path.append(logical_id)
        resource = resources[logical_id]
        depends = resource.get("DependsOn", [])
        needed = [depends] if isinstance(depends, str) else list(depends)
        for name in [*needed, *references(resource.get("Properties", {}))]:
            if name in resources:
                yield from visit(name)
        path.pop()
        done.add(logical_id)
        yield logical_id

    for logical_id in resources:
        yield from visit(logical_id)
