"""The steps of one component: hold, make ready, update, watch, prove, release.

Forward the wanted version is the new one, back it is the one that was deployed. The end is one of:
`Updated`, `Untouched` (nothing was changed), `Restored` (SageMaker brought the old version back),
`Dirty` (something else than either was proven; the rollout rolls it back), and on the way back
`RolledBack` or `Stuck`.
"""

from dataclasses import dataclass, replace
from typing import Any

from icscaler.entities import OutcomeKind
from icscaler.rollout import batches
from icscaler.rollout.entities import Deployed, Job, JobPhase, Specification
from icscaler.rollout.specification import differences
from icscaler.rollout_steps import holding, proof
from icscaler.rollout_steps.deps import (
    Deps,
    Reply,
    ended,
    is_over,
    kept,
    kept_job,
    noted,
    own_alarm,
    reply,
    watched_alarms,
)
from icscaler.rollout_steps.ports import Kept

# Pauses while something is waited for: a tenth of what it has taken, within these bounds.
PAUSE_S = (10, 60)
MAX_FAILURES = 3
_AGAIN = (OutcomeKind.IN_FLIGHT, OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN)


@dataclass(slots=True)
class Case:
    """One step's view: the record, the component, the time."""

    deps: Deps
    found: Kept
    job: Job
    seen: Deployed | None
    at_s: int

    @property
    def target(self) -> Specification:
        """The version that is to be deployed."""
        step = self.job.step
        return step.wanted if self.job.direction == "forward" else step.deployed

    @property
    def source(self) -> Specification:
        """The version it replaces."""
        step = self.job.step
        return step.deployed if self.job.direction == "forward" else step.wanted

    def called_off(self) -> bool:
        """Whether nothing new is to be started: it was aborted, or something went wrong."""
        rollout = self.found.rollout
        if self.job.direction == "back":
            return False
        return bool(rollout.reason) or self.deps.records.control(rollout.request.rollout_id).aborted

    def save(self, job: Job) -> None:
        """Keep the job."""
        self.job = job
        self.deps.records.save_job(self.found.rollout.request.rollout_id, job)

    def end(self, phase: JobPhase, reason: str) -> Reply:
        """The end in this direction; what was held is given back next."""
        if self.job.direction == "back":
            proven = phase is JobPhase.UPDATED
            phase = JobPhase.ROLLED_BACK if proven else JobPhase.STUCK
        self.save(ended(self.job, phase, reason, self.at_s))
        return reply("Release")

    def later(self, state: str, phase: JobPhase, limit_s: int, what: str) -> Reply | None:
        """Come back to `state` after a pause; None when the phase's time limit has passed."""
        job = self.job
        if job.phase is not phase or job.deadline_s is None:
            job = replace(job, phase=phase, deadline_s=self.at_s + limit_s)
        deadline_s = job.deadline_s or 0
        if self.at_s >= deadline_s:
            self.job = job
            return None
        taken_s = self.at_s - (deadline_s - limit_s)
        wait_s = min(max(PAUSE_S[0], taken_s // 10), PAUSE_S[1])
        job = replace(job, due_s=self.at_s + wait_s)
        self.save(noted(job, self.at_s, str(phase), what))
        return reply(state, wait_s)


def open_case(deps: Deps, event: dict[str, Any], at_s: int) -> Case:
    """Read what a step needs, and note that its execution is alive."""
    found = kept(deps, event["rollout_id"])
    job = kept_job(deps, event["rollout_id"], event["component"])
    job = replace(job, heard_s=at_s, due_s=at_s)
    seen = deps.components.deployed([job.component]).get(job.component)
    return Case(deps, found, job, seen, at_s)


def take_hold(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Claim the component, with places reserved for a batch."""
    case = open_case(deps, event, at_s)
    if case.job.ended or is_over(case.found):
        return reply("Release")
    if case.seen is None:
        return case.end(JobPhase.UNTOUCHED, "it does not exist any more")
    if case.called_off():
        return case.end(JobPhase.UNTOUCHED, "the rollout is called off")
    job, result, text = holding.take(deps, case.found, case.job, case.seen, at_s)
    case.job = job
    if result == "held":
        case.save(replace(job, phase=JobPhase.HOLDING, deadline_s=None))
        return reply("MakeReady")
    if result == "later":
        limit_s = case.found.rollout.request.hold_time_limit_s
        again = case.later("TakeHold", JobPhase.HOLDING, limit_s, text)
        if again is not None:
            return again
    return case.end(JobPhase.UNTOUCHED, text)


def make_ready(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Wait until it can be updated; bring it to the copies it needs meanwhile."""
    case = open_case(deps, event, at_s)
    seen, job = case.seen, case.job
    if job.ended or is_over(case.found):
        return reply("Release")
    if seen is None or seen.status == "Failed":
        return case.end(
            JobPhase.UNTOUCHED, "it does not exist any more" if seen is None else "it failed"
        )
    limit_s = case.found.rollout.request.component_time_limit_s
    if seen.status != "InService":
        again = case.later("MakeReady", JobPhase.RAISING, limit_s, f"it is {seen.status}")
        return again or case.end(JobPhase.UNTOUCHED, f"it stayed {seen.status}")
    if not differences(case.target, seen.specification):
        copies = seen.desired_copies if job.copies_before is None else job.copies_before
        case.save(replace(job, copies_before=copies, phase=JobPhase.PROVING, deadline_s=None))
        return reply("Prove")
    if job.direction == "forward" and differences(case.source, seen.specification):
        paths = ", ".join(differences(case.source, seen.specification))
        return case.end(JobPhase.UNTOUCHED, f"somebody changed it since the plan: {paths}")
    return _bring_to_copies(case, seen, limit_s)


def _bring_to_copies(case: Case, seen: Deployed, limit_s: int) -> Reply:
    job = case.job
    if job.copies_before is None:
        raised = job.step.raise_to or 0
        wanted = max(seen.desired_copies, raised) if seen.desired_copies else 0
        wanted = 0 if job.step.adapter else wanted
        case.job = job = replace(job, copies_before=wanted)
    wanted = job.copies_before or 0
    if not job.step.adapter and seen.desired_copies != wanted:
        case.save(noted(job, case.at_s, "SetCopies", f"{seen.desired_copies} to {wanted}"))
        outcome = case.deps.components.set_copies_of(job.component, wanted)
        text = f"{wanted} copies: {outcome.kind} {outcome.message}".strip()
        again = case.later("MakeReady", JobPhase.RAISING, limit_s, text)
        return again or case.end(JobPhase.UNTOUCHED, text)
    if seen.current_copies < wanted and job.direction == "forward":
        text = f"{seen.current_copies} of {wanted} copies serve"
        again = case.later("MakeReady", JobPhase.RAISING, limit_s, text)
        return again or case.end(JobPhase.UNTOUCHED, text)
    case.save(replace(case.job, phase=JobPhase.UPDATING, deadline_s=None))
    return reply("Update")


def update(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Send UpdateInferenceComponent, unless it was sent before."""
    case = open_case(deps, event, at_s)
    seen, job, request = case.seen, case.job, case.found.rollout.request
    if job.ended or is_over(case.found):
        return reply("Release")
    under_way = job.update_sent_s is not None and seen is not None and seen.status == "Updating"
    arrived = seen is not None and not differences(case.target, seen.specification)
    if seen is None or under_way or arrived:
        return _sent(case)
    if case.called_off():
        # Whether what was to be sent ever was is told by what is deployed.
        untouched = job.update_sent_s is None
        text = "the rollout is called off"
        return case.end(JobPhase.UNTOUCHED, text) if untouched else _sent(case)
    config = _deployment(case) if job.copies_before and not job.step.adapter else None
    if job.update_sent_s is None:
        case.save(noted(replace(job, update_sent_s=at_s), at_s, "Update", _batch_text(case)))
    outcome = deps.components.update(job.component, case.target, config)
    if outcome.kind is OutcomeKind.ACCEPTED:
        return _sent(case)
    text = f"{outcome.kind}: {outcome.message}"
    if outcome.kind in _AGAIN:
        limit_s = request.hold_time_limit_s
        again = case.later("Update", JobPhase.UPDATING, limit_s, text)
        if again is not None:
            return again
    return case.end(JobPhase.UNTOUCHED, text)


def _sent(case: Case) -> Reply:
    limit_s = case.found.rollout.request.component_time_limit_s
    job = replace(case.job, phase=JobPhase.UPDATING, deadline_s=case.at_s + limit_s)
    case.save(replace(job, due_s=case.at_s + PAUSE_S[0]))
    return reply("Watch", PAUSE_S[0])


def _batch_text(case: Case) -> str:
    copies, batch = case.job.copies_before, case.job.batch_copies
    return f"{copies} copies, {batch} at a time" if copies else "no copies: at once"


def _deployment(case: Case) -> dict[str, Any]:
    job, request = case.job, case.found.rollout.request
    copies = job.copies_before or 1
    batch = max(1, job.batch_copies or 1)
    back = job.step.rollback_batch_copies if job.direction == "forward" else batch
    return batches.deployment_config(
        batches.Deployment(
            batch_copies=batch,
            rollback_batch_copies=max(1, min(back, max(1, copies // 2))),
            wait_interval_s=request.wait_interval_s if job.direction == "forward" else 0,
            time_limit_s=request.component_time_limit_s,
            alarms=watched_alarms(case.deps, request) if job.direction == "forward" else (),
        )
    )


def watch(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Look how far the update is; stop it in the middle when somebody aborts or time is up."""
    case = open_case(deps, event, at_s)
    seen, job, request = case.seen, case.job, case.found.rollout.request
    if job.ended or is_over(case.found):
        return reply("Release")
    if seen is None:
        return case.end(JobPhase.DIRTY, "it does not exist any more")
    case.job = replace(job, most_copies=max(job.most_copies, seen.current_copies))
    if seen.status not in ("Updating", "Creating"):
        case.save(replace(case.job, phase=JobPhase.PROVING, deadline_s=None))
        return reply("Prove")
    control = deps.records.control(request.rollout_id)
    if control.aborted and job.direction == "forward":
        _stop(case, f"aborted by {control.by or 'somebody'}")
    progress = f"{seen.current_copies} copies for {seen.desired_copies}"
    again = case.later("Watch", JobPhase.UPDATING, request.component_time_limit_s, progress)
    if again is not None:
        return again
    # The policy's own time limit should have ended it; its alarm is the second way.
    _stop(case, "it takes longer than its time limit")
    again = case.later("Watch", JobPhase.ENDING, request.component_time_limit_s, "being stopped")
    return again or case.end(JobPhase.DIRTY, "it is still updating long after its time limit")


def _stop(case: Case, reason: str) -> None:
    """Ring the rollout's own alarm: SageMaker is meant to roll the update back then.

    Noted after it has rung: twice does no harm, and a crash in between must not silence it.
    """
    request = case.found.rollout.request
    if case.job.abort_sent_s is not None or not request.abort_by_alarm:
        return
    case.deps.alarms.ring(own_alarm(case.deps, request.rollout_id), reason)
    case.save(noted(replace(case.job, abort_sent_s=case.at_s), case.at_s, "Stop", reason))


def prove(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Compare what is deployed with what was asked for, and send the probes."""
    case = open_case(deps, event, at_s)
    seen, job, request = case.seen, case.job, case.found.rollout.request
    if job.ended or is_over(case.found):
        return reply("Release")
    if seen is None:
        return case.end(JobPhase.DIRTY, "it does not exist any more")
    finding = proof.examine(job, seen, case.target, case.source)
    if finding.verdict == "restored":
        return case.end(JobPhase.RESTORED, finding.text)
    if finding.verdict == "other":
        return case.end(JobPhase.DIRTY, finding.text)
    if finding.verdict == "wait" or seen.status != "InService":
        limit_s = request.component_time_limit_s
        text = finding.text or f"it is {seen.status}"
        again = case.later("Prove", JobPhase.PROVING, limit_s, text)
        return again or case.end(JobPhase.DIRTY, text)
    if job.copies_before == 0 and not job.step.adapter:
        return _prove_at_zero(case, seen)
    return _probed(case) or case.end(JobPhase.UPDATED, "")


def _probed(case: Case) -> Reply | None:
    """None when all probes pass, or there are none on this way."""
    if case.job.direction == "back":
        return None
    job, probes = case.job, case.found.rollout.request.probes
    failure = proof.probe(case.deps.requests, job.endpoint, job.component, probes)
    return case.end(JobPhase.DIRTY, failure) if failure else None


def _prove_at_zero(case: Case, seen: Deployed) -> Reply:
    """Woken with one copy, probed, and put back to none unless somebody asked for it meanwhile; on
    the way back it just stays there."""
    job, limit_s = case.job, case.found.rollout.request.component_time_limit_s
    if job.put_back and seen.desired_copies == 0:
        return case.end(JobPhase.UPDATED, "")
    if job.direction == "back":
        return case.end(JobPhase.UPDATED, "")
    if seen.desired_copies == 0:
        case.save(noted(replace(job, woken=True), case.at_s, "Wake", "one copy, to prove it"))
        outcome = case.deps.components.set_copies_of(job.component, 1)
        if outcome.kind in (OutcomeKind.NO_ROOM, OutcomeKind.QUOTA):
            text = "deployed at no copies; there was no room to wake one for proof"
            return case.end(JobPhase.UPDATED, text)
        if outcome.kind is not OutcomeKind.ACCEPTED:
            case.job = replace(case.job, woken=False)
        again = case.later("Prove", JobPhase.PROVING, limit_s, "a copy starts, to prove it")
        return again or case.end(JobPhase.DIRTY, f"it does not wake: {outcome.message}")
    failed = _probed(case)
    if failed is not None:
        return failed
    if not job.put_back and holding.asked_for(case.deps, job):
        case.job = noted(job, case.at_s, "Kept", "it was asked for meanwhile: its policy decides")
        return case.end(JobPhase.UPDATED, "")
    case.save(noted(replace(case.job, put_back=True), case.at_s, "PutBack", "to no copies"))
    case.deps.components.set_copies_of(job.component, 0)
    again = case.later("Prove", JobPhase.PROVING, limit_s, "put back to no copies")
    return again or case.end(JobPhase.UPDATED, "proven, but it does not go back to no copies")


def release(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """Give the hold back; escrow stays while the old version may have to come back."""
    case = open_case(deps, event, at_s)
    rollout_id, job = case.found.rollout.request.rollout_id, case.job
    if not holding.keeps_escrow(job) or is_over(case.found):
        holding.give_back(deps, rollout_id, job)
    elif not holding.let_scale(deps, case.found, job, job.copies_before or 0, at_s):
        case.save(replace(job, due_s=at_s + PAUSE_S[0]))
        return reply("Release", PAUSE_S[0])
    return reply("Done", phase=str(job.phase))


def record_failure(deps: Deps, event: dict[str, Any], at_s: int) -> Reply:
    """A step failed for good: try once more from the start of the component's way, then give up."""
    case = open_case(deps, event, at_s)
    text = f"{event.get('error', 'an error')}: {event.get('cause', '')}"[:500]
    job, which = case.job, f"{case.job.direction} {case.job.attempt} {event.get('round')}"
    if job.failed_at != which:  # else this failure was counted, and only the reply was lost
        job = replace(job, failures=job.failures + 1, failed_at=which)
    case.job = job = noted(job, at_s, "Failure", text)
    if job.ended:
        case.save(job)
        return reply("Release", PAUSE_S[1])
    if job.failures < MAX_FAILURES:
        case.save(replace(job, due_s=at_s + PAUSE_S[1]))
        return reply("TakeHold", PAUSE_S[1])
    touched = job.update_sent_s is not None
    return case.end(JobPhase.DIRTY if touched else JobPhase.UNTOUCHED, f"steps failed: {text}")


STEPS = {
    "take_hold": take_hold,
    "make_ready": make_ready,
    "update": update,
    "watch": watch,
    "prove": prove,
    "release": release,
    "record_component_failure": record_failure,
}
