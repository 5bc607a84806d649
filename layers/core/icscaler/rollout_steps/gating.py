"""The gate after a wave: collect the evidence, let `rollout.gates` judge."""

from icscaler.rollout.entities import Evidence, Job, JobPhase, Rollout, Signals
from icscaler.rollout.gates import Judgement, judge
from icscaler.rollout_steps.deps import Deps

MINUTE_S = 60
# Siblings tell how the world moved; a sample of them is enough, and metric reads cost money.
MAX_SIBLINGS = 20
MAX_WAVE = 100


def look_at_gate(deps: Deps, rollout: Rollout, jobs: dict[str, Job], at_s: int) -> Judgement:
    """The gate's verdict at `at_s`."""
    gate = rollout.request.gate
    wave = [jobs[name] for name in rollout.plan.waves[rollout.wave].components]
    evidence = Evidence()
    if gate.alarms:
        states = deps.alarms.states(gate.alarms)
        evidence.firing = tuple(name for name in gate.alarms if states.get(name) == "ALARM")
    # Components without copies, and adapters, have no series of their own worth comparing.
    measured = [job for job in wave if job.copies_before][:MAX_WAVE]
    siblings = [name for name, job in jobs.items() if job.phase is JobPhase.WAITING]
    since_s = _next_minute(max((job.ended_s or at_s for job in wave), default=at_s))
    began_s = min((job.started_s or at_s for job in wave), default=at_s)
    began_s -= began_s % MINUTE_S
    names, others = [job.component for job in measured], sorted(siblings)[:MAX_SIBLINGS]
    if names:
        percentile, until_s = gate.latency_percentile, at_s - at_s % MINUTE_S
        together = [*names, *others]
        before = deps.signals.signals(together, began_s - gate.baseline_s, began_s, percentile)
        after = deps.signals.signals(together, since_s, until_s, percentile)
        evidence.before = {name: before.get(name, Signals()) for name in names}
        evidence.after = {name: after.get(name, Signals()) for name in names}
        evidence.siblings_before = {name: before.get(name, Signals()) for name in others}
        evidence.siblings_after = {name: after.get(name, Signals()) for name in others}
    return judge(gate, evidence, at_s - (rollout.bake_from_s or at_s))


def _next_minute(at_s: int) -> int:
    return -(-at_s // MINUTE_S) * MINUTE_S
