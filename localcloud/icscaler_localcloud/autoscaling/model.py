"""What Application Auto Scaling keeps: targets, policies, scheduled actions, activities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from icscaler_localcloud.autoscaling.cooldown import Cooldown
from icscaler_localcloud.autoscaling.steps import Steps
from icscaler_localcloud.clock import Timer

Params = Mapping[str, Any]

COPIES = "sagemaker:inference-component:DesiredCopyCount"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
# How many changes of a capacity are remembered: more than fit into AlarmLow's 15 minutes.
_COUNTS = 64


class Key(NamedTuple):
    """What a scalable target is known by."""

    namespace: str
    resource_id: str
    dimension: str

    @staticmethod
    def of(params: Params) -> Key:
        """The key in a request that names all three."""
        return Key(params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"])

    def shown(self) -> dict[str, str]:
        """The key as answers show it."""
        return {
            "ServiceNamespace": self.namespace,
            "ResourceId": self.resource_id,
            "ScalableDimension": self.dimension,
        }


class AlarmAction(Protocol):
    """An alarm's action on a policy (see `alarms.delivery.AutoScalingAction`).

    `datapoints` are (start, value) of the alarm's periods, newest first.
    """

    @property
    def arn(self) -> str: ...
    @property
    def alarm_name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def threshold(self) -> float: ...
    @property
    def datapoints(self) -> tuple[tuple[float, float], ...]: ...


@dataclass(frozen=True, slots=True)
class TrackingAlarm:
    """One of the two alarms of a target tracking policy."""

    name: str
    arn: str
    low: bool


@dataclass(frozen=True, slots=True)
class Tracking:
    """A target tracking configuration in numbers."""

    target: float
    scale_in: bool
    out_cooldown_s: float
    in_cooldown_s: float


@dataclass(frozen=True, slots=True)
class Stepping:
    """A step scaling configuration in numbers."""

    steps: Steps
    aggregation: str
    cooldown_s: float


@dataclass(slots=True)
class Policy:
    """A scaling policy of one target.

    `created_by` ends the ARN that its own alarms act on; `low` is the last action of AlarmLow.
    """

    name: str
    arn: str
    kind: str
    config: Params
    rule: Tracking | Stepping
    created_s: float
    created_by: str
    alarms: tuple[TrackingAlarm, ...] = ()
    cooldown: Cooldown | None = None
    low: AlarmAction | None = None

    @property
    def action_arn(self) -> str:
        """What the alarms of a target tracking policy act on."""
        return f"{self.arn}:createdBy/{self.created_by}"

    def cooldown_s(self, *, out: bool) -> float:
        """How long to wait after a change."""
        if isinstance(self.rule, Stepping):
            return self.rule.cooldown_s
        return self.rule.out_cooldown_s if out else self.rule.in_cooldown_s


@dataclass(slots=True)
class ScheduledAction:
    """A scheduled action; `timer` fires it next."""

    name: str
    arn: str
    schedule: str
    zone: str | None
    start_s: float | None
    end_s: float | None
    minimum: int | None
    maximum: int | None
    created_s: float
    timer: Timer | None = None


@dataclass(slots=True)
class Activity:
    """A scaling activity; `sequence` counts them all."""

    sequence: int
    id: str
    key: Key
    description: str
    cause: str
    started_s: float
    status: str
    message: str | None = None
    ended_s: float | None = None
    not_scaled: Params | None = None


@dataclass(slots=True)
class Change:
    """A capacity that was asked for and not reached yet."""

    activity: Activity
    capacity: int
    policy: Policy | None
    out: bool


@dataclass(slots=True)
class Target:
    """A scalable target and everything that hangs on it.

    `pending` are the alarm actions waiting for their decision, by policy. `counts` are the
    capacities seen, (since, current), oldest first. `grown_s`: when the last scale-out was
    complete. `bounds` counts changes of minimum and maximum, so that a late attempt to reach old
    ones is told from a new one's.
    """

    key: Key
    arn: str
    minimum: int
    maximum: int
    role_arn: str
    created_s: float
    suspended: Mapping[str, bool]
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    scheduled: dict[str, ScheduledAction] = field(default_factory=dict)
    pending: dict[str, AlarmAction] = field(default_factory=dict)
    counts: list[tuple[float, int]] = field(default_factory=list)
    change: Change | None = None
    grown_s: float | None = None
    bounds: int = 0

    def clamp(self, capacity: int) -> int:
        """The capacity within minimum and maximum."""
        return max(self.minimum, min(self.maximum, capacity))

    def saw(self, now_s: float, current: int) -> None:
        """Remember a capacity that was read."""
        if not self.counts or self.counts[-1][1] != current:
            self.counts.append((now_s, current))
            del self.counts[:-_COUNTS]

    def count_at(self, at_s: float, now: int) -> int:
        """The capacity at a time, as far as it was read; `now` for a point without a time.

        SetAlarmState tells datapoints without their times, which are 0 then.
        """
        if not at_s or not self.counts:
            return now
        return next(
            (n for since_s, n in reversed(self.counts) if since_s <= at_s), self.counts[0][1]
        )


class Registry:
    """The scalable targets of one account and Region."""

    def __init__(self) -> None:
        self._targets: dict[Key, Target] = {}
        self._by_policy: dict[str, tuple[Target, Policy]] = {}

    def __iter__(self) -> Iterator[Target]:
        return iter(list(self._targets.values()))

    def get(self, key: Key) -> Target | None:
        """The target of this key."""
        return self._targets.get(key)

    def by_arn(self, arn: str) -> Target | None:
        """The target of this ARN."""
        return next((target for target in self if target.arn == arn), None)

    def holds(self, target: Target) -> bool:
        """Is it still registered (and not one that came after it)?"""
        return self._targets.get(target.key) is target

    def add(self, target: Target) -> None:
        """Register a target."""
        self._targets[target.key] = target

    def remove(self, target: Target) -> None:
        """Forget a target with its policies and scheduled actions."""
        for policy in list(target.policies.values()):
            self.remove_policy(target, policy)
        for action in target.scheduled.values():
            if action.timer is not None:
                action.timer.cancel()
        del self._targets[target.key]

    def add_policy(self, target: Target, policy: Policy) -> None:
        """Attach a policy."""
        target.policies[policy.name] = policy
        self._by_policy[policy.arn] = (target, policy)

    def remove_policy(self, target: Target, policy: Policy) -> None:
        """Detach a policy."""
        del target.policies[policy.name]
        del self._by_policy[policy.arn]

    def policy_of(self, action_arn: str) -> tuple[Target, Policy] | None:
        """The policy that an alarm acts on, and its target."""
        return self._by_policy.get(action_arn.partition(":createdBy/")[0])
