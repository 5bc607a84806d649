"""Laws of the world, whatever is asked of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler_sim.world import World, WorldSettings
from tests.property.world.scripts import (
    SETTINGS,
    STATUSES,
    STEPS,
    Step,
    apply,
    build,
    picture,
    play,
    rooms,
)

SEEDS = st.integers(0, 5)
STRATEGIES = st.sampled_from(("IDLE_RELEASE", "CONSOLIDATION"))


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, world_settings=SETTINGS, seed=SEEDS, strategy=STRATEGIES)
def test_requests_are_conserved_and_exact(
    steps: list[Step], world_settings: WorldSettings, seed: int, strategy: str
) -> None:
    world = build(world_settings, seed, strategy)
    sent: dict[str, int] = {}
    for step in steps:
        world.advance(world.now_s + step.wait_s)
        known = {view.name for view in world.components()}
        apply(world, step)
        if step.name in known and step.verb in ("arrive", "burst", "invoke"):
            requests = 1 if step.verb == "invoke" else step.number
            sent[step.name] = sent.get(step.name, 0) + requests
        for name in world.tally.names():
            counts = world.tally.requests(name)
            settled = counts.in_time + counts.late + counts.refused
            assert counts.arrived == settled + counts.waiting
            assert min(counts.in_time, counts.late, counts.refused, counts.waiting) >= 0
            assert counts.arrived <= sent.get(name, 0)
    world.advance(world.now_s + 600)
    for name in world.tally.names():
        counts = world.tally.requests(name)
        assert counts.arrived == sent.get(name, 0), "every request is counted once it has come"
        assert counts.waiting == 0, "nobody waits longer than patience"


@settings(max_examples=60, deadline=None)
@given(
    steps=STEPS,
    world_settings=SETTINGS,
    seed=SEEDS,
    strategy=STRATEGIES,
    cuts=st.lists(st.floats(0, 1), max_size=4),
)
def test_results_do_not_depend_on_how_time_is_sliced(
    steps: list[Step], world_settings: WorldSettings, seed: int, strategy: str, cuts: list[float]
) -> None:
    whole = play(build(world_settings, seed, strategy), steps)
    sliced = play(build(world_settings, seed, strategy), steps, cuts)
    end_s = whole.now_s + 900
    whole.advance(end_s)
    for part in (0.1, 0.5, 0.999, 1.0):
        sliced.advance(end_s - 900 * (1 - part))
    assert sliced.now_s == pytest.approx(end_s)
    sliced.advance(max(end_s, sliced.now_s))
    assert picture(whole) == picture(sliced)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, world_settings=SETTINGS, seed=SEEDS, strategy=STRATEGIES)
def test_placement_and_states_stay_within_bounds(
    steps: list[Step], world_settings: WorldSettings, seed: int, strategy: str
) -> None:
    world = build(world_settings, seed, strategy)
    for step in steps:
        for _ in range(4):
            world.advance(world.now_s + step.wait_s / 4)
            check_bounds(world)
        apply(world, step)
        check_bounds(world)


def check_bounds(world: World) -> None:
    instances = rooms(world)
    assert len([i for i in instances if i.state.value != "releasing"]) <= 3
    held = 0
    for instance in instances:
        used = sum(copy.spec.gpus for copy in instance.copies)
        memory = sum(copy.spec.memory_mb for copy in instance.copies)
        held += used
        assert used + instance.room.gpus == 8
        assert instance.room.gpus >= 0
        assert instance.room.memory_mb >= 0
        assert instance.room.memory_mb + memory == pytest.approx(instance.variant.fresh.memory_mb)
        assert instance.loading == sum(copy.loading for copy in instance.copies)
        assert not instance.copies or instance.state.value == "in service"
    for view in world.components():
        assert view.status in STATUSES
        assert view.current_copies >= 0
        assert view.desired_copies >= 0
    pending = sum(
        copy.spec.gpus
        for component in world._components.values()
        for copy in component.copies
        if copy.state.value == "pending"
    )
    assert world.tally.copies().gpus_held == held + pending


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, world_settings=SETTINGS, seed=SEEDS, strategy=STRATEGIES)
def test_the_same_seed_repeats(
    steps: list[Step], world_settings: WorldSettings, seed: int, strategy: str
) -> None:
    first = play(build(world_settings, seed, strategy), steps)
    second = play(build(world_settings, seed, strategy), steps)
    assert picture(first) == picture(second)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, world_settings=SETTINGS, seed=SEEDS, strategy=STRATEGIES)
def test_left_alone_every_world_comes_to_rest(
    steps: list[Step], world_settings: WorldSettings, seed: int, strategy: str
) -> None:
    world = play(build(world_settings, seed, strategy), steps)
    world.advance(world.now_s + 12 * 3_600)
    for view in world.components():
        assert view.status in ("InService", "Failed")
        assert view.current_copies <= view.desired_copies or view.status == "Failed"
    assert world.endpoint("e").status == "InService"
    before = world.components()
    world.advance(world.now_s + 3_600)
    assert world.components() == before
