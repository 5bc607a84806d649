"""Rolling updates in tests: start one, let time pass under traffic, read what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icscaler.entities import ModelState
from icscaler.learned import TournamentMemory
from icscaler.rollout.entities import Job, Rollout
from icscaler_sim.world import ServiceProfile
from tests.e2e.rig import ENDPOINT, Rig, bare_rig

IMAGE, NEW_IMAGE = "registry/llm:1", "registry/llm:2"
PATCH = {"Container": {"Image": NEW_IMAGE}}
FAST = {"image_gb": 0.5, "weights_gb": 0.5, "engine_s": 20.0, "base_s": 1.0, "output_token_s": 0.0}
FLEET = """
version: 1
defaults:
  max_copies: {ceiling}
  min_copies: {floor}
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
endpoints:
  shared:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: {instances}}}
models:
  - {{name: [{names}]}}
"""


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


def traffic(rig: Rig, **per_minute: int) -> None:
    """Requests a minute by component from now on, whoever lets time pass."""

    def minute(at_s: int) -> None:
        for name, count in per_minute.items():
            rig.cloud.world.arrive(
                name, count, at_s, at_s + 60, input_tokens=4500, output_tokens=100
            )

    rig.cloud.on_minute(minute)


def lost(rig: Rig, *names: str) -> int:
    """Requests so far that got no answer."""
    return sum(rig.cloud.world.tally.requests(name).refused for name in names)


def arrived(rig: Rig, name: str) -> int:
    """Requests so far."""
    return int(rig.cloud.world.tally.requests(name).arrived)


@contextmanager
def scene(
    folder: Path, *names: str, instances: int = 2, floor: int = 1, ceiling: int = 16
) -> Iterator[Rollouts]:
    """An endpoint with these components, one copy each, and rollouts on it."""
    with bare_rig(folder) as rig:
        for name in names:
            rig.cloud.world.profiles.set(name, ServiceProfile(**FAST))
        rig.create_endpoint(ENDPOINT, *names, instances=instances)
        rig.publish(
            FLEET.format(names=", ".join(names), instances=instances, floor=floor, ceiling=ceiling)
        )
        yield Rollouts(rig)


def play_until(rollouts: Rollouts, rollout_id: str, limit_min: int = 180, **per_minute: int) -> Any:
    """Traffic until the rollout has ended; its description."""
    arn = rollouts.names[rollout_id]
    for _ in range(limit_min):
        rollouts.rig.play(1, **per_minute)
        found = rollouts.described(arn)
        if found["status"] != "RUNNING":
            return found
    raise AssertionError("it never ended")


def until_phase(rollouts: Rollouts, component: str, phase: str, rollout_id: str = "r1") -> None:
    rollouts.rig.until(lambda: rollouts.phases(rollout_id).get(component) == phase, step_s=10)


def learn(rig: Rig, name: str, *others: str, busy_hours: int) -> None:
    """An objective's memory of yesterday: four copies' load for some hours from now on."""
    tracked = "policy: {target_tracking: {metric: concurrency, target_value: 16}}"
    fleet = FLEET.format(names=", ".join((name, *others)), instances=2, floor=1, ceiling=16)
    store = rig.store
    version = rig.publish(
        fleet.replace(tracked, "concurrent_requests_per_copy: 16"), store.fleet_pointer().version
    )
    now_s = int(rig.cloud.clock.now_s)
    lease = store.acquire_lease(ENDPOINT, "test", now_s, 60)
    item = store.load(ENDPOINT, version)
    blocks = [60.0 if ago > 144 - 6 * busy_hours else 1.0 for ago in range(145, 0, -1)]
    memory = TournamentMemory(block=now_s // 600, blocks=blocks)
    item.state.models[name] = ModelState(
        *(now_s, 1, 1), *(now_s, now_s - 60, now_s - 60), tournament=memory
    )
    store.store(lease, item.state_version, item.state, item.views, ())
    store.release(lease)
