"""How state machines are reached from the rest of the cloud: as targets, and when it closes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.targets import DeliveryError, Targets

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud
    from icscaler_localcloud.stepfunctions.service import StepFunctions

_ACTION = "states:StartExecution"


class MachineTargets(Targets):
    """Delivery to state machines too: a rule or schedule starts an execution in its own role."""

    def __init__(self, cloud: LocalCloud, service: StepFunctions) -> None:
        super().__init__(cloud)
        self._service = service

    def deliver(
        self,
        arn: str,
        message: Any,
        *,
        source_arn: str,
        role_arn: str | None = None,
        principal: str | None = None,
        group: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """As Targets.deliver; for a state machine the message is the execution's input.

        EventBridge and Scheduler start machines only in a role that allows it: a machine has no
        resource policy. Each delivery is an execution with a name of its own.
        """
        if arn.split(":")[2] != "states":
            super().deliver(
                arn,
                message,
                source_arn=source_arn,
                role_arn=role_arn,
                principal=principal,
                group=group,
                attributes=attributes,
            )
            return
        cloud = self._service.cloud
        if role_arn is None:
            raise DeliveryError("NO_PERMISSIONS", f"the target {arn} has no role to act in")
        if cloud.enforce_iam and not cloud.iam.allows(role_arn, _ACTION, arn):
            raise DeliveryError("NO_PERMISSIONS", f"{role_arn} may not {_ACTION} on {arn}")
        try:
            self._service.start(self._service.machines.get(arn), json.dumps(message))
        except ServiceError as refusal:
            absent = refusal.code == "StateMachineDoesNotExist"
            code = "RESOURCE_NOT_FOUND" if absent else "SDK_CLIENT_ERROR"
            raise DeliveryError(code, str(refusal)) from None


def wire(cloud: LocalCloud, service: StepFunctions) -> None:
    """Let rules and schedules reach state machines, and end executions when the cloud closes."""
    cloud.targets = MachineTargets(cloud, service)
    close = cloud.close

    def close_all() -> None:
        service.close()
        close()

    cloud.close = close_all  # type: ignore[method-assign]
