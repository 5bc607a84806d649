"""Fits in three values, against brute force."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler.entities import CopyResources, VariantConfig
from icscaler.packing import Fit, Packing, fit, fit_anyhow, holds, size_of, take
from tests.unit.core.build import P4D, gpus


@pytest.mark.parametrize(
    ("instances", "there", "more", "expected"),
    [
        pytest.param(1, [], [8], Fit.SURE, id="an empty instance"),
        pytest.param(1, [1], [8], Fit.IMPOSSIBLE, id="too little left"),
        pytest.param(2, [4, 4], [8], Fit.POSSIBLE, id="only if the halves share an instance"),
        pytest.param(2, [4, 4], [4], Fit.SURE, id="half an instance is free anyhow"),
        pytest.param(3, [4, 4], [8], Fit.SURE, id="two copies can spoil two instances"),
        pytest.param(2, [2] * 6, [4], Fit.POSSIBLE, id="four free, maybe two and two"),
        pytest.param(2, [1] * 9, [4], Fit.SURE, id="nine ones spoil one instance at most"),
        pytest.param(0, [], [1], Fit.IMPOSSIBLE, id="no instances"),
        pytest.param(2, [], [3, 3, 3, 3, 3], Fit.IMPOSSIBLE, id="threes leave twos over"),
    ],
)
def test_fit_counts_whole_gpus_of_one_instance(instances, there, more, expected) -> None:
    assert fit(P4D, instances, [gpus(g) for g in there], [gpus(g) for g in more]) is expected


def test_memory_and_cpus_count_too() -> None:
    variant = VariantConfig("x", 8, 8.0, 1000)
    big_memory, big_cpu = CopyResources(1, 1.0, 600), CopyResources(1, 5.0, 10)
    assert fit(variant, 1, [big_memory], [big_memory]) is Fit.IMPOSSIBLE
    assert fit(variant, 1, [big_cpu], [big_cpu]) is Fit.IMPOSSIBLE
    assert fit(variant, 2, [big_cpu], [big_cpu]) is Fit.SURE


def _placements(instances: int, capacity: CopyResources, copies: list[CopyResources]):
    """Every way to put the copies on the instances; yields what is left on each."""
    sizes = [size_of(copy) for copy in copies]
    for choice in itertools.product(range(instances), repeat=len(copies)):
        left = [size_of(capacity)] * instances
        for index, copy in zip(choice, sizes, strict=True):
            if not holds(left[index], copy):
                break
            left[index] = take(left[index], copy)
        else:
            yield left


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 3),
    st.lists(st.sampled_from([1, 2, 3, 4]), max_size=5),
    st.sampled_from([1, 2, 3, 4]),
)
def test_sure_holds_under_any_placement_and_impossible_under_none(instances, there, more) -> None:
    variant = VariantConfig("x", 4, 4.0, 10_000)
    capacity = CopyResources(4, 4.0, 10_000)
    placed, copy = [gpus(g) for g in there], gpus(more)
    ways = [
        any(holds(left, size_of(copy)) for left in lefts)
        for lefts in _placements(instances, capacity, placed)
    ]
    answer = fit(variant, instances, placed, [copy])
    if not ways:
        assert answer is Fit.IMPOSSIBLE
    elif answer is Fit.SURE:
        assert all(ways)
    elif answer is Fit.IMPOSSIBLE:
        assert not any(ways)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_powers_of_two_pack_without_waste(seed: int) -> None:
    """Largest first is optimal for sizes that divide each other: full means full."""
    rng = random.Random(seed)
    instances = rng.randint(1, 6)
    copies = [gpus(rng.choice([1, 2, 4, 8])) for _ in range(30)]
    packing, used = Packing.of(P4D, instances), 0
    for copy in copies:
        if packing.add(copy):
            used += copy.gpus
        else:
            assert instances * 8 - used < copy.gpus


def test_a_failed_add_all_changes_nothing() -> None:
    packing = Packing.of(P4D, 1)
    assert packing.add_all([gpus(4)])
    assert not packing.add_all([gpus(2), gpus(4)])
    assert packing.add_all([gpus(4)])


def test_what_is_there_counts_even_when_it_can_not_fit() -> None:
    packing = Packing.of(P4D, 1)
    assert not packing.force([gpus(8), gpus(8)])
    assert not packing.add(gpus(1))


_COPIES = st.builds(
    CopyResources, st.integers(0, 4), st.sampled_from([0.5, 2.0]), st.sampled_from([100, 4000])
)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 6), st.lists(st.tuples(_COPIES, st.integers(0, 3)), max_size=6))
def test_what_fits_anyhow_finds_a_place_one_by_one_in_any_order(instances, counted) -> None:
    variant = VariantConfig("x", 4, 4.0, 10_000)
    if fit_anyhow(variant, instances, counted):
        packing = Packing.of(variant, instances)
        copies = [copy for copy, count in counted for _ in range(count)]
        random.Random(len(copies)).shuffle(copies)
        assert all(packing.add(copy) for copy in copies)


def test_few_copies_on_many_instances_fit_anyhow() -> None:
    assert fit_anyhow(P4D, 3, [(gpus(4), 2), (gpus(1), 3)])
    assert not fit_anyhow(P4D, 1, [(gpus(4), 2)])  # it does, but not in any order beside others
    assert not fit_anyhow(P4D, 9, [(gpus(9), 1)])
