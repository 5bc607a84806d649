"""The next move of a rolling update: what its execution does now, from its record alone.

Level-triggered like a look: the same record gives the same move whatever happened in between, so a
crash, a repeated step and a second execution cost time only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from icscaler.rollout.entities import (
    FINISHED,
    Control,
    Entry,
    Job,
    JobPhase,
    Request,
    Rollout,
    Status,
)

# A started execution that was not heard of for so long after its next step was due is gone.
LOST_AFTER_S = 600
# Starting is asked for again when nothing was heard this long after: the first may have been lost.
START_AGAIN_S = 60
MAX_ATTEMPTS = 3
GATE_EVERY_S = 60
# Pauses grow with the time the rollout has taken, so that the longest stays below 25,000 events.
PAUSE_S = (15, 120)
PAUSES_PER_ELAPSED = 60


@dataclass(frozen=True, slots=True)
class Move:
    """What to do: `start` components, `wait`, look at the `gate`, `ask` a person, `await` the time
    to start, `plan` when it has come, or `finish`."""

    kind: Literal["start", "wait", "gate", "ask", "await", "plan", "finish"]
    components: tuple[str, ...] = ()
    wait_s: int = 0
    question: str = ""
    expires_s: int = 0


def next_move(
    rollout: Rollout, jobs: Mapping[str, Job], control: Control, at_s: int
) -> tuple[Rollout, Move]:
    """The rollout after this moment, and its move. The inputs are not modified."""
    if rollout.status in FINISHED:
        return rollout, Move("finish")
    running = [job for job in jobs.values() if is_running(job)]
    if rollout.status is Status.ROLLING_BACK:
        return _roll_back_on(rollout, jobs, running, at_s)
    why = _why_back(rollout, jobs, control)
    if why:
        if running:
            stopping = replace(rollout, reason=why)
            again = [job.component for job in running if must_start_again(job, at_s)]
            move = Move("start", tuple(again)) if again else _pause(rollout, at_s)
            return stopping, move
        return _begin_rollback(rollout, jobs, why, at_s)
    if rollout.status is Status.SCHEDULED:
        left_s = (rollout.starts_s or 0) - at_s
        return rollout, Move("await", expires_s=left_s) if left_s > 0 else Move("plan")
    if rollout.status is Status.BAKING:
        return rollout, Move("gate", wait_s=GATE_EVERY_S)
    return _forward(rollout, jobs, running, control, at_s)


def is_running(job: Job) -> bool:
    """Whether an execution works on it, or should."""
    return job.attempt > 0 and not job.ended


def _why_back(rollout: Rollout, jobs: Mapping[str, Job], control: Control) -> str:
    if control.aborted:
        return f"aborted by {control.by or 'somebody'}: {control.reason or 'no reason given'}"
    if rollout.reason:
        return rollout.reason
    for job in jobs.values():
        if job.ended and job.phase is not JobPhase.UPDATED:
            return f"{job.component}: {job.phase}: {job.reason}"
    return ""


def _forward(
    rollout: Rollout,
    jobs: Mapping[str, Job],
    running: list[Job],
    control: Control,
    at_s: int,
) -> tuple[Rollout, Move]:
    wave = rollout.plan.waves[rollout.wave]
    if control.paused and not running:
        return _ask(rollout, Status.PAUSED, "resume", rollout.request.approval_expires_s, at_s)
    number = rollout.wave + 1
    if wave.needs_approval and number not in {*rollout.approved, *control.approved}:
        question = f"approve wave {number}"
        expires_s = rollout.request.approval_expires_s
        return _ask(rollout, Status.WAITING_FOR_APPROVAL, question, expires_s, at_s)
    started_s = rollout.wave_started_s if rollout.wave_started_s is not None else at_s
    rollout = replace(rollout, status=Status.RUNNING, asked_s=None, wave_started_s=started_s)
    start = [] if control.paused else _startable(rollout, jobs, wave.components, at_s)
    if start:
        return rollout, Move("start", tuple(start))
    if all(jobs[name].phase is JobPhase.UPDATED for name in wave.components):
        baking = replace(rollout, status=Status.BAKING, bake_from_s=at_s)
        return logged(baking, at_s, "Baking", f"wave {number}"), Move("gate", wait_s=GATE_EVERY_S)
    return rollout, _pause(rollout, at_s)


def _ask(
    rollout: Rollout, status: Status, question: str, expires_s: int, at_s: int
) -> tuple[Rollout, Move]:
    if rollout.status is not status:
        rollout = logged(replace(rollout, status=status, asked_s=at_s), at_s, str(status))
    left_s = max(1, (rollout.asked_s or at_s) + expires_s - at_s)
    return rollout, Move("ask", question=question, expires_s=left_s)


def _startable(
    rollout: Rollout, jobs: Mapping[str, Job], names: tuple[str, ...], at_s: int
) -> list[str]:
    """Those that may be started now, or whose start was lost, in the wave's order."""
    chosen: list[str] = []
    lanes = _Lanes(rollout.request, [job for job in jobs.values() if is_running(job)])
    for name in names:
        job = jobs[name]
        if is_running(job):
            if must_start_again(job, at_s):
                chosen.append(name)
        elif not job.ended and _base_is_done(job, jobs) and lanes.take(job.endpoint):
            chosen.append(name)
    return chosen


