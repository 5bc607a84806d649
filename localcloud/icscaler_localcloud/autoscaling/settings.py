"""Switches for what AWS does not say of Application Auto Scaling, and its quotas.

Each default is what was measured or, where nobody measured, the reading closest to the
documentation. Sources: Application Auto Scaling User Guide ("How target tracking scaling works",
"How step scaling works", "Scaling activities", "Quotas"), descriptions of real alarms, and one
public measurement of scale to zero on ml.g5.xlarge (July 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Statistic: TypeAlias = Literal["Average", "Maximum", "Minimum"]


@dataclass(frozen=True, slots=True)
class AutoScalingSettings:
    """How Application Auto Scaling behaves where that is not certain. Seconds unless said."""

    # --- target tracking's alarms
    high_points: int = 3
    """Datapoints above the target before AlarmHigh is on (real alarms: 3 of 3 a minute; of
    high-resolution metrics undocumented, the same number is taken)."""
    low_span_s: int = 900
    """How long the metric is low before AlarmLow is on: 15 points of 60 s, 90 of 10 s (real
    alarms of both kinds)."""
    low_share: float = 0.9
    """AlarmLow's threshold as a share of the target (User Guide: usually more than 10 % lower)."""
    concurrency_statistic: Statistic = "Average"
    """Statistic of the alarms on ConcurrentRequestsPerCopy and ...PerModel (undocumented; the
    metric's page lists Minimum and Maximum, an average is what divides by the capacity)."""

    # --- deciding
    tracking_value: Literal["average", "latest"] = "average"
    """What target tracking divides by its target: the mean of the alarm's datapoints, or the
    newest of them (undocumented; step scaling's own default is the average)."""
    measured_over: Literal["then", "now"] = "then"
    """Which capacity a datapoint is multiplied with: that of its time, or the present one. With
    "now" points from before the last change ask for more than there is load (undocumented)."""
    gradual_scale_in: bool = False
    """Whether target tracking removes at most a tenth of the capacity (at least 1) at a time. The
    User Guide says it scales in "more gradually", with no figure."""
    counts_from: Literal["current", "desired"] = "current"
    """Which count an adjustment starts from while copies are on their way (undocumented). With
    "desired" a step policy that waits for a slow start adds a copy per cooldown."""
    decision_s: float = 15.0
    """From an alarm's action to the call that changes the capacity. The public measurement saw
    the alarm after 67 s and the raised count after 102 s, read in steps of up to 30 s. Alarms
    that act within this time are decided on together: the largest capacity wins."""

    act_on_old_data: bool = False
    """Whether a policy acts on datapoints that are all from before the last scale-out was complete
    (undocumented). With True an alarm on refused requests that outlasts the start it asked for
    adds a copy per cooldown, and AlarmLow, which missing data leaves on for 15 minutes at zero
    copies, takes the new copy away at once. The public measurement, whose client retried every
    30 s, tells of neither. Target tracking scales out on old datapoints in any case: they count
    with the capacity of their time."""

    # --- acting
    cooldown_from: Literal["completion", "acceptance"] = "completion"
    """When a cooldown starts: the User Guide says after the scaling activity was successful."""
    poll_s: float = 15.0
    """How often a change in progress is looked at (undocumented)."""
    bounds_s: float = 1.0
    """From a new minimum or maximum to the change it asks for (measured: within 1 s)."""
    bounds_retry_s: float = 60.0
    """A refused change to the bounds is tried again after this (undocumented). One that an alarm
    asked for is tried again when the alarm repeats its action, once a minute."""
    bounds_attempts: int = 10
    """How often at most."""
    check_resource: bool = False
    """Refuse to register what SageMaker does not know (undocumented)."""

    # --- quotas
    max_policies: int = 50
    """Scaling policies per scalable target."""
    max_steps: int = 20
    """Step adjustments per policy."""
    max_scheduled_actions: int = 200
    """Scheduled actions per scalable target."""
    max_tags: int = 50
    """Tags per scalable target."""
    activity_days: int = 42
    """Activities are shown for six weeks."""
