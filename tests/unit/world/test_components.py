"""Components: states, refusals and their texts, copies that come and go."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from icscaler_sim.world import ComponentSpec, ManagedScaling, Refusal, VariantSpec, World
from tests.unit.world.builders import (
    COPY_S,
    ENGINE_S,
    SETTLE_S,
    SPEC,
    START_S,
    WEIGHTS_S,
    new_world,
    run,
    slow_profile,
    with_copies,
    with_endpoint,
)

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy "
    "of the inference component."
)


def refused(call: Callable[[], None]) -> str:
    """The message of the call's refusal, a ValidationException."""
    with pytest.raises(Refusal) as refusal:
        call()
    assert refusal.value.code == "ValidationException"
    return refusal.value.message


def test_create_goes_from_creating_to_in_service() -> None:
    world = with_endpoint()
    world.create_component("chat", "e", "v", SPEC, 2)
    view = world.component("chat")
    assert (view.status, view.desired_copies, view.current_copies) == ("Creating", 2, 0)
    assert run(world, COPY_S - 1).status == "Creating"
    view = run(world, 1)
    assert (view.status, view.current_copies) == ("InService", 2)
    assert view.created_s == START_S + 200
    assert view.modified_s == START_S + 200 + COPY_S


def test_scale_out_shows_desired_ahead_of_current() -> None:
    world = with_copies(1)
    world.set_copies("chat", 3)
    view = world.component("chat")
    assert (view.status, view.desired_copies, view.current_copies) == ("Updating", 3, 1)
    view = run(world, WEIGHTS_S + ENGINE_S)
    assert (view.status, view.current_copies) == ("InService", 3)


def test_scale_in_takes_its_time_even_when_idle() -> None:
    world = with_copies(3)
    world.set_copies("chat", 1)
    assert run(world, SETTLE_S - 1).status == "Updating"
    view = run(world, 1)
    assert (view.status, view.current_copies, view.desired_copies) == ("InService", 1, 1)


def test_setting_the_same_count_is_accepted() -> None:
    world = with_copies(2)
    world.set_copies("chat", 2)
    assert world.component("chat").status == "Updating"
    assert run(world, SETTLE_S).status == "InService"
    assert world.tally.copies("chat").starts == 2


def test_zero_is_reached_only_by_an_update() -> None:
    world = with_endpoint()
    message = refused(lambda: world.create_component("chat", "e", "v", SPEC, 0))
    assert "integer larger than 0" in message
    world = with_copies(1)
    world.set_copies("chat", 0)
    assert run(world, 60).current_copies == 0


@pytest.mark.parametrize(
    ("prepare", "write", "state"),
    [
        pytest.param(
            lambda w: w.set_copies("chat", 2), lambda w: w.set_copies("chat", 3),
            "UPDATE_RC_IN_PROGRESS", id="a second count"),
        pytest.param(
            lambda w: w.set_copies("chat", 2), lambda w: w.delete_component("chat"),
            "UPDATE_RC_IN_PROGRESS", id="delete while updating"),
        pytest.param(
            lambda w: w.set_copies("chat", 2),
            lambda w: w.update_component("chat", replace(SPEC, image="engine:2")),
            "UPDATE_RC_IN_PROGRESS", id="update while updating"),
        pytest.param(
            lambda w: w.update_component("chat", replace(SPEC, image="engine:2")),
            lambda w: w.set_copies("chat", 2),
            "UPDATE_IN_PROGRESS", id="count while the spec is updated"),
        pytest.param(
            lambda w: w.delete_component("chat"), lambda w: w.set_copies("chat", 1),
            "DELETE_IN_PROGRESS", id="count while deleting"),
        pytest.param(
            lambda w: w.delete_component("chat"), lambda w: w.delete_component("chat"),
            "DELETE_IN_PROGRESS", id="delete twice"),
    ],
)  # fmt: skip
def test_one_change_at_a_time(
    prepare: Callable[[World], None], write: Callable[[World], None], state: str
) -> None:
    world = with_copies(1)
    prepare(world)
    before = world.component("chat")
    message = refused(lambda: write(world))
    assert state in message
    assert "chat" in message
    assert world.component("chat") == before


def test_neither_count_nor_delete_while_creating() -> None:
    world = with_endpoint()
    world.create_component("chat", "e", "v", SPEC, 1)
    assert "CREATE_IN_PROGRESS" in refused(lambda: world.set_copies("chat", 2))
    assert "CREATE_IN_PROGRESS" in refused(lambda: world.delete_component("chat"))


