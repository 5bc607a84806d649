"""Application Auto Scaling of the local cloud: scalable targets, nothing that scales by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.autoscaling.service import ScalableTargetService

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

__all__ = ["ScalableTargetService", "create_service"]


def create_service(cloud: LocalCloud) -> ScalableTargetService:
    """The factory for `icscaler_localcloud.services.OWN_SERVICES`."""
    return ScalableTargetService(cloud.clock, account=cloud.account, region=cloud.region)
