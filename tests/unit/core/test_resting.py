"""Who sleeps is thought about every ten minutes: the same decisions, and nobody sleeps too long."""

import random
from dataclasses import replace

import pytest

from icscaler import decide as pipeline
from icscaler.adapters.codec import encode
from icscaler.decide import decide
from icscaler.entities import (
    EndpointConfig,
    EndpointState,
    EndpointView,
    Hold,
    MetricMinute,
    ModelConfig,
    Objective,
    Outcome,
    OutcomeKind,
    Override,
    Plan,
    Snapshot,
)
from icscaler.invariants import Look, check
from icscaler.policies.tournament.rules import BLOCK_S
from icscaler.resting import rests
from tests.unit.core.build import TARGET_10, config, model, snapshot, view

START_S = 1_800_000_000
assert START_S % BLOCK_S == 0
SERVICE_S = 2.0


def ours(name: str = "m", **keys) -> ModelConfig:
    keys = {"max_copies": 20, "concurrent_requests_per_copy": 10, **keys}
    return model(name, **{"policy": None, "objective": Objective(), **keys})


def minute(at_s: int, load: float, copies: int) -> tuple[MetricMinute, ...]:
    """What CloudWatch has of a minute: nothing at all of a silent one at zero copies."""
    requests = load * 60 / SERVICE_S
    if not copies:
        return (MetricMinute(at_s, refused=requests),) if load else ()
    if not load:
        return (MetricMinute(at_s, heartbeat=True),)
    return (MetricMinute(at_s, requests, load / copies, None, True, SERVICE_S),)


def seen_at(config: EndpointConfig, state: EndpointState, at_s: int, copies, history) -> Snapshot:
    """As a look reads it: minutes not learned yet, and a rotation of ten minutes."""

    def unread(name: str) -> tuple[MetricMinute, ...]:
        known = state.models.get(name)
        since_s = known.last_minute_s if known else 0
        return tuple(one for one in history[name][-60:] if one.at_s > since_s)

    views = [view(name, count, last_modified_s=0) for name, count in copies.items()]
    read = {name: unread(name) for name in config.models}
    return snapshot(at_s, *views, instances=8, metrics=read, removal_allowance=100)


def play(config: EndpointConfig, loads: dict[str, list[float]]) -> tuple[list[Plan], EndpointState]:
    """A look a minute; copies come and go at once; every seventh look is checked."""
    state, plans = EndpointState(), []
    copies = dict.fromkeys(config.models, 0)
    history: dict[str, list[MetricMinute]] = {name: [] for name in copies}
    for place in range(len(next(iter(loads.values())))):
        at_s = START_S + 60 * (place + 1)
        for name, count in copies.items():
            history[name] += minute(at_s - 60, loads[name][place], count)
        seen = seen_at(config, state, at_s, copies, history)
        after, plan = decide(config, state, seen, at_s)
        if place % 7 == 0:
            assert check(Look(config, state, seen, after, plan), decide) == []
        state = after
        plans.append(plan)
        copies |= {change.component: change.to_copies for change in plan.changes}
    return plans, state


