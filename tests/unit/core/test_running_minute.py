"""The minute that still runs: what it shows so far may raise a decision and nothing else."""

import pytest

from icscaler.decide import decide
from icscaler.entities import EndpointState, MetricMinute
from icscaler.reasons import Reason
from tests.unit.core.build import T0, config, minutes, model, snapshot, view

MINUTE_S = T0 // 60 * 60
TEN_EACH = config(model())  # a target of 10 in flight per copy


def known(copies: int, load: float) -> EndpointState:
    """State after a quarter of an hour under the same load."""
    state = EndpointState()
    for minute in range(15, 0, -1):
        at_s = MINUTE_S - 60 * minute
        seen = snapshot(
            at_s, view(copies=copies), metrics={"m": minutes(at_s, [load] * 15, copies)}
        )
        state, _ = decide(TEN_EACH, state, seen, at_s)
    return state


def wish(state: EndpointState, load: float, so_far: float | None, copies: int) -> int:
    """What is recommended 25 s into a minute that showed `so_far` in flight per copy."""
    metrics = minutes(MINUTE_S, [load] * 15, copies)
    if so_far is not None:
        metrics += (MetricMinute(MINUTE_S, concurrency_per_copy=so_far),)
    at_s = MINUTE_S + 25
    seen = snapshot(at_s, view(copies=copies), metrics={"m": metrics})
    _, plan = decide(TEN_EACH, state, seen, at_s)
    return plan.decisions["m"].recommended_copies


@pytest.mark.parametrize(
    ("so_far", "copies"),
    [
        pytest.param(None, 2, id="nothing yet"),
        pytest.param(0.0, 2, id="quiet so far"),
        pytest.param(9.0, 2, id="as before"),
        pytest.param(10.0, 2, id="at the target"),
        pytest.param(11.0, 3, id="above it"),
        pytest.param(40.0, 8, id="far above it"),
    ],
)
def test_it_raises_and_never_lowers(so_far: float | None, copies: int) -> None:
    assert wish(known(2, 18.0), 18.0, so_far, 2) == copies


def test_what_the_minute_before_called_for_stays_called_for() -> None:
    """A burst in the newest whole minute, too fresh to be settled, then a quiet beginning."""
    state = known(1, 5.0)
    loads = [5.0] * 14 + [35.0]
    whole = minutes(MINUTE_S, loads, 1)
    running = MetricMinute(MINUTE_S, concurrency_per_copy=1.0)
    at_s = MINUTE_S + 25
    seen = snapshot(at_s, view(copies=1), metrics={"m": (*whole, running)})
    _, plan = decide(TEN_EACH, state, seen, at_s)
    assert plan.decisions["m"].recommended_copies == 4
    assert plan.decisions["m"].steps[0].reason is Reason.ABOVE_TARGET


def test_it_is_not_learned() -> None:
    state = known(2, 18.0)
    metrics = (
        *minutes(MINUTE_S, [18.0] * 15, 2),
        MetricMinute(MINUTE_S, concurrency_per_copy=99.0),
    )
    at_s = MINUTE_S + 25
    seen = snapshot(at_s, view(copies=2), metrics={"m": metrics})
    after, _ = decide(TEN_EACH, state, seen, at_s)
    assert max(copies for _, copies in after.models["m"].recommendations) == 2
    assert after.models["m"].last_minute_s < MINUTE_S - 60


def test_a_refused_request_that_is_seen_is_the_reason_though_an_alarm_woke_too() -> None:
    metrics = minutes(MINUTE_S, [0.0] * 14 + [1.0], 0)
    asleep = known(0, 0.0)
    for wakes in ({}, {"m": MINUTE_S + 5}):
        seen = snapshot(MINUTE_S + 10, view(copies=0), metrics={"m": metrics}, wakes=wakes)
        _, plan = decide(TEN_EACH, asleep, seen, MINUTE_S + 10)
        assert [s.reason for s in plan.decisions["m"].steps] == [Reason.WOKEN_BY_REFUSED_REQUEST]


def test_an_alarm_wakes_though_its_metric_is_not_readable_yet() -> None:
    asleep = known(0, 0.0)
    metrics = minutes(MINUTE_S, [0.0] * 15, 0)
    seen = snapshot(
        MINUTE_S + 10, view(copies=0), metrics={"m": metrics}, wakes={"m": MINUTE_S + 5}
    )
    _, plan = decide(TEN_EACH, asleep, seen, MINUTE_S + 10)
    assert plan.decisions["m"].desired_copies == 1
