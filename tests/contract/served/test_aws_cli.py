"""The `aws` command line, which knows nothing of us, against a served cloud with a controller."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from toolbox import BUILD, python_tool

from .conftest import Up, up

FLEET = """
version: 1
defaults:
  max_copies: 4
  idle_s: 900
  resources: {gpus: 1, cpus: 4, memory_mb: 16384}
  policy: {target_tracking: {metric: concurrency, target_value: 16}}
  limits: {minimum_life_s: 300, manual_change_hold_s: 300}
endpoints:
  shared:
    variants:
      main: {instance_type: ml.p4d.24xlarge, max_instances: 1}
models:
  - {name: resident, class: critical}
  - {name: guest}
"""
SPECIFICATION = {
    "Container": {"Image": "registry/llm:1", "ArtifactUrl": "s3://models/guest/"},
    "ComputeResourceRequirements": {
        "NumberOfAcceleratorDevicesRequired": 1,
        "NumberOfCpuCoresRequired": 4,
        "MinMemoryRequiredInMb": 16384,
    },
}
NO_CAPACITY = (
    "An error occurred (ValidationError) when calling the InvokeEndpoint operation: Inference "
    "Component has no capacity to process this request. ApplicationAutoScaling may be in-progress "
    "(if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API."
)


class Aws:
    """`aws` as a separate process each time."""

    def __init__(self, program: Path, cloud: Up, home: Path) -> None:
        self._program, self._environment, self._home = program, cloud.client_environment(home), home

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *words],
            env=self._environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *words: str) -> Any:
        done = self._run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def refused(self, *words: str) -> str:
        done = self._run(*words)
        assert done.returncode in (254, 255), done.stdout  # version 2 and version 1
        return done.stderr.strip()

    def copies(self, name: str) -> tuple[str, int]:
        """Status and current copies of a component."""
        seen = self("sagemaker", "describe-inference-component", *component(name))
        return seen["InferenceComponentStatus"], seen["RuntimeConfig"]["CurrentCopyCount"]

    def set_copies(self, name: str, count: int) -> tuple[str, ...]:
        config = f"CopyCount={count}"
        return (
            *("sagemaker", "update-inference-component-runtime-config", *component(name)),
            *("--desired-runtime-config", config),
        )


def component(name: str) -> tuple[str, str]:
    return ("--inference-component-name", name)


def invocation(name: str) -> tuple[str, ...]:
    return (
        *("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "shared"),
        *("--inference-component-name", name, "--content-type", "application/json"),
        *("--body", '{"inputs": "def f():"}', "answer.json"),
    )


@pytest.fixture(scope="module")
def program() -> Path:
    """The `aws` of scripts/tools/awscli, installed first where it is not."""
    (BUILD / "tools").mkdir(parents=True, exist_ok=True)
    with (BUILD / "tools" / ".awscli.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return python_tool("awscli") / "aws"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Up]:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET, encoding="utf-8")
    with up("--fleet", str(fleet)) as running:
        yield running


def test_a_component_from_creation_to_deletion(program: Path, cloud: Up, tmp_path: Path) -> None:
    aws = Aws(program, cloud, tmp_path)
    aws("sagemaker", "delete-inference-component", *component("guest"))
    cloud.advance(600)
    assert "Could not find inference component" in aws.refused(
        "sagemaker", "describe-inference-component", *component("guest")
    )

    created = aws(
        *("sagemaker", "create-inference-component", *component("guest")),
        *("--endpoint-name", "shared", "--variant-name", "main"),
        *("--specification", json.dumps(SPECIFICATION), "--runtime-config", "CopyCount=1"),
    )
    assert created["InferenceComponentArn"].endswith(":inference-component/guest")
    cloud.advance(600)
    assert aws.copies("guest") == ("InService", 1)
    assert aws(*invocation("guest"))["InvokedProductionVariant"] == "main"
    assert "latency_s" in json.loads((tmp_path / "answer.json").read_text())

    aws(*aws.set_copies("guest", 2))
    assert aws.refused(*aws.set_copies("guest", 3)) == (
        "An error occurred (ValidationException) when calling the "
        'UpdateInferenceComponentRuntimeConfig operation: Inference component "guest" cannot be '
        "updated while in state UPDATE_RC_IN_PROGRESS."
    )

    cloud.advance(3600)  # nobody calls: the controller takes it to zero
    assert aws.copies("guest") == ("InService", 0)
    assert aws.refused(*invocation("guest")) == NO_CAPACITY

    (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", "icscaler")["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    wake = {
        "EventBusName": outputs["ControllerBusName"],
        "Source": "my.gateway",
        "DetailType": "WakeRequested",
        "Detail": json.dumps({"InferenceComponentNames": ["guest"]}),
    }
    assert aws("events", "put-events", "--entries", json.dumps([wake]))["FailedEntryCount"] == 0
    cloud.advance(900)
    assert aws.copies("guest") == ("InService", 1)
    aws(*invocation("guest"))

    aws("sagemaker", "delete-inference-component", *component("guest"))
    cloud.advance(600)
    assert "not found" in aws.refused(*invocation("guest"))
