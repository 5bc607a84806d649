"""A fleet of any size on the local cloud, for measuring."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icscaler.bootstrap import state_store
from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec

ROOT = Path(__file__).parents[1]
ENDPOINT = "shared"


def fleet_text(components: int, instances: int) -> str:
    """A fleet file of that many one-GPU models on one endpoint."""
    names = ", ".join(f"model-{number:04d}" for number in range(components))
    return f"""
version: 1
defaults:
  max_copies: 4
  idle_s: never
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
endpoints:
  {ENDPOINT}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: {instances}}}
models:
  - name: [{names}]
"""


@contextmanager
def fleet(components: int) -> Iterator[tuple[LocalCloud, Stack]]:
    """The controller deployed and published over `components` components with one copy each."""
    instances = -(-components // 8)
    with LocalCloud(seed=1) as cloud:
        stack = cloud.deploy(ROOT / "template.yaml", parameters={"DescribeConcurrency": "1"})
        scaling = ManagedScaling(True, 0, instances)
        variant = VariantSpec("main", "ml.p4d.24xlarge", instances, scaling)
        cloud.world.create_endpoint(ENDPOINT, [variant])
        cloud.run_for(900)
        for number in range(components):
            spec = ComponentSpec(gpus=1, cpus=4, memory_mb=16384, image="registry/llm:1")
            cloud.world.create_component(f"model-{number:04d}", ENDPOINT, "main", spec, 1)
        cloud.run_for(3600)
        compiled = compile_fleet(load_fleet(fleet_text(components, instances)))
        store = state_store(stack.outputs["StateTableName"])
        store.publish(compiled.endpoints, compiled.version, None)
        yield cloud, stack


@contextmanager
def counted(cloud: LocalCloud) -> Iterator[Counter[str]]:
    """Calls of functions by "service Operation" while the block runs."""
    calls: Counter[str] = Counter()
    counting = True

    def note(call: object) -> None:
        if counting and getattr(call, "principal", None) is not None:
            calls[f"{call.service} {call.operation}"] += 1  # type: ignore[attr-defined]

    cloud.gateway.listen(note)
    yield calls
    counting = False
