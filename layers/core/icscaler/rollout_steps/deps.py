"""What steps work with, and the little that all of them do."""

from dataclasses import dataclass, replace
from typing import Any

from icscaler.lifecycle.ports import Announcer, Requests
from icscaler.ports import PortError
from icscaler.rollout.entities import FINISHED, Entry, Job, JobPhase, Request
from icscaler.rollout_steps.ports import (
    AlarmSwitch,
    Components,
    Executions,
    Kept,
    Records,
    SignalSource,
    Store,
)

Reply = dict[str, Any]
LOG_LINES = 200


class UnknownRolloutError(PortError):
    """There is no record of that rollout or component."""


@dataclass(slots=True)
class Deps:
    """Built once per container. `alarm_prefix` begins the names of rollouts' own alarms."""

    store: Store
    records: Records
    components: Components
    signals: SignalSource
    alarms: AlarmSwitch
    requests: Requests
    executions: Executions
    announcer: Announcer
    alarm_prefix: str
    may_write: bool = True


def reply(following: str, wait_s: int = 0, **more: Any) -> Reply:
    """What a machine reads of a step: the state that follows, and how long it waits before."""
    return {"next": following, "wait_s": wait_s, **more}


def own_alarm(deps: Deps, rollout_id: str) -> str:
    """The alarm that stops a component in the middle of its update."""
    return f"{deps.alarm_prefix}rollout/{rollout_id}"


def watched_alarms(deps: Deps, request: Request) -> tuple[str, ...]:
    """Alarms that roll a component back: the gate's and, unless switched off, the rollout's own."""
    own = (own_alarm(deps, request.rollout_id),) if request.abort_by_alarm else ()
    return (*request.gate.alarms, *own)[:10]


def kept(deps: Deps, rollout_id: str) -> Kept:
    """The rollout's record."""
    found = deps.records.rollout(rollout_id)
    if found is None:
        raise UnknownRolloutError(f"there is no rollout {rollout_id}")
    return found


def kept_job(deps: Deps, rollout_id: str, component: str) -> Job:
    """A component's record."""
    found = deps.records.job(rollout_id, component)
    if found is None:
        raise UnknownRolloutError(f"rollout {rollout_id} has no component {component}")
    return found


def noted(job: Job, at_s: int, what: str, text: str = "") -> Job:
    """The job with one more line in its log; the same line again only counts once."""
    entry = Entry(at_s, what, text)
    if job.log and (job.log[-1].what, job.log[-1].text) == (what, text):
        return job
    return replace(job, log=(*job.log, entry)[-LOG_LINES:])


def ended(job: Job, phase: JobPhase, reason: str, at_s: int) -> Job:
    """The job at its end in this direction."""
    done = replace(job, phase=phase, reason=reason or job.reason, ended_s=at_s)
    return noted(done, at_s, str(phase), reason)


def is_over(found: Kept) -> bool:
    """Whether the whole rollout has ended."""
    return found.rollout.status in FINISHED
