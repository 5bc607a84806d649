"""RegisterScalableTarget, DescribeScalableTargets, DeregisterScalableTarget, and tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling.alarms import PolicyAlarms
from icscaler_localcloud.autoscaling.changes import Changes
from icscaler_localcloud.autoscaling.errors import invalid, no_resource, no_target
from icscaler_localcloud.autoscaling.model import (
    COPIES,
    INSTANCES,
    Key,
    Params,
    Registry,
    Target,
)
from icscaler_localcloud.autoscaling.paging import page
from icscaler_localcloud.autoscaling.resources import Resources
from icscaler_localcloud.services import ServiceError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_PAGE = 50
SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
# How a resource id begins, by the dimension's resource type ("Amazon SageMaker AI and Application
# Auto Scaling", User Guide). Other services' ids are taken as they are.
_SAGEMAKER_IDS = {
    INSTANCES: ("endpoint", 4),
    "sagemaker:variant:DesiredProvisionedConcurrency": ("endpoint", 4),
    COPIES: ("inference-component", 2),
}


class TargetOperations:
    """The registry's operations. Registering brings the capacity within the bounds."""

    def __init__(
        self,
        cloud: LocalCloud,
        registry: Registry,
        resources: Resources,
        alarms: PolicyAlarms,
        changes: Changes,
    ) -> None:
        self._cloud, self._registry = cloud, registry
        self._resources, self._alarms, self._changes = resources, alarms, changes

    def register(self, params: Params) -> Mapping[str, Any]:
        key = Key.of(params)
        _check_id(key)
        known = self._registry.get(key)
        minimum = params.get("MinCapacity", known.minimum if known else None)
        maximum = params.get("MaxCapacity", known.maximum if known else None)
        if minimum is None or maximum is None:
            raise invalid(
                "MinCapacity and MaxCapacity are required when registering a new scalable target."
            )
        if minimum < 0 or maximum < minimum:
            raise invalid("Maximum capacity cannot be less than minimum capacity.")
        if self._changes.settings.check_resource and self._resources.capacity(key) is None:
            raise invalid(f"Resource {key.resource_id} could not be found.")
        if known is None:
            known = self._new(key, minimum, maximum)
            self._tag(known, params.get("Tags", {}))
            self._registry.add(known)
        elif "Tags" in params:
            raise invalid("Tags can only be given when a scalable target is registered.")
        known.minimum, known.maximum = minimum, maximum
        known.role_arn = params.get("RoleARN", known.role_arn)
        if "SuspendedState" in params:
            given = params["SuspendedState"]
            known.suspended = {name: given.get(name, False) for name in SUSPENSIONS}
        self._changes.enforce_later(known)
        return {"ScalableTargetARN": known.arn}

    def describe(self, params: Params) -> Mapping[str, Any]:
        namespace, dimension = params["ServiceNamespace"], params.get("ScalableDimension")
        ids = params.get("ResourceIds")
        found = sorted(
            (
                target
                for target in self._registry
                if target.key.namespace == namespace
                and dimension in (None, target.key.dimension)
                and (not ids or target.key.resource_id in ids)
            ),
            key=lambda target: target.key,
        )
        rows, token = page(found, params, _PAGE)
        return {"ScalableTargets": [_shown(target) for target in rows], "NextToken": token}

    def deregister(self, params: Params) -> Mapping[str, Any]:
        target = self.find(Key.of(params))
        policies = target.policies.values()
        self._alarms.delete([alarm.name for policy in policies for alarm in policy.alarms])
        self._registry.remove(target)
        return {}

    def find(self, key: Key) -> Target:
        """The registered target; ObjectNotFoundException where there is none."""
        target = self._registry.get(key)
        if target is None:
            raise no_target(key)
        return target

    # -- tags

    def list_tags(self, params: Params) -> Mapping[str, Any]:
        return {"Tags": self._tagged(params).tags}

    def tag(self, params: Params) -> Mapping[str, Any]:
        self._tag(self._tagged(params), params["Tags"])
        return {}

    def untag(self, params: Params) -> Mapping[str, Any]:
        target = self._tagged(params)
        for name in params["TagKeys"]:
            target.tags.pop(name, None)
        return {}

    def _tagged(self, params: Params) -> Target:
        target = self._registry.by_arn(params["ResourceARN"])
        if target is None:
            raise no_resource(params["ResourceARN"])
        return target

    def _tag(self, target: Target, tags: Mapping[str, str]) -> None:
        if any(name.lower().startswith("aws:") for name in tags):
            raise invalid("Tag keys must not start with aws:")
        merged, limit = target.tags | dict(tags), self._changes.settings.max_tags
        if len(merged) > limit:
            raise ServiceError("TooManyTagsException", f"A resource can have at most {limit} tags.")
        target.tags = merged

    def _new(self, key: Key, minimum: int, maximum: int) -> Target:
        region, account = self._cloud.region, self._cloud.account
        identity = hashlib.sha256("|".join(key).encode()).hexdigest()[:32]
        return Target(
            key,
            f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/{identity}",
            minimum,
            maximum,
            self._linked_role(key.namespace),
            self._cloud.clock.now_s,
            dict.fromkeys(SUSPENSIONS, False),
        )

    def _linked_role(self, namespace: str) -> str:
        name = "SageMakerEndpoint" if namespace == "sagemaker" else namespace
        return (
            f"arn:aws:iam::{self._cloud.account}:role/aws-service-role/"
            f"{namespace}.application-autoscaling.amazonaws.com/"
            f"AWSServiceRoleForApplicationAutoScaling_{name}"
        )


def _shown(target: Target) -> Mapping[str, Any]:
    return {
        **target.key.shown(),
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role_arn,
        "CreationTime": target.created_s,
        "SuspendedState": target.suspended,
        "ScalableTargetARN": target.arn,
    }


def _check_id(key: Key) -> None:
    shape = _SAGEMAKER_IDS.get(key.dimension)
    parts = key.resource_id.split("/")
    fits = key.dimension.startswith(f"{key.namespace}:") and (
        shape is None or (parts[0] == shape[0] and len(parts) == shape[1] and all(parts))
    )
    if not fits:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
