"""The steps of the whole rollout: plan, next move, gate, a person's answer, the end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from icscaler.ports import PortError
from icscaler.rollout.entities import (
    Job,
    Plan,
    Problem,
    Request,
    Rollout,
    Status,
)
from icscaler.rollout.machine import (
    Move,
    gate_passed,
    logged,
    next_move,
    started,
    turned_back,
)
from icscaler.rollout.plan import make_plan, refused_for, starts_s
from icscaler.rollout_steps import holding
from icscaler.rollout_steps.deps import Deps, Reply, kept, own_alarm, reply
from icscaler.rollout_steps.gating import look_at_gate
from icscaler.rollout_steps.names import execution_name
from icscaler.rollout_steps.ports import Kept
from icscaler.rollout_steps.sight import see

MAX_FAILURES = 3
ENDINGS: Mapping[Status, str] = {
    Status.COMPLETED: "Completed",
    Status.ROLLED_BACK: "RolledBack",
    Status.STUCK: "Stuck",
    Status.ABANDONED: "Stuck",
    Status.REFUSED: "Refused",
}


def plan(deps: Deps, request: Request, execution: str, at_s: int) -> Reply:
    """Plan, and begin the record; refuse, join the first start, or find nothing to do.

    One that is to start later is planned now, so that what can't be done is refused at once, and
    again when its time has come.
    """
    first = deps.records.rollout(request.rollout_id)
    if first is not None and first.execution != execution:
        return reply("Joined", joined=first.execution)
    if first is not None:
        if first.rollout.status is Status.SCHEDULED and at_s >= (first.rollout.starts_s or 0):
            return _plan_again(deps, first, at_s)
        if first.rollout.status is not Status.SCHEDULED:
            _announce_start(deps, first.rollout, at_s)  # again: only the reply may have been lost
        return reply("NextMove")
    if not deps.may_write and not request.dry_run:
        text = "the stack observes only (Mode: observe): nothing may be written"
        return reply("Refused", reason=text)
    made = make_plan(request, see(deps, request, at_s))
    begins_s = starts_s(request, made, at_s)
    if problems := refused_for(made, later=begins_s > at_s):
        return reply("Refused", reason=_reasons(problems))
    if request.dry_run or not (made.waves or made.problems):
        return reply("NothingToDo", waves=len(made.waves), unchanged=len(made.unchanged))
    if begins_s > at_s:
        rollout = Rollout(request, Plan((), {}), Status.SCHEDULED, started_s=at_s)
        rollout = replace(rollout, starts_s=begins_s)
        rollout = logged(rollout, at_s, "Scheduled", f"starts in {begins_s - at_s} s")
        found = deps.records.create(rollout, execution, ())
        joined = found.execution != execution
        return reply("Joined", joined=found.execution) if joined else reply("NextMove")
    rollout = _begun(deps, Rollout(request, made), made, at_s)
    found = deps.records.create(rollout, execution, _jobs(made, at_s))
    if found.execution != execution:
        return reply("Joined", joined=found.execution)
    _announce_start(deps, rollout, at_s)
    return reply("NextMove")


def _plan_again(deps: Deps, found: Kept, at_s: int) -> Reply:
    """Its time has come: start by how it is now, or end without having touched anything."""
    rollout = found.rollout
    made = make_plan(rollout.request, see(deps, rollout.request, at_s))
    if made.problems or not made.waves:
        status = Status.REFUSED if made.problems else Status.COMPLETED
        text = _reasons(made.problems) or "nothing to do: every component is as wanted already"
        ended = replace(rollout, status=status, reason=text, ended_s=at_s)
        deps.records.save(found, logged(ended, at_s, str(status), text))
        return reply("Finish")
    for job in _jobs(made, at_s):
        deps.records.save_job(rollout.request.rollout_id, job)
    rollout = _begun(deps, replace(rollout, status=Status.RUNNING), made, at_s)
    deps.records.save(found, rollout)
    _announce_start(deps, rollout, at_s)
    return reply("NextMove")


def _reasons(problems: Sequence[Problem]) -> str:
    text = "; ".join(f"{p.component}: {p.text}".removeprefix(": ") for p in problems[:20])
    return text[:8000]


def _jobs(made: Plan, at_s: int) -> list[Job]:
    return [
        Job(name, made.steps[name].endpoint, made.steps[name], made_s=at_s)
        for wave in made.waves
        for name in wave.components
    ]


def _begun(deps: Deps, rollout: Rollout, made: Plan, at_s: int) -> Rollout:
    """The record of one that starts now; its alarm is made. The steps are in the jobs: the
    rollout's own record stays small."""
    request = rollout.request
    if request.abort_by_alarm:
        alarm = own_alarm(deps, request.rollout_id)
        deps.alarms.make(alarm, f"Stops rolling update {request.rollout_id}; see docs")
    begun = replace(rollout, plan=replace(made, steps={}), started_s=at_s)
    text = f"{len(_jobs(made, at_s))} components, {len(made.waves)} waves"
    return logged(begun, at_s, "Started", text)


