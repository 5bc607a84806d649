"""How long a model at zero copies takes to answer, by what wakes it; and what the alarms cost.

Virtual time on the local cloud, so the figures depend on the world's delays and not on the machine.
Every path meets the same endpoints, the same models and the same moments of the first request, and
the caller tries again in the same way; only who wakes the model differs.

    python -m benchmarks.wake_paths            prints the tables of docs/waking.md
    python -m benchmarks.wake_paths --write    puts them there
"""

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icscaler import alarm_plan
from icscaler.bootstrap import state_store
from icscaler.client import Timing, WakeSender, invoke
from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_localcloud.alarms import AlarmSettings
from icscaler_localcloud.autoscaling.wiring import (
    DEVELOPER_GUIDE,
    LAUNCH_POST,
    SAMPLES,
    Wiring,
    documented_wiring,
)
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack
from icscaler_sim.world.specs import ComponentSpec, ManagedScaling, VariantSpec

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "waking.md"
ENDPOINT = "shared"
# CloudWatch evaluates an alarm at a second of the minute of its own, which nobody knows. One alarm
# for all models has one such second, so it is another one in each group of models.
GROUPS, MODELS = 6, 4
SEED = 11
EVERY_S = 420
GIVES_UP_S = 1800
FLEET_SIZES = (10, 100, 1000)
STANDARD_ALARM_USD = 0.10  # of the same page and day as those in icscaler.alarm_plan
RAISE = "UpdateInferenceComponentRuntimeConfig"


@dataclass(frozen=True, slots=True)
class WakeTimes:
    """One wake, in seconds from its first refused request. None: it never came about."""

    raised_s: float | None
    answered_s: float | None


@dataclass(frozen=True, slots=True)
class WakePath:
    """A way to wake: its name, and what sets it up; that gives the caller's sender, if any."""

    name: str
    prepare: Callable[[LocalCloud], WakeSender | None]


# ---------------------------------------------------------------- stage


