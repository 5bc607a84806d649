"""Target tracking: keep a metric per copy at a target value, in AWS's words and semantics.

Source: Application Auto Scaling User Guide, "How target tracking scaling works": scale out is
proportional and rounded up; scale in only when the metric is below the target by more than a
margin (AWS: usually 10 %), and rounding always keeps the larger capacity.
"""

from math import ceil

from icscaler.entities import MetricMinute, TargetTracking

# Sums of per-copy figures carry rounding error; 4.000000001 copies are 4.
_ROUNDING = 1e-9


def demand(policy: TargetTracking, minute: MetricMinute, copies: int) -> float | None:
    """Load of one minute in units of the policy's metric, all copies together; None: not known.

    `copies` were in service in that minute. A minute with a heartbeat but no datapoint was silent:
    its load is zero.
    """
    if policy.metric == "invocations":
        value = minute.invocations
    else:
        value = minute.concurrency_per_copy
        if value is not None:
            value *= max(1, copies)
    if value is None and minute.heartbeat:
        return 0.0
    return value


def recommend(policy: TargetTracking, load: float, copies: int) -> int:
    """Copies for `load` when `copies` served it: 4 copies at 90 each, target 60 -> 6.

    Inside the band between `(1 - tolerance) * target` and `target` per copy nothing changes.
    """
    wanted = ceil(load / policy.target_value - _ROUNDING)
    if wanted >= copies:
        return wanted
    per_copy = load / copies
    if per_copy < (1.0 - policy.scale_in_tolerance_fraction) * policy.target_value:
        return wanted
    return copies
