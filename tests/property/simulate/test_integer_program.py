"""The bounds against an integer program: two days of half hours, several copies, any start-up.

Integer variables per bin: copies held, and copies ordered. What is held from the first bin on
began before the period and is ready; a copy that is ordered is ready `start_bins` later.
"""

from __future__ import annotations

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler_sim.simulate.clairvoyant import Demand, refusing, serving_all

WIDTH_S = 60
LOADS = st.lists(
    st.one_of(st.just(0.0), st.just(0.0), st.floats(0.01, 4.0)), min_size=20, max_size=48
)


class Program:
    """Copies held and ready of one model, for an objective of the caller's."""

    def __init__(self, bins: int, start_bins: int, floor: int, most: int) -> None:
        self.solver = highspy.Highs()
        self.solver.silent()
        self.held = [self.solver.addIntegral(lb=floor, ub=most) for _ in range(bins)]
        ordered = [self.solver.addIntegral(lb=0, ub=most) for _ in range(bins)]
        self.ready = []
        for at, held in enumerate(self.held):
            if at:
                self.solver.addConstr(held - self.held[at - 1] - ordered[at] <= 0)
            # In the first bin nothing has to be ordered: it was there.
            starting = ordered[max(1, at - start_bins + 1) : at + 1] if start_bins else []
            self.ready.append(held - sum(starting) if starting else 1.0 * held)

    def least(self, objective: object) -> float:
        self.solver.minimize(objective)
        return self.solver.getObjectiveValue()


@settings(max_examples=25, deadline=None)
@given(loads=LOADS, start_bins=st.integers(0, 6), floor=st.integers(0, 1))
def test_serving_all(loads: list[float], start_bins: int, floor: int) -> None:
    load = np.array(loads)
    program = Program(len(load), start_bins, floor, most=5)
    for ready, need in zip(program.ready, np.ceil(load - 1e-9).tolist(), strict=True):
        program.solver.addConstr(ready >= need)
    best = program.least(sum(program.held))
    found = serving_all(Demand(WIDTH_S, load, load), float(WIDTH_S * start_bins), floor)
    assert found.copy_seconds.sum() == pytest.approx(WIDTH_S * best, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    loads=LOADS,
    start_bins=st.integers(0, 6),
    requests=st.integers(1, 100),
    worth_s=st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0]),
)
def test_refusing(loads: list[float], start_bins: int, requests: int, worth_s: float) -> None:
    load = np.array(loads)
    count = load * requests
    program = Program(len(load), start_bins, 0, most=5)
    served = []
    for ready, calls, offered in zip(program.ready, count.tolist(), loads, strict=True):
        served.append(program.solver.addVariable(lb=0, ub=calls))
        if offered:
            program.solver.addConstr(served[-1] - calls / offered * ready <= 0)
    best = -program.least(WIDTH_S * sum(program.held) - worth_s * sum(served))
    found = refusing(Demand(WIDTH_S, load, count), float(WIDTH_S * start_bins), 1, worth_s)
    value = worth_s * found.served - found.copy_seconds.sum()
    assert value == pytest.approx(best, rel=1e-4, abs=1e-3)
