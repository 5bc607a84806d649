"""Counting and rate limiting of the calls of one own service.

Counts are by operation and are what the cost of a look is computed from. A *hook* is asked before
a call is looked at and may refuse it; rate limits are hooks. (Faults strike earlier, at the
gateway: see `icscaler_localcloud.faults`.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from icscaler_localcloud.services import ServiceError

CallHook = Callable[[str, float], None]
"""`hook(operation, now_s)`: return to let the call through, raise ServiceError to refuse it."""


class CallGate:
    """Counts every call of one service and lets hooks refuse it.

    `calls` counts all calls by operation, refused ones too (a throttled call is a call);
    `throttled` counts those that were answered with the throttling code.
    """

    def __init__(self, *, throttling_code: str = "ThrottlingException") -> None:
        self.throttling_code = throttling_code
        self.calls: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self._hooks: list[CallHook] = []

    def add_hook(self, hook: CallHook) -> Callable[[], None]:
        """Ask `hook` before every call from now on; returns a function that takes it away."""
        self._hooks.append(hook)
        return lambda: self._hooks.remove(hook)

    def limit(self, limits: Mapping[str, RateLimit]) -> Callable[[], None]:
        """Meter operations by token bucket; "*" is the bucket of all operations not named."""
        buckets: dict[str, Bucket] = {}

        def hook(operation: str, now_s: float) -> None:
            name = operation if operation in limits else "*"
            if name not in limits:
                return
            full = Bucket(limits[name], limits[name].burst, now_s)
            if not buckets.setdefault(name, full).take(now_s):
                raise self.rate_exceeded()

        return self.add_hook(hook)

    def admit(self, operation: str, now_s: float) -> None:
        """Count the call and ask the hooks; raises what a hook raises."""
        self.calls[operation] += 1
        try:
            for hook in self._hooks:
                hook(operation, now_s)
        except ServiceError as refusal:
            if refusal.code == self.throttling_code:
                self.throttled[operation] += 1
            raise

    def rate_exceeded(self) -> ServiceError:
        """The refusal AWS answers when an account calls too fast."""
        return ServiceError(self.throttling_code, "Rate exceeded")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`per_s` calls a second on average, `burst` at once."""

    per_s: float
    burst: float


@dataclass(slots=True)
class Bucket:
    """Tokens left of a rate limit."""

    limit: RateLimit
    tokens: float
    filled_s: float

    def take(self, now_s: float) -> bool:
        """Take one; False when there is none left."""
        elapsed_s = max(0.0, now_s - self.filled_s)
        self.tokens = min(self.limit.burst, self.tokens + elapsed_s * self.limit.per_s)
        self.filled_s = now_s
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
