"""Application Auto Scaling of the local cloud, and the wiring AWS documents for scale to zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.autoscaling.service import AutoScalingService
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.wiring import (
    DEVELOPER_GUIDE,
    LAUNCH_POST,
    SAMPLES,
    DocumentedWiring,
    Wiring,
    documented_wiring,
    remove_wiring,
)

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

__all__ = [
    "DEVELOPER_GUIDE",
    "LAUNCH_POST",
    "SAMPLES",
    "AutoScalingService",
    "AutoScalingSettings",
    "DocumentedWiring",
    "Wiring",
    "autoscaling_of",
    "create_service",
    "documented_wiring",
    "remove_wiring",
]


def create_service(cloud: LocalCloud) -> AutoScalingService:
    """The factory for `icscaler_localcloud.services.OWN_SERVICES`."""
    return AutoScalingService(cloud)


def autoscaling_of(cloud: LocalCloud) -> AutoScalingService:
    """The service of a cloud, for its `settings` and `gate`."""
    service = cloud.service("application-autoscaling")
    assert isinstance(service, AutoScalingService)
    return service
