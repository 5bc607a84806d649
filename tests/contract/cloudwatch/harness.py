"""boto3 clients whose requests own services answer, through the real wire, without sockets."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from icscaler_localcloud.gateway import answer_own
from icscaler_localcloud.services import OwnService
from icscaler_localcloud.wire import ApiRequest

ACCOUNT, REGION = "123456789012", "us-east-1"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()


class Clock:
    """A virtual clock that tests set."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s


class Door:
    """Makes clients for a set of own services, by botocore's service names."""

    def __init__(self, services: Mapping[str, OwnService]) -> None:
        self.services = services
        self.bodies: list[bytes] = []

    def client(self, name: str, config: Config | None = None) -> Any:
        client = boto3.Session("AKIAEXAMPLE", "secret", region_name=REGION).client(
            name, config=config or ONE_ATTEMPT
        )

        def send(request: Any, **_: Any) -> AWSResponse:
            headers = {
                key.lower(): value.decode() if isinstance(value, bytes) else str(value)
                for key, value in request.headers.items()
            }
            body = request.body or b""
            asked = ApiRequest(name, request.method, request.url, headers, bytes(body))
            reply = answer_own(self.services[name], asked)
            self.bodies.append(reply.body)
            return AWSResponse(request.url, reply.status, reply.headers, _Raw(reply.body))

        client.meta.events.register_first("before-send", send)
        return client
