"""API calls that go wrong: refused, slow, without a reply, deadly for the function that makes them.

Service names are botocore's ("dynamodb", "sagemaker-runtime"), operations the API's ("UpdateItem"),
"*" matches any. `function` is the deployed function's physical name or its logical id; None means
anybody. `containing` narrows a switch to requests whose body has this text, for example a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from icscaler_localcloud.apikit.gate import Bucket, RateLimit
from icscaler_localcloud.faults.switch import FOREVER, Switch, Switchboard
from icscaler_localcloud.services import ServiceError


class Effect(Enum):
    """What happens to a call that a switch matches."""

    REFUSE = auto()  # answered with an error, not executed
    DROP_REPLY = auto()  # executed, but the caller sees a read timeout
    KILL_BEFORE = auto()  # the function dies, the call is not executed
    KILL_AFTER = auto()  # the call is executed, the function dies before it sees the reply
    PAUSE = auto()  # virtual time passes before the call is executed


class CallSeen(NamedTuple):
    """A call as switches see it; `caller` is every name of the calling function."""

    service: str
    operation: str
    caller: frozenset[str]
    body: bytes
    now_s: float


class Which(NamedTuple):
    """The calls a switch is for, how many of them, and the share of them."""

    service: str
    operation: str = "*"
    function: str | None = None
    containing: str = ""
    times: int = 1
    chance: float = 1.0

    def matches(self, call: CallSeen) -> bool:
        """Is it one of them?"""
        return (
            self.service in ("*", call.service)
            and self.operation in ("*", call.operation)
            and (self.function is None or self.function in call.caller)
            and (not self.containing or self.containing.encode() in call.body)
        )


@dataclass(slots=True, kw_only=True)
class CallSwitch(Switch):
    """A fault of API calls. With a `meter` it strikes calls beyond so many a second."""

    effect: Effect
    which: Which
    error: ServiceError | None = None
    seconds: float = 0.0
    meter: Meter | None = None

    def meets(self, call: CallSeen) -> bool:
        """Does it strike this call?"""
        if not self.which.matches(call):
            return False
        return (self.meter is None or self.meter.exceeded(call)) and self.strikes()


class Meter:
    """A token bucket for each operation."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: dict[str, Bucket] = {}

    def exceeded(self, call: CallSeen) -> bool:
        """Is this call one too many? Takes a token if not."""
        name = f"{call.service}:{call.operation}"
        if name not in self._buckets:
            self._buckets[name] = Bucket(self._limit, self._limit.burst, call.now_s)
        return not self._buckets[name].take(call.now_s)


# How each service says "slow down" (code, HTTP status); others say ThrottlingException.
_THROTTLING: dict[str, tuple[str, int]] = {
    "cloudwatch": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sns": ("Throttled", 429),
    "sqs": ("RequestThrottled", 403),
}


def _throttling(service: str) -> ServiceError:
    code, status = _THROTTLING.get(service, ("ThrottlingException", 400))
    return ServiceError(code, "Rate exceeded", status=status)


class CallFaults(Switchboard):
    """The switches of API calls."""

    def throttle(
        self,
        service: str,
        operation: str = "*",
        *,
        times: int = 1,
        chance: float = 1.0,
        function: str | None = None,
        containing: str = "",
    ) -> Switch:
        """Answer the next `times` calls with the service's throttling error."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.REFUSE, which, error=_throttling(service))

    def throttle_above(
        self,
        service: str,
        operation: str = "*",
        *,
        per_s: float,
        burst: float | None = None,
        function: str | None = None,
    ) -> Switch:
        """Refuse calls beyond `per_s` a second, for each operation by itself, until it is off.

        `burst` calls may come at once (default: one second's).
        """
        rate = RateLimit(per_s, max(1.0, per_s if burst is None else burst))
        which = Which(service, operation, function, times=FOREVER)
        return self._call(Effect.REFUSE, which, error=_throttling(service), meter=Meter(rate))

    def fail(
        self,
        service: str,
        operation: str = "*",
        *,
        code: str = "InternalFailure",
        message: str = "injected failure",
        status: int = 500,
        times: int = 1,
        chance: float = 1.0,
        function: str | None = None,
        containing: str = "",
    ) -> Switch:
        """Answer the next `times` calls with an error; 5xx ones are retried by botocore."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.REFUSE, which, error=ServiceError(code, message, status=status))

    def drop_reply(
        self,
        service: str,
        operation: str = "*",
        *,
        times: int = 1,
        chance: float = 1.0,
        function: str | None = None,
        containing: str = "",
    ) -> Switch:
        """Execute the next `times` calls, but let the caller run into a read timeout."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.DROP_REPLY, which)

    def slow(
        self,
        service: str,
        operation: str = "*",
        *,
        seconds: float,
        times: int = 1,
        chance: float = 1.0,
        function: str | None = None,
        containing: str = "",
    ) -> Switch:
        """Let virtual `seconds` pass before each of the next `times` calls is executed."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.PAUSE, which, seconds=seconds)

    def pause_before_call(
        self,
        function: str,
        service: str,
        operation: str,
        seconds: float,
        nth: int = 1,
        *,
        times: int = 1,
    ) -> Switch:
        """Hold `function` at its `nth` matching call for virtual `seconds` while all else runs.

        This is how a test lets two looks race: the second runs while the first is held. Held
        longer than its timeout, the function dies of it.
        """
        which = Which(service, operation, function, times=times)
        return self._call(Effect.PAUSE, which, skip=nth - 1, seconds=seconds)

    def kill_before_call(
        self,
        function: str,
        service: str,
        operation: str,
        nth: int = 1,
        *,
        times: int = 1,
        chance: float = 1.0,
        containing: str = "",
    ) -> Switch:
        """Let `function` die as it makes its `nth` matching call; the call does not happen."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.KILL_BEFORE, which, skip=nth - 1)

    def kill_after_call(
        self,
        function: str,
        service: str,
        operation: str,
        nth: int = 1,
        *,
        times: int = 1,
        chance: float = 1.0,
        containing: str = "",
    ) -> Switch:
        """Let `function` die right after its `nth` matching call took effect."""
        which = Which(service, operation, function, containing, times, chance)
        return self._call(Effect.KILL_AFTER, which, skip=nth - 1)

    def struck(self, call: CallSeen, effects: frozenset[Effect]) -> CallSwitch | None:
        """The first switch of one of `effects` that strikes this call."""
        if not self._switches:
            return None
        mine = (switch for switch in self._of(CallSwitch) if switch.effect in effects)
        return next((switch for switch in mine if switch.meets(call)), None)

    def _call(
        self,
        effect: Effect,
        which: Which,
        *,
        skip: int = 0,
        error: ServiceError | None = None,
        seconds: float = 0.0,
        meter: Meter | None = None,
    ) -> CallSwitch:
        switch = CallSwitch(
            effect=effect,
            which=which,
            error=error,
            seconds=seconds,
            meter=meter,
            skip=skip,
            times=which.times,
            chance=which.chance,
            draws=self._draws(),
        )
        return self._add(switch)
