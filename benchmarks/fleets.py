"""A fleet of any size on the local cloud, for measuring."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icscaler.bootstrap import state_store
from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_localcloud.cloud import LocalCloud, RunnerKind
from icscaler_localcloud.deployer import Stack
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec

ROOT = Path(__file__).parents[1]
ENDPOINT = "shared"


def endpoint_names(endpoints: int) -> list[str]:
    """The endpoints of a fleet; the only one of a small fleet has the name it always had."""
    return [ENDPOINT] if endpoints == 1 else [f"shared-{n:02d}" for n in range(endpoints)]


def spread(components: int, endpoints: int) -> dict[str, list[str]]:
    """Names of the components of each endpoint, as many on each."""
    names = [f"model-{number:04d}" for number in range(components)]
    return {name: names[at::endpoints] for at, name in enumerate(endpoint_names(endpoints))}


def fleet_text(components: int, endpoints: int = 1, idle_s: str = "never") -> str:
    """A fleet file of that many one-GPU models."""
    lines, models = "", ""
    for endpoint, names in spread(components, endpoints).items():
        limit = instances(len(names))
        lines += f"""
  {endpoint}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: {limit}}}"""
        models += f"\n  - {{name: [{', '.join(names)}], endpoint: {endpoint}}}"
    return f"""
version: 1
defaults:
  max_copies: 4
  idle_s: {idle_s}
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
endpoints:{lines}
models:{models}
"""


def instances(components: int) -> int:
    """Instances of eight GPUs for one copy each."""
    return -(-components // 8)


@contextmanager
def fleet(
    components: int,
    endpoints: int = 1,
    idle_s: str = "never",
    runner: RunnerKind = "in-process",
) -> Iterator[tuple[LocalCloud, Stack]]:
    """The controller deployed and published over `components` components with one copy each."""
    with LocalCloud(seed=1, runner=runner) as cloud:
        for endpoint, names in spread(components, endpoints).items():
            limit = instances(len(names))
            variant = VariantSpec("main", "ml.p4d.24xlarge", limit, ManagedScaling(True, 0, limit))
            cloud.world.create_endpoint(endpoint, [variant])
        cloud.run_for(900)
        for endpoint, names in spread(components, endpoints).items():
            for name in names:
                spec = ComponentSpec(gpus=1, cpus=4, memory_mb=16384, image="registry/llm:1")
                cloud.world.create_component(name, endpoint, "main", spec, 1)
        cloud.run_for(3600)
        stack = cloud.deploy(ROOT / "template.yaml", parameters={"DescribeConcurrency": "1"})
        compiled = compile_fleet(load_fleet(fleet_text(components, endpoints, idle_s)))
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