def test_deleting_frees_gpus_and_the_name() -> None:
    world = with_copies(2)
    world.delete_component("chat")
    assert world.component("chat").status == "Deleting"
    world.advance(world.now_s + SETTLE_S)
    assert "Could not find inference component" in refused(lambda: world.component("chat") and None)
    assert world.tally.copies("chat").gpus_held == 0
    world.create_component("chat", "e", "v", SPEC, 1)
    assert run(world, COPY_S).status == "InService"


def test_names_are_unique_in_the_account() -> None:
    world = with_copies(1)
    world.create_endpoint("other", [VariantSpec("v", "ml.g5.12xlarge", 1)])
    world.advance(world.now_s + 200)
    assert "already existing" in refused(
        lambda: world.create_component("chat", "other", "v", SPEC, 1)
    )


@pytest.mark.parametrize(
    ("spec", "copies", "text"),
    [
        pytest.param(replace(SPEC, gpus=9), 1, NO_ROOM, id="more GPUs than an instance has"),
        pytest.param(replace(SPEC, memory_mb=700_000), 1, NO_ROOM, id="more than allocatable"),
        pytest.param(replace(SPEC, cpus=97), 1, NO_ROOM, id="more CPUs than there are"),
        pytest.param(SPEC, 33, NO_ROOM, id="more copies than four instances hold"),
        pytest.param(replace(SPEC, memory_mb=64), 1, "128", id="less memory than AWS takes"),
        pytest.param(replace(SPEC, cpus=0.1), 1, "0.25", id="less CPU than AWS takes"),
    ],
)  # fmt: skip
def test_what_cannot_be_placed_is_refused_at_once(
    spec: ComponentSpec, copies: int, text: str
) -> None:
    world = with_endpoint()
    assert text in refused(lambda: world.create_component("chat", "e", "v", spec, copies))
    assert world.components() == []


def test_two_and_four_gpu_copies_need_one_instance_each() -> None:
    world = with_endpoint(scaling=ManagedScaling(True, 0, 1))
    world.create_component("five", "e", "v", replace(SPEC, gpus=5), 1)
    message = refused(lambda: world.create_component("four", "e", "v", replace(SPEC, gpus=4), 1))
    assert message == NO_ROOM
    world.create_component("three", "e", "v", replace(SPEC, gpus=3), 1)


def test_room_that_is_just_being_left_counts() -> None:
    world = with_copies(8, scaling=ManagedScaling(True, 0, 1))
    world.profiles.set("chat", slow_profile())
    world.arrive("chat", 8 * 32, world.now_s, output_tokens=1_000)
    world.set_copies("chat", 4)
    world.create_component("next", "e", "v", SPEC, 4)
    assert world.component("next").status == "Creating"
    world.advance(world.now_s + 600)
    assert world.component("next").current_copies == 4


def test_no_room_can_also_show_in_failure_reason() -> None:
    world = with_copies(
        8, scaling=ManagedScaling(True, 0, 1), no_room="failure_reason", placement_timeout_s=300.0
    )
    world.set_copies("chat", 10)
    assert run(world, 299).status == "Updating"
    view = run(world, 1 + SETTLE_S)
    assert (view.status, view.desired_copies, view.current_copies) == ("InService", 10, 8)
    assert view.failure_reason == NO_ROOM
    world.set_copies("chat", 8)
    assert run(world, SETTLE_S).failure_reason is None


def test_a_component_that_never_found_room_fails() -> None:
    world = with_copies(
        8, scaling=ManagedScaling(True, 0, 1), no_room="failure_reason", placement_timeout_s=300.0
    )
    world.create_component("late", "e", "v", SPEC, 1)
    world.advance(world.now_s + 320)
    view = world.component("late")
    assert (view.status, view.failure_reason) == ("Failed", NO_ROOM)
    assert "FAILED" in refused(lambda: world.set_copies("late", 1))
    world.delete_component("late")
    world.advance(world.now_s + SETTLE_S)
    assert [v.name for v in world.components()] == ["chat"]


