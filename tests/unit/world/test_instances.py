"""Instances: launched for copies, short of capacity, released when idle, moved together, lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from icscaler_sim.world import ManagedScaling, Refusal, VariantSpec, World
from tests.unit.world.builders import (
    COPY_S,
    ENGINE_S,
    LAUNCH_S,
    RELEASE_S,
    SPEC,
    START_S,
    WEIGHTS_S,
    new_world,
    run,
    with_copies,
    with_endpoint,
)


def instances(world: World) -> tuple[str, int, int]:
    """Endpoint "e": (status, current instances, desired instances)."""
    view = world.endpoint("e")
    return view.status, view.variants[0].current_instances, view.variants[0].desired_instances


def refused(call: Callable[[], None]) -> str:
    with pytest.raises(Refusal) as refusal:
        call()
    return refusal.value.message


def test_an_endpoint_is_creating_until_its_instances_are_up() -> None:
    world = new_world()
    world.create_endpoint("e", [VariantSpec("v", "ml.p4d.24xlarge", 2)])
    assert instances(world) == ("Creating", 0, 2)
    world.advance(START_S + LAUNCH_S)
    assert instances(world) == ("InService", 2, 2)


def test_copies_that_do_not_fit_bring_instances_and_show_updating() -> None:
    world = with_copies(8)
    world.set_copies("chat", 17)
    assert instances(world) == ("Updating", 1, 3)
    assert run(world, LAUNCH_S - 1).current_copies == 8
    assert instances(world) == ("Updating", 1, 3)
    run(world, 1)
    assert instances(world) == ("InService", 3, 3)
    view = run(world, COPY_S)
    assert (view.status, view.current_copies) == ("InService", 17)


def test_an_empty_fleet_wakes_up() -> None:
    world = with_copies(1)
    world.set_copies("chat", 0)
    run(world, 60 * 60)
    assert instances(world) == ("InService", 0, 0)
    world.set_copies("chat", 1)
    assert instances(world) == ("Updating", 0, 1)
    assert run(world, LAUNCH_S + COPY_S - 1).current_copies == 0
    assert run(world, 1).current_copies == 1


def test_idle_instances_leave_after_delay_and_cooldown_one_per_cooldown() -> None:
    world = with_copies(24)  # three instances, the last launched at 300 s
    world.set_copies("chat", 8)
    desired = []
    for _ in range(40):
        run(world, 60)
        desired.append(instances(world)[2])
    # Idle for 600 s, which is also 20 minutes after the last launch; the next 20 minutes later.
    assert desired == [3] * 9 + [2] * 20 + [1] * 11
    assert instances(world) == ("InService", 1, 1)


def test_an_instance_in_use_or_needed_by_the_minimum_stays() -> None:
    world = with_copies(9, scaling=ManagedScaling(True, 1, 4, cooldown_min=5))
    world.set_copies("chat", 1)
    run(world, 7_200)
    assert instances(world) == ("InService", 1, 1)
    world.set_copies("chat", 0)
    run(world, 7_200)
    assert instances(world) == ("InService", 1, 1)


def test_a_bigger_step_lets_more_go_at_once() -> None:
    scaling = ManagedScaling(True, 0, 4, max_step=3, cooldown_min=5)
    world = with_copies(24, scaling=scaling)
    world.set_copies("chat", 0)
    run(world, 600 + 10)
    assert instances(world) == ("Updating", 3, 0)
    run(world, RELEASE_S)
    assert instances(world) == ("InService", 0, 0)


@pytest.mark.parametrize(
    ("strategy", "left"),
    [
        pytest.param("IDLE_RELEASE", 2, id="idle release keeps half-used instances"),
        pytest.param("CONSOLIDATION", 1, id="consolidation moves copies together"),
    ],
)
def test_scale_in_strategies(strategy: str, left: int) -> None:
    scaling = ManagedScaling(True, 0, 4, strategy, cooldown_min=5)  # type: ignore[arg-type]
    world = with_endpoint(scaling=scaling, instances=2)
    for name, gpus in (("chat", 5), ("other", 3)):  # each spreads to an instance of its own
        world.create_component(name, "e", "v", replace(SPEC, gpus=gpus), 1)
        world.advance(world.now_s + 300)
    statuses = {run(world, 30).status for _ in range(200)}
    assert statuses == {"InService"}, "a move is not an update"
    assert instances(world)[2] == left
    assert world.component("chat").current_copies == 1
    assert world.component("other").current_copies == 1
    assert world.tally.copies().gpus_held == 8


def test_consolidation_never_leaves_a_component_without_a_copy() -> None:
    scaling = ManagedScaling(True, 0, 4, "CONSOLIDATION", cooldown_min=5)
    world = with_copies(2, scaling=scaling, instances=2)  # spread over both
    world.arrive("chat", 7_200, world.now_s, world.now_s + 7_200)
    run(world, 7_300)
    assert instances(world)[2] == 1
    assert world.tally.requests("chat").in_time == 7_200


def test_capacity_that_is_missing_is_asked_for_again() -> None:
    world = with_copies(8)
    world.faults.no_capacity["ml.p4d.24xlarge"] = [(world.now_s, world.now_s + 1_000)]
    world.set_copies("chat", 9)
    view = run(world, 1_000)
    assert (view.status, view.current_copies) == ("Updating", 8)
    assert instances(world) == ("Updating", 1, 2)
    view = run(world, 120 + LAUNCH_S + COPY_S)
    assert (view.status, view.current_copies) == ("InService", 9)
    books = world.tally.instances()["e", "ml.p4d.24xlarge"]
    assert (books.launches, books.launch_failures) == (2, 9)
    assert world.tally.failures[0][2].startswith("no capacity for ml.p4d.24xlarge")


def test_an_order_without_capacity_is_withdrawn_when_no_longer_needed() -> None:
    world = with_copies(8, placement_timeout_s=120.0)
    world.faults.obtainable_instances["ml.p4d.24xlarge"] = 1
    world.set_copies("chat", 9)
    run(world, 200)
    world.set_copies("chat", 8)
    run(world, 200)
    assert instances(world) == ("InService", 1, 1)


def test_a_launch_can_fail_by_chance() -> None:
    world = with_copies(8, launch_failure_fraction=0.5, instances=1)
    world.set_copies("chat", 32)
    run(world, 3_600)
    books = world.tally.instances()["e", "ml.p4d.24xlarge"]
    assert books.launches == 4
    assert books.launch_failures > 0


def test_instance_time_is_billed_from_the_order() -> None:
    world = with_endpoint()
    assert world.tally.instance_seconds() == {("e", "ml.p4d.24xlarge"): 200.0}
    assert world.tally.instance_gpu_seconds() == {("e", "ml.p4d.24xlarge"): 1_600.0}
    in_use = with_endpoint(bill_launching_instances=False)
    assert in_use.tally.instance_seconds() == {("e", "ml.p4d.24xlarge"): 100.0}


def test_a_lost_instance_is_replaced_and_its_copies_come_back() -> None:
    world = with_copies(8)
    world.arrive("chat", 6_000, world.now_s, world.now_s + 600, output_tokens=300)
    run(world, 300)
    world.lose_instance("e", "v")
    view = world.component("chat")
    assert (view.status, view.current_copies, view.desired_copies) == ("InService", 0, 8)
    run(world, 300)
    assert world.tally.requests("chat").copy_lost == pytest.approx(10 * 4.55, abs=2)
    assert world.tally.requests("chat").no_capacity > 0
    assert run(world, LAUNCH_S + COPY_S).current_copies == 8
    with pytest.raises(ValueError, match="no such instance"):
        world.lose_instance("e", "v", 77)


@pytest.mark.parametrize(
    ("cache", "start_s"),
    [
        pytest.param("none", COPY_S, id="no cache: pulled again"),
        pytest.param("instance", WEIGHTS_S + ENGINE_S, id="on the instance"),
        pytest.param("endpoint", WEIGHTS_S + ENGINE_S, id="for the endpoint"),
    ],
)
def test_the_image_cache_saves_the_pull(cache: str, start_s: int) -> None:
    world = with_copies(1, image_cache=cache)
    world.set_copies("chat", 2)
    assert run(world, start_s - 1).current_copies == 1
    assert run(world, 1).current_copies == 2


def test_only_the_endpoint_cache_reaches_new_instances() -> None:
    for cache, start_s in (("instance", COPY_S), ("endpoint", WEIGHTS_S + ENGINE_S)):
        world = with_copies(8, image_cache=cache)
        world.set_copies("chat", 9)
        assert run(world, LAUNCH_S + start_s - 1).current_copies == 8
        assert run(world, 1).current_copies == 9


def test_loads_on_one_instance_contend() -> None:
    world = with_copies(1, contended_load_factor=2.0)
    world.set_copies("chat", 3)
    assert run(world, WEIGHTS_S + ENGINE_S).current_copies == 2
    assert run(world, WEIGHTS_S).current_copies == 3


def test_spread_and_binpack() -> None:
    held = {}
    for placement in ("SPREAD", "BINPACK"):
        world = with_endpoint(instances=2)
        spec = replace(SPEC, placement=placement)
        world.create_component("chat", "e", "v", spec, 4)
        rooms = world._endpoints["e"].variants["v"].instances
        held[placement] = [instance.room.gpus for instance in rooms]
    assert held == {"SPREAD": [6, 6], "BINPACK": [4, 8]}


@pytest.mark.parametrize(
    ("memory_mb", "fits"),
    [pytest.param(1_024, True, id="taken"), pytest.param(4_096, False, id="refused")],
)
def test_allocatable_memory_of_a_small_instance(memory_mb: int, fits: bool) -> None:
    """ml.g5.xlarge (16 GiB) took 1024 MB and refused 4096 MB (public measurement, 2026-07)."""
    world = with_endpoint(kind="ml.g5.xlarge")
    spec = replace(SPEC, memory_mb=memory_mb, cpus=1)
    if fits:
        world.create_component("chat", "e", "v", spec, 1)
    else:
        assert "not enough hardware" in refused(
            lambda: world.create_component("chat", "e", "v", spec, 1)
        )


def test_endpoints_with_components_stay() -> None:
    world = with_copies(1)
    assert "inference component associated" in refused(lambda: world.delete_endpoint("e"))
    world.delete_component("chat")
    world.advance(world.now_s + 30)
    world.delete_endpoint("e")
    assert world.endpoint("e").status == "Deleting"
    world.advance(world.now_s + RELEASE_S + 10)
    assert world.endpoints() == []
    assert "Could not find endpoint" in refused(lambda: world.endpoint("e") and None)
    billed_s = world.tally.instance_seconds()["e", "ml.p4d.24xlarge"]
    world.advance(world.now_s + 600)
    assert world.tally.instance_seconds()["e", "ml.p4d.24xlarge"] == billed_s


def test_endpoints_go_with_their_components_where_aws_lets_them() -> None:
    world = with_copies(1, delete_endpoint_with_components=True)
    world.delete_endpoint("e")
    world.advance(world.now_s + 120)
    assert world.endpoints() == []
    assert world.components() == []


def test_managed_scaling_limits_can_change() -> None:
    world = with_copies(8, scaling=ManagedScaling(True, 0, 1))
    assert "not enough hardware" in refused(lambda: world.set_copies("chat", 9))
    world.set_managed_scaling("e", "v", min_instances=3, max_instances=4)
    assert instances(world) == ("Updating", 1, 3)
    run(world, LAUNCH_S)
    world.set_copies("chat", 9)
    assert "MaxInstanceCount" in refused(
        lambda: world.set_managed_scaling("e", "v", min_instances=3, max_instances=2)
    )


@pytest.mark.parametrize(
    ("variant", "text"),
    [
        pytest.param(VariantSpec("v", "ml.p4d.24xlarge", 0), "InitialInstanceCount", id="none"),
        pytest.param(VariantSpec("v", "ml.t2.nano", 1), "not known", id="unknown type"),
        pytest.param(
            VariantSpec("v", "ml.g5.xlarge", 1, ManagedScaling(True, 0, 0)),
            "MaxInstanceCount", id="no maximum"),
        pytest.param(
            VariantSpec("v", "ml.g5.xlarge", 1, ManagedScaling(True, 0, 2, cooldown_min=1)),
            "CooldownInMinutes", id="cooldown too short"),
        pytest.param(
            VariantSpec("v", "ml.g5.xlarge", 1, ManagedScaling(True, 0, 2), model_name="m"),
            "ModelName", id="managed scaling of a single-model variant"),
    ],
)  # fmt: skip
def test_variants_that_are_refused(variant: VariantSpec, text: str) -> None:
    assert text in refused(lambda: new_world().create_endpoint("e", [variant]))


# --- single-model variants
def single_model() -> World:
    world = new_world()
    world.create_endpoint("e", [VariantSpec("v", "ml.g5.xlarge", 1, model_name="m")])
    world.advance(START_S + 600)
    return world


def test_a_single_model_endpoint_waits_for_its_model() -> None:
    world = new_world()
    world.create_endpoint("e", [VariantSpec("v", "ml.g5.xlarge", 1, model_name="m")])
    world.advance(START_S + LAUNCH_S + COPY_S - 1)
    assert world.endpoint("e").status == "Creating"
    world.advance(START_S + LAUNCH_S + COPY_S)
    assert world.endpoint("e").status == "InService"
    assert world.components() == []
    world.arrive(("e", "v"), 10, world.now_s, world.now_s + 60)
    world.invoke(("e", "v"))
    world.advance(world.now_s + 120)
    assert world.tally.requests("e/v").in_time == 11


def test_single_model_capacity_changes_one_at_a_time() -> None:
    world = single_model()
    world.set_variant_instances("e", "v", 3)
    assert instances(world) == ("Updating", 1, 3)
    assert "in-progress endpoint" in refused(lambda: world.set_variant_instances("e", "v", 2))
    world.advance(world.now_s + LAUNCH_S + COPY_S)
    assert instances(world) == ("InService", 3, 3)
    world.set_variant_instances("e", "v", 1)
    world.advance(world.now_s + RELEASE_S)
    assert instances(world) == ("InService", 1, 1)
    assert "at least 1" in refused(lambda: world.set_variant_instances("e", "v", 0))


def test_components_and_models_do_not_mix() -> None:
    world = single_model()
    assert "not supported in this Endpoint" in refused(
        lambda: world.create_component("chat", "e", "v", SPEC, 1)
    )


def test_a_lost_single_model_instance_is_replaced() -> None:
    world = single_model()
    world.lose_instance("e", "v")
    assert instances(world) == ("Updating", 0, 1)
    world.advance(world.now_s + LAUNCH_S + COPY_S)
    assert instances(world) == ("InService", 1, 1)


def test_a_model_that_does_not_start_fails_the_endpoint() -> None:
    world = new_world()
    world.faults.failing_copies["e/v"] = 1
    world.create_endpoint("e", [VariantSpec("v", "ml.g5.xlarge", 1, model_name="m")])
    world.advance(START_S + 1_200)
    view = world.endpoint("e")
    assert view.status == "Failed"
    assert "ping health check" in (view.failure_reason or "")
    world.delete_endpoint("e")
    world.advance(START_S + 1_300)
    assert world.endpoints() == []


def test_a_model_that_does_not_start_on_a_new_instance_is_started_again() -> None:
    world = single_model()
    world.faults.failing_copies["e/v"] = 2
    world.set_variant_instances("e", "v", 2)
    world.advance(world.now_s + LAUNCH_S + 1_000)
    assert instances(world) == ("Updating", 2, 2)
    assert "ping health check" in (world.endpoint("e").failure_reason or "")
    world.advance(world.now_s + 3600)
    assert instances(world) == ("InService", 2, 2)
    assert world.faults.failing_copies["e/v"] == 0


def test_variants_without_managed_scaling_are_set_by_hand() -> None:
    world = with_copies(8, scaling=None)
    assert "not enough hardware" in refused(lambda: world.set_copies("chat", 9))
    world.set_variant_instances("e", "v", 2)
    run(world, LAUNCH_S)
    world.set_copies("chat", 9)
    run(world, COPY_S)
    assert "use 2 instances" in refused(lambda: world.set_variant_instances("e", "v", 1))
    managed = with_endpoint()
    assert "managed" in refused(lambda: managed.set_variant_instances("e", "v", 2))


def test_weights_are_kept() -> None:
    world = single_model()
    world.set_variant_weight("e", "v", 0.25)
    assert world.endpoint("e").variants[0].weight == 0.25
    assert "at least 0" in refused(lambda: world.set_variant_weight("e", "v", -1))
