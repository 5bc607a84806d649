"""SageMaker's events on EventBridge: "SageMaker Endpoint State Change".

Shape: Developer Guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge". The status
is UPPER_SNAKE there, unlike the API's, and times are epoch milliseconds. AWS sends no event for
inference components.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from icscaler_localcloud.sagemaker.context import Context
from icscaler_localcloud.sagemaker.endpoints import EndpointOperations
from icscaler_sim.world import EndpointView

DETAIL_TYPE = "SageMaker Endpoint State Change"
# The world tells nobody of its changes; this is how often somebody looks.
POLL_S = 30

Publish = Callable[[str, Mapping[str, Any], list[str]], None]
"""`publish(detail_type, detail, resources)` on the default bus, as source aws.sagemaker."""


class EndpointEvents:
    """Publishes an event for every endpoint whose status or instance counts changed."""

    def __init__(self, context: Context, endpoints: EndpointOperations, publish: Publish) -> None:
        self._context = context
        self._endpoints = endpoints
        self._publish = publish
        self._last: dict[str, tuple[Any, ...]] = {}

    def look(self) -> None:
        """Compare every endpoint with what it was at the last look."""
        self._context.world.advance(self._context.now_s)
        views = {view.name: view for view in self._context.world.endpoints()}
        for name in self._last.keys() - views.keys():
            del self._last[name]
        for name, view in views.items():
            counts = [(v.current_instances, v.desired_instances) for v in view.variants]
            state = (view.status, view.created_s, *counts)
            if self._last.get(name) != state:
                self._last[name] = state
                arn = self._context.arns.endpoint(name)
                self._publish(DETAIL_TYPE, self._detail(view, arn), [arn])

    def _detail(self, view: EndpointView, arn: str) -> Mapping[str, Any]:
        return {
            "EndpointName": view.name,
            "EndpointArn": arn,
            "EndpointConfigName": self._endpoints.config_of(view.name).name,
            "ProductionVariants": [
                {
                    "VariantName": variant.spec.name,
                    "CurrentWeight": variant.weight,
                    "DesiredWeight": variant.desired_weight,
                    "CurrentInstanceCount": variant.current_instances,
                    "DesiredInstanceCount": variant.desired_instances,
                }
                for variant in view.variants
            ],
            "EndpointStatus": event_status(view.status),
            "CreationTime": int(self._context.shown_s(view.created_s) * 1000),
            "LastModifiedTime": int(self._context.shown_s(view.modified_s) * 1000),
            "Tags": dict(self._context.tags.get(arn, {})),
        }


def event_status(status: str) -> str:
    """InService -> IN_SERVICE."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", status).upper()
