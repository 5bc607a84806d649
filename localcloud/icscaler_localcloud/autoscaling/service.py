"""Application Auto Scaling of one account and Region: one `call` for every operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.autoscaling.activities import Activities
from icscaler_localcloud.autoscaling.alarms import PolicyAlarms
from icscaler_localcloud.autoscaling.changes import Changes
from icscaler_localcloud.autoscaling.decisions import Decisions
from icscaler_localcloud.autoscaling.errors import not_here
from icscaler_localcloud.autoscaling.model import Params, Registry
from icscaler_localcloud.autoscaling.policies import PolicyOperations
from icscaler_localcloud.autoscaling.resources import Resources
from icscaler_localcloud.autoscaling.scheduled import ScheduledOperations
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.targets import TargetOperations
from icscaler_localcloud.moto_seams import new_id

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

Handler = Callable[[Params], Mapping[str, Any]]


class AutoScalingService:
    """Scalable targets, policies, scheduled actions and activities over the SageMaker service.

    `settings` may be replaced at any time; the shape of a policy's alarms is what it was when the
    policy was put. `gate` counts and throttles calls.
    """

    def __init__(self, cloud: LocalCloud, settings: AutoScalingSettings | None = None) -> None:
        self.gate = CallGate()
        self._clock = cloud.clock
        settings = settings or AutoScalingSettings()
        registry, resources, alarms = Registry(), Resources(cloud), PolicyAlarms(cloud)
        self._log = Activities(new_id, settings.activity_days)
        self._changes = Changes(cloud, registry, resources, self._log, settings)
        decisions = Decisions(cloud, registry, resources, alarms, self._changes, self._log)
        alarms.subscribe(decisions.alarm_acted)
        targets = TargetOperations(cloud, registry, resources, alarms, self._changes)
        policies = PolicyOperations(cloud, registry, alarms, self._changes)
        scheduled = ScheduledOperations(cloud, registry, self._changes, self._log)
        self._handlers: Mapping[str, Handler] = {
            "RegisterScalableTarget": targets.register,
            "DescribeScalableTargets": targets.describe,
            "DeregisterScalableTarget": targets.deregister,
            "ListTagsForResource": targets.list_tags,
            "TagResource": targets.tag,
            "UntagResource": targets.untag,
            "PutScalingPolicy": policies.put,
            "DescribeScalingPolicies": policies.describe,
            "DeleteScalingPolicy": policies.delete,
            "PutScheduledAction": scheduled.put,
            "DescribeScheduledActions": scheduled.describe,
            "DeleteScheduledAction": scheduled.delete,
            "DescribeScalingActivities": self._activities,
        }

    @property
    def settings(self) -> AutoScalingSettings:
        """The switches in force."""
        return self._changes.settings

    @settings.setter
    def settings(self, settings: AutoScalingSettings) -> None:
        self._changes.settings = settings

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are answered."""
        return frozenset(self._handlers)

    def call(self, operation: str, params: Params) -> Mapping[str, Any] | None:
        """Answer one operation; ServiceError with AWS's code and text where it refuses."""
        self.gate.admit(operation, self._clock.now_s)
        handler = self._handlers.get(operation)
        if handler is None:
            raise not_here(operation)
        validate("application-autoscaling", operation, params)
        return handler(params)

    def _activities(self, params: Params) -> Mapping[str, Any]:
        return self._log.describe(params, self._clock.now_s)
