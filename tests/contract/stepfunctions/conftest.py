"""A cloud that runs state machines, and short ways to make, start and look at them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from icscaler_localcloud import services
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack

TEMPLATES = Path(__file__).parent / "templates"
ROLE = "arn:aws:iam::123456789012:role/machine"
START_S = 1_780_272_000  # Monday 2026-06-01 00:00 UTC


@dataclass
class Machines:
    """State machines of one cloud. Machines are JSONata unless they say otherwise."""

    cloud: LocalCloud
    role: str = ROLE
    stack: Stack | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def api(self) -> Any:
        """The boto3 client."""
        return self.cloud.client("stepfunctions")

    def create(self, definition: Mapping[str, Any], name: str | None = None) -> str:
        """A state machine's ARN; the definition starts with its first state unless it says."""
        first = next(iter(definition["States"]), "A")
        whole = {"QueryLanguage": "JSONata", "StartAt": first}
        answer = self.api.create_state_machine(
            name=name or f"machine-{next(self._numbers)}",
            definition=json.dumps(whole | dict(definition)),
            roleArn=self.role,
        )
        return str(answer["stateMachineArn"])

    def start(self, definition: Mapping[str, Any], data: Any = None, **params: Any) -> str:
        """Create a machine and start one execution; its ARN."""
        arn = self.create(definition)
        text = json.dumps({} if data is None else data)
        return str(
            self.api.start_execution(stateMachineArn=arn, input=text, **params)["executionArn"]
        )

    def run(self, definition: Mapping[str, Any], data: Any = None, seconds: float = 86_400) -> Any:
        """Start one execution, let time pass, and describe it."""
        arn = self.start(definition, data)
        self.cloud.run_for(seconds)
        return self.look(arn)

    def look(self, arn: str) -> Any:
        """DescribeExecution, with the output parsed and `took_s`."""
        seen = self.api.describe_execution(executionArn=arn)
        if "output" in seen:
            seen["output"] = json.loads(seen["output"])
        if "stopDate" in seen:
            seen["took_s"] = (seen["stopDate"] - seen["startDate"]).total_seconds()
        return seen

    def output(self, definition: Mapping[str, Any], data: Any = None) -> Any:
        """The output of an execution that succeeds."""
        seen = self.run(definition, data)
        assert seen["status"] == "SUCCEEDED", seen
        return seen["output"]

    def history(self, arn: str, **params: Any) -> list[Any]:
        """All events, oldest first."""
        pages = self.api.get_paginator("get_execution_history").paginate(executionArn=arn, **params)
        return [event for page in pages for event in page["events"]]

    def times_of(self, arn: str, kind: str) -> list[float]:
        """When events of a kind happened, in seconds after the execution's start."""
        events = self.history(arn)
        start = events[0]["timestamp"]
        return [(e["timestamp"] - start).total_seconds() for e in events if e["type"] == kind]

    def asked(self, verb: str | None) -> list[Any]:
        """The finished invocations that were asked to do this."""
        return [done for done in self.cloud.lambda_log if done.event.get("do") == verb]

    def physical_id(self, logical_id: str) -> str:
        """What Ref gives for a resource of the deployed template."""
        assert self.stack is not None
        return self.stack.physical_id(logical_id)

    def invoke(self, payload: Any, function: str = "Worker", **state: Any) -> dict[str, Any]:
        """A Task state that invokes a function and gives back its payload."""
        name = self.physical_id(function)
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": name, "Payload": payload},
            "Output": "{% $states.result.Payload %}",
            **({} if "Next" in state else {"End": True}),
            **state,
        }


def task(resource: str, arguments: Any = None, **state: Any) -> dict[str, Any]:
    """A Task state; the last one unless it has a Next."""
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        **({} if arguments is None else {"Arguments": arguments}),
        **({} if "Next" in state else {"End": True}),
        **state,
    }


@pytest.fixture
def cloud_settings() -> dict[str, Any]:
    """Arguments of the cloud, for modules that want others."""
    return {"enforce_iam": False}


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch, cloud_settings: dict[str, Any]) -> Iterator[Machines]:
    """State machines without a template: their role may do everything."""
    factory = "icscaler_localcloud.stepfunctions:create_service"
    monkeypatch.setitem(services.OWN_SERVICES, "stepfunctions", factory)
    with LocalCloud(start_s=START_S, **cloud_settings) as cloud:
        yield Machines(cloud)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    """machines.yaml, with roles enforced."""
    factory = "icscaler_localcloud.stepfunctions:create_service"
    monkeypatch.setitem(services.OWN_SERVICES, "stepfunctions", factory)
    with LocalCloud(start_s=START_S) as cloud:
        stack = cloud.deploy(TEMPLATES / "machines.yaml", name="test")
        yield Machines(cloud, stack.attribute("MachineRole", "Arn"), stack)
