"""From alarms to capacities: what the policies of a target ask for, and which of it is done.

Sources: Application Auto Scaling User Guide, "How target tracking scaling works" (several
policies: scale out when any asks, in only when all with scale-in agree, the largest capacity
wins; no scaling on insufficient data) and "How step scaling works" (a step policy's scale-in waits
for nobody).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling.activities import Activities
from icscaler_localcloud.autoscaling.alarms import PolicyAlarms
from icscaler_localcloud.autoscaling.changes import Changes
from icscaler_localcloud.autoscaling.cooldown import blocks_scale_in, out_to
from icscaler_localcloud.autoscaling.model import (
    AlarmAction,
    Policy,
    Registry,
    Stepping,
    Target,
    Tracking,
)
from icscaler_localcloud.autoscaling.resources import Capacity, Resources
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings
from icscaler_localcloud.autoscaling.steps import aggregated
from icscaler_localcloud.autoscaling.tracking import tracked_capacity

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one policy asks for, before cooldowns and bounds."""

    policy: Policy
    action: AlarmAction
    capacity: int

    @property
    def cause(self) -> str:
        """Why, as activities word it."""
        return (
            f"monitor alarm {self.action.alarm_name} in state {self.action.state} triggered "
            f"policy {self.policy.name}"
        )


