"""A deployed stack compared with the template it came from.

What the template should have become is worked out here once more (SAM's own transform, the
intrinsics of the local deployer), so a resource, an output or a setting that went missing on the
way shows. Resources are looked up in their own services, not only in CloudFormation's list.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError
from lookups import LOOKUPS, AbsentError, Clients, comparisons

from icscaler_localcloud.deployer import template as templates
from icscaler_localcloud.deployer.errors import DeployError
from icscaler_localcloud.deployer.intrinsics import Resolver

LAYER = "AWS::Lambda::LayerVersion"
# SAM appends a digest of a layer's content to its logical id.
_LAYER_DIGEST = re.compile(r"[0-9a-f]{10}$")
_DONE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_DELETE, _RETAIN = "Delete", "Retain"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as the template wants it, by the logical id that the transform gives it."""

    name: str
    type: str
    properties: Mapping[str, Any]
    retained: bool


@dataclass(slots=True)
class Expectation:
    """What the template should become for these parameters; `document` is as written."""

    document: Mapping[str, Any]
    given: Mapping[str, str]
    parameters: dict[str, str | list[str]] = field(init=False)
    template: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        declared = self.document.get("Parameters", {})
        self.parameters = templates.resolve_parameters(declared, self.given)
        self.template = templates.transform(self.document, self.parameters)


class Deployed:
    """A stack beside what it should be. `findings()` and `leftovers()` tell the differences."""

    def __init__(self, clients: Clients, stack: str, expected: Expectation) -> None:
        self._clients = clients
        self._stack = stack
        self._expected = expected
        described = self._described()
        self._pseudo = _pseudo(described)
        self._outputs = {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", ())}
        self._listed = self._list_resources()
        self._attributes: dict[str, Mapping[str, str]] = {}
        self._resolver = Resolver(
            expected.template, expected.parameters, self._pseudo, self._reference, self._attribute
        )

    def findings(self) -> list[str]:
        """Everything that is not as the template says; empty when all is."""
        return [*self._resource_findings(), *self._output_findings()]

    def leftovers(self) -> Iterator[str]:
        """After the stack was deleted: what is still there, or gone, against its policy."""
        for resource in self.resources:
            there = self._is_there(resource)
            if there and not resource.retained:
                yield f"{resource.name} ({resource.type}) is still there"
            if resource.retained and not there:
                yield f"{resource.name} ({resource.type}) should have been retained"

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """All that should exist, resolved against what does."""
        return tuple(self._resolved())

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs as CloudFormation tells them."""
        return self._outputs

    # -- findings

    def _resource_findings(self) -> Iterator[str]:
        wanted = {_stable(name, body["Type"]): name for name, body in self._wanted()}
        for name in sorted(self._listed.keys() - wanted.keys()):
            yield f"{name}: nothing in the template accounts for it"
        for name in sorted(wanted.keys() - self._listed.keys()):
            yield f"{name} is missing from the stack"
        for resource in self.resources:
            yield from self._findings_of(resource)

    def _findings_of(self, resource: Resource) -> Iterator[str]:
        listed = self._listed.get(_stable(resource.name, resource.type))
        if listed is None:
            return
        if listed["ResourceStatus"] not in _DONE:
            yield f"{resource.name} is {listed['ResourceStatus']}"
        if resource.type not in LOOKUPS:
            yield f"{resource.name}: scripts/lookups.py can't look up a {resource.type}"
            return
        try:
            self._look_up(resource)
            for difference in comparisons(
                self._clients, resource.type, listed["PhysicalResourceId"], resource.properties
            ):
                yield f"{resource.name}: {difference}"
        except (ClientError, AbsentError) as error:
            yield f"{resource.name} is in the stack's list only: {error}"

    def _output_findings(self) -> Iterator[str]:
        wanted = self._expected.template.get("Outputs", {})
        wanted = {n: body for n, body in wanted.items() if self._holds(body)}
        for name in sorted(self._outputs.keys() - wanted.keys()):
            yield f"output {name}: nothing in the template accounts for it"
        for name, body in wanted.items():
            value = str(self._resolver.resolve(body["Value"]))
            if name not in self._outputs:
                yield f"output {name} is missing"
            elif self._outputs[name] != value:
                yield f"output {name} is {self._outputs[name]!r}, not {value!r}"

    # -- the stack

    def _described(self) -> Mapping[str, Any]:
        (found,) = self._clients("cloudformation").describe_stacks(StackName=self._stack)["Stacks"]
        described: Mapping[str, Any] = found
        return described

    def _list_resources(self) -> dict[str, Mapping[str, Any]]:
        pages = self._clients("cloudformation").get_paginator("list_stack_resources")
        rows = [
            row
            for page in pages.paginate(StackName=self._stack)
            for row in page["StackResourceSummaries"]
        ]
        return {_stable(row["LogicalResourceId"], row["ResourceType"]): row for row in rows}

    # -- the template

    def _wanted(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, body in self._expected.template["Resources"].items():
            if self._holds(body):
                yield name, body

    def _holds(self, body: Mapping[str, Any]) -> bool:
        return "Condition" not in body or self._resolver.condition(body["Condition"])

    def _resolved(self) -> Iterator[Resource]:
        for name, body in self._wanted():
            if _stable(name, body["Type"]) in self._listed:
                properties = self._resolver.resolve(body.get("Properties", {}))
                retained = body.get("DeletionPolicy", _DELETE) == _RETAIN
                yield Resource(name, body["Type"], properties, retained)

    def _reference(self, name: str) -> str:
        body = self._expected.template["Resources"].get(name)
        if body is None:
            raise DeployError(f"Ref to {name}, which is not in the template")
        listed = self._listed.get(_stable(name, body["Type"]))
        return "(missing)" if listed is None else str(listed["PhysicalResourceId"])

    def _attribute(self, name: str, attribute: str) -> str:
        body = self._expected.template["Resources"].get(name)
        if body is None or body["Type"] not in LOOKUPS:
            raise DeployError(f"GetAtt {name}.{attribute}: scripts/lookups.py does not know it")
        if name not in self._attributes:
            properties = self._resolver.resolve(body.get("Properties", {}))
            resource = Resource(name, body["Type"], properties, retained=False)
            try:
                self._attributes[name] = self._look_up(resource)
            except (ClientError, AbsentError):
                return "(missing)"
        return self._attributes[name][attribute]

    # -- the services

    def _look_up(self, resource: Resource) -> Mapping[str, str]:
        lookup = LOOKUPS[resource.type]
        return lookup(self._clients, self._reference(resource.name), resource.properties)

    def _is_there(self, resource: Resource) -> bool:
        try:
            self._look_up(resource)
        except (ClientError, AbsentError):
            return False
        return True


def _stable(name: str, kind: str) -> str:
    return _LAYER_DIGEST.sub("", name) if kind == LAYER else name


def _pseudo(described: Mapping[str, Any]) -> dict[str, str]:
    _, partition, _, region, account, _ = str(described["StackId"]).split(":", 5)
    return {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": str(described["StackId"]),
        "AWS::StackName": str(described["StackName"]),
        "AWS::URLSuffix": "amazonaws.com",
    }
