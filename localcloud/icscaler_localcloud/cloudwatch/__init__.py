"""CloudWatch of the local cloud: metric API, alarm storage, embedded metric format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.cloudwatch.emf import ingest_emf
from icscaler_localcloud.cloudwatch.service import CloudWatchService

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

__all__ = ["CloudWatchService", "create_service", "ingest_emf"]


def create_service(cloud: LocalCloud) -> CloudWatchService:
    """The factory that `icscaler_localcloud.services.OWN_SERVICES` names."""
    return CloudWatchService(cloud.metrics, cloud.clock, account=cloud.account, region=cloud.region)
