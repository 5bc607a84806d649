"""Register, describe and deregister scalable targets, with their suspended state.

Policies and scheduled actions are refused; the lists of them are truthfully empty. Codes are
those of botocore's model: ValidationException, ObjectNotFoundException, InvalidNextTokenException.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.services import ServiceError

_PAGE = 50
_SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
# How a resource id begins, by the dimension's resource type ("Amazon SageMaker AI and Application
# Auto Scaling", User Guide). Other services' ids are taken as they are.
_SAGEMAKER_IDS = {
    "sagemaker:variant:DesiredInstanceCount": ("endpoint", 4),
    "sagemaker:variant:DesiredProvisionedConcurrency": ("endpoint", 4),
    "sagemaker:inference-component:DesiredCopyCount": ("inference-component", 2),
}
_EMPTY_LISTS = {
    "DescribeScalingPolicies": "ScalingPolicies",
    "DescribeScheduledActions": "ScheduledActions",
    "DescribeScalingActivities": "ScalingActivities",
}
Params = Mapping[str, Any]
Key = tuple[str, str, str]


class Clock(Protocol):
    """Anything that knows the virtual time."""

    @property
    def now_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """One registered target; `suspended` holds the three switches of SuspendedState."""

    namespace: str
    resource_id: str
    dimension: str
    minimum: int
    maximum: int
    role_arn: str
    created_s: float
    suspended: Mapping[str, bool]


class ScalableTargetService:
    """The registry of scalable targets of one account and Region."""

    def __init__(self, clock: Clock, *, account: str, region: str) -> None:
        self.gate = CallGate()
        self._clock = clock
        self._account, self._region = account, region
        self._targets: dict[Key, ScalableTarget] = {}

    def call(self, operation: str, params: Params) -> Mapping[str, Any] | None:
        """Answer one operation; ServiceError with AWS's code and text where it refuses."""
        self.gate.admit(operation, self._clock.now_s)
        validate("application-autoscaling", operation, params)
        match operation:
            case "RegisterScalableTarget":
                return self._register(params)
            case "DescribeScalableTargets":
                return self._describe(params)
            case "DeregisterScalableTarget":
                return self._deregister(params)
        if operation in _EMPTY_LISTS:
            return {_EMPTY_LISTS[operation]: []}
        raise _invalid(f"{operation} is not supported by the local cloud.")

    def _register(self, params: Params) -> Mapping[str, Any]:
        key = _key(params)
        _check_id(key)
        known = self._targets.get(key)
        minimum = params.get("MinCapacity", known.minimum if known else None)
        maximum = params.get("MaxCapacity", known.maximum if known else None)
        if minimum is None or maximum is None:
            raise _invalid(
                "MinCapacity and MaxCapacity are required when registering a new scalable target."
            )
        if minimum < 0 or maximum < minimum:
            raise _invalid("Maximum capacity cannot be less than minimum capacity.")
        if known is None:
            known = ScalableTarget(
                *key,
                minimum=minimum,
                maximum=maximum,
                role_arn=self._linked_role(key[0]),
                created_s=self._clock.now_s,
                suspended=dict.fromkeys(_SUSPENSIONS, False),
            )
        suspended = known.suspended
        if "SuspendedState" in params:
            given = params["SuspendedState"]
            suspended = {name: given.get(name, False) for name in _SUSPENSIONS}
        self._targets[key] = replace(
            known,
            minimum=minimum,
            maximum=maximum,
            role_arn=params.get("RoleARN", known.role_arn),
            suspended=suspended,
        )
        return {"ScalableTargetARN": self._arn(key)}

    def _describe(self, params: Params) -> Mapping[str, Any]:
        namespace, dimension = params["ServiceNamespace"], params.get("ScalableDimension")
        ids = params.get("ResourceIds")
        found = [
            (key, target)
            for key, target in sorted(self._targets.items())
            if target.namespace == namespace
            and dimension in (None, target.dimension)
            and (not ids or target.resource_id in ids)
        ]
        start = _position(params.get("NextToken"), len(found))
        end = start + params.get("MaxResults", _PAGE)
        return {
            "ScalableTargets": [self._shown(key, target) for key, target in found[start:end]],
            "NextToken": str(end) if end < len(found) else None,
        }

    def _deregister(self, params: Params) -> Mapping[str, Any]:
        key = _key(params)
        if self._targets.pop(key, None) is None:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {key[0]}, resource ID: "
                f"{key[1]}, scalable dimension: {key[2]}",
            )
        return {}

    def _shown(self, key: Key, target: ScalableTarget) -> Mapping[str, Any]:
        return {
            "ServiceNamespace": target.namespace,
            "ResourceId": target.resource_id,
            "ScalableDimension": target.dimension,
            "MinCapacity": target.minimum,
            "MaxCapacity": target.maximum,
            "RoleARN": target.role_arn,
            "CreationTime": target.created_s,
            "SuspendedState": target.suspended,
            "ScalableTargetARN": self._arn(key),
        }

    def _arn(self, key: Key) -> str:
        identity = hashlib.sha256("|".join(key).encode()).hexdigest()[:32]
        return (
            f"arn:aws:application-autoscaling:{self._region}:{self._account}:"
            f"scalable-target/{identity}"
        )

    def _linked_role(self, namespace: str) -> str:
        name = "SageMakerEndpoint" if namespace == "sagemaker" else namespace
        return (
            f"arn:aws:iam::{self._account}:role/aws-service-role/"
            f"{namespace}.application-autoscaling.amazonaws.com/"
            f"AWSServiceRoleForApplicationAutoScaling_{name}"
        )


def _key(params: Params) -> Key:
    return params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"]


def _check_id(key: Key) -> None:
    namespace, resource_id, dimension = key
    shape = _SAGEMAKER_IDS.get(dimension)
    parts = resource_id.split("/")
    fits = dimension.startswith(f"{namespace}:") and (
        shape is None or (parts[0] == shape[0] and len(parts) == shape[1] and all(parts))
    )
    if not fits:
        raise _invalid("Unsupported service namespace, resource type or scalable dimension")


def _position(token: str | None, count: int) -> int:
    if token is None:
        return 0
    if not token.isdecimal() or int(token) > count:
        raise ServiceError("InvalidNextTokenException", "The NextToken is not valid.")
    return int(token)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
