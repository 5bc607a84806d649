"""CloudWatch of the local cloud: metric API, alarms, dashboards, embedded metric format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.cloudwatch.emf import ingest_emf
from icscaler_localcloud.cloudwatch.service import CloudWatchService

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

__all__ = ["CloudWatchService", "create_service", "ingest_emf"]


def create_service(cloud: LocalCloud) -> CloudWatchService:
    """The factory that `icscaler_localcloud.services.OWN_SERVICES` names."""
    from icscaler_localcloud.alarms import Alarms  # it needs this package's metric math

    account, region = cloud.account, cloud.region
    alarms = Alarms(
        cloud.metrics,
        cloud.clock,
        account=account,
        region=region,
        settings=cloud.alarm_settings,
        cloud=cloud,
    )
    return CloudWatchService(
        cloud.metrics,
        cloud.clock,
        account=account,
        region=region,
        alarms=alarms,
        spoil=cloud.faults.spoiled,
    )
