"""The laws of `decide`, on random endpoints that misbehave in every way a look can see."""

import copy
import random
from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from icscaler.decide import decide
from icscaler.entities import (
    ComponentView,
    EndpointConfig,
    EndpointState,
    EndpointView,
    MetricMinute,
    Snapshot,
    VariantView,
)
from icscaler.invariants import Look, check, check_monotonic
from tests.property.core.plant import START_S, Plant, plant_of, variant_plant_of, with_model

SEEDS = st.integers(0, 2**32)
LOOKS = 25


def looks(seed: int, count: int = LOOKS) -> list[Look]:
    plant = plant_of(seed)
    return [plant.look() for _ in range(count)]


@settings(max_examples=150, deadline=None)
@example(134217727)  # young copies of a protected model against another's protected floor
@example(106)  # a draining copy is taken back while the endpoint overflows
@example(135319)  # a refused request shows, is hidden when its minute is settled, shows again
@given(SEEDS)
def test_every_look_keeps_the_invariants(seed: int) -> None:
    for look in looks(seed):
        assert check(look, decide) == []


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_single_model_variants_keep_them_too_one_instance_and_one_change_at_a_time(
    seed: int,
) -> None:
    plant = variant_plant_of(seed)
    for _ in range(LOOKS):
        look = plant.look()
        assert check(look, decide) == []
        for name in look.config.models:
            assert check_monotonic(look, decide, name) == []
        changes = look.plan.changes
        assert len(changes) <= (look.seen.endpoint.status == "InService")
        for change in changes:
            assert change.to_copies >= 1
            assert change.variant == ("shared", look.config.models[change.component].variant)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_more_demand_never_gives_fewer_copies(seed: int) -> None:
    for look in looks(seed):
        for name in look.config.models:
            assert check_monotonic(look, decide, name) == []


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_inputs_are_not_modified(seed: int) -> None:
    plant = plant_of(seed)
    for _ in range(10):
        look = plant.look()
        before = copy.deepcopy((look.config, look.state, look.seen))
        decide(look.config, look.state, look.seen, look.seen.at_s)
        assert (look.config, look.state, look.seen) == before


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_only_differences_of_times_matter(seed: int) -> None:
    def changes(start_s: int) -> list[tuple[str, int]]:
        plant = plant_of(seed, start_s)
        plans = [plant.look().plan for _ in range(LOOKS)]
        return [(c.component, c.to_copies) for plan in plans for c in plan.changes]

    assert changes(START_S) == changes(START_S + 3600)


@pytest.mark.parametrize("load", [0, 1, 15, 40, 200])
@pytest.mark.parametrize("seed", range(6))
def test_constant_demand_does_not_oscillate(load: int, seed: int) -> None:
    """After it has settled, a steady model's copies do not change direction."""
    plant = plant_of(seed)
    name = "model-0"
    free = {"max_copies": 12, "overrides": (), "observe": False}
    config = with_model(plant.config, name, min_copies=0, protected=False, **free)
    config = replace(config, models={name: config.models[name]})
    steady = Steady(plant.rng, config, load)
    counts = [steady.step() for _ in range(90)]
    settled = counts[45:]
    # A tournament may still find out that fewer do; it must not want them back.
    assert settled == sorted(settled, reverse=True), counts
    if config.models[name].policy is not None:
        assert len(set(settled)) == 1, counts


class Steady(Plant):
    """A plant without surprises: constant load in requests in flight, copies come at once."""

    def __init__(self, rng: random.Random, config: EndpointConfig, load: int) -> None:
        super().__init__(rng, config)
        self.load = load

    def step(self) -> int:
        self.at_s += 60
        (name,) = self.config.models
        copies = self.current[name] = self.desired[name]
        minute = MetricMinute(self.at_s - 60)
        if copies:
            minute.heartbeat = True
            minute.invocations = float(self.load)
            each = self.load / copies
            # What is published is the peak of a number that fluctuates around its mean.
            objective = self.config.models[name].policy is None
            minute.concurrency_per_copy = each + 3 * sqrt(each) if objective else each
        elif self.load:
            minute.refused = float(self.load)
        self.history[name].append(minute)
        model = self.config.models[name]
        view = ComponentView(
            name, "main", "InService", copies, copies, 0, self.at_s, resources=model.resources
        )
        seen = Snapshot(
            self.at_s,
            "v1",
            EndpointView("shared", "InService", {"main": VariantView("main", None, 4, 4, 0, 12)}),
            {name: view},
            metrics={name: tuple(self.history[name][-15:])},
            removal_allowance=10,
        )
        self.state, plan = decide(self.config, self.state, seen, self.at_s)
        for change in plan.changes:
            self.desired[name] = change.to_copies
        return self.desired[name]


def test_an_empty_endpoint_gives_an_empty_plan() -> None:
    plant = plant_of(1)
    config = replace(plant.config, models={})
    seen = plant.snapshot()
    state, plan = decide(config, EndpointState(), seen, seen.at_s)
    assert plan.changes == ()
    assert plan.unmanaged == tuple(sorted(seen.components))
    assert state.models == {}
