"""Names of executions: the same for the same thing, so that starting twice starts once."""

import re
from hashlib import sha256

from icscaler.rollout.entities import Job

MAX_NAME = 80
ROLLOUT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")


def execution_name(rollout_id: str, job: Job) -> str:
    """The name of a component's execution: rollout, component, direction and attempt."""
    digest = sha256(f"{rollout_id}/{job.component}".encode()).hexdigest()[:8]
    tail = f"-{digest}-{job.direction}-{job.attempt}"
    return f"{rollout_id}-{job.component}"[: MAX_NAME - len(tail)] + tail
