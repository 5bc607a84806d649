"""Figures of whole runs, pinned: making the simulator faster must not change what it says.

A change that is meant to change them writes them anew, with the reason in its commit message.
"""

import pytest

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_sim.pricing import load_prices, static_peak
from icscaler_sim.simulate import Fleet, Job, Scenario, run_job
from icscaler_sim.simulate.default_fleet import fleet_text
from icscaler_sim.traces import MONDAY_S, default_copy_shape, generate_fleet

PINNED = {
    # requests in time, late, refused; changes; GPU-hours
    "aas-10s": (1_471_202, 0, 50_717, 140, 608.0133),
    "hybrid-histogram": (1_503_979, 0, 17_940, 96, 563.3284),
    "kpa": (1_404_890, 6_178, 110_851, 517, 588.3707),
    "static-packed": (1_521_919, 0, 0, 0, 1092.0),
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Twelve models over six hours of generated traffic."""
    trace = generate_fleet(12, seed=3, mean_rps=40.0).window(8 * 3600, 14 * 3600)
    shapes = {name: default_copy_shape(name) for name in trace.models}
    prices = load_prices()
    text = fleet_text("made up", shapes, static_peak(trace, shapes), prices)
    fleet = Fleet(compile_fleet(load_fleet(text)).endpoints, shapes)
    return Scenario(trace, fleet, prices, MONDAY_S)


@pytest.mark.parametrize("policy", PINNED)
def test_scores_stay(scenario: Scenario, policy: str) -> None:
    score = run_job(scenario, Job(policy, seed=5))
    requests = score.requests
    changes = score.changes.scale_out + score.changes.scale_in
    figures = (requests.in_time, requests.late, requests.refused, changes)
    assert (*figures, round(score.gpu_hours, 4)) == PINNED[policy]
