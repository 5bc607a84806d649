"""Named switches that make AWS go wrong, deterministic by the cloud's seed.

`LocalCloud.faults` has the plumbing's: API calls, deliveries of events, functions, clocks, what
CloudWatch answers. The physics has its own (`World.faults`, `World.lose_instance`): capacity,
starts, components that stay Updating, metric points. docs/design/005-faults.md lists them all.

    switch = cloud.faults.throttle("sagemaker", "UpdateInferenceComponentRuntimeConfig", times=2)
    cloud.faults.kill_before_call("reconcile", "sagemaker", "UpdateInferenceComponentRuntimeConfig")
    cloud.faults.lose_deliveries(Lane.SCHEDULER, chance=0.1, times=FOREVER)
    ...
    assert switch.hits == 2
    switch.off()

A switch is set for the next `times` that it strikes (once, unless told otherwise), counts its hits
and can be taken off again. `chance` lets it strike only some of what matches it, drawn from a
stream of its own, so that one more switch changes nothing about the others.
"""

from __future__ import annotations

from icscaler_localcloud.faults.calls import CallFaults, CallSeen, Effect
from icscaler_localcloud.faults.clocks import ClockFaults, Timekeeper
from icscaler_localcloud.faults.deliveries import DeliveryFaults, Lane
from icscaler_localcloud.faults.functions import FunctionFaults
from icscaler_localcloud.faults.metrics import MetricFaults
from icscaler_localcloud.faults.switch import FOREVER, FunctionKilled, Switch

__all__ = [
    "FOREVER",
    "CallSeen",
    "Effect",
    "Faults",
    "FunctionKilled",
    "Lane",
    "Switch",
    "Timekeeper",
]


class Faults(CallFaults, DeliveryFaults, FunctionFaults, ClockFaults, MetricFaults):
    """The fault switches of one local cloud; one base class for each place they strike at."""

    def clear(self) -> None:
        """Take every switch off and set every clock right."""
        super().clear()
        self.skews.clear()
