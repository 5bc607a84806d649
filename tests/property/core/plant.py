"""A small made-up endpoint for driving `decide`: random, hostile, and quick.

It is not the world model: copies follow what was asked with a random delay, metrics go missing,
people interfere, and components are refused or in flight at random.
"""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from icscaler import variants
from icscaler.decide import decide
from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointState,
    EndpointView,
    Hold,
    Limits,
    MetricMinute,
    ModelConfig,
    Objective,
    Outcome,
    OutcomeKind,
    Override,
    Plan,
    Snapshot,
    TargetTracking,
    VariantConfig,
    VariantView,
)
from icscaler.gpu_ceilings import GpuCeiling
from icscaler.invariants import Look
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import UTC

START_S = 1_800_000_000


def config_of(rng: random.Random, start_s: int) -> EndpointConfig:
    """A random endpoint of 1-4 instances with 8 GPUs and 1-7 models."""
    models = {}
    for index in range(rng.randint(1, 7)):
        least = rng.choice([0, 0, 0, 1, 2])
        name = f"model-{index}"
        models[name] = ModelConfig(
            name=name,
            variant="main",
            resources=CopyResources(rng.choice([1, 1, 2, 4, 8]), 4.0, rng.choice([8, 64]) * 1024),
            **_policy(rng),
            worth=rng.choice([1.0, 10.0, 100.0]),
            protected=least > 0 and rng.random() < 0.5,
            min_copies=least,
            max_copies=max(least, rng.choice([0, 1, 4, 12])),
            idle_s=rng.choice([None, 120, 600]),
            observe=rng.random() < 0.05,
            limits=Limits(minimum_life_s=rng.choice([0, 300])),
            overrides=_overrides(rng, start_s),
        )
    maximum = rng.choice([None, 2, 4])
    variant = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 1_000_000, maximum)
    price = rng.choice([1.0, 30.0, 1000.0])
    config = EndpointConfig("shared", "v1", {"main": variant}, models, price=price)
    return _with_ceilings(_with_groups_and_schedules(config, start_s))


def _with_ceilings(config: EndpointConfig) -> EndpointConfig:
    """Some fleets with ceilings in GPUs; drawn apart, so that seeds keep their meaning."""
    rng = random.Random(repr([model.max_copies for model in config.models.values()]))
    if rng.random() < 0.6:
        return config
    models = {
        name: replace(
            model,
            class_name=rng.choice(["critical", "batch"]),
            owner=rng.choice([None, "search"]),
            max_gpus=rng.choice([None, None, 8 + model.min_copies * model.resources.gpus]),
        )
        for name, model in config.models.items()
    }
    ceilings = (
        GpuCeiling("class", "batch", rng.choice([0, 4, 8]), 16),
        GpuCeiling("owner", "search", rng.choice([2, 6, 12]), 16),
    )
    return replace(config, models=models, gpu_ceilings=ceilings)


def _with_groups_and_schedules(config: EndpointConfig, start_s: int) -> EndpointConfig:
    """Some models in groups, some with a window. Drawn apart, so that seeds keep their meaning."""
    rng = random.Random(repr([model.worth for model in config.models.values()]))
    schedules = {}
    models = {}
    for name, model in config.models.items():
        chosen: tuple[str, ...] = ()
        if rng.random() < 0.3:
            from_s = start_s + rng.randint(0, 1200)
            schedules[name] = Schedule(
                name,
                "UTC",
                from_s=from_s,
                until_s=from_s + rng.randint(60, 900),
                min_copies=rng.choice([None, 1, 3]),
                max_copies=rng.choice([None, 0, 2, 20]),
                ready_by_start=rng.random() < 0.5,
            )
            chosen = (name,)
        group = rng.choice([None, None, "a", "b"])
        models[name] = replace(model, group=group, schedules=chosen)
    return replace(config, models=models, schedules=schedules, zones={"UTC": UTC})


