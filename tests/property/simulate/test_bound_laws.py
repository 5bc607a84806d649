"""The bounds against brute force: every way to hold two copies over a few bins is tried."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler_sim.simulate.clairvoyant import Demand, refusing, serving_all

BINS = 6
COPIES = 2
MASKS = list(product((0, 1), repeat=BINS))


def ready(mask: tuple[int, ...], start_bins: int) -> list[int]:
    """Bins in which a copy serves: held for a whole start-up before, or since the beginning."""
    found = []
    for at in range(BINS):
        since = at
        while since > 0 and mask[since - 1]:
            since -= 1
        up = mask[at] and (since == 0 or at - since >= start_bins)
        found.append(int(bool(up)))
    return found


def ways(start_bins: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(held, ready) copies by bin of every way to hold two copies; which one is which is moot."""
    single = [(np.array(mask), np.array(ready(mask, start_bins))) for mask in MASKS]
    return [
        (one[0] + two[0], one[1] + two[1])
        for place, one in enumerate(single)
        for two in single[place:]
    ]


WAYS = {start_bins: ways(start_bins) for start_bins in range(4)}
LOADS = st.lists(
    st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.9, 1.0, 1.3, 2.0]), min_size=BINS, max_size=BINS
)


@settings(max_examples=60)
@given(loads=LOADS, start_bins=st.integers(0, 3))
def test_serving_all_is_the_cheapest_of_all_ways(loads: list[float], start_bins: int) -> None:
    load = np.array(loads)
    need = np.ceil(load)
    best = min(held.sum() for held, up in WAYS[start_bins] if (up >= need).all())
    found = serving_all(Demand(60, load, load), 60.0 * start_bins)
    assert found.copy_seconds.sum() == pytest.approx(60 * best)


@settings(max_examples=60)
@given(
    loads=LOADS,
    start_bins=st.integers(0, 3),
    requests=st.integers(1, 100),
    worth_s=st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0, 100.0]),
)
def test_refusing_is_the_best_of_all_ways(
    loads: list[float], start_bins: int, requests: int, worth_s: float
) -> None:
    load = np.array(loads)
    count = load * requests
    with np.errstate(divide="ignore", invalid="ignore"):
        best = max(
            worth_s * (count * np.where(load > 0, np.minimum(up / load, 1.0), 0.0)).sum()
            - 60 * held.sum()
            for held, up in WAYS[start_bins]
        )
    found = refusing(Demand(60, load, count), 60.0 * start_bins, 1, worth_s)
    value = worth_s * found.served - found.copy_seconds.sum()
    assert value == pytest.approx(best, abs=1e-6)
