"""The caller's side of a model at zero copies: ask for it at once, wait for its start, no longer.

SageMaker refuses a request to a component without copies (HTTP 400) and forgets it. A caller that
uses this module sends `WakeRequested` with the first refusal and tries again until a deadline, so
it waits for a start, not for a metric, an alarm and a start:

    wake = WakeSender("icscaler")                     # the stack's event bus; one for the process
    answer = invoke(runtime, endpoint="codegen", component="review-large", body=prompt,
                    deadline_s=600, wake=wake)

or, for a boto3 client that is used elsewhere already:

    install_wake_hook(runtime, wake=wake, deadline_s=600)

Only that one refusal is treated so; every other answer and error passes unchanged, and streamed
invocations are not touched. Everything here may be shared between threads. It needs boto3 and
nothing else.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_sagemaker_runtime.client import SageMakerRuntimeClient

logger = logging.getLogger(__name__)

# AWS Machine Learning Blog on scaling inference components to zero (2024-12), the refusal's text.
NO_CAPACITY = "no capacity to process this request"
_CODE, _STATUS = "ValidationError", 400
_COMPONENT_HEADER = "X-Amzn-SageMaker-Inference-Component"
_RETRY_EVENT = "needs-retry.sagemaker-runtime.InvokeEndpoint"
_HOOK_ID = "icscaler-wake"
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and chance; tests and simulations bring their own."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between tries: doubling from `first_s` to `longest_s`, less up to a half by chance.

    A start takes minutes, so a refused try every ten seconds or so costs nobody much.
    """

    first_s: float = 1.0
    longest_s: float = 10.0

    def pause_s(self, refusals: int, timing: Timing) -> float:
        """The pause after that many refusals."""
        pause_s = min(self.longest_s, self.first_s * 2.0 ** min(refusals - 1, 30))
        return pause_s * timing.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answered. `waited_s` is the time from the first refusal to the answer."""

    body: bytes
    content_type: str
    variant: str
    custom_attributes: str
    refusals: int = 0
    waited_s: float = 0.0


class WakeSender:
    """Puts `WakeRequested` on the controller's bus: of one component once in `every_s`, jittered.

    The controller lets a wake of a component take effect once a minute; more often is of no use.
    Without `events` a boto3 client is made at the first wake, with the caller's own credentials;
    they need events:PutEvents on the bus.
    """

    def __init__(
        self,
        bus: str,
        *,
        events: "EventBridgeClient | None" = None,
        source: str = "icscaler.client",
        every_s: float = 60.0,
        again_s: float = 5.0,
        timing: Timing | None = None,
    ) -> None:
        self._bus, self._source, self._events = bus, source, events
        self._every_s, self._again_s = every_s, again_s
        self._timing = timing or Timing()
        self._lock = threading.Lock()
        self._next_s: dict[str, float] = {}

    def wake(self, component: str) -> bool:
        """Ask for the component unless that was done a moment ago; whether it was sent now.

        A failure is logged, never raised: the alarm and the tick wake the model too. It is tried
        again after `again_s`.
        """
        if not self._take_turn(component):
            return False
        try:
            self._send(component)
        except Exception as error:
            logger.warning("%s could not be asked for: %s", component, error)
            with self._lock:
                self._next_s[component] = self._timing.now() + self._again_s
            return False
        return True

    def _take_turn(self, component: str) -> bool:
        now_s = self._timing.now()
        with self._lock:
            if self._next_s.get(component, now_s) > now_s:
                return False
            if len(self._next_s) >= _MOST_REMEMBERED:
                self._next_s = {c: at_s for c, at_s in self._next_s.items() if at_s > now_s}
            self._next_s[component] = now_s + self._every_s * self._timing.uniform(1.0, 1.25)
            return True

    def _send(self, component: str) -> None:
        detail = json.dumps({"InferenceComponentNames": [component]})
        entry: Any = {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": "WakeRequested",
            "Detail": detail,
        }
        answer = self._client().put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise RuntimeError(f"{failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    def _client(self) -> "EventBridgeClient":
        with self._lock:
            if self._events is None:
                import boto3

                self._events = boto3.client("events")
            return self._events


@dataclass(slots=True)
class _Call:
    """One call that may have to wait: its deadline, and what it has met so far."""

    component: str
    deadline_s: float
    refusals: int = 0
    refused_s: float | None = None

    def pause_s(self, wake: WakeSender | None, backoff: Backoff, timing: Timing) -> float | None:
        """Ask for the component; how long to pause before the next try, None to give up."""
        now_s = timing.now()
        self.refusals += 1
        if self.refused_s is None:
            self.refused_s = now_s
        if wake is not None:
            wake.wake(self.component)
        left_s = self.deadline_s - timing.now()
        if left_s <= 0:
            return None
        return min(left_s, backoff.pause_s(self.refusals, timing))


def is_refused_at_zero(error: Mapping[str, Any], status: int) -> bool:
    """Whether an answer (`Error` of the response, HTTP status) says that there is no copy."""
    told = str(error.get("Message", "")).lower()
    return status == _STATUS and error.get("Code") == _CODE and NO_CAPACITY in told


def invoke(
    runtime: "SageMakerRuntimeClient",
    *,
    endpoint: str,
    component: str,
    body: bytes,
    deadline_s: float,
    wake: WakeSender | None,
    content_type: str = "application/json",
    parameters: Mapping[str, Any] | None = None,
    backoff: Backoff | None = None,
    timing: Timing | None = None,
) -> Answer:
    """Invoke a component; while it has no copy, wake it and try again for `deadline_s` seconds.

    `parameters` are further ones of InvokeEndpoint (`Accept`, `CustomAttributes`, ...). Without a
    `wake` it only waits. Raises what boto3 raises; after the deadline that is the refusal itself.
    """
    from botocore.exceptions import ClientError

    backoff, timing = backoff or Backoff(), timing or Timing()
    call = _Call(component, timing.now() + deadline_s)
    while True:
        try:
            reply = runtime.invoke_endpoint(
                EndpointName=endpoint,
                InferenceComponentName=component,
                Body=body,
                ContentType=content_type,
                **(parameters or {}),
            )
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if not is_refused_at_zero(error.response.get("Error", {}), status):
                raise
            pause_s = call.pause_s(wake, backoff, timing)
            if pause_s is None:
                raise
            timing.sleep(pause_s)
            continue
        content = reply["Body"].read()
        refused_s = call.refused_s
        return Answer(
            body=content,
            content_type=reply.get("ContentType", ""),
            variant=reply.get("InvokedProductionVariant", ""),
            custom_attributes=reply.get("CustomAttributes", ""),
            refusals=call.refusals,
            waited_s=0.0 if refused_s is None else timing.now() - refused_s,
        )


def install_wake_hook(
    runtime: "SageMakerRuntimeClient",
    *,
    wake: WakeSender | None,
    deadline_s: float,
    backoff: Backoff | None = None,
    timing: Timing | None = None,
) -> Callable[[], None]:
    """Let every `invoke_endpoint` of this client wake and wait; call what is returned to undo it.

    It works below the client's own retries, which keep their say about every other failure (tries
    made here count among their attempts). Installed twice, the first one stays.
    `deadline_s` counts from a call's first refusal. With a body that can't be sent twice (a pipe;
    botocore takes those only unsigned) the component is woken and the refusal raised.
    """
    events: Any = runtime.meta.events
    hook = _WakeHook(wake, deadline_s, backoff or Backoff(), timing or Timing())
    # First: the answer of the first handler that has one counts. By id: a second one is ignored.
    events.register_first(_RETRY_EVENT, hook, unique_id=_HOOK_ID)
    return lambda: events.unregister(_RETRY_EVENT, unique_id=_HOOK_ID)


@dataclass(slots=True)
class _WakeHook:
    """A handler of botocore's `needs-retry`: None, or the seconds to pause before trying again.

    It pauses by itself, so that the pause is the injected one, and tells botocore to pause no more.
    """

    wake: WakeSender | None
    deadline_s: float
    backoff: Backoff
    timing: Timing

    def __call__(self, response: Any = None, request_dict: Any = None, **_: object) -> float | None:
        if response is None or request_dict is None:
            return None
        http, parsed = response
        if not is_refused_at_zero(parsed.get("Error", {}), http.status_code):
            return None
        component = request_dict["headers"].get(_COMPONENT_HEADER)
        if not component:
            return None
        # botocore makes a context for each call and keeps it over the call's retries.
        context = request_dict["context"]
        deadline_s = self.timing.now() + self.deadline_s
        call: _Call = context.setdefault(_HOOK_ID, _Call(component, deadline_s))
        pause_s = call.pause_s(self.wake, self.backoff, self.timing)
        if pause_s is None or not _can_be_sent_again(request_dict.get("body")):
            return None
        self.timing.sleep(pause_s)
        return 0.0


def _can_be_sent_again(body: object) -> bool:
    if body is None or isinstance(body, bytes | bytearray | str):
        return True
    return hasattr(body, "seekable") and bool(body.seekable())