def _policy(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.5:
        slots = rng.choice([1, 4, 20])
        return {
            "objective": Objective(rng.choice([0.0, 1.0])),
            "concurrent_requests_per_copy": slots,
        }
    policy = TargetTracking(
        rng.choice(["concurrency", "invocations"]),
        rng.choice([4.0, 20.0]),
        scale_in_stabilization_s=rng.choice([0, 120, 300]),
        scale_out_cooldown_s=rng.choice([0, 180]),
        scale_in_cooldown_s=rng.choice([0, 300]),
        disable_scale_in=rng.random() < 0.1,
    )
    return {"policy": policy, "concurrent_requests_per_copy": rng.choice([None, 4])}


def _overrides(rng: random.Random, start_s: int) -> tuple[Override, ...]:
    if rng.random() > 0.2:
        return ()
    until_s = start_s + rng.randint(0, 3000)
    return (
        Override(
            until_s, "test", max_copies=rng.choice([0, 1, 20]), min_copies=rng.choice([None, 1])
        ),
    )


@dataclass
class Plant:
    """The made-up endpoint, stepped a minute at a time."""

    rng: random.Random
    config: EndpointConfig
    state: EndpointState = field(default_factory=EndpointState)
    at_s: int = START_S
    desired: dict[str, int] = field(default_factory=dict)
    current: dict[str, int] = field(default_factory=dict)
    busy_until: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    history: dict[str, list[MetricMinute]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, model in self.config.models.items():
            self.desired[name] = self.current[name] = self.rng.choice([0, model.min_copies, 1, 2])
            self.history[name] = []

    def look(self) -> Look:
        """One minute passes, then somebody looks; the plan is carried out, mostly."""
        self.at_s += 60
        for name in self.config.models:
            self._minute(name)
        seen = self.snapshot()
        before = self.state
        after, plan = decide(self.config, before, seen, seen.at_s)
        self.state = after
        self._act(plan)
        return Look(self.config, before, seen, after, plan)

    def _minute(self, name: str) -> None:
        rng = self.rng
        if self.busy_until.get(name, 0) <= self.at_s:
            self.current[name] = self.desired[name]
        if rng.random() < 0.01:
            self.desired[name] = rng.randint(0, 3)  # a person interferes
        load = rng.choice([0, 0, 0, 1, 30, 300])
        copies = self.current[name]
        minute = MetricMinute(self.at_s - 60)
        if copies == 0:
            minute.refused = float(load) if load else None
        elif rng.random() < 0.9:
            minute.heartbeat = True
            minute.invocations = float(load) if load else None
            minute.concurrency_per_copy = load / 10 / copies if load else None
            minute.latency_s = rng.choice([0.5, 2.0]) if load else None
        self.history[name].append(minute)

    def snapshot(self) -> Snapshot:
        """What a look sees now, with holes."""
        rng = self.rng
        components = {}
        for name, model in self.config.models.items():
            if rng.random() < 0.02:
                continue
            busy = self.busy_until.get(name, 0) > self.at_s
            status = "Updating" if busy else "Failed" if rng.random() < 0.01 else "InService"
            components[name] = ComponentView(
                name,
                "main",
                status,
                self.desired[name],
                self.current[name],
                self.at_s,
                self.at_s,
                scalable_target=rng.random() < 0.02,
                resources=model.resources,
            )
        if rng.random() < 0.1:
            foreign = CopyResources(1, 1.0, 1024)
            components["stranger"] = ComponentView(
                "stranger", "main", "InService", 1, 1, self.at_s, self.at_s, resources=foreign
            )
        most = rng.choice([1, 2, 4])
        here = rng.randint(0, most)
        return Snapshot(
            at_s=self.at_s,
            config_version="v1",
            endpoint=EndpointView(
                "shared",
                rng.choice(["InService", "InService", "Updating", "Failed"]),
                {
                    "main": VariantView(
                        "main", "ml.p4d.24xlarge", here, rng.randint(here, most), 0, most
                    )
                },
            ),
            components=components,
            metrics={
                name: tuple(minutes[-rng.randint(1, 15) :])
                for name, minutes in self.history.items()
                if rng.random() < 0.95
            },
            wakes={name: self.at_s - 5 for name in components if rng.random() < 0.03},
            holds={
                name: Hold("rollout", self.at_s + rng.choice([-1, 300]), reserved_copies=1)
                for name in components
                if rng.random() < 0.03
            },
            outcomes=dict(self.outcomes),
            paused_models=tuple(n for n in components if rng.random() < 0.02),
            fleet_paused=rng.random() < 0.02,
            removal_allowance=rng.choice([None, 0, 1, 10, 10]),
            metrics_vanished=rng.random() < 0.05,
        )

    def _act(self, plan: Plan) -> None:
        self.outcomes = {}
        for change in plan.changes:
            kind = self.rng.choices(
                [OutcomeKind.ACCEPTED, OutcomeKind.NO_ROOM, OutcomeKind.UNKNOWN, None], [8, 1, 1, 1]
            )[0]
            if kind is None:
                continue  # died between storing and acting
            self.outcomes[change.component] = Outcome(
                kind, change.attempt_id, change.to_copies, self.at_s
            )
            if kind is not OutcomeKind.NO_ROOM and self.rng.random() < 0.95:
                self.desired[change.component] = change.to_copies
                self.busy_until[change.component] = self.at_s + self.rng.choice([30, 200, 500])


class VariantPlant(Plant):
    """An endpoint whose variants run one model each: it changes one at a time or is Updating."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.desired = {name: max(1, copies) for name, copies in self.desired.items()}
        self.current = dict(self.desired)
        self.views: dict[str, ComponentView] = {}

    def _minute(self, name: str) -> None:
        super()._minute(name)
        self.desired[name] = max(1, self.desired[name])

    def snapshot(self) -> Snapshot:
        rng, seen = self.rng, super().snapshot()
        busy = any(until_s > self.at_s for until_s in self.busy_until.values())
        status = "Updating" if busy else rng.choices(["InService", "Failed"], [50, 1])[0]
        there = {
            model.variant: VariantView(
                model.variant, None, rng.choice([self.current[name], 0]), self.desired[name]
            )
            for name, model in self.config.models.items()
            if rng.random() < 0.98
        }
        endpoint = EndpointView("shared", status, there, self.at_s)
        self.views = variants.views(self.config, endpoint, self.views, self.at_s)
        for name, view in self.views.items():
            self.views[name] = replace(view, scalable_target=rng.random() < 0.02)
        return replace(seen, endpoint=endpoint, components=self.views)


def variant_plant_of(seed: int) -> VariantPlant:
    """A random endpoint of one to three single-model variants."""
    rng = random.Random(seed)
    config = config_of(rng, START_S)
    models = {
        name: replace(
            model,
            kind="variant",
            variant=name,
            resources=CopyResources(8, 96.0, 1_000_000),
            min_copies=max(1, model.min_copies),
            max_copies=max(1, model.min_copies, model.max_copies),
        )
        for name, model in list(config.models.items())[:3]
    }
    (instance,) = config.variants.values()
    places = {
        name: replace(instance, max_instances=rng.choice([None, max(2, model.min_copies)]))
        for name, model in models.items()
    }
    return VariantPlant(rng, replace(config, models=models, variants=places))


def plant_of(seed: int, start_s: int = START_S) -> Plant:
    """A random plant; the same for the same seed."""
    rng = random.Random(seed)
    return Plant(rng, config_of(rng, start_s), at_s=start_s)


def with_model(config: EndpointConfig, name: str, **changes: object) -> EndpointConfig:
    """`config` with one model changed."""
    model = replace(config.models[name], **changes)  # type: ignore[arg-type]
    return replace(config, models={**config.models, name: model})
