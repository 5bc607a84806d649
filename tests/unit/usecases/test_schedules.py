"""Schedules through looks: ready by the start, explained, replayable, over afterwards."""

from icscaler.adapters.codec import encode, read_look
from icscaler.bounds import START_UP_PRIOR_S
from icscaler.config.cron import parse_cron
from icscaler.config.zones import zone
from icscaler.entities import Objective
from icscaler.guards import LOOK_S, Case
from icscaler.learned import StartTimes
from icscaler.reconcile import replay
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import UTC
from tests.contract.adapters.values import model_state
from tests.unit.core.build import T0, config, model, snapshot, view
from tests.unit.usecases.desk import Desk

# T0 is 2027-01-15 08:00 UTC, a Friday: 09:00 in Berlin.
OFFICE = Schedule(
    "office-hours",
    "Europe/Berlin",
    parse_cron("30 9 * * mon-fri"),
    parse_cron("30 10 * * *"),
    min_copies=2,
    ready_by_start=True,
)


def scheduled():
    return config(
        model(schedules=("office-hours",)),
        schedules={"office-hours": OFFICE},
        zones={"Europe/Berlin": zone("Europe/Berlin")},
    )


def test_learned_start_ups_are_what_it_begins_earlier_by() -> None:
    state = model_state()
    state.starts = StartTimes(total_s=(200,) * 12)
    begin_s = T0 + 1800 - 200 - LOOK_S
    floors = [
        Case(scheduled(), scheduled().models["m"], state, snapshot(at_s), 1, 1).floor
        for at_s in (begin_s - 1, begin_s)
    ]
    assert floors == [0, 2]


def test_a_floor_is_ready_by_the_start_and_ends_with_the_window() -> None:
    desk = Desk(scheduled())
    desk.endpoints.add(desk.endpoints.endpoints["shared"], view("m", 0))
    copies = {}
    for _ in range(180):
        outcome = desk.tick(0.0)
        copies[desk.at_s] = desk.copies()
        if outcome.plan.changes:
            kept = desk.store.snapshot("shared", desk.at_s)
            assert encode(replay(read_look(kept.payload))) == encode(outcome.plan)
    start_s, end_s = T0 + 1800, T0 + 5400
    (first, *_) = [at_s for at_s, count in copies.items() if count]
    assert first == start_s - START_UP_PRIOR_S - LOOK_S
    assert all(copies[at_s] == 2 for at_s in copies if first <= at_s < end_s)
    assert copies[desk.at_s] == 0
    (woken, *_) = desk.store.records("shared", 0, desk.at_s + 1)
    assert woken.steps == ("Idle 0", "Schedule 2 by office-hours")


def test_during_a_window_requests_may_be_worth_more() -> None:
    def copies(worth: float | None) -> int:
        launch = Schedule("launch", "UTC", from_s=T0, until_s=T0 + 86_400, request_worth=worth)
        wished = model(
            policy=None,
            objective=Objective(),
            concurrent_requests_per_copy=10,
            schedules=("launch",),
        )
        desk = Desk(config(wished, schedules={"launch": launch}, zones={"UTC": UTC}))
        loads = [35.0 if minute % 30 < 3 else 2.0 for minute in range(60)]
        return sum(desk.tick(load).plan.decisions["m"].recommended_copies for load in loads)

    assert copies(1000.0) > copies(None)
