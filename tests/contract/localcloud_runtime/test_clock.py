"""The event loop: order, repetition, sleeping."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from icscaler_localcloud.clock import EventLoop, VirtualClock, utc_text


@pytest.fixture
def loop() -> EventLoop:
    return EventLoop(VirtualClock(1000))


def test_timers_run_in_order_of_time_rank_and_scheduling(loop: EventLoop) -> None:
    ran: list[str] = []
    loop.call_at(1010, lambda: ran.append("aws first"))
    loop.call_at(1010, lambda: ran.append("aws second"))
    loop.call_at(1010, lambda: ran.append("traffic"), rank=0)
    loop.call_at(1005, lambda: ran.append("earlier"))
    loop.run_until(1010)
    assert ran == ["earlier", "traffic", "aws first", "aws second"]


def test_a_run_ends_at_its_time_and_leaves_later_timers(loop: EventLoop) -> None:
    ran: list[float] = []
    loop.call_in(30, lambda: ran.append(loop.clock.now_s))
    loop.run_until(1029.5)
    assert (ran, loop.clock.now_s, loop.next_at_s()) == ([], 1029.5, 1030)
    loop.run_until(1031)
    assert (ran, loop.clock.now_s) == ([1030], 1031)


def test_time_never_goes_back(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="cannot run to 999"):
        loop.run_until(999)
    with pytest.raises(ValueError, match="cannot go back"):
        loop.clock.advance_to(999)


def test_a_cancelled_timer_does_not_run(loop: EventLoop) -> None:
    timer = loop.call_in(1, lambda: pytest.fail("ran although cancelled"))
    timer.cancel()
    loop.run_until(2000)


def test_a_repetition_does_not_drift_and_may_cancel_itself(loop: EventLoop) -> None:
    ran: list[float] = []

    def callback() -> None:
        ran.append(loop.clock.now_s)
        loop.sleep(7)
        if len(ran) == 3:
            recurring.cancel()

    recurring = loop.every(10, callback, first_s=1010)
    loop.run_until(1100)
    assert ran == [1010, 1020, 1030]


def test_what_is_due_runs_while_another_sleeps(loop: EventLoop) -> None:
    ran: list[tuple[str, float]] = []

    def sleeper() -> None:
        ran.append(("asleep", loop.clock.now_s))
        loop.sleep(10)
        ran.append(("awake", loop.clock.now_s))

    loop.call_at(1001, sleeper)
    loop.call_at(1005, lambda: ran.append(("other", loop.clock.now_s)))
    loop.run_until(1020)
    assert ran == [("asleep", 1001), ("other", 1005), ("awake", 1011)]


def test_sleeping_without_end_in_sight_only_moves_the_clock(loop: EventLoop) -> None:
    def sleeper() -> None:
        loop.call_in(1, sleeper)
        loop.sleep(2)

    loop.call_in(1, sleeper)
    loop.run_until(1200)  # would exhaust the stack if every sleep ran others
    assert loop.clock.now_s >= 1200


def test_after_step_hooks_run_outside_sleeps_only(loop: EventLoop) -> None:
    steps: list[float] = []
    loop.after_step(lambda: steps.append(loop.clock.now_s))
    loop.call_at(1001, lambda: loop.sleep(10))
    loop.call_at(1005, lambda: None)
    loop.run_until(1020)
    assert steps == [1011]


def test_event_times_are_whole_seconds_in_utc() -> None:
    at_s = datetime(2026, 6, 1, 9, 30, tzinfo=UTC).timestamp() + 0.75
    assert utc_text(at_s) == "2026-06-01T09:30:00Z"
