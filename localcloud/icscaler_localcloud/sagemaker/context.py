"""What the SageMaker operations share: the world, the time, names, tags and models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from icscaler_localcloud.sagemaker.arns import Arns
from icscaler_sim.world import World

Params = Mapping[str, Any]
Handler = Callable[[Params], Mapping[str, Any] | None]


class Clock(Protocol):
    """Anything that knows the virtual time."""

    @property
    def now_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A model or an endpoint configuration: as it was created, and when."""

    name: str
    params: Params
    created_s: float


@dataclass(slots=True)
class Context:
    """The account's SageMaker in one Region.

    `quotas` limits instances per instance type for endpoint usage; a type without an entry is
    unlimited. `alarm_is_on(name)` tells whether a CloudWatch alarm is in ALARM, `clock_skew_s()`
    by how much SageMaker's own clock is ahead.
    """

    world: World
    clock: Clock
    arns: Arns
    models: dict[str, Named] = field(default_factory=dict)
    configs: dict[str, Named] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    alarm_is_on: Callable[[str], bool] = lambda _: False
    clock_skew_s: Callable[[], float] = lambda: 0.0

    @property
    def now_s(self) -> float:
        """The virtual time in epoch seconds."""
        return self.clock.now_s

    def shown_s(self, at_s: float) -> float:
        """A time as SageMaker's clock shows it."""
        return at_s + self.clock_skew_s()

    def set_tags(self, arn: str, params: Params) -> None:
        """Start a resource's tags afresh from the Tags of its Create call."""
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
