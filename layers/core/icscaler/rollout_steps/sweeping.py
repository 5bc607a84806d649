"""The sweep: what workflows hold whose execution is gone, stopped from outside, is given back.

Rollouts end as far as they came; a model's onboarding or retirement may be started again and goes
on where it stood.
"""

from collections.abc import Iterator
from dataclasses import replace

from icscaler.onboarding.record import WORKFLOW as ONBOARDING
from icscaler.onboarding.record import Onboarding
from icscaler.ports import PortError
from icscaler.retirement.record import WORKFLOW as RETIREMENT
from icscaler.retirement.record import Retirement
from icscaler.rollout.entities import FINISHED, Status
from icscaler.rollout.machine import logged
from icscaler.rollout_steps.deps import Deps, Reply
from icscaler.rollout_steps.whole import finish

STOPPED = "its execution ended from outside"
_MODELS: tuple[tuple[str, type[Onboarding] | type[Retirement]], ...] = (
    (ONBOARDING, Onboarding),
    (RETIREMENT, Retirement),
)


def sweep(deps: Deps, at_s: int) -> Reply:
    """Give back all that is held for executions that no longer run; the names of what was.

    One that can't be swept does not keep the others. Raises `PortError` for it at the end.
    """
    swept: list[str] = []
    failed: list[str] = []
    for listed in deps.records.listed(active=True):
        try:
            if _swept(deps, listed.rollout_id, at_s):
                swept.append(listed.rollout_id)
        except PortError as error:
            failed.append(f"{listed.rollout_id}: {error}")
    swept.extend(_models(deps, at_s))
    if failed:
        raise PortError(f"not swept: {'; '.join(failed)}")
    return {"swept": swept}


def _swept(deps: Deps, rollout_id: str, at_s: int) -> bool:
    """Whether a rollout was given up: its execution is gone."""
    found = deps.records.rollout(rollout_id)
    if found is None or _runs(deps, found.execution):
        return False
    rollout = found.rollout
    if rollout.status not in FINISHED:
        ended = replace(rollout, status=Status.ABANDONED, ended_s=at_s, reason=STOPPED)
        deps.records.save(found, logged(ended, at_s, str(Status.ABANDONED), STOPPED))
    finish(deps, rollout_id, at_s)
    return True


def _models(deps: Deps, at_s: int) -> Iterator[str]:
    """Onboardings and retirements, each execution once: the record says that it was done."""
    for workflow, shape in _MODELS:
        for record, version in deps.store.list_workflow(workflow, shape):
            if not record.open or record.swept_s is not None or not record.arn:
                continue
            if _runs(deps, record.arn):
                continue
            record.swept_s, record.failure = at_s, record.failure or STOPPED
            try:
                # Refused when the next execution has taken over: then the hold is its own.
                deps.store.write_workflow(workflow, record.component, record, version, at_s)
            except PortError:
                continue
            holder = f"{workflow}/{record.component}"
            deps.store.remove_hold(record.endpoint, record.component, holder)
            yield holder


def _runs(deps: Deps, execution: str) -> bool:
    return deps.executions.status(execution) == "RUNNING"