@contextmanager
def stage(components: Sequence[str], settings: AlarmSettings, seed: int) -> Iterator[LocalCloud]:
    """An endpoint whose instances stand and whose models have been set to zero copies."""
    instances = -(-len(components) // 8)
    with LocalCloud(seed=seed, alarm_settings=settings) as cloud:
        scaling = ManagedScaling(True, instances, instances)
        variant = VariantSpec("main", "ml.p4d.24xlarge", instances, scaling)
        cloud.world.create_endpoint(ENDPOINT, [variant])
        cloud.run_for(900)
        spec = ComponentSpec(gpus=1, cpus=4, memory_mb=16384, image="registry/llm:1")
        for name in components:
            cloud.world.create_component(name, ENDPOINT, "main", spec, 1)
        cloud.run_for(3600)
        for name in components:
            cloud.world.set_copies(name, 0)
        cloud.run_for(900)
        yield cloud


def controller(
    cloud: LocalCloud, *, spike_alarm: bool = False, **parameters: str
) -> tuple[Stack, str]:
    """The controller deployed over what is there, and the name of its bus."""
    stack = cloud.deploy(ROOT / "template.yaml", parameters=parameters)
    components = [view.name for view in cloud.world.components(ENDPOINT)]
    compiled = compile_fleet(load_fleet(fleet_text(components, spike_alarm=spike_alarm)))
    store = state_store(stack.outputs["StateTableName"])
    store.publish(compiled.endpoints, compiled.version, None)
    cloud.run_for(600)
    return stack, stack.outputs["ControllerBusName"]


def fleet_text(components: Sequence[str], *, spike_alarm: bool) -> str:
    """A fleet file of one-GPU models that stay for an hour once they are awake."""
    return f"""
version: 1
defaults:
  max_copies: 4
  idle_s: 3600
  spike_alarm: {str(spike_alarm).lower()}
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 5}}}}
endpoints:
  {ENDPOINT}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: {-(-len(components) // 8)}}}
models:
  - name: [{", ".join(components)}]
"""


def timing(cloud: LocalCloud) -> Timing:
    """Virtual time; chance is seeded, and the same for every path."""
    return Timing(lambda: cloud.clock.now_s, cloud.sleep, random.Random(SEED).uniform)


# ---------------------------------------------------------------- ways to wake


def by_request(cloud: LocalCloud) -> WakeSender:
    _, bus = controller(cloud)
    return WakeSender(bus, events=cloud.client("events"), timing=timing(cloud))


def as_deployed(cloud: LocalCloud) -> None:
    controller(cloud)


def by_tick(cloud: LocalCloud) -> None:
    controller(cloud, WakeAlarm="disabled")


def by_alarm(cloud: LocalCloud) -> None:
    stack, _ = controller(cloud)
    cloud.client("scheduler").delete_schedule(Name=stack.physical_id("TickSchedule"))


def by_autoscaling(wiring: Wiring) -> Callable[[LocalCloud], None]:
    def prepare(cloud: LocalCloud) -> None:
        for view in cloud.world.components(ENDPOINT):
            documented_wiring(cloud, view.name, wiring=wiring)
        cloud.run_for(600)

    return prepare


PATHS = (
    WakePath("icscaler, `WakeRequested` by the caller", by_request),
    WakePath("icscaler, alarm and tick (as deployed)", as_deployed),
    WakePath("icscaler, tick alone (`WakeAlarm=disabled`)", by_tick),
    WakePath("icscaler, alarm alone (schedule deleted)", by_alarm),
    WakePath("Application Auto Scaling, as most samples have it", by_autoscaling(SAMPLES)),
    WakePath("Application Auto Scaling, Developer Guide", by_autoscaling(DEVELOPER_GUIDE)),
    WakePath("Application Auto Scaling, launch post", by_autoscaling(LAUNCH_POST)),
)


# ---------------------------------------------------------------- measuring


def measure(path: WakePath) -> list[WakeTimes]:
    """Wake each model once, one after the other, at moments spread over the minute."""
    found: list[WakeTimes] = []
    for group in range(GROUPS):
        components = [f"model-{group}-{number}" for number in range(MODELS)]
        own = path.name.startswith("icscaler")
        settings = AlarmSettings(phase_s=(60 * group + 30) // GROUPS if own else None)
        with stage(components, settings, SEED + group) as cloud:
            wake = path.prepare(cloud)
            moments = random.Random(SEED + group)
            first_s = cloud.clock.now_s // 60 * 60 + 60
            for number, name in enumerate(components):
                at_s = first_s + number * EVERY_S + moments.uniform(0, 60)
                cloud.run_until(max(at_s, cloud.clock.now_s))
                found.append(wake_one(cloud, name, wake))
    return found


def wake_one(cloud: LocalCloud, name: str, wake: WakeSender | None) -> WakeTimes:
    """One caller who does not give up soon; times from the first refused request."""
    began_s, raised = cloud.clock.now_s, []

    def note(call: Any) -> None:
        accepted = call.operation == RAISE and call.status == 200
        if accepted and cloud.world.component(name).desired_copies > 0:
            raised.append(cloud.clock.now_s - began_s)

    cloud.gateway.listen(note)
    runtime, answered_s = cloud.client("sagemaker-runtime"), None
    with suppress(runtime.exceptions.ValidationError):
        answered_s = invoke(
            runtime,
            endpoint=ENDPOINT,
            component=name,
            body=b"{}",
            deadline_s=GIVES_UP_S,
            wake=wake,
            timing=timing(cloud),
        ).waited_s
    return WakeTimes(raised[0] if raised else None, answered_s)


def quantile(values: Sequence[float | None], percent: int) -> str:
    """The nearest-rank quantile in whole seconds; what never came about counts as endless."""
    ranked = sorted(float("inf") if value is None else value for value in values)
    value = ranked[max(0, -(-percent * len(ranked) // 100) - 1)]
    return "never" if value == float("inf") else f"{value:.0f}"


def wake_table() -> Iterator[str]:
    """Markdown rows: seconds from the first refused request."""
    yield "| woken by | woken | copies raised p50 | p90 | answered p50 | p90 |"
    yield "|---|---:|---:|---:|---:|---:|"
    for path in PATHS:
        times = measure(path)
        columns = [each.raised_s for each in times], [each.answered_s for each in times]
        woken = sum(value is not None for value in columns[1])
        cells = [quantile(values, percent) for values in columns for percent in (50, 90)]
        yield f"| {path.name} | {woken} of {len(times)} | {' | '.join(cells)} |"


# ---------------------------------------------------------------- cost


def cost_table() -> Iterator[str]:
    """Markdown rows: alarms counted in CloudWatch, and what they cost a month at most."""
    yield "| alarms for | " + " | ".join(f"{size:,} models" for size in FLEET_SIZES) + " |"
    yield "|---|" + "---:|" * len(FLEET_SIZES)
    rows: dict[str, list[str]] = {}
    for size in FLEET_SIZES:
        for row, (count, usd) in alarms_of(size).items():
            rows.setdefault(row, []).append(f"{count:,}: ${usd:,.2f}")
    for row, cells in rows.items():
        yield f"| {row} | {' | '.join(cells)} |"


def alarms_of(size: int) -> dict[str, tuple[int, float]]:
    """Number and monthly price of alarms by what they are for, with that many models."""
    components = [f"model-{number:04d}" for number in range(size)]
    with stage(components, AlarmSettings(), SEED) as cloud:
        controller(cloud, spike_alarm=True)
        cloud.run_for(3 * 900)
        ours = priced(cloud, size)
    with stage(components, AlarmSettings(), SEED) as cloud:
        for name in components:
            documented_wiring(cloud, name, wiring=SAMPLES)
        theirs = priced(cloud, size)
    prefix = "icscaler/"
    kinds: dict[str, Callable[[str], bool]] = {
        "the controller itself": lambda name: not name.startswith(prefix),
        "refused requests, all models": lambda name: name == prefix + alarm_plan.REFUSED_REQUESTS,
        "spikes, if every model has one": lambda name: name.startswith(prefix + alarm_plan.SPIKE),
    }
    found = {
        kind: total({name: usd for name, usd in ours.items() if wanted(name)})
        for kind, wanted in kinds.items()
    }
    return found | {"Application Auto Scaling, as most samples have it": total(theirs)}


def total(prices: Mapping[str, float]) -> tuple[int, float]:
    """How many, and their price together."""
    return len(prices), sum(prices.values())


def priced(cloud: LocalCloud, components: int) -> dict[str, float]:
    """US dollars a month by alarm: a query by the metrics it analyses, others by resolution."""
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    prices = {}
    for alarm in (each for page in pages for each in page["MetricAlarms"]):
        query = "SELECT" in alarm.get("Metrics", [{}])[0].get("Expression", "")
        fine = alarm.get("Period", 60) < 60
        price = alarm_plan.HIGH_RESOLUTION_ALARM_USD if fine else STANDARD_ALARM_USD
        prices[alarm["AlarmName"]] = components * alarm_plan.ANALYSED_METRIC_USD if query else price
    return prices


# ---------------------------------------------------------------- printing


def tables() -> dict[str, list[str]]:
    """The tables by their name in the document."""
    return {"wakes": list(wake_table()), "cost": list(cost_table())}


def run() -> None:
    """Print both tables."""
    for lines in tables().values():
        print("\n".join(lines), end="\n\n")


def write() -> None:
    """Put both tables between their marks in docs/waking.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, lines in tables().items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else run()
