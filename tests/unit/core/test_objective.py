"""Models with an objective in `decide`: reasons, missing data, and who gives way in a shortage."""

from dataclasses import replace
from itertools import pairwise
from math import sqrt

import pytest

from icscaler.decide import decide
from icscaler.entities import EndpointState, MetricMinute, ModelConfig, Objective, Plan
from icscaler.invariants import Look, check
from icscaler.reasons import Reason
from tests.unit.core.build import T0, config, model, snapshot, view

SERVICE_S = 2.0


def ours(name: str = "m", **keys) -> ModelConfig:
    keys = {"max_copies": 20, "concurrent_requests_per_copy": 10, **keys}
    return model(name, **{"policy": None, "objective": Objective(), **keys})


class Stage:
    """An endpoint whose copies come at once, looked at every minute."""

    def __init__(self, *models: ModelConfig, instances: int = 8, price: float = 30.0) -> None:
        self.config = config(*models, price=price)
        self.instances = instances
        self.state = EndpointState()
        self.copies = dict.fromkeys(self.config.models, 0)
        self.history: dict[str, list[MetricMinute]] = {name: [] for name in self.copies}
        self.at_s = T0 // 60 * 60
        self.plans: list[Plan] = []

    def play(self, minutes: int, silent: bool = False, **loads: float) -> Plan:
        for _ in range(minutes):
            self.at_s += 60
            for name, copies in self.copies.items():
                minute = self._minute(loads.get(name, 0.0), copies)
                self.history[name].append(MetricMinute(minute.at_s) if silent else minute)
            self._look()
        return self.plans[-1]

    def _minute(self, load: float, copies: int) -> MetricMinute:
        at_s, requests = self.at_s - 60, load * 60 / SERVICE_S
        if not copies:
            return MetricMinute(at_s, refused=requests or None)
        if not load:
            return MetricMinute(at_s, heartbeat=True)
        each = load / copies
        # What is published is the peak of a number that fluctuates around its mean.
        return MetricMinute(at_s, requests, each + 3 * sqrt(each), None, True, SERVICE_S)

    def _look(self) -> None:
        seen = snapshot(
            self.at_s,
            *(view(name, copies, last_modified_s=0) for name, copies in self.copies.items()),
            instances=self.instances,
            metrics={name: tuple(minutes[-20:]) for name, minutes in self.history.items()},
            removal_allowance=100,
        )
        after, plan = decide(self.config, self.state, seen, self.at_s)
        assert check(Look(self.config, self.state, seen, after, plan), decide) == []
        self.state = after
        self.plans.append(plan)
        self.copies |= {change.component: change.to_copies for change in plan.changes}


def reasons(plan: Plan, name: str = "m") -> list[Reason]:
    return [step.reason for step in plan.decisions[name].steps]


def test_a_call_wakes_load_adds_and_silence_removes() -> None:
    stage = Stage(ours(), price=300.0)
    assert stage.play(20).decisions["m"].desired_copies == 0
    woken = stage.play(1, m=3.0)
    assert reasons(woken)[0] is Reason.WOKEN_BY_REFUSED_REQUEST
    assert stage.copies["m"] == 1
    stage.play(30, m=35.0)
    # The fourth would save 150 requests a minute, and a GPU-minute must save 300.
    assert stage.copies["m"] == 3
    stage.play(600)
    assert stage.copies["m"] == 0
    last = next(plan for plan in reversed(stage.plans) if plan.changes)
    assert reasons(last)[0] is Reason.NOT_WORTH_ITS_GPUS


def test_unknown_minutes_hold_what_is_there() -> None:
    stage = Stage(ours(), price=3000.0)
    stage.play(60, m=35.0)
    before = stage.copies["m"]
    stage.play(120, silent=True)
    assert stage.copies["m"] == before


def test_one_caller_who_retries_every_second_gets_one_copy() -> None:
    stage = Stage(ours())
    stage.play(1, m=2.0)
    assert stage.copies["m"] == 1
    stage = Stage(ours())
    for _ in range(20):
        stage.copies["m"] = 0  # it never comes into service
        stage.play(1, m=40.0)
        assert stage.copies["m"] == 1


@pytest.fixture(scope="module")
def short() -> Stage:
    """Three classes that each want eight copies, on two instances of eight GPUs."""
    stage = Stage(
        ours("batch", worth=1.0, class_name="batch"),
        ours("inline", worth=100.0, class_name="critical", min_copies=1, protected=True),
        ours("chat", worth=10.0),
        instances=2,
    )
    stage.play(90, batch=60.0, inline=60.0, chat=60.0)
    return stage


def test_in_a_shortage_classes_give_way_in_their_order(short: Stage) -> None:
    copies = short.copies
    assert copies["inline"] >= 6
    assert copies["inline"] >= copies["chat"] >= copies["batch"]
    assert sum(copies.values()) == 16
    plan = short.plans[-1]
    assert Reason.DISPLACED in reasons(plan, "batch")
    assert plan.gpu_price > 0


def test_at_constant_demand_nothing_goes_to_and_fro(short: Stage) -> None:
    counts: dict[str, list[int]] = {name: [] for name in short.copies}
    for _ in range(60):
        short.play(1, batch=60.0, inline=60.0, chat=60.0)
        for name, copies in short.copies.items():
            counts[name].append(copies)
    for name, row in counts.items():
        moves = [b - a for a, b in pairwise(row) if a != b]
        turns = sum(a * b < 0 for a, b in pairwise(moves))
        assert turns <= 1, (name, row)


def test_both_kinds_of_policy_share_an_endpoint() -> None:
    tracked = model("tracked", max_copies=20, worth=10.0)
    stage = Stage(ours("learned"), tracked, instances=1)
    stage.play(60, learned=60.0, tracked=60.0)
    assert sum(stage.copies.values()) == 8
    assert min(stage.copies.values()) >= 1


def test_the_price_is_what_a_gpu_minute_must_save() -> None:
    def held(price: float) -> int:
        stage = Stage(ours(), price=price)
        total = 0
        for _ in range(8):
            for load in (55.0, 5.0):
                for _ in range(40):
                    stage.play(1, m=load)
                    total += stage.copies["m"]
        return total

    assert held(1.0) > held(3000.0)


def test_a_memory_of_other_rules_is_begun_anew() -> None:
    stage = Stage(ours())
    stage.play(30, m=35.0)
    known = stage.state.models["m"]
    assert known.tournament is not None
    other = replace(known, tournament=replace(known.tournament, version=99))
    stage.state = replace(stage.state, models={"m": other})
    stage.play(3, m=35.0)
    learned = stage.state.models["m"].tournament
    assert learned is not None
    assert learned.version != 99
    assert stage.copies["m"] >= 3
