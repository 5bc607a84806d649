"""SageMaker of the local cloud: control plane and runtime over the simulated world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.cloudwatch import CloudWatchService
from icscaler_localcloud.faults import Timekeeper
from icscaler_localcloud.sagemaker.arns import Arns
from icscaler_localcloud.sagemaker.context import Context
from icscaler_localcloud.sagemaker.events import POLL_S, EndpointEvents
from icscaler_localcloud.sagemaker.runtime import RuntimeService
from icscaler_localcloud.sagemaker.service import SageMakerService

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

__all__ = ["RuntimeService", "SageMakerService", "create_runtime_service", "create_service"]


def create_service(cloud: LocalCloud) -> SageMakerService:
    """The control plane's factory, named in `icscaler_localcloud.services.OWN_SERVICES`."""
    service = SageMakerService(_context(cloud))
    cloudwatch = cloud.service("cloudwatch")
    if isinstance(cloudwatch, CloudWatchService):
        service.context.alarm_is_on = cloudwatch.alarms.is_on
        cloudwatch.alarms.listen(service.alarm_changed)
    events = EndpointEvents(
        service.context,
        service.endpoints,
        lambda kind, detail, resources: _publish(cloud, kind, detail, resources),
    )
    cloud.every(POLL_S, events.look)
    return service


def create_runtime_service(cloud: LocalCloud) -> RuntimeService:
    """The runtime's factory, named in `icscaler_localcloud.services.OWN_SERVICES`."""
    return RuntimeService(_context(cloud))


def _context(cloud: LocalCloud) -> Context:
    return Context(
        cloud.world,
        cloud.clock,
        Arns(cloud.account, cloud.region),
        clock_skew_s=lambda: cloud.faults.skew_s(Timekeeper.SAGEMAKER),
    )


def _publish(cloud: LocalCloud, kind: str, detail: Mapping[str, Any], resources: list[str]) -> None:
    cloud.events.publish("aws.sagemaker", kind, detail, resources=resources)
