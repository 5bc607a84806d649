"""A fleet with adapters, observed models and pauses, as it is played."""

from dataclasses import replace

from icscaler_sim.simulate import acting, at_bases, bases_of
from icscaler_sim.simulate.fleet import copy_shapes
from tests.unit.simulate.builders import fleet, model, single, trace


def test_adapters_are_their_bases_the_larger_count_of_each_bin() -> None:
    asked = trace({"base": [5, 0, 1], "a": [2, 4, 3], "other": [7, 7, 7], "b": [1, 0, 2]})
    found = at_bases(asked, {"base": ["a", "b"]})
    assert found.models == ("base", "other")
    bins = {at_s: {name: n for name, n, *_ in rows} for at_s, _, rows in found.iter_bins()}
    assert bins == {
        0: {"base": 5, "other": 7},
        60: {"base": 4, "other": 7},
        120: {"base": 5, "other": 7},
    }
    assert (found.period_s, found.width_s) == (asked.period_s, asked.width_s)


def test_a_base_that_is_only_called_through_adapters_is_called() -> None:
    found = at_bases(trace({"a": [2, 4]}), {"base": ["a"]})
    assert found.models == ("base",)
    assert found.total().requests == 6


def test_traffic_without_adapters_is_as_it_was() -> None:
    asked = trace({"base": [5]})
    assert at_bases(asked, {"base": ["a"]}) is asked


def test_everything_acts_and_only_bases_are_played() -> None:
    given = fleet(
        model("base", observe=True), model("a", adapter_of="base"), model("c", paused=True)
    )
    endpoints = {n: replace(e, observe=True, paused=True) for n, e in given.endpoints.items()}
    assert bases_of(endpoints) == {"base": ["a"]}
    (played,) = acting(endpoints).values()
    assert played == replace(
        given.endpoints["shared"], models={"base": model("base"), "c": model("c")}
    )


def test_only_the_fleet_file_tells_what_an_instance_serves_at_once() -> None:
    members = fleet(
        single("own", concurrent_requests_per_copy=64),
        single("untold"),
        model("component", concurrent_requests_per_copy=64),
    )
    slots = {n: one.profile.slots_per_copy for n, one in copy_shapes(members.endpoints).items()}
    assert slots == {"own": 64, "untold": 32, "component": 32}
