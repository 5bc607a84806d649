"""The words of docs/simulate.md on cases whose answer is known by hand.

One model `a` of two GPUs; ten requests at once a copy, two seconds each: five a second. Whoever
decides is the test itself.
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from icscaler_sim.scoring import ModelScore
from icscaler_sim.simulate.book import Book
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.traces import CopyShape
from icscaler_sim.world import ServiceProfile, World, WorldSettings
from tests.unit.simulate.builders import PRICES, PROFILE, START_S, fleet, model

GPUS = 2


class Run:
    """A world with so many copies of `a`, and the book that judges it from second 0."""

    def __init__(self, copies: int, profile: ServiceProfile = PROFILE) -> None:
        members = fleet(model("a", gpus=GPUS), profile=profile)
        self.fleet: Fleet = replace(members, shapes={"a": CopyShape(GPUS, profile)})
        settings = WorldSettings(emit_10s=False)
        self.world: World = set_stage(self.fleet, {"a": copies}, START_S, seed=5, settings=settings)
        self.book = Book(self.world, self.fleet)

    def call(self, at_s: int, requests: int, for_s: int = 60) -> None:
        self.until(at_s)
        self.world.arrive("a", requests, START_S + at_s, START_S + at_s + for_s)

    def until(self, at_s: float) -> None:
        """The book looks every ten minutes, as in a run."""
        while self.world.now_s - START_S < at_s:
            step_s = 600 - (self.world.now_s - START_S) % 600
            self.world.advance(min(START_S + at_s, self.world.now_s + step_s))
            if (self.world.now_s - START_S) % 600 == 0:
                self.book.sample()

    def order(self, at_s: int, copies: int) -> None:
        self.until(at_s)
        self.world.set_copies("a", copies)

    def ready_at(self, copies: int) -> float:
        """When so many copies are ready, in seconds of the traffic, to the second."""
        while self.world.component("a").current_copies != copies:
            self.until(self.world.now_s - START_S + 1)
        return self.world.now_s - START_S

    def score(self, end_s: int) -> ModelScore:
        self.until(end_s)
        self.book.close()
        self.world.advance(START_S + end_s + 120)
        [found] = self.book.models({})
        return found


UNTIL_FULL = 20 * math.log(2)
"""Requests until all ten slots are taken, at ten a second that take two seconds (mean) each."""


@pytest.mark.parametrize(
    ("limit_s", "in_time"),
    [
        (None, UNTIL_FULL + 300),
        (30.0, UNTIL_FULL + 300),
        (5.0, UNTIL_FULL + 50),
        (10.0, UNTIL_FULL + 100),
        (80.0, 600),
    ],
)
def test_in_time_is_begun_within_the_limit_and_late_what_is_served_after(
    limit_s: float | None, in_time: float
) -> None:
    """Ten a second come, five are served: who comes t seconds after all are busy waits t."""
    run = Run(1, replace(PROFILE, patience_s=90.0, in_time_s=limit_s))
    run.call(60, 600)
    found = run.score(600).requests
    assert found.in_time == pytest.approx(in_time, abs=1.5)
    assert (found.total, found.refused) == (600, 0)
    assert found.late == 600 - found.in_time


def test_who_gives_up_is_refused() -> None:
    run = Run(1)  # patience 30 s
    run.call(60, 600)
    found = run.score(600).requests
    assert found.late == 0
    assert found.in_time == pytest.approx(UNTIL_FULL / 2 + 5 * 60 + 5 * 30, abs=4)
    assert found.refused == 600 - found.in_time


def test_every_arrival_at_zero_copies_is_refused() -> None:
    run = Run(0)
    run.call(60, 7)
    found = run.score(600)
    assert (found.requests.total, found.requests.refused) == (7, 7)
    assert found.gpu_hours == 0


def test_gpus_count_from_order_to_removal_within_the_period() -> None:
    run = Run(1)
    run.order(600, 2)
    ready_s = run.ready_at(2)
    run.order(2400, 1)
    gone_s = run.ready_at(1)
    found = run.score(3600)
    assert ready_s > 600 + 60
    # One copy all the hour, before and after it for free; the other from its order on.
    held_s = 3600 + (gone_s - 600)
    assert found.gpu_hours * 3600 == pytest.approx(GPUS * held_s, abs=GPUS * 45)
    assert found.starts == 1
    held, _ = run.book.timelines()
    assert sum(held["a"]) * 600 * GPUS / 3600 == pytest.approx(found.gpu_hours)


def test_instances_are_billed_whole_and_only_within_the_period() -> None:
    run = Run(1)
    run.score(3600)
    bill = run.book.bills(PRICES).on_reference
    assert bill.instance_hours == pytest.approx(1.0)
    assert bill.instance_gpu_hours == pytest.approx(8.0)
    assert bill.dollars == pytest.approx(PRICES.get("ml.p4d.24xlarge").usd_per_hour)


def test_cold_minutes_are_minutes_in_which_somebody_met_no_copy() -> None:
    run = Run(0)
    run.call(180, 500)
    run.call(240, 1)
    run.call(660, 2, for_s=10)
    assert run.score(3600).cold_minutes == 3


def test_warm_minutes_are_not_cold_however_many_are_lost() -> None:
    run = Run(1)
    run.call(0, 6000)
    found = run.score(600)
    assert found.requests.refused > 5000
    assert found.cold_minutes == 0


def test_a_wake_runs_from_the_first_refusal_until_a_copy_can_answer() -> None:
    run = Run(0)
    run.call(60, 2, for_s=20)  # at seconds 65 and 75
    run.order(200, 1)
    ready_s = run.ready_at(1)
    run.call(int(ready_s) + 60, 10)
    found = run.score(1800)
    [wake] = run.book.wakes({})
    assert wake.first_refused_s - START_S == pytest.approx(65, abs=6)
    assert wake.took_s == pytest.approx(ready_s - 65, abs=6)
    assert wake.start_s == pytest.approx(ready_s - 200, abs=2)
    assert found.requests.in_time == 10
    assert not found.never_woken


def test_called_and_never_woken() -> None:
    early, late = Run(0), Run(0)
    early.call(600, 3)
    late.call(3000, 3)
    assert early.score(3600).never_woken
    # Nobody can be blamed for what was asked for in the last half hour.
    assert not late.score(3600).never_woken


@pytest.mark.parametrize(("after_s", "young"), [(540, 1), (660, 0)])
def test_a_young_kill_is_a_removal_within_ten_minutes_of_being_ready(
    after_s: int, young: int
) -> None:
    run = Run(1)
    run.order(60, 2)
    ready_s = run.ready_at(2)
    run.order(int(ready_s) + after_s, 1)
    run.ready_at(1)
    assert run.score(3600).young_kills == young


def test_lost_requests_stand_in_the_step_in_which_they_were_lost() -> None:
    run = Run(0)
    run.call(660, 4)
    run.call(1860, 6)
    run.score(3600)
    _, lost = run.book.timelines()
    assert lost["a"] == [0, 4, 0, 6, 0, 0]
