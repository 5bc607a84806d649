"""The pure decision alone, on one core, in CPU time, as the look's handler calls it."""

import statistics
import time
from dataclasses import replace

from benchmarks import yardstick
from icscaler.collecting import seldom_collected
from icscaler.decide import decide
from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointState,
    EndpointView,
    MetricMinute,
    ModelConfig,
    Objective,
    Snapshot,
    TargetTracking,
    VariantConfig,
    VariantView,
)

SIZES = (10, 100, 1000, 10_000)
START_S = 1_800_000_000
LOOKS = 15
GOALS_MS = {1000: 100, 10_000: 1000}


def run() -> None:
    """Print ms per look, per component, and in yardsticks of the same run, by policy.

    `to 10`: what a component costs, against one of ten. `yardsticks`: `benchmarks.yardstick`.
    """
    for policy in ("objective", "target_tracking"):
        print(
            f"{policy}\n{'components':>10}{'ms':>10}{'goal':>8}{'us each':>10}{'to 10':>8}"
            f"{'yardsticks':>12}"
        )
        base = 0.0
        for size in SIZES:
            unit_ms, ms = yardstick.cpu_ms(), measure(size, policy)
            base = base or ms / size
            print(
                f"{size:>10}{ms:>10.2f}{GOALS_MS.get(size, ''):>8}{ms / size * 1000:>10.1f}"
                f"{ms / size / base:>8.2f}{ms / unit_ms:>12.1f}"
            )


def measure(components: int, kind: str) -> float:
    """Median ms of `decide` on an endpoint with that many loaded components."""
    copy = CopyResources(1, 4.0, 16384)
    instances = components // 8 + 1
    policy = TargetTracking("concurrency", 16.0) if kind == "target_tracking" else None
    objective = Objective() if policy is None else None
    names = [f"model-{number:05d}" for number in range(components)]
    models = {
        name: ModelConfig(
            name,
            "main",
            copy,
            policy,
            objective=objective,
            concurrent_requests_per_copy=32,
            max_copies=4,
        )
        for name in names
    }
    variant = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 589_824, instances)
    config = EndpointConfig("shared", "v1", {"main": variant}, models)
    view = ComponentView("", "main", "InService", 1, 1, START_S, START_S, resources=copy)
    views = {name: replace(view, name=name) for name in names}
    there = VariantView("main", "ml.p4d.24xlarge", instances, instances, 0, instances)
    endpoint = EndpointView("shared", "InService", {"main": there})
    state, took = EndpointState(), []
    for look in range(LOOKS):
        at_s = START_S + 60 * look
        minutes = tuple(_minute(at_s - 60 * ago, look) for ago in range(5, 0, -1))
        seen = Snapshot(at_s, "v1", endpoint, views, dict.fromkeys(names, minutes))
        began = time.process_time()
        with seldom_collected():
            state, _ = decide(config, state, seen, at_s)
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took[3:])


def _minute(at_s: int, look: int) -> MetricMinute:
    """120 requests of 2.5 s. A look reads the latency until it has learned it from a settled
    minute, then four times an hour."""
    latency_s = 2.5 if look < 2 else None
    return MetricMinute(at_s, 120.0, 5.0, None, True, latency_s)
