"""Rollouts as people read them: a plan, and how far one is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from icscaler.rollout.entities import FINISHED, Control, Job, JobPhase, Plan, Rollout, Room, Status
from icscaler.rollout.gates import value_text

_STYLES = {
    JobPhase.UPDATED: "green",
    JobPhase.ROLLED_BACK: "yellow",
    JobPhase.RESTORED: "yellow",
    JobPhase.UNTOUCHED: "yellow",
    JobPhase.DIRTY: "red",
    JobPhase.STUCK: "bold red",
    JobPhase.WAITING: "dim",
}


def plan_view(plan: Plan) -> Group:
    """Waves with room and time, then what each component goes through."""
    waves = Table(title="Waves", title_justify="left")
    for column in ("wave", "components", "room for the extra copies", "time", "instance-minutes"):
        waves.add_column(column)
    for number, wave in enumerate(plan.waves, start=1):
        approval = " (approval)" if wave.needs_approval else ""
        names = ", ".join(wave.components[:6])
        more = f" and {len(wave.components) - 6} more" if len(wave.components) > 6 else ""
        waves.add_row(
            f"{number}{approval}",
            names + more,
            room_text(wave.room),
            duration(wave.eta_s),
            str(wave.extra_instance_minutes),
        )
    steps = Table(title="Components", title_justify="left")
    for column in ("component", "endpoint", "copies", "batches", "changes", "room"):
        steps.add_column(column)
    for name, step in plan.steps.items():
        copies = str(step.copies) if step.raise_to is None else f"{step.copies} to {step.raise_to}"
        batches = f"{step.batches} of {step.batch_copies}" if step.batches else "at once"
        room = room_text(step.room)
        steps.add_row(name, step.endpoint, copies, batches, ", ".join(step.changes), room)
    return Group(waves, steps, Text(plan_summary(plan)))


def plan_summary(plan: Plan) -> str:
    """How long, what it costs; and a quieter time, if there is one."""
    cost = f"{plan.extra_instance_minutes} extra instance-minutes"
    if plan.extra_dollars is not None:
        cost += f" (${plan.extra_dollars:.2f})"
    left_out = f"; {len(plan.unchanged)} already as wanted" if plan.unchanged else ""
    text = f"About {duration(plan.eta_s)}, {cost}{left_out}."
    if plan.quieter_s is not None and plan.quieter_share is not None:
        share = f"{100 * plan.quieter_share:.0f} % of the demand, by yesterday's hours"
        text += f"\nQuieter: start at {clock_text(plan.quieter_s)} ({share})."
    return text


def room_text(room: Room) -> str:
    """`sure now`, `possible with 1 more instance`."""
    if room.fit == "no":
        return "no"
    when = {"now": "now", "idle": "once idle copies have left"}.get(room.when)
    if when is None:
        plural = "" if room.instances_more == 1 else "s"
        when = f"with {room.instances_more} more instance{plural}"
    return f"{room.fit} {when}"


def duration(seconds: int) -> str:
    """`1 h 05 min`, `12 min`."""
    minutes = -(-max(0, seconds) // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def progress_view(rollout: Rollout, jobs: Mapping[str, Job], control: Control, at_s: int) -> Group:
    """How far it is now."""
    table = Table()
    for column in ("wave", "component", "endpoint", "phase", "since", "what happens"):
        table.add_column(column)
    for number, wave in enumerate(rollout.plan.waves, start=1):
        for name in wave.components:
            job = jobs[name]
            last = job.log[-1] if job.log else None
            since = "" if last is None else duration((job.ended_s or at_s) - last.at_s)
            text = job.reason if job.ended else (last.text if last else "")
            phase = Text(str(job.phase), _STYLES.get(job.phase, "cyan"))
            table.add_row(str(number), name, job.endpoint, phase, since, text[:80])
    head = Text(headline(rollout, jobs, control, at_s), "bold")
    return Group(head, table, gate_text(rollout)) if rollout.plan.waves else Group(head)


def headline(rollout: Rollout, jobs: Mapping[str, Job], control: Control, at_s: int) -> str:
    """Status, share done, time."""
    if rollout.status is Status.SCHEDULED:
        wish = " (asked for: aborted)" if control.aborted else ""
        return f"{rollout.request.rollout_id}: starts at {clock_text(rollout.starts_s or 0)}{wish}"
    done = sum(job.phase is JobPhase.UPDATED for job in jobs.values())
    taken = duration((rollout.ended_s or at_s) - rollout.started_s)
    wishes = [w for w, on in (("paused", control.paused), ("aborted", control.aborted)) if on]
    asked = f" (asked for: {', '.join(wishes)})" if wishes else ""
    reason = f": {rollout.reason}" if rollout.reason else ""
    name, waves = rollout.request.rollout_id, len(rollout.plan.waves)
    if not waves:
        return f"{name}: {rollout.status}, nothing was started{asked}{reason}"
    far = f"wave {rollout.wave + 1} of {waves}, {done} of {len(jobs)} updated, {taken}"
    return f"{name}: {rollout.status}, {far}{asked}{reason}"


def gate_text(rollout: Rollout) -> Text:
    """What the last look at a gate saw."""
    if not rollout.gates:
        return Text("")
    wave, _, values = rollout.gates[-1]
    said = [f"  {value_text(value)}" for value in values] or ["  no copies to compare"]
    lines = [f"gate of wave {wave + 1}:", *said]
    return Text("\n".join(lines))


def is_finished(rollout: Rollout) -> bool:
    """Whether there is nothing more to watch."""
    return rollout.status in FINISHED


def succeeded(rollout: Rollout) -> bool:
    """Whether every component has the new version."""
    return rollout.status is Status.COMPLETED


def as_dict(rollout: Rollout, jobs: Mapping[str, Job]) -> dict[str, Any]:
    """For programs."""
    return {
        "rollout_id": rollout.request.rollout_id,
        "status": str(rollout.status),
        "reason": rollout.reason,
        "wave": rollout.wave + 1,
        "waves": len(rollout.plan.waves),
        "started": clock_text(rollout.started_s),
        "starts": None if rollout.starts_s is None else clock_text(rollout.starts_s),
        "ended": None if rollout.ended_s is None else clock_text(rollout.ended_s),
        "components": {
            name: {"phase": str(job.phase), "reason": job.reason} for name, job in jobs.items()
        },
    }


def clock_text(at_s: int) -> str:
    """ISO 8601, UTC."""
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
