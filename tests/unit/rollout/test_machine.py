"""The next move of a rollout follows from its record alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from icscaler.rollout.entities import Control, Job, JobPhase, Plan, Rollout, Status, Wave
from icscaler.rollout.machine import (
    LOST_AFTER_S,
    MAX_ATTEMPTS,
    START_AGAIN_S,
    gate_passed,
    next_move,
    started,
    turned_back,
)
from icscaler.rollout.plan import make_plan
from icscaler.rollout.room import NOTHING_NEEDED
from tests.unit.rollout.sights import AT_S, component, request, sight

NOBODY = Control()


def begin(
    *waves: str, approve: tuple[int, ...] = (), **asked: Any
) -> tuple[Rollout, dict[str, Job]]:
    """A rollout of waves like "a b": components named x1 are on endpoint x."""
    names = [name for wave in waves for name in wave.split()]
    found = sight(*(component(name, endpoint=name[0]) for name in names))
    wanted = request(*names, **asked)
    steps = make_plan(wanted, found).steps
    built = tuple(
        Wave(tuple(wave.split()), NOTHING_NEEDED, 0, 0, number in approve)
        for number, wave in enumerate(waves, start=1)
    )
    jobs = {name: Job(name, name[0], steps[name]) for name in names}
    return Rollout(wanted, Plan(built, {}), started_s=AT_S), jobs


def run(jobs: dict[str, Job], *names: str) -> None:
    for name in names:
        jobs[name] = replace(started(jobs[name], AT_S), heard_s=AT_S, due_s=AT_S)


def end(jobs: dict[str, Job], phase: JobPhase, *names: str) -> None:
    for order, name in enumerate(names):
        ended_s = AT_S + order
        jobs[name] = replace(jobs[name], phase=phase, attempt=1, ended_s=ended_s, reason="why")


def test_one_at_a_time_on_each_endpoint_and_so_many_in_all() -> None:
    rollout, jobs = begin("a1 a2 b1 c1", parallel=2)
    _, move = next_move(rollout, jobs, NOBODY, AT_S)
    assert (move.kind, move.components) == ("start", ("a1", "b1"))
    run(jobs, "a1", "b1")
    _, move = next_move(rollout, jobs, NOBODY, AT_S)
    assert move.kind == "wait"
    end(jobs, JobPhase.UPDATED, "b1")
    assert next_move(rollout, jobs, NOBODY, AT_S)[1].components == ("c1",)


def test_the_gate_follows_when_the_whole_wave_is_updated() -> None:
    rollout, jobs = begin("a1", "a2")
    end(jobs, JobPhase.UPDATED, "a1")
    baking, move = next_move(rollout, jobs, NOBODY, AT_S)
    assert (baking.status, baking.bake_from_s, move.kind) == (Status.BAKING, AT_S, "gate")
    following = gate_passed(baking, AT_S + 300)
    assert (following.status, following.wave) == (Status.RUNNING, 1)
    assert next_move(following, jobs, NOBODY, AT_S)[1].components == ("a2",)
    end(jobs, JobPhase.UPDATED, "a2")
    done = gate_passed(next_move(following, jobs, NOBODY, AT_S)[0], AT_S)
    assert next_move(done, jobs, NOBODY, AT_S)[1].kind == "finish"
    assert done.status is Status.COMPLETED


@pytest.mark.parametrize("phase", [JobPhase.UNTOUCHED, JobPhase.RESTORED, JobPhase.DIRTY], ids=str)
def test_a_failure_lets_the_running_ones_end_and_then_rolls_back(phase: JobPhase) -> None:
    rollout, jobs = begin("a1 b1 c1")
    run(jobs, "b1")
    end(jobs, phase, "a1")
    stopping, move = next_move(rollout, jobs, NOBODY, AT_S)
    assert (move.kind, stopping.status) == ("wait", Status.RUNNING)
    end(jobs, JobPhase.UPDATED, "b1")
    back, move = next_move(stopping, jobs, NOBODY, AT_S)
    assert back.status is Status.ROLLING_BACK
    assert set(move.components) == {"b1"} | ({"a1"} if phase is JobPhase.DIRTY else set())


def test_back_in_reverse_order_and_paced() -> None:
    rollout, jobs = begin("a1", "a2", "a3")
    end(jobs, JobPhase.UPDATED, "a1", "a2", "a3")
    order = []
    control = Control(aborted=True, by="ada", reason="no")
    for _ in range(3):
        rollout, move = next_move(rollout, jobs, control, AT_S)
        (name,) = move.components
        order.append(name)
        jobs[name] = started(turned_back(jobs[name], AT_S), AT_S)
        jobs[name] = replace(jobs[name], heard_s=AT_S, due_s=AT_S)
        assert next_move(rollout, jobs, control, AT_S)[1].kind == "wait"
        end(jobs, JobPhase.ROLLED_BACK, name)
    rollout, move = next_move(rollout, jobs, control, AT_S)
    assert (order, move.kind, rollout.status) == (["a3", "a2", "a1"], "finish", Status.ROLLED_BACK)
    assert "aborted by ada: no" in rollout.reason


def test_what_could_not_be_rolled_back_is_said() -> None:
    rollout, jobs = begin("a1 b1")
    end(jobs, JobPhase.STUCK, "a1")
    end(jobs, JobPhase.ROLLED_BACK, "b1")
    rollout, move = next_move(replace(rollout, status=Status.ROLLING_BACK), jobs, NOBODY, AT_S)
    assert (rollout.status, move.kind) == (Status.STUCK, "finish")
    assert rollout.log[-1].text == "could not be rolled back: a1"


def test_approval_is_asked_for_once_and_its_time_runs() -> None:
    rollout, jobs = begin("a1", approve=(1,), approval_expires_s=600)
    asked, move = next_move(rollout, jobs, NOBODY, AT_S)
    assert (move.kind, move.expires_s) == ("ask", 600)
    again, move = next_move(asked, jobs, NOBODY, AT_S + 200)
    assert (again, move.expires_s) == (asked, 400)
    approved, move = next_move(asked, jobs, Control(approved=(1,)), AT_S + 300)
    assert (move.kind, approved.status) == ("start", Status.RUNNING)


def test_pause_acts_between_components() -> None:
    rollout, jobs = begin("a1 a2")
    run(jobs, "a1")
    paused = Control(paused=True)
    assert next_move(rollout, jobs, paused, AT_S)[1].kind == "wait"
    end(jobs, JobPhase.UPDATED, "a1")
    waiting, move = next_move(rollout, jobs, paused, AT_S)
    assert (waiting.status, move.kind) == (Status.PAUSED, "ask")
    assert next_move(waiting, jobs, NOBODY, AT_S)[1].components == ("a2",)


def test_a_lost_start_is_repeated_under_the_same_name_a_lost_execution_under_the_next() -> None:
    rollout, jobs = begin("a1")
    jobs["a1"] = started(jobs["a1"], AT_S)
    assert next_move(rollout, jobs, NOBODY, AT_S + START_AGAIN_S - 1)[1].kind == "wait"
    at_s = AT_S + START_AGAIN_S
    assert next_move(rollout, jobs, NOBODY, at_s)[1].components == ("a1",)
    assert started(jobs["a1"], at_s) == jobs["a1"]
    heard = replace(jobs["a1"], heard_s=AT_S, due_s=AT_S + 30)
    lost_s = AT_S + 30 + LOST_AFTER_S
    assert next_move(rollout, {"a1": heard}, NOBODY, lost_s - 1)[1].kind == "wait"
    assert next_move(rollout, {"a1": heard}, NOBODY, lost_s)[1].components == ("a1",)
    assert started(heard, lost_s).attempt == 2


@pytest.mark.parametrize(
    ("direction", "sent", "phase"),
    [
        ("forward", None, JobPhase.UNTOUCHED),
        ("forward", AT_S, JobPhase.DIRTY),
        ("back", AT_S, JobPhase.STUCK),
    ],
)
def test_attempts_are_bounded(direction: Any, sent: int | None, phase: JobPhase) -> None:
    _, jobs = begin("a1")
    job = replace(
        jobs["a1"],
        attempt=MAX_ATTEMPTS,
        direction=direction,
        update_sent_s=sent,
        started_s=AT_S,
        heard_s=AT_S,
        due_s=AT_S,
    )
    assert started(job, AT_S + LOST_AFTER_S).phase is phase


def test_deciding_again_changes_nothing() -> None:
    rollout, jobs = begin("a1", approve=(1,))
    first = next_move(rollout, jobs, NOBODY, AT_S)
    assert next_move(first[0], jobs, NOBODY, AT_S) == first
    done = replace(rollout, status=Status.COMPLETED)
    assert next_move(done, jobs, Control(aborted=True), AT_S)[0] == done
