"""Rolling updates in tests: start one, let time pass under traffic, read what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from icscaler.rollout.entities import Job, Rollout
from tests.e2e.rig import ENDPOINT, Rig

IMAGE, NEW_IMAGE = "registry/llm:1", "registry/llm:2"
PATCH = {"Container": {"Image": NEW_IMAGE}}


@dataclass
class Rollouts:
    """The rolling updates of one rig."""

    rig: Rig
    names: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Any:
        return self.rig.cloud.client("stepfunctions")

    @property
    def machine(self) -> str:
        return str(self.rig.stack.outputs["RollOutUpdateMachineArn"])

    def start(self, rollout_id: str = "r1", **keys: Any) -> str:
        """Start an execution as the console does; what is not said is quick."""
        asked = {
            "rollout_id": rollout_id,
            "components": {"names": ["inline"]},
            "patch": PATCH,
            "gate": {"bake_s": 60, "no_traffic_wait_s": 0},
            "wait_interval_s": 30,
            "on_peak": "ignore",
            **keys,
        }
        answer = self.api.start_execution(stateMachineArn=self.machine, input=json.dumps(asked))
        self.names[rollout_id] = str(answer["executionArn"])
        return self.names[rollout_id]

    def end(self, rollout_id: str = "r1", limit_s: int = 4 * 3600, step_s: int = 30) -> Any:
        """Let time pass until the execution has ended; its description."""
        arn = self.names[rollout_id]
        self.rig.until(lambda: self.described(arn)["status"] != "RUNNING", limit_s, step_s)
        return self.described(arn)

    def described(self, arn: str) -> Any:
        return self.api.describe_execution(executionArn=arn)

    def record(self, rollout_id: str = "r1") -> Rollout:
        found = self.rig.store.rollout(rollout_id)
        assert found is not None
        return found.rollout

    def jobs(self, rollout_id: str = "r1") -> dict[str, Job]:
        return self.rig.store.jobs(rollout_id)

    def answer(self, rollout_id: str) -> None:
        """What `icscaler` does after it has written what a person decided."""
        token = self.rig.store.token(rollout_id)
        if token:
            self.api.send_task_success(taskToken=token, output='{"next": "NextMove", "wait_s": 0}')

    def children(self, rollout_id: str = "r1") -> list[Any]:
        """The executions of its components, newest first."""
        (arn,) = [
            machine["stateMachineArn"]
            for machine in self.api.list_state_machines()["stateMachines"]
            if machine["name"].endswith("-update-component")
        ]
        listed = self.api.list_executions(stateMachineArn=arn)["executions"]
        return [one for one in listed if one["name"].startswith(f"{rollout_id}-")]

    def phases(self, rollout_id: str = "r1") -> dict[str, str]:
        return {name: str(job.phase) for name, job in self.jobs(rollout_id).items()}

    def image(self, component: str) -> str:
        container = self.rig.describe(component)["Specification"]["Container"]
        return str(container["DeployedImage"]["SpecifiedImage"])

    def holds(self, endpoint: str = ENDPOINT) -> dict[str, Any]:
        pointer = self.rig.store.fleet_pointer()
        assert pointer is not None
        return self.rig.store.load(endpoint, pointer.version).holds

    def scale(self, component: str, copies: int) -> None:
        """Bring a component to so many copies, in service, before a test begins."""
        self.rig.sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=component, DesiredRuntimeConfig={"CopyCount": copies}
        )
        self.rig.until(
            lambda: (
                self.rig.status(component) == "InService" and self.rig.current(component) == copies
            )
        )
