"""PutScalingPolicy, DescribeScalingPolicies, DeleteScalingPolicy.

Sources: API Reference (PutScalingPolicy), User Guide ("Create a target tracking scaling policy",
"Create a step scaling policy", quotas).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling.alarms import PolicyAlarms
from icscaler_localcloud.autoscaling.changes import Changes
from icscaler_localcloud.autoscaling.errors import invalid, no_policy, no_target, not_here, too_many
from icscaler_localcloud.autoscaling.metrics import check_metric
from icscaler_localcloud.autoscaling.model import (
    COPIES,
    INSTANCES,
    Key,
    Params,
    Policy,
    Registry,
    Stepping,
    Target,
    Tracking,
)
from icscaler_localcloud.autoscaling.paging import page
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.steps import Step, Steps, ordered, problem_with
from icscaler_localcloud.moto_seams import new_id

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_PAGE = 10
DEFAULT_COOLDOWN_S = 300
_LARGEST_TARGET = 2.0**360
TRACKING, STEPPING, PREDICTIVE = "TargetTrackingScaling", "StepScaling", "PredictiveScaling"
_CONFIG = {
    TRACKING: "TargetTrackingScalingPolicyConfiguration",
    STEPPING: "StepScalingPolicyConfiguration",
    PREDICTIVE: "PredictiveScalingPolicyConfiguration",
}


class PolicyOperations:
    """The scaling policies of all targets."""

    def __init__(
        self, cloud: LocalCloud, registry: Registry, alarms: PolicyAlarms, changes: Changes
    ) -> None:
        self._cloud, self._registry = cloud, registry
        self._alarms, self._changes = alarms, changes

    def put(self, params: Params) -> Mapping[str, Any]:
        key, name = Key.of(params), params["PolicyName"]
        target = self._target(key)
        known = target.policies.get(name)
        kind = _kind(params, known)
        config = params.get(_CONFIG[kind])
        if config is None:
            raise invalid(f"{_CONFIG[kind]} is required for policy type {kind}.")
        settings = self._changes.settings
        rule = _tracking(key, config) if kind == TRACKING else _stepping(config, settings)
        if kind == TRACKING:
            _check_metric_is_free(target, name, config)
        if known is None and len(target.policies) >= settings.max_policies:
            raise too_many("scaling policies per scalable target", settings.max_policies)
        arn = known.arn if known else self._arn(key, name)
        created_s = known.created_s if known else self._cloud.clock.now_s
        created_by = known.created_by if known else new_id()
        policy = Policy(name, arn, kind, config, rule, created_s, created_by)
        if kind == TRACKING:
            policy.alarms = self._alarms.put(key, policy, settings)
        if known is not None:
            # Alarms get new names with every update; the policy and its cooldown stay.
            policy.cooldown = known.cooldown
            self._alarms.delete([alarm.name for alarm in known.alarms])
        self._registry.add_policy(target, policy)
        return {"PolicyARN": arn, "Alarms": _shown_alarms(policy)}

    def describe(self, params: Params) -> Mapping[str, Any]:
        if "ScalableDimension" in params and "ResourceId" not in params:
            raise invalid("ResourceId is required when ScalableDimension is given.")
        names = params.get("PolicyNames")
        found = sorted(
            (
                (target.key, policy)
                for target in self._registry
                if all(
                    params.get(member, value) == value
                    for member, value in target.key.shown().items()
                )
                for policy in target.policies.values()
                if not names or policy.name in names
            ),
            key=lambda pair: (pair[0], pair[1].name),
        )
        rows, token = page(found, params, _PAGE)
        acting = self._alarms.acting_on([p.arn for _, p in rows if p.kind == STEPPING])
        return {
            "ScalingPolicies": [
                {
                    "PolicyARN": policy.arn,
                    "PolicyName": policy.name,
                    **key.shown(),
                    "PolicyType": policy.kind,
                    _CONFIG[policy.kind]: policy.config,
                    "Alarms": acting.get(policy.arn, _shown_alarms(policy)),
                    "CreationTime": policy.created_s,
                }
                for key, policy in rows
            ],
            "NextToken": token,
        }

    def delete(self, params: Params) -> Mapping[str, Any]:
        """Delete a policy and the alarms that were made for it; alarms of others stay."""
        key, name = Key.of(params), params["PolicyName"]
        target = self._registry.get(key)
        policy = target.policies.get(name) if target is not None else None
        if target is None or policy is None:
            raise no_policy(key, name)
        self._alarms.delete([alarm.name for alarm in policy.alarms])
        self._registry.remove_policy(target, policy)
        return {}

    def _target(self, key: Key) -> Target:
        target = self._registry.get(key)
        if target is None:
            raise no_target(key)
        if key.dimension not in (COPIES, INSTANCES):
            raise not_here(f"A scaling policy on {key.dimension}")
        return target

    def _arn(self, key: Key, name: str) -> str:
        return (
            f"arn:aws:autoscaling:{self._cloud.region}:{self._cloud.account}:scalingPolicy:"
            f"{new_id()}:resource/{key.namespace}/{key.resource_id}:policyName/{name}"
        )


def _kind(params: Params, known: Policy | None) -> str:
    kind = str(params.get("PolicyType", known.kind if known else ""))
    if not kind:
        raise invalid("PolicyType is required when creating a scaling policy.")
    if kind == PREDICTIVE:
        raise invalid(
            "PolicyType PredictiveScaling is not supported for service namespace "
            f"{params['ServiceNamespace']}."
        )
    if known is not None and known.kind != kind:
        raise invalid(f"The type of scaling policy {known.name} cannot be changed.")
    others = [member for other, member in _CONFIG.items() if other != kind and member in params]
    if others:
        raise invalid(f"{others[0]} cannot be specified for policy type {kind}.")
    return kind


# -- target tracking


def _tracking(key: Key, config: Params) -> Tracking:
    target = float(config["TargetValue"])
    if not math.isfinite(target) or not 1 / _LARGEST_TARGET <= target <= _LARGEST_TARGET:
        raise invalid(f"TargetValue {target} is out of range.")
    check_metric(key, config)
    return Tracking(
        target,
        not config.get("DisableScaleIn", False),
        _cooldown(config, "ScaleOutCooldown"),
        _cooldown(config, "ScaleInCooldown"),
    )


def _check_metric_is_free(target: Target, name: str, config: Params) -> None:
    members = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
    wanted = [config.get(member) for member in members]
    for other in target.policies.values():
        same = [other.config.get(member) for member in members] == wanted
        if other.kind == TRACKING and other.name != name and same:
            raise invalid(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed."
            )


# -- step scaling


def _stepping(config: Params, settings: AutoScalingSettings) -> Stepping:
    kind = config.get("AdjustmentType")
    if kind is None:
        raise invalid("AdjustmentType is required for a step scaling policy.")
    steps = [_step(step) for step in config.get("StepAdjustments", ())]
    if len(steps) > settings.max_steps:
        raise too_many("step adjustments per scaling policy", settings.max_steps)
    problem = problem_with(steps)
    if problem is not None:
        raise invalid(problem)
    if kind == "ExactCapacity" and any(step.adjustment < 0 for step in steps):
        raise invalid("ScalingAdjustment must not be negative for ExactCapacity.")
    magnitude = config.get("MinAdjustmentMagnitude", 0)
    if magnitude and kind != "PercentChangeInCapacity":
        raise invalid("MinAdjustmentMagnitude is only supported for PercentChangeInCapacity.")
    return Stepping(
        Steps(kind, ordered(steps), magnitude),
        config.get("MetricAggregationType", "Average"),
        _cooldown(config, "Cooldown"),
    )


def _step(step: Params) -> Step:
    return Step(
        step["ScalingAdjustment"],
        step.get("MetricIntervalLowerBound", -math.inf),
        step.get("MetricIntervalUpperBound", math.inf),
    )


def _cooldown(config: Params, member: str) -> float:
    seconds = config.get(member, DEFAULT_COOLDOWN_S)
    if seconds < 0:
        raise invalid(f"{member} must not be negative.")
    return float(seconds)


def _shown_alarms(policy: Policy) -> list[Mapping[str, str]]:
    return [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in policy.alarms]