def _announce_start(deps: Deps, rollout: Rollout, at_s: int) -> None:
    names = [name for wave in rollout.plan.waves for name in wave.components]
    announce(deps, "RolloutStarted", rollout, at_s, Components=names)


def move(deps: Deps, rollout_id: str, at_s: int) -> Reply:
    """Decide what is next, and prepare it."""
    found = kept(deps, rollout_id)
    jobs = deps.records.jobs(rollout_id)
    control = deps.records.control(rollout_id)
    rollout, chosen = next_move(found.rollout, jobs, control, at_s)
    if rollout != found.rollout:
        found = deps.records.save(found, rollout)
    if chosen.kind == "start":
        return _start(deps, found, jobs, chosen, at_s)
    if chosen.kind == "ask":
        text = f"{rollout.request.rollout_id}: {chosen.question}"
        return reply("AwaitPerson", question=text, expires_s=chosen.expires_s)
    if chosen.kind == "await":
        text = f"{rollout.request.rollout_id} starts by itself; to stop it: abort"
        return reply("AwaitPerson", question=text, expires_s=chosen.expires_s)
    if chosen.kind == "plan":
        return reply("Plan")
    if chosen.kind == "gate":
        return reply("CheckGate")
    if chosen.kind == "finish":
        return reply("Finish")
    return reply("NextMove", chosen.wait_s)


def _start(deps: Deps, found: Kept, jobs: dict[str, Job], chosen: Move, at_s: int) -> Reply:
    """Write down each start before it is made: the same name is given again after a crash."""
    rollout = found.rollout
    starts = []
    for name in chosen.components:
        job = jobs[name]
        if rollout.status is Status.ROLLING_BACK and job.ended:
            job = turned_back(job, at_s)
        job = started(job, at_s)
        deps.records.save_job(rollout.request.rollout_id, job)
        if not job.ended:
            about = {"rollout_id": rollout.request.rollout_id, "component": name}
            starts.append({"name": execution_name(rollout.request.rollout_id, job), "input": about})
    if not starts:
        return reply("NextMove", 1)
    return reply("StartComponents", start=starts)


def gate(deps: Deps, rollout_id: str, at_s: int) -> Reply:
    """Look at the gate of the wave; go on, wait, or roll back."""
    found = kept(deps, rollout_id)
    rollout = found.rollout
    if rollout.status is not Status.BAKING:
        return reply("NextMove")
    judgement = look_at_gate(deps, rollout, deps.records.jobs(rollout_id), at_s)
    # Of a gate's looks the last one is kept for each wave: they are many.
    gates = (*(g for g in rollout.gates if g[0] != rollout.wave),)
    rollout = replace(rollout, gates=(*gates, (rollout.wave, at_s, judgement.values)))
    if judgement.verdict == "wait":
        deps.records.save(found, rollout)
        return reply("NextMove", 60)
    if judgement.verdict == "breach":
        rollout = replace(rollout, reason=f"gate of wave {rollout.wave + 1}: {judgement.text}")
        rollout = logged(rollout, at_s, "GateBreached", judgement.text)
        deps.records.save(found, rollout)
        return reply("NextMove")
    rollout = logged(rollout, at_s, "GatePassed", judgement.text)
    wave = rollout.plan.waves[rollout.wave]
    # Told before it is put down: after a crash rather twice than never.
    detail = {"Wave": rollout.wave + 1, "Components": list(wave.components)}
    announce(deps, "WaveCompleted", rollout, at_s, **detail)
    deps.records.save(found, gate_passed(rollout, at_s))
    return reply("NextMove")