def test_a_failed_health_check_fails_the_create() -> None:
    world = with_endpoint()
    world.profiles.set("chat", slow_profile(fails_health_check=True))
    world.create_component("chat", "e", "v", replace(SPEC, startup_timeout_s=120), 1)
    view = run(world, 207 + 119)
    assert view.status == "Creating"
    view = run(world, 1 + SETTLE_S)
    assert view.status == "Failed"
    assert "did not pass the ping health check within 120 seconds" in (view.failure_reason or "")
    assert world.tally.copies("chat").gpus_held == 0


def test_a_failed_scale_out_ends_in_service_with_a_reason() -> None:
    world = with_copies(1)
    world.faults.failing_copies["chat"] = 1
    world.set_copies("chat", 3)
    view = run(world, 1_000)
    assert (view.status, view.desired_copies, view.current_copies) == ("InService", 3, 2)
    assert "ping health check" in (view.failure_reason or "")


def test_slow_downloads_time_out() -> None:
    world = with_endpoint()
    world.faults.slow_start_factor["chat"] = 3.0
    world.create_component("chat", "e", "v", replace(SPEC, download_timeout_s=600), 1)
    view = run(world, 600 + SETTLE_S)
    assert view.status == "Failed"
    assert "longer than 600 seconds" in (view.failure_reason or "")


def test_a_stuck_component_stays_updating_until_the_fault_ends() -> None:
    world = with_copies(1)
    world.faults.stuck_updating.add("chat")
    world.set_copies("chat", 2)
    view = run(world, 3_600)
    assert (view.status, view.current_copies) == ("Updating", 2)
    world.faults.stuck_updating.clear()
    assert run(world, 30).status == "InService"


def test_adapters_live_and_die_with_their_base() -> None:
    world = with_copies(2)
    adapter = ComponentSpec(base="chat", artifact="s3://lora/1")
    world.create_component("lora", "e", "v", adapter, 1)
    assert world.component("lora").status == "Creating"
    world.advance(world.now_s + 30)
    view = world.component("lora")
    assert (view.status, view.current_copies) == ("InService", 2)
    assert world.tally.copies().gpus_held == 2, "an adapter holds no GPU"
    assert "lora" in refused(lambda: world.delete_component("chat"))
    assert "adapter" in refused(lambda: world.set_copies("lora", 3))
    world.invoke("lora")
    world.delete_component("lora")
    world.advance(world.now_s + SETTLE_S)
    world.delete_component("chat")
    world.advance(world.now_s + SETTLE_S)
    assert world.components() == []
    assert world.tally.requests("chat").arrived == 1


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param(ComponentSpec(base="nobody"), "Could not find base", id="no such base"),
        pytest.param(ComponentSpec(base="chat", gpus=1), "adapter", id="needs of its own"),
    ],
)
def test_adapters_that_are_refused(spec: ComponentSpec, text: str) -> None:
    world = with_copies(1)
    assert text in refused(lambda: world.create_component("lora", "e", "v", spec, 1))


def test_components_need_an_endpoint_that_is_up() -> None:
    world = new_world()
    world.create_endpoint("e", [VariantSpec("v", "ml.p4d.24xlarge", 1)])
    assert "Creating" in refused(lambda: world.create_component("chat", "e", "v", SPEC, 1))
    assert "endpoint" in refused(lambda: world.create_component("chat", "x", "v", SPEC, 1))
    world.advance(START_S + 200)
    assert "variant" in refused(lambda: world.create_component("chat", "e", "x", SPEC, 1))


def test_listing_keeps_the_order_of_creation() -> None:
    world = with_endpoint()
    world.create_component("b", "e", "v", SPEC, 1)
    world.create_component("a", "e", "v", SPEC, 1)
    assert [view.name for view in world.components()] == ["b", "a"]
    assert world.components("elsewhere") == []


def test_young_removals_are_told_from_others() -> None:
    world = with_copies(1)
    world.set_copies("chat", 3)
    run(world, 200)
    world.set_copies("chat", 2)
    run(world, 900)
    world.set_copies("chat", 1)
    run(world, 60)
    copies = world.tally.copies("chat")
    assert (copies.removals, copies.young_removals) == (2, 1)


def test_gpus_are_held_from_order_to_removal() -> None:
    world = with_endpoint()
    world.create_component("chat", "e", "v", replace(SPEC, gpus=2), 1)
    run(world, 1_000)
    world.set_copies("chat", 0)
    run(world, 1_000)
    assert world.tally.gpu_seconds("chat") == 2 * 1_000
    assert world.tally.gpu_seconds() == 2 * 1_000
