"""The heartbeat is read only while it tells something, and that changes no decision."""

import random

import pytest

from icscaler.entities import MetricMinute, Objective
from icscaler.policies import signs_of_life
from icscaler.policies.signs_of_life import heartbeat_due, oldest_silent_s
from tests.unit.core.build import T0, config, minutes, model
from tests.unit.core.test_accepted_load import known
from tests.unit.usecases.desk import Desk

SPOKE = MetricMinute(T0, invocations=3.0)
IDLE = MetricMinute(T0, concurrency_per_copy=0.0)
BEATS = MetricMinute(T0, heartbeat=True)


@pytest.mark.parametrize(
    ("minute", "age_s", "silent"),
    [
        pytest.param(SPOKE, 300, False, id="requests were seen"),
        pytest.param(IDLE, 300, False, id="none were in flight"),
        pytest.param(BEATS, 300, True, id="a heartbeat says nothing of requests"),
        pytest.param(None, 120, True, id="nothing was seen"),
        pytest.param(None, 119, False, id="it may not be readable yet"),
    ],
)
def test_silent_minutes(minute: MetricMinute | None, age_s: int, silent: bool) -> None:
    found = {} if minute is None else {T0: minute}
    # Later minutes are all right, whatever they are.
    found |= {T0 + 60 * later: SPOKE for later in range(1, 9)}
    assert oldest_silent_s(found, T0, T0 + age_s) == (T0 if silent else 0)


@pytest.mark.parametrize(
    ("changes", "last_look_s", "due"),
    [
        pytest.param({}, T0 - 60, False, id="all is known"),
        pytest.param({"silent_s": T0 - 180}, T0 - 60, True, id="a minute is silent"),
        pytest.param({}, T0 - 120, True, id="no look a minute ago"),
        pytest.param({}, None, True, id="no look at all"),
        pytest.param({"last_heartbeat_s": T0 - 180}, T0 - 60, True, id="its sign of life gets old"),
    ],
)
def test_when_the_heartbeat_is_read(changes, last_look_s: int | None, due: bool) -> None:
    assert heartbeat_due(known(**changes), last_look_s, 300, T0) is due
    assert heartbeat_due(None, last_look_s, 300, T0)


def played(seed: int, **policy) -> tuple[list[int], int, int]:
    """Copies after each look of a model now and then called, its losses of data, series read."""
    draws = random.Random(seed)
    desk = Desk(config(model(idle_s=600, **policy)))
    copies = []
    for _ in range(90):
        desk.at_s += 60
        late_s = draws.choice((30, 45, 60))
        desk.endpoints.settle(desk.at_s)
        told = draws.choices((None, 0.0, 2.0, 25.0), (0.5, 0.2, 0.2, 0.1))[0]
        ended_s = (desk.at_s - late_s) // 60 * 60
        (minute,) = minutes(ended_s, [told], desk.endpoints.components["m"].current_copies)
        lost = draws.random() < 0.03
        minute.heartbeat = desk.endpoints.components["m"].current_copies > 0 and not lost
        desk.metrics.put("m", minute)
        if draws.random() > 0.05:  # a tick in twenty is lost
            desk.look()
        copies.append(desk.copies())
    state = desk.store.load("shared", "v1").state.models["m"]
    return copies, state.last_unknown_s, sum(r.heartbeat for r in desk.metrics.asked)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({}, id="target tracking"),
        pytest.param(
            {"policy": None, "objective": Objective(), "concurrent_requests_per_copy": 8},
            id="objective",
        ),
    ],
)
def test_reading_it_less_often_changes_nothing(
    seed: int, policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_and_then = played(seed, **policy)
    monkeypatch.setattr(signs_of_life, "heartbeat_due", lambda *_: True)
    always = played(seed, **policy)
    assert now_and_then[:2] == always[:2]
    assert len(set(always[0])) > 1
    assert now_and_then[2] <= always[2]
