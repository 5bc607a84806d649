"""How fast the world runs: `python -m icscaler_sim.world.bench [--days N]`.

Prints model-minutes per second of 157 components over one day in 60 s bins, a third of them
active in any minute, and of the same fleet loaded but idle while it is read, as a ratio (idle and
unread, nothing is computed). Nothing is asserted: speed depends on the machine, the ratio hardly
does.
"""

from __future__ import annotations

import argparse
import time

from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.world.settings import Delay, WorldSettings
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec
from icscaler_sim.world.world import World

_START_S = 1_700_006_400
_MINUTES_A_DAY = 1_440
_WARM_UP_S = 1_800


def build(components: int) -> World:
    """A fleet of one-GPU components with one ready copy each."""
    settings = WorldSettings(emit_10s=False, instance_launch_s=Delay(100.0))
    world = World(settings, seed=0, start_s=_START_S, metrics=MetricStore(keep_s=3_600.0))
    instances = -(-components // 8)
    world.create_endpoint(
        "fleet",
        [VariantSpec("main", "ml.p4d.24xlarge", instances, ManagedScaling(True, 0, instances))],
    )
    world.advance(_START_S + 300)
    for index in range(components):
        spec = ComponentSpec(gpus=1, cpus=4, memory_mb=20_000, image="engine")
        world.create_component(f"model-{index:03d}", "fleet", "main", spec, 1)
    world.advance(_START_S + _WARM_UP_S)
    return world


def run(world: World, components: int, minutes: int, active_share: float, read: str) -> float:
    """CPU seconds for `minutes` of world time, with nothing read, or each minute of each component
    "rows" (all its metrics at once) or "series" (two of them through the metric store)."""
    names = [f"model-{index:03d}" for index in range(components)]
    series = [
        world.metrics.find("AWS/SageMaker", metric, {"InferenceComponentName": name})
        for name in names
        for metric in ("Invocations", "ConcurrentRequestsPerCopy")
    ]
    stride = round(1 / active_share) if active_share else 0
    began = time.process_time()
    for minute in range(minutes):
        at_s = _START_S + _WARM_UP_S + 60 * minute
        if stride:
            for index in range(minute % stride, components, stride):
                world.arrive(
                    names[index],
                    60 + (index * minute) % 240,
                    at_s,
                    at_s + 60,
                    input_tokens=1_000,
                    output_tokens=200,
                )
        world.advance(at_s + 60)
        if read == "rows":
            for name in names:
                world.minutes(name, at_s - 120, at_s + 60)
        elif read == "series":
            for one in series:
                if one is not None:
                    one.minutes("Maximum", at_s - 120, 2, at_s + 60)
    return time.process_time() - began


def main() -> None:
    """Run them all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, default=157)
    parser.add_argument("--days", type=float, default=1.0)
    options = parser.parse_args()
    minutes = int(options.days * _MINUTES_A_DAY)
    model_minutes = options.components * minutes
    rows = (
        ("a third active", 1 / 3, "nothing"),
        ("a third active, rows of each read every minute", 1 / 3, "rows"),
        ("a third active, two series of each read every minute", 1 / 3, "series"),
        ("all loaded, all idle, rows read every minute", 0.0, "rows"),
    )
    base: float | None = None
    for label, share, read in rows:
        world = build(options.components)
        seconds = run(world, options.components, minutes, share, read)
        rate = model_minutes / seconds
        base = base or rate
        counts = world.tally.requests()
        print(
            f"{label:<55} {rate:>12,.0f} model-minutes/s  x{rate / base:<8.2f} "
            f"{counts.arrived:,} requests, {1e6 * seconds / model_minutes:.2f} us each"
        )


if __name__ == "__main__":
    main()
