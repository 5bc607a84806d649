"""Changes of capacity: asked for, watched until they are fulfilled, recorded as activities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icscaler_localcloud.autoscaling import activities
from icscaler_localcloud.autoscaling.activities import Activities
from icscaler_localcloud.autoscaling.cooldown import Cooldown, after_scale_out
from icscaler_localcloud.autoscaling.model import Change, Policy, Registry, Target
from icscaler_localcloud.autoscaling.resources import Capacity, Refused, Resources
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud


class Changes:
    """Changes capacities on behalf of policies and of bounds.

    `settings` may be replaced at any time; it counts from the next step on.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        registry: Registry,
        resources: Resources,
        log: Activities,
        settings: AutoScalingSettings,
    ) -> None:
        self.settings = settings
        self._cloud, self._registry = cloud, registry
        self._resources, self._log = resources, log

    def base(self, capacity: Capacity) -> int:
        """The count that adjustments start from."""
        return capacity.desired if self.settings.counts_from == "desired" else capacity.current

    def apply(
        self, target: Target, capacity: Capacity, to: int, cause: str, policy: Policy | None = None
    ) -> bool:
        """Ask for capacity `to`; False where SageMaker refused (a failed activity tells why)."""
        now_s = self._cloud.clock.now_s
        activity = self._log.capacity(target.key, to, cause, now_s)
        try:
            self._resources.set(target.key, to)
        except Refused as refusal:
            activities.refused(activity, to, str(refusal), now_s)
            return False
        activities.accepted(activity, to)
        before, change = target.change, Change(activity, to, policy, to > capacity.desired)
        target.change = change
        self._cool_down(target, change, self.base(capacity), now_s)
        if before is not None:
            activities.overridden(before.activity, before.capacity, now_s)
            if before.policy is not policy:
                self._completed(before, now_s)
        self._watch_later(target, change)
        return True

    # -- bounds

    def enforce_later(self, target: Target) -> None:
        """Bring the capacity within new bounds, a moment from now."""
        target.bounds += 1
        version = target.bounds
        due_s = self._cloud.clock.now_s + self.settings.bounds_s
        self._cloud.call_at(due_s, lambda: self._enforce(target, version, 1))

    def _enforce(self, target: Target, version: int, attempt: int) -> None:
        if not self._registry.holds(target) or target.bounds != version:
            return
        capacity = self._resources.capacity(target.key)
        if capacity is None:
            return
        target.saw(self._cloud.clock.now_s, capacity.current)
        to = target.clamp(capacity.desired)
        if to == capacity.desired:
            return
        which = "minimum" if to > capacity.desired else "maximum"
        if self.apply(target, capacity, to, f"{which} capacity was set to {to}"):
            return
        if attempt < self.settings.bounds_attempts:
            again_s = self._cloud.clock.now_s + self.settings.bounds_retry_s
            self._cloud.call_at(again_s, lambda: self._enforce(target, version, attempt + 1))

    # -- cooldowns and completion

    def _cool_down(self, target: Target, change: Change, base: int, now_s: float) -> None:
        if change.out:
            # A scale-out ends the cooldown of every scale-in.
            for other in target.policies.values():
                if other.cooldown is not None and not other.cooldown.of_scale_out:
                    other.cooldown = None
        policy = change.policy
        if policy is None:
            return
        if change.out:
            policy.cooldown = after_scale_out(policy.cooldown, now_s, base, change.capacity)
        else:
            policy.cooldown = Cooldown(base, change.capacity)
        if self.settings.cooldown_from == "acceptance":
            policy.cooldown.until_s = now_s + policy.cooldown_s(out=change.out)

    def _watch_later(self, target: Target, change: Change) -> None:
        due_s = self._cloud.clock.now_s + self.settings.poll_s
        self._cloud.call_at(due_s, lambda: self._watch(target, change))

    def _watch(self, target: Target, change: Change) -> None:
        if target.change is not change:
            return
        now_s, wanted = self._cloud.clock.now_s, change.capacity
        capacity = self._resources.capacity(target.key)
        if capacity is not None:
            target.saw(now_s, capacity.current)
        if capacity is None:
            activities.unfulfilled(change.activity, wanted, now_s)
        elif capacity.desired != wanted:
            activities.overridden(change.activity, wanted, now_s)
        elif not capacity.settled:
            self._watch_later(target, change)
            return
        elif capacity.current == wanted:
            activities.fulfilled(change.activity, wanted, now_s)
        else:
            activities.unfulfilled(change.activity, wanted, now_s)
        if change.out and change.activity.status == "Successful":
            target.grown_s = now_s
        target.change = None
        self._completed(change, now_s)

    def _completed(self, change: Change, now_s: float) -> None:
        """Start the cooldown of a successful change; drop that of another."""
        policy = change.policy
        if policy is None or policy.cooldown is None or policy.cooldown.until_s is not None:
            return
        if change.activity.status == "Successful":
            policy.cooldown.until_s = now_s + policy.cooldown_s(out=change.out)
        else:
            policy.cooldown = None
