"""botocore without sockets: any client made in this process talks to the open local cloud.

While a cloud is open, `botocore.session.get_session` (through which `boto3.client`,
`boto3.Session` and `boto3.resource` all go) makes sessions of ours; each client they create
hands its prepared request to the cloud's gateway in the `before-send` hook, signs with its own
credentials (the gateway tells functions apart by the access key) and retries as usual, except
that waiting between retries passes virtual time. Nobody here checks a signature or reads which
SDK calls: for the services that are called most, the name in the signature is all that is made of
it, and the user agent is put together once a client. Closing the cloud puts everything back.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.endpoint
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.loaders import Loader

from icscaler_localcloud.wire import ApiRequest

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from icscaler_localcloud.gateway import Gateway

OPERATOR_ACCESS_KEY = "AKIALOCALOPERATOR000"
SECRET_KEY = "local-cloud-has-no-secrets"  # noqa: S105 a made-up credential
# All their operations are signed with version 4.
_SIGNED_BRIEFLY = frozenset({"cloudwatch", "dynamodb", "events", "sagemaker", "sns", "sqs"})


class _Folders(list[str]):
    """Where service models are looked for, each once: every boto3 session adds boto3's own."""

    def append(self, folder: str) -> None:
        if folder not in self:
            super().append(folder)


# Service models are large JSON files; all sessions read them through one caching loader.
_LOADER = Loader(extra_search_paths=_Folders())


# (config key, environment variables, default, conversion): profiles, files and endpoints that the
# person at this machine has configured for AWS do not reach the local cloud.
_NOTHING_OF_THE_HOST: dict[str, Any] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ignore_configured_endpoint_urls": (None, None, True, None),
}


class _Raw(io.BytesIO):
    """A reply body as urllib3 would stream it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class LocalSession(botocore.session.Session):
    """A botocore session whose clients are answered by a gateway in this process."""

    def __init__(self, gateway: Gateway, region: str) -> None:
        super().__init__(session_vars=_NOTHING_OF_THE_HOST)
        self._gateway = gateway
        self.register_component("data_loader", _LOADER)
        self.set_config_variable("region", region)
        # In a function the environment holds the role's credentials; elsewhere an operator's.
        self.set_credentials(
            os.environ.get("AWS_ACCESS_KEY_ID", "")
            if gateway.is_function_key(os.environ.get("AWS_ACCESS_KEY_ID", ""))
            else OPERATOR_ACCESS_KEY,
            SECRET_KEY,
        )

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> BaseClient:
        """A client as always, with its sending end turned to the gateway."""
        kwargs.pop("endpoint_url", None)
        client: BaseClient = super().create_client(service_name, *args, **kwargs)
        answer: Any = _Sender(self._gateway, service_name)
        client.meta.events.register_first("before-send", answer)
        _shorten(client, service_name)
        return client


def _shorten(client: Any, service: str) -> None:
    agent = client._user_agent_creator
    agent.to_string = cache(agent.to_string)
    signer = client._request_signer
    if service not in _SIGNED_BRIEFLY or signer.signature_version == UNSIGNED:
        return

    def sign(request: AWSRequest, **_: Any) -> None:
        scope = f"{signer._credentials.access_key}/20260101/{signer.region_name}/{service}"
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}/aws4_request"

    created = f"request-created.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.unregister(created, signer.handler)
    client.meta.events.register(created, sign)


class _Sender:
    """The `before-send` handler of one client: answers instead of the network."""

    def __init__(self, gateway: Gateway, service: str) -> None:
        self._gateway, self._service = gateway, service

    def __call__(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body: Any = request.body
        if body is None:
            body = b""
        elif isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = bytes(body) if isinstance(body, bytearray) else body.read()
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        url: str = request.url
        reply = self._gateway.handle(
            ApiRequest(self._service, request.method or "POST", url, headers, body),
            event_name.rpartition(".")[2],
        )
        if reply is None:
            raise ReadTimeoutError(endpoint_url=url)
        return AWSResponse(url, reply.status, reply.headers, _Raw(reply.body))  # type: ignore[arg-type]


class _VirtualTime:
    """Stands in for the `time` module in botocore.endpoint, which uses it to wait for retries."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self.sleep = sleep


class Installation:
    """botocore and boto3 turned to one cloud; `undo()` puts back what was there."""

    def __init__(self, gateway: Gateway, region: str, sleep: Callable[[float], None]) -> None:
        self._get_session = botocore.session.get_session
        self._endpoint_time = botocore.endpoint.time  # type: ignore[attr-defined]
        self._default_session = boto3.DEFAULT_SESSION

        def get_session(env_vars: Any = None) -> LocalSession:
            return LocalSession(gateway, region)

        botocore.session.get_session = get_session
        botocore.endpoint.time = _VirtualTime(sleep)  # type: ignore[attr-defined]
        boto3.DEFAULT_SESSION = None

    def undo(self) -> None:
        """Restore the real botocore."""
        botocore.session.get_session = self._get_session
        botocore.endpoint.time = self._endpoint_time  # type: ignore[attr-defined]
        boto3.DEFAULT_SESSION = self._default_session
