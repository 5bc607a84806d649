"""The SageMaker control plane of the local cloud: one `call` for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.sagemaker.components import ComponentOperations
from icscaler_localcloud.sagemaker.context import Context, Handler, Params
from icscaler_localcloud.sagemaker.endpoint_configs import EndpointConfigOperations
from icscaler_localcloud.sagemaker.endpoints import EndpointOperations
from icscaler_localcloud.sagemaker.models import ModelOperations
from icscaler_localcloud.sagemaker.tags import TagOperations
from icscaler_localcloud.services import ServiceError
from icscaler_sim.world import Refusal


class SageMakerService:
    """Endpoint configurations, endpoints, models, inference components and tags over a World.

    `gate` counts and throttles calls; `context.quotas` sets account limits per instance type.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.gate = CallGate()
        self.endpoints = EndpointOperations(context)
        self.components = ComponentOperations(context, self.endpoints)
        self._handlers: Mapping[str, Handler] = {
            **ModelOperations(context).handlers(),
            **EndpointConfigOperations(context).handlers(),
            **self.endpoints.handlers(),
            **self.components.handlers(),
            **TagOperations(context).handlers(),
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are answered."""
        return frozenset(self._handlers)

    def call(self, operation: str, params: Params) -> Mapping[str, Any] | None:
        """Answer one operation; ServiceError with AWS's code and text where it refuses."""
        self.gate.admit(operation, self.context.now_s)
        handler = self._handlers.get(operation)
        if handler is None:
            raise ServiceError(
                "UnknownOperationException",
                f"SageMaker's {operation} is not supported by the local cloud.",
            )
        validate("sagemaker", operation, params)
        try:
            return handler(params)
        except Refusal as refusal:
            raise ServiceError(refusal.code, refusal.message) from refusal

    def alarm_changed(self, alarm: str, state: str) -> None:
        """A CloudWatch alarm changed: updates that watch it roll back when it is in ALARM."""
        if state == "ALARM":
            self.components.alarm_went_on(alarm)
