"""CloudWatch alarms of the local cloud: API, evaluation on the virtual clock, actions, events."""

from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.delivery import AutoScalingAction, AutoScalingListener
from icscaler_localcloud.alarms.service import OPERATIONS, QUOTAS, Alarms
from icscaler_localcloud.alarms.settings import AlarmSettings, EmptyQuery

__all__ = [
    "OPERATIONS",
    "QUOTAS",
    "AlarmSettings",
    "Alarms",
    "AutoScalingAction",
    "AutoScalingListener",
    "EmptyQuery",
    "StateValue",
]
