"""The front door: every API call of every client comes through here.

For each call: find out who calls, let fault switches strike, bring the world up to now, check the
caller's role, then let our own service or moto answer, and tell listeners. Handlers may call from
several threads: a lock lets one answer at a time. It is not held where other functions may run
meanwhile (a paused call, Lambda's Invoke), for their threads would wait for it for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING

from icscaler_localcloud import moto_dynamodb, moto_seams
from icscaler_localcloud.faults import CallSeen, Effect, FunctionKilled
from icscaler_localcloud.faults.calls import CallSwitch
from icscaler_localcloud.iam import Principal
from icscaler_localcloud.services import OwnService, ServiceError
from icscaler_localcloud.wire import ApiReply, ApiRequest, codec

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_SLOW = frozenset({Effect.PAUSE})
_BEFORE = frozenset({Effect.KILL_BEFORE, Effect.REFUSE})
_AFTER = frozenset({Effect.DROP_REPLY, Effect.KILL_AFTER})
# How moto is told an account other than its default one.
_ACCOUNT_HEADER = "x-moto-account-id"
_OUTSIDER: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One finished call, as listeners see it."""

    service: str
    operation: str
    principal: Principal | None
    status: int
    request: ApiRequest
    reply: ApiReply


class Gateway:
    """Answers API calls with own services or moto."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._lock = RLock()
        self._own: dict[str, tuple[OwnService, frozenset[str] | None]] = {}
        self._principals: dict[str, Principal] = {}
        self._listeners: list[Callable[[ApiCall], None]] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each (service, operation) was called, refused calls included."""

    def own(
        self, name: str, service: OwnService, *, operations: frozenset[str] | None = None
    ) -> None:
        """Answer the service of this botocore name (or only some operations) with our own."""
        self._own[name] = (service, operations)

    def listen(self, listener: Callable[[ApiCall], None]) -> None:
        """Tell `listener` of every call after it was answered."""
        self._listeners.append(listener)

    def enrol(self, access_key: str, principal: Principal) -> None:
        """Calls signed with `access_key` are made by `principal`."""
        self._principals[access_key] = principal

    def is_function_key(self, access_key: str) -> bool:
        """Is this the access key of a deployed function?"""
        return access_key in self._principals

    def handle(self, request: ApiRequest, operation: str) -> ApiReply | None:
        """Answer one request; None means the reply was lost on the way."""
        if self._cloud.account != moto_seams.DEFAULT_ACCOUNT:
            request = replace(
                request, headers={**request.headers, _ACCOUNT_HEADER: self._cloud.account}
            )
        principal = self._principals.get(_access_key(request))
        caller = principal.names if principal is not None else _OUTSIDER
        faults, now_s = self._cloud.faults, self._cloud.clock.now_s
        seen = CallSeen(request.service, operation, caller, request.body, now_s)
        slow = faults.struck(seen, _SLOW)
        if slow is not None:
            self._cloud.sleep(slow.seconds)
        struck = faults.struck(seen, _BEFORE)
        with self._lock:
            self._cloud.before_call(principal)
            self.calls[request.service, operation] += 1
            reply = self._refused(request, operation, principal, struck)
            if reply is None and request.service != "lambda":
                reply = self._answer(request, operation)
        if reply is None:
            reply = self._answer(request, operation)
        call = ApiCall(request.service, operation, principal, reply.status, request, reply)
        with self._lock:
            for listener in self._listeners:
                listener(call)
            lost = faults.struck(seen, _AFTER)
        if lost is None:
            return reply
        if lost.effect is Effect.KILL_AFTER:
            raise FunctionKilled(f"killed after {request.service}:{operation}")
        return None

    def _refused(
        self,
        request: ApiRequest,
        operation: str,
        principal: Principal | None,
        struck: CallSwitch | None,
    ) -> ApiReply | None:
        if struck is not None and struck.effect is Effect.KILL_BEFORE:
            raise FunctionKilled(f"killed before {request.service}:{operation}")
        error = struck.error if struck is not None else None
        if error is None and principal is not None and self._cloud.enforce_iam:
            error = self._cloud.iam.denial(principal, request, operation)
        return codec(request.service).refuse(request.headers, error) if error else None

    def _answer(self, request: ApiRequest, operation: str) -> ApiReply:
        service, operations = self._own.get(request.service, (None, None))
        if service is not None and (operations is None or operation in operations):
            return answer_own(service, request)
        short = None
        if request.service == "dynamodb":
            short = moto_dynamodb.answer(operation, request.url, request.headers, request.body)
        status, headers, body = short or moto_seams.call_moto(
            request.method, request.url, request.headers, request.body
        )
        raw = body.encode() if isinstance(body, str) else bytes(body or b"")
        return ApiReply(int(status), {k: str(v) for k, v in headers.items()}, raw)


def answer_own(service: OwnService, request: ApiRequest) -> ApiReply:
    """Parse, call, serialise: one request to an own service."""
    wire = codec(request.service)
    try:
        call = wire.parse(request)
        result = service.call(call.operation.name, call.params)
    except ServiceError as refusal:
        return wire.refuse(request.headers, refusal)
    return wire.reply(call, result)


def _access_key(request: ApiRequest) -> str:
    """The access key of a SigV4 Authorization header; empty when unsigned."""
    # AWS4-HMAC-SHA256 Credential=AKIA.../20260101/us-east-1/dynamodb/aws4_request, ...
    _, _, rest = request.headers.get("authorization", "").partition("Credential=")
    return rest.partition("/")[0]