class Decisions:
    """Hears of alarms and decides, target by target."""

    def __init__(
        self,
        cloud: LocalCloud,
        registry: Registry,
        resources: Resources,
        alarms: PolicyAlarms,
        changes: Changes,
        log: Activities,
    ) -> None:
        self._cloud, self._registry = cloud, registry
        self._resources, self._alarms = resources, alarms
        self._changes, self._log = changes, log

    @property
    def _settings(self) -> AutoScalingSettings:
        return self._changes.settings

    @property
    def _now_s(self) -> float:
        return self._cloud.clock.now_s

    def alarm_acted(self, action: AlarmAction) -> None:
        """An alarm acts on a policy: decide soon, together with others that act meanwhile."""
        found = self._registry.policy_of(action.arn)
        if found is None:
            return
        target, policy = found
        own = {alarm.name: alarm for alarm in policy.alarms}.get(action.alarm_name)
        if isinstance(policy.rule, Tracking):
            if own is None:
                return  # target tracking listens to its own alarms only
            if own.low:
                policy.low = action
        if not target.pending:
            due_s = self._now_s + self._settings.decision_s
            self._cloud.call_at(due_s, lambda: self._decide(target))
        target.pending[policy.name] = action

    def _decide(self, target: Target) -> None:
        pending, target.pending = target.pending, {}
        if not self._registry.holds(target):
            return
        capacity = self._resources.capacity(target.key)
        if capacity is None:
            return
        target.saw(self._now_s, capacity.current)
        base = self._changes.base(capacity)
        asked = [
            proposal
            for name, action in pending.items()
            if (policy := target.policies.get(name)) is not None
            and (proposal := self._proposal(target, policy, action, base)) is not None
            and (self._settings.act_on_old_data or _is_news(proposal, base, target.grown_s))
        ]
        outs = [proposal for proposal in asked if proposal.capacity > base]
        ins = [proposal for proposal in asked if proposal.capacity < base]
        if outs:
            self._scale_out(target, capacity, outs)
        elif ins:
            self._scale_in(target, capacity, ins)
        elif asked:
            self._not_scaled(target, asked[0], capacity, out=None)

    def _proposal(
        self, target: Target, policy: Policy, action: AlarmAction, base: int
    ) -> Proposal | None:
        """None where the policy has nothing to say: no data, no step, no ratio at zero."""
        rule = policy.rule
        if not action.datapoints:
            return None
        if isinstance(rule, Stepping):
            values = [value for _, value in action.datapoints]
            difference = aggregated(values, rule.aggregation) - action.threshold
            above = self._alarms.watches_above(action.alarm_name)
            asked = rule.steps.capacity(base, difference, above=above)
        else:
            asked = self._tracked(target, rule, action, base)
        return None if asked is None else Proposal(policy, action, asked)

    def _tracked(
        self, target: Target, rule: Tracking, action: AlarmAction, base: int
    ) -> int | None:
        then = self._settings.measured_over == "then"
        points = [
            (value, target.count_at(at_s, base) if then else base)
            for at_s, value in action.datapoints
        ]
        asked = tracked_capacity(base, points, rule.target, self._settings)
        return None if asked is not None and asked < base and not rule.scale_in else asked

    # -- out

    def _scale_out(self, target: Target, capacity: Capacity, outs: list[Proposal]) -> None:
        if target.suspended["DynamicScalingOutSuspended"]:
            return
        base = self._changes.base(capacity)
        allowed = [
            (target.clamp(out_to(p.policy.cooldown, self._now_s, base, p.capacity)), p)
            for p in outs
        ]
        to, proposal = max(allowed, key=lambda pair: pair[0])
        if to > capacity.desired:
            self._changes.apply(target, capacity, to, proposal.cause, proposal.policy)
        else:
            self._not_scaled(target, proposal, capacity, out=True)

    # -- in

    def _scale_in(self, target: Target, capacity: Capacity, ins: list[Proposal]) -> None:
        if target.suspended["DynamicScalingInSuspended"]:
            return
        tracked = [p for p in ins if isinstance(p.policy.rule, Tracking)]
        ready = [p for p in ins if not isinstance(p.policy.rule, Tracking)]
        if tracked:
            ready += self._agreed(target, self._changes.base(capacity))
        ready = [p for p in ready if not blocks_scale_in(p.policy.cooldown, self._now_s)]
        if not ready:
            return
        proposal = max(ready, key=lambda p: p.capacity)
        to = target.clamp(proposal.capacity)
        if to < capacity.desired:
            self._changes.apply(target, capacity, to, proposal.cause, proposal.policy)
        else:
            self._not_scaled(target, proposal, capacity, out=False)

    def _agreed(self, target: Target, base: int) -> Iterable[Proposal]:
        """The largest capacity of the target tracking policies, if all are ready to scale in."""
        wanted = []
        for policy in target.policies.values():
            if not (isinstance(policy.rule, Tracking) and policy.rule.scale_in):
                continue
            on = any(alarm.low and self._alarms.is_on(alarm.name) for alarm in policy.alarms)
            if policy.low is None or not on:
                return ()
            proposal = self._proposal(target, policy, policy.low, base)
            if proposal is None or proposal.capacity >= base:
                return ()
            if blocks_scale_in(policy.cooldown, self._now_s):
                return ()
            wanted.append(proposal)
        return [max(wanted, key=lambda p: p.capacity)] if wanted else ()

    # -- neither

    def _not_scaled(
        self, target: Target, proposal: Proposal, capacity: Capacity, *, out: bool | None
    ) -> None:
        reason: Mapping[str, Any]
        if out and capacity.desired >= target.maximum:
            reason = {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": target.maximum}
        elif out is False and capacity.desired <= target.minimum:
            reason = {"Code": "AlreadyAtMinCapacity", "MinCapacity": target.minimum}
        else:
            reason = {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": capacity.desired}
        self._log.not_scaled(target.key, reason, proposal.cause, self._now_s)


def _is_news(proposal: Proposal, base: int, grown_s: float | None) -> bool:
    """Does it rest on anything measured since the last scale-out was complete?

    SetAlarmState tells datapoints without their times, which are 0 then.
    """
    tracks_out = isinstance(proposal.policy.rule, Tracking) and proposal.capacity > base
    if grown_s is None or tracks_out:
        return True
    newest_s = max(at_s for at_s, _ in proposal.action.datapoints)
    return not newest_s or newest_s >= grown_s
