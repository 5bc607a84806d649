"""Clocks that differ: each service stamps what it makes with its own.

Metric points are the world's: `icscaler_sim.world.faults.Faults.metric_clock_s`.
"""

from __future__ import annotations

from enum import StrEnum

from icscaler_localcloud.faults.switch import Switchboard


class Timekeeper(StrEnum):
    """Whose clock it is, and what shows its time."""

    EVENTS = "events"  # `time` of events on a bus
    SCHEDULER = "scheduler"  # when schedules fire: early by as much as the clock is ahead
    SQS = "sqs"  # SentTimestamp, ApproximateFirstReceiveTimestamp
    SAGEMAKER = "sagemaker"  # CreationTime, LastModifiedTime
    FUNCTIONS = "functions"  # `time.time()` and `datetime.now()` in handlers


class ClockFaults(Switchboard):
    """Which clock is ahead or behind."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.skews: dict[Timekeeper, float] = {}
        """Seconds ahead of the true time, negative: behind."""

    def skew_clock(self, whose: Timekeeper | str, *, seconds: float) -> None:
        """Set a service's clock `seconds` ahead of the true time (0: right)."""
        self.skews[Timekeeper(whose)] = seconds

    def skew_s(self, whose: Timekeeper) -> float:
        """By how much that clock is ahead."""
        return self.skews.get(whose, 0.0)
