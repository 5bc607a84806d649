"""PutScheduledAction, DescribeScheduledActions, DeleteScheduledAction, and what they do when due.

A scheduled action sets minimum and maximum; the capacity is brought within them at once, whatever
cools down (User Guide, "Scheduled scaling for Application Auto Scaling").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling import schedule
from icscaler_localcloud.autoscaling.activities import Activities
from icscaler_localcloud.autoscaling.changes import Changes
from icscaler_localcloud.autoscaling.errors import (
    invalid,
    no_scheduled_action,
    no_target,
    too_many,
)
from icscaler_localcloud.autoscaling.model import (
    Key,
    Params,
    Registry,
    ScheduledAction,
    Target,
)
from icscaler_localcloud.autoscaling.paging import page
from icscaler_localcloud.moto_seams import new_id

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_PAGE = 50
_UTC = "UTC"


class ScheduledOperations:
    """The scheduled actions of all targets, each with a timer of its own."""

    def __init__(
        self, cloud: LocalCloud, registry: Registry, changes: Changes, log: Activities
    ) -> None:
        self._cloud, self._registry = cloud, registry
        self._changes, self._log = changes, log

    def put(self, params: Params) -> Mapping[str, Any]:
        key, name = Key.of(params), params["ScheduledActionName"]
        target = self._registry.get(key)
        if target is None:
            raise no_target(key)
        known = target.scheduled.get(name)
        limit = self._changes.settings.max_scheduled_actions
        if known is None and len(target.scheduled) >= limit:
            raise too_many("scheduled actions per scalable target", limit)
        action = self._action(key, params, known)
        due_s = self._first(action)
        if known is not None and known.timer is not None:
            known.timer.cancel()
        target.scheduled[name] = action
        self._arm(target, action, due_s)
        return {}

    def describe(self, params: Params) -> Mapping[str, Any]:
        if "ScalableDimension" in params and "ResourceId" not in params:
            raise invalid("ResourceId is required when ScalableDimension is given.")
        names = params.get("ScheduledActionNames")
        found = sorted(
            (
                (target.key, action)
                for target in self._registry
                if all(
                    params.get(member, value) == value
                    for member, value in target.key.shown().items()
                )
                for action in target.scheduled.values()
                if not names or action.name in names
            ),
            key=lambda pair: (pair[0], pair[1].name),
        )
        rows, token = page(found, params, _PAGE)
        return {"ScheduledActions": [_shown(*row) for row in rows], "NextToken": token}

    def delete(self, params: Params) -> Mapping[str, Any]:
        key, name = Key.of(params), params["ScheduledActionName"]
        target = self._registry.get(key)
        action = target.scheduled.pop(name, None) if target is not None else None
        if action is None:
            raise no_scheduled_action(key, name)
        if action.timer is not None:
            action.timer.cancel()
        return {}

    # -- what is put

    def _action(self, key: Key, params: Params, known: ScheduledAction | None) -> ScheduledAction:
        """A new action, or a known one with what the request changes.

        Start and end that an update leaves out are deleted (API Reference, PutScheduledAction).
        """
        text = params.get("Schedule", known.schedule if known else None)
        if text is None:
            raise invalid("Schedule is required when creating a scheduled action.")
        given = params.get("ScalableTargetAction")
        if given is None and known is not None:
            minimum, maximum = known.minimum, known.maximum
        else:
            minimum, maximum = _capacities(given or {})
        start_s, end_s = params.get("StartTime"), params.get("EndTime")
        if start_s is not None and end_s is not None and end_s <= start_s:
            raise invalid("EndTime must be after StartTime.")
        return ScheduledAction(
            params["ScheduledActionName"],
            known.arn if known else self._arn(key, params["ScheduledActionName"]),
            text,
            params.get("Timezone", known.zone if known else None),
            start_s,
            end_s,
            minimum,
            maximum,
            known.created_s if known else self._cloud.clock.now_s,
        )

    def _first(self, action: ScheduledAction) -> float | None:
        now_s, zone = self._cloud.clock.now_s, action.zone or _UTC
        try:
            parsed = schedule.parse(action.schedule, zone)
            due_s = schedule.first_firing(
                parsed, zone, now_s, start_s=action.start_s, end_s=action.end_s
            )
        except ValueError as error:
            raise invalid(f"Invalid schedule: {error}") from None
        if due_s is None and isinstance(parsed, schedule.At):
            raise invalid(f"Invalid schedule: {action.schedule} is in the past or after EndTime")
        return due_s

    def _arn(self, key: Key, name: str) -> str:
        return (
            f"arn:aws:autoscaling:{self._cloud.region}:{self._cloud.account}:scheduledAction:"
            f"{new_id()}:resource/{key.namespace}/{key.resource_id}:scheduledActionName/{name}"
        )

    # -- when due

    def _arm(self, target: Target, action: ScheduledAction, due_s: float | None) -> None:
        action.timer = None
        if due_s is not None:
            action.timer = self._cloud.call_at(due_s, lambda: self._fire(target, action, due_s))

    def _fire(self, target: Target, action: ScheduledAction, due_s: float) -> None:
        zone = action.zone or _UTC
        parsed = schedule.parse(action.schedule, zone)
        self._arm(target, action, schedule.next_firing(parsed, zone, due_s, end_s=action.end_s))
        if target.suspended["ScheduledScalingSuspended"]:
            return  # skipped for good: what was due meanwhile is not made up for
        minimum = target.minimum if action.minimum is None else action.minimum
        maximum = target.maximum if action.maximum is None else action.maximum
        cause = f"scheduled action name {action.name} was triggered"
        self._log.bounds(target.key, (minimum, maximum), cause, self._cloud.clock.now_s)
        target.minimum, target.maximum = minimum, maximum
        self._changes.enforce_later(target)


def _capacities(given: Params) -> tuple[int | None, int | None]:
    minimum, maximum = given.get("MinCapacity"), given.get("MaxCapacity")
    if minimum is None and maximum is None:
        raise invalid("ScalableTargetAction must have MinCapacity, MaxCapacity or both.")
    if min(bound for bound in (minimum, maximum) if bound is not None) < 0:
        raise invalid("MinCapacity and MaxCapacity must not be negative.")
    if minimum is not None and maximum is not None and maximum < minimum:
        raise invalid("Maximum capacity cannot be less than minimum capacity.")
    return minimum, maximum


def _shown(key: Key, action: ScheduledAction) -> Mapping[str, Any]:
    capacities = {"MinCapacity": action.minimum, "MaxCapacity": action.maximum}
    return {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        **key.shown(),
        "Schedule": action.schedule,
        "Timezone": action.zone,
        "StartTime": action.start_s,
        "EndTime": action.end_s,
        "ScalableTargetAction": {k: v for k, v in capacities.items() if v is not None},
        "CreationTime": action.created_s,
    }
