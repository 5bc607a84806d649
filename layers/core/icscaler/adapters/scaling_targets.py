"""Scalable targets of Application Auto Scaling, as far as taking them over and back needs it.

Source: Application Auto Scaling API Reference, RegisterScalableTarget: of a target that exists only
what is given is changed, and SuspendedState is replaced as a whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from icscaler.adapters.clients import port_errors
from icscaler.adapters.sagemaker import COPY_DIMENSION, INSTANCE_DIMENSION, TARGETS_PAGE
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.ports import Takeover

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.client import ApplicationAutoScalingClient

NAMESPACE: Final = "sagemaker"
SUSPENDED: Final = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}


@dataclass(frozen=True, slots=True)
class ScalingTarget:
    """A registered target; `suspended` has all three switches."""

    resource_id: str
    dimension: str
    min_capacity: int
    max_capacity: int
    suspended: dict[str, bool]

    @property
    def active(self) -> bool:
        """Whether it may still change the capacity."""
        return self.suspended != SUSPENDED


def resource_of(config: EndpointConfig, model: ModelConfig) -> tuple[str, str]:
    """(ResourceId, ScalableDimension) of what carries a model's copies."""
    if model.kind == "variant":
        return f"endpoint/{config.name}/variant/{model.variant}", INSTANCE_DIMENSION
    return f"inference-component/{model.name}", COPY_DIMENSION


@dataclass(slots=True)
class ScalingTargets:
    """Raises `PortError`."""

    client: "ApplicationAutoScalingClient"

    def find(self, resources: Iterable[tuple[str, str]]) -> dict[str, ScalingTarget]:
        """Those of the (ResourceId, ScalableDimension) that are registered, by ResourceId."""
        found: dict[str, ScalingTarget] = {}
        wanted = sorted(set(resources), key=lambda pair: (pair[1], pair[0]))
        for dimension in (COPY_DIMENSION, INSTANCE_DIMENSION):
            ids = [resource for resource, its in wanted if its == dimension]
            for start in range(0, len(ids), TARGETS_PAGE):
                self._page(found, ids[start : start + TARGETS_PAGE], dimension)
        return found

    def _page(self, found: dict[str, ScalingTarget], ids: list[str], dimension: Any) -> None:
        paginator = self.client.get_paginator("describe_scalable_targets")
        with port_errors("application-autoscaling", "DescribeScalableTargets"):
            for page in paginator.paginate(
                ServiceNamespace=NAMESPACE, ResourceIds=ids, ScalableDimension=dimension
            ):
                for each in page["ScalableTargets"]:
                    state: Any = each.get("SuspendedState", {})
                    found[each["ResourceId"]] = ScalingTarget(
                        each["ResourceId"],
                        each["ScalableDimension"],
                        each["MinCapacity"],
                        each["MaxCapacity"],
                        {switch: bool(state.get(switch, False)) for switch in SUSPENDED},
                    )

    def suspend(self, takeover: Takeover) -> None:
        """Let it change nothing any more; policies, schedules and bounds stay registered."""
        self._set(takeover, SUSPENDED)

    def give_back(self, takeover: Takeover) -> None:
        """As it was before."""
        self._set(takeover, takeover.suspended_before)

    def _set(self, takeover: Takeover, state: dict[str, bool]) -> None:
        dimension: Any = takeover.dimension
        suspended: Any = state
        with port_errors("application-autoscaling", "RegisterScalableTarget"):
            self.client.register_scalable_target(
                ServiceNamespace=NAMESPACE,
                ResourceId=takeover.resource_id,
                ScalableDimension=dimension,
                SuspendedState=suspended,
            )
