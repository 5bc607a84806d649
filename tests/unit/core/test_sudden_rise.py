"""A sudden rise calls for more than what is seen of it; anything else for what it is."""

import pytest

from icscaler import demand, guards
from icscaler.demand import RISE
from icscaler.learned import ServiceTime
from icscaler.ownership import first_sight
from icscaler.policies import tournament
from icscaler.policies.evidence import Fresh
from tests.unit.core.build import T0, config, model, snapshot, view

ONE = model(policy=None, concurrent_requests_per_copy=10, max_copies=40)


def seen_load(
    load: float, *, copies: int = 2, lately: float = 0.0, service_s: float | None = 2.0
) -> float:
    """What the vote is told of a load, by what the copies serve (10 each) and had lately."""
    cfg, seen = config(ONE), snapshot(T0, view(copies=copies))
    state = first_sight(cfg, seen.components["m"], T0)
    state.service = ServiceTime(service_s)
    minute = tournament.Minute(T0 - 600, lately, lately * 6)
    state.tournament = tournament.learn(None, [minute], 10.0, 4)
    case = guards.Case(cfg, ONE, state, seen, copies, copies, Fresh(load=load))
    return demand.now(case).load


def test_beyond_what_the_copies_serve_it_counts_more() -> None:
    assert seen_load(50.0) == pytest.approx(20.0 + RISE * 30.0)


@pytest.mark.parametrize(
    ("load", "changes"),
    [
        pytest.param(20.0, {}, id="the copies serve it"),
        pytest.param(35.0, {"lately": 35.0}, id="it was as high lately"),
        pytest.param(50.0, {"copies": 0}, id="nothing is there: the first copy is a wake's"),
        pytest.param(50.0, {"service_s": None}, id="a guess already"),
    ],
)
def test_else_it_counts_as_it_is(load: float, changes: dict) -> None:
    assert seen_load(load, **changes) == load


def test_beyond_the_last_three_quarters_of_an_hour_only_the_rest_is_a_rise() -> None:
    assert seen_load(50.0, lately=40.0) == pytest.approx(40.0 + RISE * 10.0)


def test_a_little_more_is_no_leap() -> None:
    """Continuous, so that noise around what is there moves nothing far."""
    assert seen_load(20.1) == pytest.approx(20.17)
