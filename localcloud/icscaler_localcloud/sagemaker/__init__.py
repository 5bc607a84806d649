"""SageMaker of the local cloud: control plane and runtime over the simulated world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.cloudwatch import CloudWatchService
from icscaler_localcloud.sagemaker.arns import Arns
from icscaler_localcloud.sagemaker.context import Context
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
        alarms = cloudwatch.alarms
        service.context.alarm_is_on = alarms.is_on
        alarms.listen(lambda name, state: service.alarm_changed(name, state))
    return service


def create_runtime_service(cloud: LocalCloud) -> RuntimeService:
    """The runtime's factory, named in `icscaler_localcloud.services.OWN_SERVICES`."""
    return RuntimeService(_context(cloud))


def _context(cloud: LocalCloud) -> Context:
    return Context(cloud.world, cloud.clock, Arns(cloud.account, cloud.region))
