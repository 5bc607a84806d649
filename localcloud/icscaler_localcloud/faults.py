"""Named switches that make AWS calls go wrong.

Each switch is a rule: whose calls (a function's, or anybody's), which service and operation, from
which matching call on, how many times. A switch is set on `LocalCloud.faults`, counts its hits
and can be taken off again::

    switch = cloud.faults.throttle("sagemaker", "UpdateInferenceComponentRuntimeConfig", times=2)
    cloud.faults.kill_before_call("reconcile", "sagemaker", "UpdateInferenceComponentRuntimeConfig")
    ...
    assert switch.hits == 2
    switch.off()

Service names are botocore's ("dynamodb", "sagemaker-runtime"), operations the API's ("UpdateItem"),
"*" matches any. `function` is the deployed function's physical name or its logical id.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from icscaler_localcloud.services import ServiceError

FOREVER = 1_000_000_000


class FunctionKilled(BaseException):
    """The execution environment died: not an Exception, so that no handler can catch it."""


class Effect(Enum):
    """What happens to a call that a switch matches."""

    REFUSE = auto()  # answered with an error, not executed
    DROP_REPLY = auto()  # executed, but the caller sees a read timeout
    KILL_BEFORE = auto()  # the function dies, the call is not executed
    KILL_AFTER = auto()  # the call is executed, the function dies before it sees the reply
    PAUSE = auto()  # virtual time passes before the call is executed


@dataclass(slots=True)
class Switch:
    """One fault: `hits` counts how often it struck; `off()` ends it."""

    effect: Effect
    service: str
    operation: str
    function: str | None
    skip: int
    times: int
    error: ServiceError | None = None
    seconds: float = 0.0
    hits: int = 0

    def off(self) -> None:
        """Never strike again."""
        self.times = 0

    def strikes(self, service: str, operation: str, caller: frozenset[str]) -> bool:
        """Does this call meet the switch? Counts it if so."""
        if self.times <= 0:
            return False
        if self.service not in ("*", service) or self.operation not in ("*", operation):
            return False
        if self.function is not None and self.function not in caller:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        self.hits += 1
        return True


# How each service says "slow down" (code, HTTP status); others say ThrottlingException.
_THROTTLING: dict[str, tuple[str, int]] = {
    "cloudwatch": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "lambda": ("TooManyRequestsException", 429),
    "sns": ("Throttled", 429),
    "sqs": ("RequestThrottled", 403),
}


class Faults:
    """The fault switches of one local cloud."""

    def __init__(self) -> None:
        self._switches: list[Switch] = []

    def throttle(
        self, service: str, operation: str = "*", *, times: int = 1, function: str | None = None
    ) -> Switch:
        """Answer the next `times` calls with the service's throttling error."""
        code, status = _THROTTLING.get(service, ("ThrottlingException", 400))
        error = ServiceError(code, "Rate exceeded", status=status)
        return self._add(Effect.REFUSE, service, operation, function, times=times, error=error)

    def fail(
        self,
        service: str,
        operation: str = "*",
        *,
        code: str = "InternalFailure",
        message: str = "injected failure",
        status: int = 500,
        times: int = 1,
        function: str | None = None,
    ) -> Switch:
        """Answer the next `times` calls with an error; 5xx ones are retried by botocore."""
        error = ServiceError(code, message, status=status)
        return self._add(Effect.REFUSE, service, operation, function, times=times, error=error)

    def drop_reply(
        self, service: str, operation: str = "*", *, times: int = 1, function: str | None = None
    ) -> Switch:
        """Execute the next `times` calls, but let the caller run into a read timeout."""
        return self._add(Effect.DROP_REPLY, service, operation, function, times=times)

    def kill_before_call(
        self, function: str, service: str, operation: str, nth: int = 1, *, times: int = 1
    ) -> Switch:
        """Let `function` die as it makes its `nth` matching call; the call does not happen."""
        return self._add(
            Effect.KILL_BEFORE, service, operation, function, skip=nth - 1, times=times
        )

    def kill_after_call(
        self, function: str, service: str, operation: str, nth: int = 1, *, times: int = 1
    ) -> Switch:
        """Let `function` die right after its `nth` matching call took effect."""
        return self._add(Effect.KILL_AFTER, service, operation, function, skip=nth - 1, times=times)

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

        This is how a test lets two looks race: the second runs while the first is held.
        """
        return self._add(
            Effect.PAUSE, service, operation, function, skip=nth - 1, times=times, seconds=seconds
        )

    def clear(self) -> None:
        """Take every switch off."""
        self._switches.clear()

    def struck(
        self, service: str, operation: str, caller: frozenset[str], effects: frozenset[Effect]
    ) -> Switch | None:
        """The first switch of one of `effects` that strikes this call."""
        if not self._switches:
            return None
        return next(
            (
                switch
                for switch in self._switches
                if switch.effect in effects and switch.strikes(service, operation, caller)
            ),
            None,
        )

    def _add(
        self,
        effect: Effect,
        service: str,
        operation: str,
        function: str | None,
        *,
        skip: int = 0,
        times: int = 1,
        error: ServiceError | None = None,
        seconds: float = 0.0,
    ) -> Switch:
        switch = Switch(effect, service, operation, function, skip, times, error, seconds)
        self._switches.append(switch)
        return switch
