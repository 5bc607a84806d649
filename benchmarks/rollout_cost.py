"""What a rolling update costs on top: extra instance-hours, against blue/green.

The demo fleet (examples/codegen-ensemble.yaml) stands with as many copies as its busy hours need
and gets a new image everywhere. World model only, no traffic and no controller: what is counted is
the instances that managed scaling adds for new copies beside old ones, until it has released them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.entities import EndpointConfig
from icscaler.rollout.batches import batch_copies
from icscaler.rollout.entities import BatchWish
from icscaler_sim.traces import MONDAY_S
from icscaler_sim.world import World
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, RollingPolicy, VariantSpec

ROOT = Path(__file__).parents[1]
FLEET = ROOT / "examples" / "codegen-ensemble.yaml"
# 24 GPUs, three full instances; and four GPUs fewer, so that a batch finds room on them.
FULL = {
    "inline-completion": 8,
    "block-generation": 4,
    "flow-generation": 4,
    "text-evaluation": 2,
    "repo-migration": 1,
    "architecture-review": 1,
}
ROOMY = {**FULL, "inline-completion": 6, "block-generation": 3, "flow-generation": 3}
WAIT_S, LIMIT_S, AFTER_S, STEP_S = 60, 6 * 3600, 2 * 3600, 10
SEED = 5

Policy = Callable[[int], RollingPolicy | None]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one way to update: extra instance-hours, most instances at once, minutes until done."""

    way: str
    fleet: str
    extra_hours: float
    most_instances: int
    minutes: float


def _batches(wish: BatchWish) -> Policy:
    def policy(copies: int) -> RollingPolicy:
        return RollingPolicy("COPY_COUNT", batch_copies(wish, copies), WAIT_S)

    return policy


# Name, policy of a component, and how many components are updated side by side (None: all).
WAYS: tuple[tuple[str, Policy, int | None], ...] = (
    ("icscaler, one copy at a time", _batches(BatchWish(copies=1)), 1),
    ("icscaler, batches of 25 %", _batches(BatchWish(percent=25)), 1),
    ("icscaler, batches of 50 %", _batches(BatchWish(percent=50)), 1),
    ("blue/green, one component at a time", lambda _: None, 1),
    ("blue/green, the whole endpoint", lambda _: None, None),
)


def measure(way: str, policy: Policy, side_by_side: int | None, fleet: str) -> Cost:
    """Play one update."""
    copies = {"full": FULL, "roomy": ROOMY}[fleet]
    config = compile_fleet(load_fleet(FLEET)).endpoints["codegen-shared"]
    world = World(seed=SEED, start_s=MONDAY_S)
    specs = _set_stage(world, config, copies)
    before_s, began_s = _instance_s(world), world.now_s
    standing = _instances(world)
    waiting, under_way, most, done_s = list(copies), set[str](), standing, began_s
    while (waiting or under_way) and world.now_s - began_s < LIMIT_S:
        while waiting and (side_by_side is None or len(under_way) < side_by_side):
            name = waiting.pop(0)
            new = replace(specs[name], image="llm:2")
            world.update_component(name, new, rolling=policy(copies[name]))
            under_way.add(name)
        world.advance(world.now_s + STEP_S)
        most = max(most, _instances(world))
        under_way = {n for n in under_way if world.component(n).status == "Updating"}
        done_s = world.now_s
    assert all(world.component(n).spec.image == "llm:2" for n in copies), way
    world.advance(done_s + AFTER_S)
    spent_s = _instance_s(world) - before_s - standing * (world.now_s - began_s)
    return Cost(way, fleet, spent_s / 3600, most, (done_s - began_s) / 60)


def _set_stage(
    world: World, config: EndpointConfig, copies: Mapping[str, int]
) -> dict[str, ComponentSpec]:
    ((variant, hardware),) = config.variants.items()
    gpus = sum(config.models[name].resources.gpus * count for name, count in copies.items())
    instances = -(-gpus // hardware.gpus)
    # Blue/green needs more than the file's limit of four: what it needs is what is asked.
    scaling = ManagedScaling(True, instances, 2 * instances)
    world.create_endpoint(
        config.name, [VariantSpec(variant, hardware.instance_type, instances, scaling)]
    )
    world.advance(world.now_s + 900)
    specs = {}
    for name in sorted(copies, key=lambda n: -config.models[n].resources.gpus):
        needs = config.models[name].resources
        specs[name] = ComponentSpec(
            gpus=needs.gpus, cpus=needs.cpus, memory_mb=needs.memory_mb, image="llm:1",
            placement="BINPACK",
        )  # fmt: skip
        world.create_component(name, config.name, variant, specs[name], copies[name])
    world.advance(world.now_s + 3600)
    assert all(world.component(name).current_copies == n for name, n in copies.items())
    return specs


def _instance_s(world: World) -> float:
    return sum(world.tally.instance_seconds().values())


def _instances(world: World) -> int:
    return sum(v.current_instances for e in world.endpoints() for v in e.variants)


def rows() -> list[tuple[str, ...]]:
    """The table's rows, as docs/rolling-updates.md has them."""
    found = []
    for way, policy, side_by_side in WAYS:
        costs = [measure(way, policy, side_by_side, fleet) for fleet in ("full", "roomy")]
        cells = [
            cell
            for c in costs
            for cell in (f"{c.extra_hours:.1f}", str(c.most_instances), f"{c.minutes:.0f}")
        ]
        found.append((way, *cells))
    return found


def run() -> None:
    """Print the table."""
    for row in rows():
        print("| " + " | ".join(row) + " |")
