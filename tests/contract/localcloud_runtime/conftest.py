"""A cloud with one of each kind of wiring, for the runtime's contract tests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack
from icscaler_localcloud.lambdas import Invocation

TEMPLATES = Path(__file__).parent / "templates"


@dataclass
class Plumbing:
    """A deployed plumbing.yaml and short ways to use it."""

    cloud: LocalCloud
    stack: Stack
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def call(self, event: Any, function: str = "Worker") -> Invocation:
        """Invoke a function and wait."""
        return self.cloud.functions.invoke(function, event)

    def send(self, body: Any, *, group: str = "g", key: str | None = None) -> str:
        """Put one message on the FIFO queue; returns its message id."""
        answer = self.cloud.client("sqs").send_message(
            QueueUrl=self.stack.physical_id("Work"),
            MessageBody=json.dumps(body),
            MessageGroupId=group,
            MessageDeduplicationId=key or f"key-{next(self._numbers)}",
        )
        return str(answer["MessageId"])

    def put_event(self, source: str, kind: str, detail: Any) -> Any:
        """Put one event on the template's bus."""
        entry = {
            "EventBusName": self.stack.physical_id("Bus"),
            "Source": source,
            "DetailType": kind,
            "Detail": json.dumps(detail),
        }
        return self.cloud.client("events").put_events(Entries=[entry])

    def queued(self, logical_id: str) -> list[Any]:
        """The bodies of all messages in a queue, parsed."""
        arn = self.stack.attribute(logical_id, "Arn")
        return [json.loads(body) for body in self.cloud.queues.bodies(arn)]

    def log(self, function: str = "Worker", trigger: str | None = None) -> list[Invocation]:
        """Finished invocations of one function."""
        return [
            done
            for done in self.cloud.lambda_log
            if done.logical_id == function and trigger in (None, done.trigger)
        ]

    def keys(self) -> set[str]:
        """The partition keys in the table."""
        name = self.stack.physical_id("Table")
        items = self.cloud.client("dynamodb").scan(TableName=name)["Items"]
        return {item["pk"]["S"] for item in items}


def deploy(cloud: LocalCloud, folder: Path, template: dict[str, Any], **parameters: str) -> Stack:
    """Write a template into a folder and deploy it as stack "s"."""
    path = folder / "template.yaml"
    path.write_text(yaml.safe_dump(template), encoding="utf-8")
    return cloud.deploy(path, parameters=parameters, name="s")


def resources(**of: Any) -> dict[str, Any]:
    """A template with these resources."""
    return {"Resources": of}


QUEUE = {"Type": "AWS::SQS::Queue"}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud() as opened:
        yield opened


@pytest.fixture
def plumbing(cloud: LocalCloud) -> Plumbing:
    return Plumbing(cloud, cloud.deploy(TEMPLATES / "plumbing.yaml", name="test"))
