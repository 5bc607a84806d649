"""Switches for what AWS does not document, or documents otherwise than it behaves.

Each default is what was measured or, where nobody measured, what the documentation says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EmptyQuery(StrEnum):
    """What a GROUP BY alarm does when its query returns no time series at all."""

    TREAT_MISSING_DATA = "TreatMissingData"
    """Follows TreatMissingData, as measured (2026-08 and 2026-09, two accounts)."""
    INSUFFICIENT_DATA = "InsufficientData"
    """Becomes INSUFFICIENT_DATA whatever TreatMissingData says, as the User Guide has it."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """How CloudWatch alarms behave where that is not certain."""

    metric_delay_s: float = 10.0
    """A period is evaluated once it has ended this long ago. Measured on 10 s alarms."""
    expression_delay_s: float = 0.0
    """The same for expressions and queries. Measured: none."""
    extra_points_high_resolution: int = 6
    """Periods looked back at beyond EvaluationPeriods when some are missing, for periods below a
    minute; at most twice EvaluationPeriods. Measured: 9 in all for 3 periods of 10 s; and an
    alarm on 10 s of a minute metric is said to lapse into INSUFFICIENT_DATA (API Reference)."""
    extra_points_standard: int = 2
    """The same for whole minutes. User Guide: 5 in all for 3 periods of 5 minutes."""
    phase_s: int | None = None
    """At which second of its interval an alarm is evaluated. None: spread by name, as measured
    (each alarm keeps its own second)."""
    repeat_autoscaling_s: float | None = 60.0
    """Auto Scaling actions repeat this often while the alarm stays in the state (User Guide: once
    a minute); None: only on the transition."""
    empty_query: EmptyQuery = EmptyQuery.TREAT_MISSING_DATA
    action_delay_s: float = 0.25
    """From a transition to its actions. AWS names no figure."""
    throttle: bool = True
    """Enforce the calls per second that the quota page names."""
    max_alarms: int = 5000
    """Per Region; adjustable on AWS, and no longer in its quota table."""
    max_insights_alarms: int = 200
    """Alarms on Metrics Insights queries per Region; not adjustable on AWS."""