def rare_calls(seed: int, minutes: int) -> list[float]:
    rng = random.Random(seed)
    found = [0.0] * minutes
    for _ in range(minutes // 400):
        first = rng.randrange(minutes)
        for place in range(first, min(minutes, first + rng.choice([1, 3, 20]))):
            found[place] = rng.choice([0.1, 2.0, 25.0])
    return found


def daily(minutes: int) -> list[float]:
    """A quarter of an hour at the same time of every day."""
    return [2.0 if place % 1440 in range(605, 620) else 0.0 for place in range(minutes)]


def test_the_same_decisions_as_without_resting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four days of rare calls, daily ones and none at all, at prices at which models sleep."""
    minutes = 4 * 1440
    loads = {"a": rare_calls(1, minutes), "b": daily(minutes), "c": [0.0] * minutes}
    fleet = config(*(ours(name) for name in loads), price=30.0)
    rested, after = play(fleet, loads)
    monkeypatch.setattr(pipeline.resting_models, "rests", lambda *_: False)
    awake, state = play(fleet, loads)
    assert sum(len(plan.changes) for plan in awake) >= 20
    early = [one for one in awake if any(c.component == "b" and c.to_copies for c in one.changes)]
    assert any((plan.at_s - START_S) % 86_400 <= 605 * 60 for plan in early), (
        "nobody was woken by his profile"
    )
    assert [plan.changes for plan in rested] == [plan.changes for plan in awake]
    assert [plan.decisions for plan in rested] == [plan.decisions for plan in awake]
    # What is remembered is the same at the next look in full.
    later = START_S + 60 * minutes + BLOCK_S
    for name in loads:
        assert state.models[name].observed_current == after.models[name].observed_current
    quiet = dict.fromkeys(loads, 0)
    ends = [
        decide(fleet, kept, seen_at(fleet, kept, later, quiet, {n: [] for n in loads}), later)
        for kept in (after, state)
    ]
    assert encode(ends[0][0].models["c"]) == encode(ends[1][0].models["c"])


def asleep() -> tuple[EndpointConfig, EndpointState, Snapshot]:
    """A model that has been at zero since the last block began, and the next look at it."""
    fleet = config(ours(), price=60.0)
    _, state = play(fleet, {"m": [0.0] * 24})
    at_s = START_S + 60 * 25
    return fleet, state, seen_at(fleet, state, at_s, {"m": 0}, {"m": []})


def test_a_resting_model_stays_as_it_is() -> None:
    fleet, state, seen = asleep()
    after, plan = decide(fleet, state, seen, seen.at_s)
    assert rests(fleet, fleet.models["m"], state.models["m"], seen)
    assert after.models == state.models
    assert plan.decisions["m"].desired_copies == 0
    assert plan.decisions["m"].steps


def test_the_end_of_a_block_is_looked_at_in_full() -> None:
    fleet, state, seen = asleep()
    spans = []
    for place in range(25, 60):
        at_s = START_S + 60 * place
        seen = seen_at(fleet, state, at_s, {"m": 0}, {"m": []})
        after, _ = decide(fleet, state, seen, at_s)
        spans.append(after.models["m"].last_minute_s - state.models["m"].last_minute_s)
        state = after
    assert sorted(set(spans)) == [0, BLOCK_S]
    assert spans.count(BLOCK_S) == 3


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"metrics": {"m": (MetricMinute(START_S + 1380, refused=1.0),)}}, id="call"),
        pytest.param({"metrics": {}}, id="metrics that can't be read"),
        pytest.param({"wakes": {"m": START_S + 1490}}, id="wake request"),
        pytest.param({"components": {"m": view("m", 2)}}, id="somebody's copies"),
        pytest.param({"components": {"m": view("m", 0, current_copies=1)}}, id="draining"),
        pytest.param({"components": {"m": view("m", 0, status="Updating")}}, id="in flight"),
        pytest.param({"components": {"m": view("m", 0, status="Failed")}}, id="failed"),
        pytest.param({"components": {"m": view("m", 0, scalable_target=True)}}, id="target"),
        pytest.param({"fleet_paused": True}, id="fleet paused"),
        pytest.param({"endpoint_paused": True}, id="endpoint paused"),
        pytest.param({"paused_models": ("m",)}, id="model paused"),
        pytest.param({"holds": {"m": Hold("rollout", START_S + 9999)}}, id="held"),
        pytest.param(
            {"outcomes": {"m": Outcome(OutcomeKind.NO_ROOM, "m/1", 1, START_S + 1440)}},
            id="an outcome to take in",
        ),
        pytest.param({"endpoint": EndpointView("shared", "Failed")}, id="endpoint failed"),
    ],
)
def test_any_sign_ends_the_rest(changes) -> None:
    fleet, state, seen = asleep()
    assert not rests(fleet, fleet.models["m"], state.models["m"], replace(seen, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"min_copies": 1}, id="a floor"),
        pytest.param({"overrides": (Override(2**40, "launch", min_copies=1),)}, id="an override"),
        pytest.param({"overlays": (Override(2**40, "rollout", paused=True),)}, id="an overlay"),
        pytest.param({"group": "ensemble"}, id="a group"),
        pytest.param({"paused": True}, id="paused"),
        pytest.param({"observe": True}, id="observed"),
        pytest.param({"adapter_of": "base"}, id="an adapter"),
        pytest.param({"policy": TARGET_10, "objective": None}, id="another policy"),
    ],
)
def test_who_must_follow_something_else_does_not_rest(changes) -> None:
    fleet, state, seen = asleep()
    assert not rests(fleet, replace(fleet.models["m"], **changes), state.models["m"], seen)


def test_a_call_wakes_a_resting_model_at_once() -> None:
    fleet, state, seen = asleep()
    called = replace(seen, metrics={"m": (MetricMinute(seen.at_s - 120, refused=3.0),)})
    after, plan = decide(fleet, state, called, seen.at_s)
    assert [change.to_copies for change in plan.changes] == [1]
    assert after.models["m"].last_minute_s > state.models["m"].last_minute_s
