"""Batches: from a wish to what SageMaker accepts.

MaximumBatchSize is documented as 5 to 50 percent of the copies. One copy can't be halved: its batch
is the one copy, beside which the new one starts. Without copies there is nothing to replace in
batches, and the specification is replaced at once, without a DeploymentConfig.
"""

import math
from dataclasses import dataclass
from typing import Any

from icscaler.rollout.entities import BatchWish

LEAST_FRACTION = 0.05
MOST_FRACTION = 0.5
# Ranges of the API (InferenceComponentRollingUpdatePolicy).
MAX_WAIT_S = 3600
TIME_LIMIT_S = (600, 28_800)


def batch_copies(wish: BatchWish, copies: int) -> int:
    """The number of copies nearest to the wish that SageMaker accepts; 0 without copies."""
    if copies <= 0:
        return 0
    if wish.percent is not None:
        asked = math.floor(copies * wish.percent / 100)
    else:
        asked = wish.copies or 1
    least = max(1, math.ceil(copies * LEAST_FRACTION))
    most = max(1, math.floor(copies * MOST_FRACTION))
    return min(max(asked, least), most)


def batches(batch: int, copies: int) -> int:
    """How many batches it takes."""
    return math.ceil(copies / batch) if batch else 0


def smaller_batch(batch: int, copies: int, room: int) -> int | None:
    """The batch made to fit `room` more copies; None when not even the smallest does."""
    least = max(1, math.ceil(copies * LEAST_FRACTION))
    fitting = min(batch, room)
    return fitting if fitting >= least else None


@dataclass(frozen=True, slots=True)
class Deployment:
    """The parts of a DeploymentConfig."""

    batch_copies: int
    rollback_batch_copies: int
    wait_interval_s: int
    time_limit_s: int
    alarms: tuple[str, ...]


def deployment_config(parts: Deployment) -> dict[str, Any]:
    """InferenceComponentDeploymentConfig."""
    config: dict[str, Any] = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": parts.batch_copies},
            "WaitIntervalInSeconds": min(parts.wait_interval_s, MAX_WAIT_S),
            "MaximumExecutionTimeoutInSeconds": min(
                max(parts.time_limit_s, TIME_LIMIT_S[0]), TIME_LIMIT_S[1]
            ),
            "RollbackMaximumBatchSize": {
                "Type": "COPY_COUNT",
                "Value": parts.rollback_batch_copies,
            },
        }
    }
    if parts.alarms:
        names = [{"AlarmName": name} for name in parts.alarms]
        config["AutoRollbackConfiguration"] = {"Alarms": names}
    return config
