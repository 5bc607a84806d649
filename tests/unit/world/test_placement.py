"""Placement: what fits where, and how many instances a queue of copies needs."""

from dataclasses import replace

import pytest

from icscaler_sim.world import ComponentSpec, Delay, ProfileCatalog, ServiceProfile, WorldSettings
from icscaler_sim.world.agenda import Agenda
from icscaler_sim.world.catalog import INSTANCE_TYPES, instance_type
from icscaler_sim.world.placement import Room, choose, pack
from icscaler_sim.world.specs import Refusal

ONE = ComponentSpec(gpus=1, cpus=4, memory_mb=10_000)


def room(gpus: int = 8, cpus: float = 96, memory_mb: float = 500_000, **held: int) -> Room:
    found = Room(gpus, cpus, memory_mb)
    found.held = dict(held)
    return found


@pytest.mark.parametrize(
    ("rooms", "spec", "expected"),
    [
        pytest.param([room(3), room(5)], ONE, 1, id="spread: most GPUs free"),
        pytest.param([room(5, a=0), room(5)], ONE, 0, id="the first of equals"),
        pytest.param([room(7, a=1), room(2)], ONE, 1, id="spread: away from its own copies"),
        pytest.param([room(3), room(5)], replace(ONE, placement="BINPACK"), 0, id="binpack"),
        pytest.param([room(3), room(3)], replace(ONE, gpus=4), None, id="six free, four wanted"),
        pytest.param([room(8, 3)], ONE, None, id="no CPUs"),
        pytest.param([room(8, 96, 9_999)], ONE, None, id="no memory"),
        pytest.param([], ONE, None, id="no instance"),
    ],
)
def test_choose(rooms: list[Room], spec: ComponentSpec, expected: int | None) -> None:
    assert choose(rooms, "a", spec) == expected


@pytest.mark.parametrize(
    ("sizes", "more", "expected"),
    [
        pytest.param([4, 4], 5, (1, 0), id="two halves share one"),
        pytest.param([5, 4], 5, (2, 0), id="five and four need two"),
        pytest.param([5, 4, 4, 3], 5, (2, 0), id="later ones fill the holes"),
        pytest.param([5, 4], 1, (1, 1), id="no second one allowed"),
        pytest.param([9], 5, (0, 1), id="bigger than any instance"),
        pytest.param([], 5, (0, 0), id="nothing to place"),
    ],
)
def test_pack(sizes: list[int], more: int, expected: tuple[int, int]) -> None:
    queue = [(f"m{index}", replace(ONE, gpus=gpus)) for index, gpus in enumerate(sizes)]
    assert pack([], queue, more, room()) == expected


@pytest.mark.parametrize(
    ("name", "gpus", "allocatable_gib"),
    [
        pytest.param("ml.p4d.24xlarge", 8, 570, id="p4d"),
        pytest.param("ml.p5.48xlarge", 8, 1_018, id="p5: sized as about 1 TB by AWS"),
        pytest.param("ml.g5.xlarge", 1, 2, id="g5.xlarge: takes 1 GB, refuses 4"),
        pytest.param("ml.g6e.12xlarge", 4, 186, id="g6e.12xlarge"),
    ],
)
def test_the_room_of_instance_types(name: str, gpus: int, allocatable_gib: float) -> None:
    empty = Room.empty(instance_type(name), WorldSettings())
    assert (empty.gpus, empty.memory_mb) == (gpus, allocatable_gib * 1_024)


def test_the_catalogue() -> None:
    assert {kind.gpus for kind in INSTANCE_TYPES.values()} == {1, 4, 8}
    with pytest.raises(Refusal, match="not known"):
        instance_type("ml.c5.large")


@pytest.mark.parametrize(
    ("quantiles", "at", "expected"),
    [
        pytest.param((5,), 0.7, 5, id="constant"),
        pytest.param((10, 20), 0.25, 12.5, id="uniform"),
        pytest.param((0, 1, 9), 0.75, 5, id="skewed"),
        pytest.param((0, 1, 9), 1.0, 9, id="top"),
    ],
)
def test_delays(quantiles: tuple[float, ...], at: float, expected: float) -> None:
    assert Delay(*quantiles).at(at) == expected


@pytest.mark.parametrize("quantiles", [(), (2, 1), (-1, 1)])
def test_delays_that_make_no_sense(quantiles: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Delay(*quantiles)


@pytest.mark.parametrize(
    "changes",
    [
        {"launch_failure_fraction": 1.5},
        {"late_fraction": -0.1},
        {"allocatable_memory_fraction": 0.0},
        {"contended_load_factor": 0.5},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settings_that_make_no_sense(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        WorldSettings(**changes)


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        pytest.param(1, 0.05 + 0.1 + 1.5, id="one GPU"),
        pytest.param(2, 0.05 + 0.125 + 2.0, id="two"),
        pytest.param(4, 0.05 + 1 / 6 + 3.0, id="four"),
        pytest.param(8, 0.05 + 1 / 6 + 3.0, id="more"),
    ],
)
def test_the_default_profile_falls_with_size(gpus: int, expected: float) -> None:
    profile = ProfileCatalog().for_component("any", replace(ONE, gpus=gpus))
    assert profile.service_s(1_000, 100) == pytest.approx(expected)


def test_profiles_by_image_win_over_profiles_by_name() -> None:
    catalog = ProfileCatalog()
    catalog.set("chat", ServiceProfile(base_s=1))
    catalog.set("chat", ServiceProfile(base_s=2), image="new")
    assert catalog.for_component("chat", ONE).base_s == 1
    assert catalog.for_component("chat", replace(ONE, image="new")).base_s == 2


def test_the_agenda_keeps_the_order_of_equal_times() -> None:
    agenda = Agenda()
    done: list[str] = []
    agenda.at(2.0, lambda: done.append("later"))
    agenda.at(1.0, lambda: done.append("first"))
    agenda.at(1.0, lambda: done.append("second"))
    agenda.at(0.5, lambda: done.append("never")).cancel()
    assert agenda.next_s() == 1.0
    while (event := agenda.pop()) is not None:
        event[1]()
    assert done == ["first", "second", "later"]
    assert agenda.next_s() is None
