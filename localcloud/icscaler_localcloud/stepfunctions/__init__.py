"""Step Functions: own service "stepfunctions" of the local cloud.

moto's interpreter of the Amazon States Language, made deterministic on the virtual clock. Design,
and what it cannot do: `docs/design/003-local-step-functions.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud
    from icscaler_localcloud.stepfunctions.service import StepFunctions


def create_service(cloud: LocalCloud) -> StepFunctions:
    """The factory named in `services.OWN_SERVICES`; wires targets and closing too."""
    from icscaler_localcloud.stepfunctions.service import StepFunctions
    from icscaler_localcloud.stepfunctions.wiring import wire

    service = StepFunctions(cloud)
    wire(cloud, service)
    return service
