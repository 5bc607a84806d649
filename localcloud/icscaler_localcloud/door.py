"""The way in for HTTP: a request to one address for all services becomes a call of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.http_front import HttpRequest
from icscaler_localcloud.identify import identify, to_api_request
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.wire import ApiReply, codec

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud


class Door:
    """Answers AWS calls that come as HTTP. To be used by the thread that owns the cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._origins: dict[str, str] = {}

    def answer(self, request: HttpRequest) -> ApiReply | None:
        """The reply; None when it was lost on the way. FunctionKilled and bugs come through."""
        try:
            service, operation = identify(request)
        except ServiceError as refusal:
            return codec("sagemaker").refuse(request.headers, refusal)
        try:
            return self._cloud.gateway.handle(
                to_api_request(request, service, self._origin(service)), operation
            )
        except (LookupError, NotImplementedError) as gap:
            # What moto raises for services and operations it does not have; others are bugs.
            if isinstance(gap, (KeyError, IndexError)):
                raise
            message = f"{service}:{operation} is not supported by the local cloud: {gap}"
            unknown = ServiceError("UnknownOperationException", message)
            return codec(service).refuse(request.headers, unknown)

    def _origin(self, service: str) -> str:
        """Where botocore would send calls of this service: scheme and host."""
        if service not in self._origins:
            self._origins[service] = self._cloud.client(service).meta.endpoint_url
        return self._origins[service]
