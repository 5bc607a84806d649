"""Updates of the spec: in batches, all at once, at zero, rolled back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from icscaler_sim.world import ManagedScaling, Refusal, RollingPolicy, World
from tests.unit.world.builders import (
    COPY_S,
    ENGINE_S,
    LAUNCH_S,
    SETTLE_S,
    SPEC,
    WEIGHTS_S,
    run,
    slow_profile,
    with_copies,
)

NEW = replace(SPEC, image="engine:2")
HALF = RollingPolicy("CAPACITY_PERCENT", 50, wait_interval_s=300)


def refused(call: Callable[[], None]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return refusal.value.message


def versions(world: World) -> dict[str, int]:
    """Copies of each image, whatever their state."""
    found: dict[str, int] = {}
    for copy in world._components["chat"].copies:
        found[copy.spec.image] = found.get(copy.spec.image, 0) + 1
    return found


def test_batches_start_bake_and_replace() -> None:
    world = with_copies(4)
    world.update_component("chat", NEW, rolling=HALF)
    view = world.component("chat")
    assert (view.status, view.spec, view.desired_copies) == ("Updating", SPEC, 4)
    assert versions(world) == {"engine:1": 4, "engine:2": 2}
    assert run(world, COPY_S).current_copies == 6, "more than desired while it bakes"
    assert run(world, 299).current_copies == 6
    assert run(world, 1).current_copies == 4
    assert versions(world) == {"engine:1": 2, "engine:2": 4}, "the next batch is on its way"
    assert run(world, WEIGHTS_S + ENGINE_S).current_copies == 6
    view = run(world, 300 + SETTLE_S)
    assert (view.status, view.spec, view.current_copies) == ("InService", NEW, 4)
    assert versions(world) == {"engine:2": 4}
    assert view.last_rolling == HALF
    assert view.failure_reason is None


def test_a_batch_without_room_brings_an_instance() -> None:
    world = with_copies(8)
    world.update_component("chat", NEW, rolling=HALF)
    assert world.endpoint("e").status == "Updating"
    assert run(world, LAUNCH_S + COPY_S).current_copies == 12
    assert run(world, 2_000).spec == NEW


def test_a_packed_endpoint_waits_and_rolls_back_at_the_timeout() -> None:
    world = with_copies(8, scaling=ManagedScaling(True, 0, 1))
    world.update_component("chat", NEW, rolling=replace(HALF, timeout_s=900))
    view = run(world, 899)
    assert (view.status, view.current_copies) == ("Updating", 8)
    view = run(world, 1 + SETTLE_S)
    assert (view.status, view.spec, view.current_copies) == ("InService", SPEC, 8)
    assert "did not finish within 900 seconds" in (view.failure_reason or "")


@pytest.mark.parametrize("sets_reason", [True, False])
def test_an_alarm_rolls_back_and_ends_in_service_with_the_old_spec(sets_reason: bool) -> None:
    world = with_copies(4, rollback_sets_failure_reason=sets_reason)
    world.update_component("chat", NEW, rolling=HALF)
    run(world, COPY_S + 300 + 100)  # the first batch replaced two, the second is ready
    assert versions(world) == {"engine:1": 2, "engine:2": 4}
    world.abort_update("chat", "alarm chat-errors fired")
    assert world.component("chat").status == "Updating"
    view = run(world, COPY_S + SETTLE_S)
    assert (view.status, view.spec, view.current_copies) == ("InService", SPEC, 4)
    assert versions(world) == {"engine:1": 4}
    assert view.failure_reason == ("alarm chat-errors fired" if sets_reason else None)
    assert view.last_rolling == HALF
    assert world.tally.copies("chat").gpus_held == 4


def test_never_fewer_copies_than_desired_while_rolling_or_back() -> None:
    world = with_copies(4)
    world.update_component("chat", NEW, rolling=HALF)
    lowest = min(run(world, 10).current_copies for _ in range(70))
    world.abort_update("chat", "an alarm fired")
    lowest = min(lowest, *(run(world, 10).current_copies for _ in range(70)))
    assert lowest == 4


def test_rollback_in_batches() -> None:
    world = with_copies(6, instances=2)
    policy = replace(
        HALF, wait_interval_s=0, rollback_batch_type="COPY_COUNT", rollback_batch_value=1
    )
    world.update_component("chat", NEW, rolling=policy)
    run(world, COPY_S + 10)  # three replaced, three more starting
    world.abort_update("chat", "an alarm fired")
    most = max(sum(versions(world).values()) for _ in range(120) if run(world, 5))
    assert most == 7, "one old copy at a time"
    view = world.component("chat")
    assert (view.status, view.spec, view.current_copies) == ("InService", SPEC, 6)


def test_a_rollback_on_a_packed_endpoint_makes_room_first() -> None:
    world = with_copies(4, scaling=ManagedScaling(True, 0, 1), no_room="failure_reason")
    world.create_component("other", "e", "v", SPEC, 2)
    run(world, 600)
    world.update_component("chat", NEW, rolling=HALF)
    run(world, COPY_S + 301)  # two replaced; the second batch fills the last two GPUs
    world.create_component("third", "e", "v", SPEC, 2)  # takes what a rollback would need
    run(world, 100)
    world.abort_update("chat", "an alarm fired")
    view = run(world, 1_200)
    assert (view.status, view.spec, view.current_copies) == ("InService", SPEC, 4)


def test_a_rollback_that_finds_its_room_taken_ends_short() -> None:
    world = with_copies(
        4,
        scaling=ManagedScaling(True, 0, 1),
        default_update="recreate",
        no_room="failure_reason",
        rolling_timeout_s=900.0,
        placement_timeout_s=600.0,
    )
    world.create_component("greedy", "e", "v", SPEC, 2)
    run(world, 600)
    world.arrive("chat", 100, world.now_s, output_tokens=500)
    world.update_component("chat", NEW)  # the old copies drain for a few seconds ...
    world.set_copies("greedy", 6)  # ... and this is first in line for what they leave
    view = run(world, 900 + 600 - 60)
    assert (view.status, view.current_copies) == ("Updating", 2)
    view = run(world, 120)
    assert (view.status, view.spec) == ("InService", SPEC)
    assert (view.desired_copies, view.current_copies) == (4, 2)
    assert "not enough hardware" in (view.failure_reason or "")
    world.set_copies("greedy", 4)
    view = run(world, COPY_S)
    assert (view.current_copies, view.failure_reason) == (4, None), "room came: they start"


def test_a_new_version_that_does_not_start_is_rolled_back() -> None:
    world = with_copies(4)
    world.profiles.set("chat", slow_profile(fails_health_check=True), image="engine:2")
    world.update_component("chat", replace(NEW, startup_timeout_s=60), rolling=HALF)
    view = run(world, 177 + 30 + 60 + SETTLE_S)
    assert (view.status, view.spec, view.current_copies) == ("InService", SPEC, 4)
    assert "ping health check" in (view.failure_reason or "")
    assert world.tally.copies("chat").failures == 1, "the second was not waited for"


def test_old_and_new_serve_together() -> None:
    world = with_copies(2)
    world.profiles.set("chat", slow_profile(error_fraction=1.0), image="engine:2")
    world.update_component("chat", NEW, rolling=HALF)
    run(world, COPY_S + 10)
    world.arrive("chat", 100, world.now_s, world.now_s + 100)
    run(world, 200)
    counts = world.tally.requests("chat")
    # Slots: 32 + 32 of the old version, 4 of the new.
    assert counts.model_error == pytest.approx(100 * 4 / 68, abs=1)


@pytest.mark.parametrize(
    ("copies", "kind", "value", "accepted"),
    [
        pytest.param(1, "COPY_COUNT", 1, True, id="one of one: accepted by switch"),
        pytest.param(2, "COPY_COUNT", 1, True, id="half"),
        pytest.param(3, "COPY_COUNT", 2, False, id="two of three"),
        pytest.param(4, "CAPACITY_PERCENT", 50, True, id="50 percent"),
        pytest.param(4, "CAPACITY_PERCENT", 51, False, id="51 percent"),
        pytest.param(4, "CAPACITY_PERCENT", 4, False, id="4 percent"),
        pytest.param(24, "COPY_COUNT", 1, False, id="one of twenty-four: 4.2 percent"),
    ],
)
def test_the_batch_rule(copies: int, kind: str, value: int, accepted: bool) -> None:
    world = with_copies(copies)
    policy = RollingPolicy(kind, value, 0)  # type: ignore[arg-type]
    if accepted:
        world.update_component("chat", NEW, rolling=policy)
    else:
        message = refused(lambda: world.update_component("chat", NEW, rolling=policy))
        assert "between 5% and 50%" in message
        assert world.component("chat").status == "InService"


def test_the_batch_rule_has_switches() -> None:
    strict = with_copies(1, rolling_single_copy=False)
    assert "5%" in refused(lambda: strict.update_component("chat", NEW, rolling=HALF))
    lenient = with_copies(3, rolling_batch_rule=False)
    lenient.update_component("chat", NEW, rolling=RollingPolicy("COPY_COUNT", 3, 0))
    assert run(lenient, COPY_S).current_copies == 3


@pytest.mark.parametrize(
    ("strategy", "lowest"),
    [
        pytest.param("blue_green", 3, id="all new ones beside the old"),
        pytest.param("recreate", 0, id="old ones out first"),
    ],
)
def test_without_a_policy(strategy: str, lowest: int) -> None:
    world = with_copies(3, default_update=strategy)
    world.update_component("chat", NEW)
    assert min(run(world, 10).current_copies for _ in range(60)) == lowest
    view = world.component("chat")
    assert (view.status, view.spec, view.current_copies) == ("InService", NEW, 3)
    assert view.last_rolling is None


def test_at_zero_copies_the_spec_is_swapped_at_once() -> None:
    world = with_copies(1)
    world.set_copies("chat", 0)
    run(world, 60)
    world.update_component("chat", NEW, rolling=HALF)
    view = world.component("chat")
    assert (view.status, view.spec) == ("Updating", NEW)
    assert run(world, SETTLE_S).status == "InService"
    world.set_copies("chat", 1)
    run(world, 600)
    assert versions(world) == {"engine:2": 1}


def test_spec_and_count_change_together() -> None:
    world = with_copies(4)
    world.update_component("chat", NEW, copies=2, rolling=HALF)
    assert world.component("chat").desired_copies == 2
    view = run(world, 2_000)
    assert (view.status, view.spec, view.current_copies) == ("InService", NEW, 2)
    world.update_component("chat", copies=3)
    assert run(world, 600).current_copies == 3
    assert versions(world) == {"engine:2": 3}


def test_there_must_be_something_to_abort() -> None:
    world = with_copies(1)
    assert "no update in progress" in refused(lambda: world.abort_update("chat", "why"))
    world.set_copies("chat", 2)
    assert "no update in progress" in refused(lambda: world.abort_update("chat", "why"))


def test_a_spec_that_fits_no_instance_is_refused() -> None:
    world = with_copies(1)
    assert "not enough hardware" in refused(
        lambda: world.update_component("chat", replace(NEW, gpus=9), rolling=HALF)
    )


def test_an_instance_lost_while_rolling_does_not_derail_it() -> None:
    world = with_copies(8)
    world.update_component("chat", NEW, rolling=HALF)
    run(world, LAUNCH_S + COPY_S + 10)
    world.lose_instance("e", "v", 1)
    view = run(world, 4_000)
    assert (view.status, view.spec, view.current_copies) == ("InService", NEW, 8)
    assert versions(world) == {"engine:2": 8}