class _Lanes:
    """How many components are worked on side by side, in all and on each endpoint."""

    def __init__(self, request: Request, running: Iterable[Job]) -> None:
        self._request = request
        self._busy = Counter(job.endpoint for job in running)

    def take(self, endpoint: str) -> bool:
        """Whether one more may be, which then is."""
        free = (
            self._busy.total() < self._request.parallel
            and self._busy[endpoint] < self._request.parallel_per_endpoint
        )
        self._busy[endpoint] += free
        return free


def _base_is_done(job: Job, jobs: Mapping[str, Job]) -> bool:
    """An adapter waits for its base."""
    bases = [other for other in jobs.values() if job.component in other.step.adapters]
    return all(base.ended for base in bases)


def must_start_again(job: Job, at_s: int) -> bool:
    """Whether a start was lost (the same execution again), or the execution itself."""
    if job.heard_s is None:
        return at_s - (job.started_s or at_s) >= START_AGAIN_S
    return is_lost(job, at_s)


def is_lost(job: Job, at_s: int) -> bool:
    """Whether its execution is gone: its next step is long overdue."""
    due_s = job.due_s if job.due_s is not None else job.started_s
    return due_s is not None and at_s - due_s >= LOST_AFTER_S


def started(job: Job, at_s: int) -> Job:
    """The job when its execution is started, again under the same attempt if that was not heard."""
    if is_running(job) and job.heard_s is None and not is_lost(job, at_s):
        return job
    if job.attempt >= MAX_ATTEMPTS and is_running(job):
        end = JobPhase.UNTOUCHED if job.update_sent_s is None else JobPhase.DIRTY
        end = JobPhase.STUCK if job.direction == "back" else end
        text = "its executions ended without a word"
        return replace(job, phase=end, reason=text, ended_s=at_s)
    return replace(
        job, attempt=job.attempt + 1, started_s=at_s, heard_s=None, due_s=None, deadline_s=None
    )


# ---------------------------------------------------------------- back


def _begin_rollback(
    rollout: Rollout, jobs: Mapping[str, Job], why: str, at_s: int
) -> tuple[Rollout, Move]:
    back = replace(rollout, status=Status.ROLLING_BACK, reason=why)
    return _roll_back_on(logged(back, at_s, "RollingBack", why), jobs, [], at_s)


def to_roll_back(jobs: Mapping[str, Job]) -> list[Job]:
    """What has the new version, or may have it: the newest first, adapters before their base."""
    touched = [job for job in jobs.values() if job.phase in (JobPhase.UPDATED, JobPhase.DIRTY)]
    return sorted(touched, key=lambda job: (-(job.ended_s or 0), not job.step.adapter))


def _roll_back_on(
    rollout: Rollout, jobs: Mapping[str, Job], running: list[Job], at_s: int
) -> tuple[Rollout, Move]:
    again = [job.component for job in running if must_start_again(job, at_s)]
    if again:
        return rollout, Move("start", tuple(again))
    left = to_roll_back(jobs)
    if left:
        start = _next_back(rollout, left, running)
        if start:
            return rollout, Move("start", tuple(start))
    if running:
        return rollout, _pause(rollout, at_s)
    stuck = sorted(job.component for job in jobs.values() if job.phase is JobPhase.STUCK)
    status = Status.STUCK if stuck else Status.ROLLED_BACK
    text = f"could not be rolled back: {', '.join(stuck)}" if stuck else rollout.reason
    ended = replace(rollout, status=status, ended_s=at_s)
    return logged(ended, at_s, str(status), text), Move("finish")


def _next_back(rollout: Rollout, left: list[Job], running: list[Job]) -> list[str]:
    """The next ones in reverse order, side by side only as the update was."""
    lanes = _Lanes(rollout.request, running)
    return [job.component for job in left if lanes.take(job.endpoint)]


def turned_back(job: Job, at_s: int) -> Job:
    """The job of a component that is to get its old version again."""
    return replace(
        job,
        phase=JobPhase.WAITING,
        direction="back",
        attempt=0,
        failures=0,
        held_s=None,
        update_sent_s=None,
        abort_sent_s=None,
        deadline_s=None,
        ended_s=None,
        copies_before=0 if job.woken else None,
        woken=False,
        put_back=False,
        batch_copies=None,
        log=(*job.log, Entry(at_s, "RollingBack", job.reason)),
    )


# ---------------------------------------------------------------- shared


def _pause(rollout: Rollout, at_s: int) -> Move:
    least, most = PAUSE_S
    wait_s = min(max(least, (at_s - rollout.started_s) // PAUSES_PER_ELAPSED), most)
    return Move("wait", wait_s=wait_s)


def gate_passed(rollout: Rollout, at_s: int) -> Rollout:
    """After a wave's gate: the next wave, or the end."""
    number = rollout.wave + 1
    done = replace(rollout, waves_done=(*rollout.waves_done, at_s), bake_from_s=None)
    done = logged(done, at_s, "WaveCompleted", f"wave {number} of {len(rollout.plan.waves)}")
    if number >= len(rollout.plan.waves):
        done = replace(done, status=Status.COMPLETED, ended_s=at_s)
        return logged(done, at_s, str(Status.COMPLETED))
    return replace(done, wave=number, status=Status.RUNNING, wave_started_s=None)


def logged(rollout: Rollout, at_s: int, what: str, text: str = "") -> Rollout:
    """The rollout with one more line in its log."""
    return replace(rollout, log=(*rollout.log, Entry(at_s, what, text)))
