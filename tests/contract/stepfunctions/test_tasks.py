"""Threads that take turns: order, calls, ends, and what happens when one keeps the turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

import pytest

from icscaler_localcloud.clock import EventLoop, VirtualClock
from icscaler_localcloud.stepfunctions.tasks import Killed, Task, TaskHungError, Troupe


@pytest.fixture
def loop() -> EventLoop:
    return EventLoop(VirtualClock(0))


@pytest.fixture
def troupe(loop: EventLoop) -> Iterator[Troupe]:
    made = Troupe(loop)
    yield made
    made.close()


def test_waits_end_in_the_order_of_time_then_of_start(loop: EventLoop, troupe: Troupe) -> None:
    log: list[tuple[float, int]] = []

    def walk(pace_s: int) -> None:
        for _ in range(3):
            troupe.sleep(pace_s)
            log.append((loop.clock.now_s, pace_s))

    for pace_s in (2, 1, 2):
        troupe.start(lambda pace_s=pace_s: walk(pace_s), f"pace {pace_s}")
    loop.run_until(6)
    assert log == [(1, 1), (2, 2), (2, 2), (2, 1), (3, 1), (4, 2), (4, 2), (6, 2), (6, 2)]


def test_nothing_runs_before_time_passes_and_ready_work_runs_before_the_clock_moves(
    loop: EventLoop, troupe: Troupe
) -> None:
    seen: list[float] = []
    troupe.start(lambda: seen.append(loop.clock.now_s), "at once")
    assert seen == []
    loop.call_at(5, lambda: seen.append(-5.0))
    loop.run_until(5)
    assert seen == [0, -5]


def test_exactly_one_runs_at_a_time(loop: EventLoop, troupe: Troupe) -> None:
    running, most = 0, 0

    def work() -> None:
        nonlocal running, most
        for _ in range(50):
            running += 1
            most = max(most, running)
            sum(range(200))
            running -= 1
            troupe.call(lambda: None)

    for number in range(8):
        troupe.start(work, f"worker {number}")
    loop.run_until(1)
    assert most == 1


def test_calls_run_on_the_loops_side(loop: EventLoop, troupe: Troupe) -> None:
    threads: list[int] = []
    troupe.start(lambda: threads.append(troupe.call(threading.get_ident)), "caller")
    loop.run_until(1)
    assert threads == [threading.get_ident()]


def test_an_expected_error_of_a_call_is_the_tasks_business(loop: EventLoop, troupe: Troupe) -> None:
    caught: list[str] = []

    def refused() -> None:
        raise KeyError("refused")

    def work() -> None:
        try:
            troupe.call(refused, expected=(KeyError,))
        except KeyError as error:
            caught.append(str(error))

    troupe.start(work, "caller")
    loop.run_until(1)
    assert caught == ["'refused'"]


def test_an_unexpected_error_of_a_call_reaches_whoever_runs_the_loop(
    loop: EventLoop, troupe: Troupe
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug")

    troupe.start(lambda: troupe.call(broken, expected=(KeyError,)), "caller")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        loop.run_until(1)


def test_an_error_of_a_task_reaches_whoever_runs_the_loop(loop: EventLoop, troupe: Troupe) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug in a task")

    troupe.start(broken, "broken")
    with pytest.raises(ZeroDivisionError, match="a bug in a task"):
        loop.run_until(1)


def test_others_go_on_while_a_call_sleeps(loop: EventLoop, troupe: Troupe) -> None:
    log: list[tuple[str, float]] = []

    def slow() -> None:
        troupe.call(lambda: loop.sleep(10))
        log.append(("slow", loop.clock.now_s))

    def quick() -> None:
        troupe.sleep(3)
        log.append(("quick", loop.clock.now_s))

    troupe.start(slow, "slow")
    troupe.start(quick, "quick")
    loop.run_until(20)
    assert log == [("quick", 3), ("slow", 10)]


def test_a_deadline_strikes_a_wait_and_a_call(loop: EventLoop, troupe: Troupe) -> None:
    log: list[tuple[str, float]] = []

    def impatient(name: str, wait_s: float, *, in_call: bool) -> None:
        try:
            with troupe.deadline(5, TimeoutError()):
                if in_call:
                    troupe.call(lambda: loop.sleep(wait_s))
                else:
                    troupe.sleep(wait_s)
            log.append((name, loop.clock.now_s))
        except TimeoutError:
            log.append((f"{name} timed out", loop.clock.now_s))
        troupe.sleep(100)  # past every deadline: none strikes later

    troupe.start(lambda: impatient("in time", 4, in_call=False), "1")
    troupe.start(lambda: impatient("waiting", 6, in_call=False), "2")
    troupe.start(lambda: impatient("calling", 8, in_call=True), "3")
    loop.run_until(200)
    assert sorted(log) == [("calling timed out", 5), ("in time", 4), ("waiting timed out", 5)]


def test_killing_ends_a_task_and_all_it_started_where_they_wait(
    loop: EventLoop, troupe: Troupe
) -> None:
    ended: list[str] = []

    def wait(name: str) -> None:
        try:
            troupe.sleep(1000)
        except Killed:
            ended.append(name)
            raise

    def parent() -> None:
        troupe.start(lambda: wait("first child"), "first")
        troupe.start(lambda: wait("second child"), "second")
        wait("parent")

    task = troupe.start(parent, "parent")
    loop.run_until(1)
    troupe.kill([task])
    assert ended == ["second child", "first child", "parent"]
    assert not task.alive
    loop.run_until(2000)
    assert loop.clock.now_s == 2000


def test_a_task_may_be_killed_while_its_call_goes_on(loop: EventLoop, troupe: Troupe) -> None:
    after: list[str] = []

    def work() -> None:
        troupe.call(lambda: loop.sleep(10))
        after.append("went on")

    task = troupe.start(work, "caller")
    loop.call_at(5, lambda: troupe.kill([task]))
    loop.run_until(20)
    assert after == []
    assert not task.alive


def test_what_a_scope_started_ends_with_it(loop: EventLoop, troupe: Troupe) -> None:
    started: list[Task] = []

    def work() -> None:
        with troupe.scope():
            started.append(troupe.start(lambda: troupe.sleep(1000), "left over"))
            troupe.sleep(1)
        started.append(troupe.start(lambda: troupe.sleep(1000), "later"))
        troupe.sleep(1)

    troupe.start(work, "scoped")
    loop.run_until(10)
    assert [task.alive for task in started] == [False, True]
    troupe.close()  # also what outlives who started it
    assert [task.alive for task in started] == [False, False]


def test_waking_ends_a_wait_early(loop: EventLoop, troupe: Troupe) -> None:
    line: deque[Task] = deque()
    woken: list[tuple[bool, float]] = []
    for timeout_s in (10, 3, None):
        troupe.start(
            lambda timeout_s=timeout_s: woken.append(
                (troupe.park(line, timeout_s), loop.clock.now_s)
            ),
            "waiting",
        )
    loop.call_at(5, lambda: troupe.wake_all(line))
    loop.run_until(20)
    assert woken == [(False, 3), (True, 5), (True, 5)]


def test_a_task_that_keeps_the_turn_is_given_up_with_its_place(loop: EventLoop) -> None:
    troupe = Troupe(loop, guard_s=0.2)
    release = threading.Event()

    def hangs_for_real() -> None:
        release.wait(5)

    troupe.start(hangs_for_real, "a hanging task")
    with pytest.raises(TaskHungError, match="a hanging task") as caught:
        loop.run_until(1)
    assert "hangs_for_real" in str(caught.value)
    release.set()
    loop.run_until(2)
    troupe.close()


def test_threads_are_used_again_and_end_with_the_troupe(loop: EventLoop) -> None:
    before = threading.active_count()
    troupe = Troupe(loop)
    for number in range(50):
        troupe.start(lambda: None, f"short {number}")
        loop.run_until(loop.clock.now_s + 1)
    assert threading.active_count() == before + 1
    for number in range(20):
        troupe.start(lambda: troupe.sleep(1000), f"long {number}")
    loop.run_until(loop.clock.now_s + 1)
    assert threading.active_count() == before + 20
    troupe.close()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        troupe.start(lambda: None, "too late")
