"""Target tracking: keep a metric per copy at a target value, in AWS's words and semantics.

Source: Application Auto Scaling User Guide, "How target tracking scaling works": scale out is
proportional and rounded up; scale in only when the metric is below the target by more than a
margin (AWS: usually 10 %), and rounding always keeps the larger capacity. Where AWS asks for the
margin before a removal, of a count it must here still be there after it (docs/design/015).
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
    """Copies for `load` when `copies` are asked for: 4 copies at 90 each, target 60 -> 6.

    Copies go when each has less than `(1 - tolerance) * target`. Of `invocations`, a plain count,
    those that stay must have no more than that either: 6 copies at 45 each -> 5. Rounded
    to the target itself, a busier minute would bring them back at once. `concurrency` is that of
    the busiest copy at its peak, which has a margin already that grows with the copies.
    """
    wanted = ceil(load / policy.target_value - _ROUNDING)
    if wanted >= copies:
        return wanted
    kept = (1.0 - policy.scale_in_tolerance_fraction) * policy.target_value
    if policy.metric == "concurrency":
        return wanted if load < kept * copies else copies
    return min(copies, ceil(load / kept - _ROUNDING))