def ask(deps: Deps, rollout_id: str, token: str, question: str, at_s: int) -> Reply:
    """Keep the token a person's answer needs, and say that one is needed."""
    deps.records.put_token(rollout_id, token, question)
    found = kept(deps, rollout_id)
    _, chosen = next_move(found.rollout, deps.records.jobs(rollout_id), _control(deps, found), at_s)
    if chosen.kind not in ("ask", "await"):
        # The answer came before the question.
        deps.executions.answer(token)
    elif chosen.kind == "ask":
        deps.announcer.tell(
            f"icscaler: rollout {rollout_id} waits",
            f"{question}\n\nicscaler rollout approve {rollout_id}   (or resume, or abort)",
        )
    return reply("NextMove")


def _control(deps: Deps, found: Kept) -> Any:
    return deps.records.control(found.rollout.request.rollout_id)


def nobody_came(deps: Deps, rollout_id: str, at_s: int) -> Reply:
    """The question's time is over: what was updated is rolled back."""
    found = kept(deps, rollout_id)
    rollout = found.rollout
    if rollout.status in (Status.PAUSED, Status.WAITING_FOR_APPROVAL):
        text = f"nobody answered in time ({rollout.status})"
        rollout = logged(replace(rollout, reason=text), at_s, "Expired", text)
        deps.records.save(found, rollout)
    return reply("NextMove")


def finish(deps: Deps, rollout_id: str, at_s: int) -> Reply:
    """Give everything back, and say how it ended."""
    found = kept(deps, rollout_id)
    rollout, jobs = found.rollout, deps.records.jobs(rollout_id)
    for job in jobs.values():
        holding.give_back(deps, rollout_id, job)
    if rollout.request.abort_by_alarm:
        deps.alarms.remove(own_alarm(deps, rollout_id))
    kind = "RolloutCompleted" if rollout.status is Status.COMPLETED else "RolloutRolledBack"
    phases = {name: str(job.phase) for name, job in sorted(jobs.items())}
    announce(deps, kind, rollout, at_s, Reason=rollout.reason, Components=phases)
    if rollout.status is not Status.COMPLETED:
        lines = [f"{name}: {job.phase} {job.reason}" for name, job in sorted(jobs.items())]
        text = f"{rollout.reason}\n\n" + "\n".join(lines[:100])
        deps.announcer.tell(f"icscaler: rollout {rollout_id}: {rollout.status}", text)
    deps.records.close(found)
    return reply(ENDINGS[rollout.status], reason=rollout.reason[:2000])


def record_failure(deps: Deps, rollout_id: str, event: Mapping[str, Any], at_s: int) -> Reply:
    """A step failed for good: roll back; when that fails as often, end and say so."""
    text = f"{event.get('error', 'an error')}: {event.get('cause', '')}"[:500]
    found = deps.records.rollout(rollout_id)
    if found is None:
        return reply("Refused", reason=f"it could not even be planned: {text}")
    rollout, which = found.rollout, str(event.get("round"))
    if rollout.failed_at != which:  # else it was counted, and only the reply was lost
        rollout = replace(rollout, failures=rollout.failures + 1, failed_at=which)
    if rollout.status not in ENDINGS:
        rollout = replace(rollout, reason=rollout.reason or f"a step failed: {text}")
        if rollout.failures >= MAX_FAILURES:
            rollout = replace(rollout, status=Status.STUCK, ended_s=at_s)
    elif rollout.failures >= MAX_FAILURES * 2:
        return reply("Stuck", reason=f"the end could not be recorded: {text}")
    deps.records.save(found, logged(rollout, at_s, "Failure", text))
    return reply("NextMove", 30)


def announce(deps: Deps, kind: str, rollout: Rollout, at_s: int, **detail: Any) -> None:
    """One event; what can't be sent is in the record anyway."""
    body = {"RolloutId": rollout.request.rollout_id, "Status": str(rollout.status), **detail}
    try:
        deps.announcer.announce(kind, body, at_s)
    except PortError:
        return
