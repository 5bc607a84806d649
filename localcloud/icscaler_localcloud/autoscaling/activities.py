"""Scaling activities: what was done, why, and what came of it.

Descriptions, causes and messages are those of AWS's samples and of real accounts (User Guide,
"Scaling activities for Application Auto Scaling"). Kept for six weeks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from icscaler_localcloud.autoscaling.errors import invalid
from icscaler_localcloud.autoscaling.model import Activity, Key, Params
from icscaler_localcloud.autoscaling.resources import noun
from icscaler_localcloud.services import ServiceError

PAGE = 50
_DAY_S = 86_400
# Far more than six weeks of a busy fleet's changes, far less than a machine's memory.
_MOST = 100_000
_ATTEMPT = "Attempting to scale due to alarm triggered"


class Activities:
    """The log of one account and Region, newest last."""

    def __init__(self, new_id: Callable[[], str], keep_days: int) -> None:
        self._new_id, self._keep_s = new_id, keep_days * _DAY_S
        self._log: deque[Activity] = deque(maxlen=_MOST)
        self._newest: dict[Key, Activity] = {}
        self._count = 0

    def capacity(self, key: Key, capacity: int, cause: str, now_s: float) -> Activity:
        """A change of capacity begins."""
        text = f"Setting desired {noun(key)} to {capacity}."
        return self._add(key, text, cause, now_s, "Pending")

    def bounds(self, key: Key, bounds: tuple[int, int], cause: str, now_s: float) -> Activity:
        """A scheduled action set minimum and maximum."""
        words = f"min capacity to {bounds[0]} and max capacity to {bounds[1]}"
        activity = self._add(key, f"Setting {words}", cause, now_s, "Successful")
        activity.message = f"Successfully set {words}"
        return activity

    def not_scaled(self, key: Key, reason: Params, cause: str, now_s: float) -> None:
        """An alarm asked for what could not be; not said twice in a row for one reason."""
        before = self._newest.get(key)
        said = before.not_scaled if before is not None else None
        if said is not None and said["Code"] == reason["Code"]:
            return
        fine = reason["Code"] == "AlreadyAtDesiredCapacity"
        activity = self._add(key, _ATTEMPT, cause, now_s, "Successful" if fine else "Failed")
        activity.not_scaled = reason

    def describe(self, params: Params, now_s: float) -> Mapping[str, Any]:
        """DescribeScalingActivities: newest first; not scaled ones only where asked for."""
        if "ScalableDimension" in params and "ResourceId" not in params:
            raise invalid("ResourceId is required when ScalableDimension is given.")
        before = _position(params.get("NextToken"))
        wanted = params.get("IncludeNotScaledActivities", False)
        limit, rows = params.get("MaxResults", PAGE), list[Activity]()
        for activity in reversed(self._log):
            if activity.started_s < now_s - self._keep_s:
                break
            if before is not None and activity.sequence >= before:
                continue
            if (wanted or activity.not_scaled is None) and _matches(activity.key, params):
                rows.append(activity)
                if len(rows) > limit:
                    break
        more = len(rows) > limit
        return {
            "ScalingActivities": [_shown(activity, all_=wanted) for activity in rows[:limit]],
            "NextToken": str(rows[limit - 1].sequence) if more else None,
        }

    def _add(self, key: Key, text: str, cause: str, now_s: float, status: str) -> Activity:
        self._count += 1
        activity = Activity(self._count, self._new_id(), key, text, cause, now_s, status)
        self._log.append(activity)
        self._newest[key] = activity
        return activity


def accepted(activity: Activity, capacity: int) -> None:
    """SageMaker took the new capacity and is at work."""
    activity.status = "InProgress"
    activity.message = (
        f"Successfully set desired {noun(activity.key)} to {capacity}. Waiting for change to be "
        f"fulfilled by {activity.key.namespace}."
    )


def refused(activity: Activity, capacity: int, reason: str, now_s: float) -> None:
    """SageMaker did not take it."""
    text = f"Failed to set desired {noun(activity.key)} to {capacity}. Reason: {reason}"
    _end(activity, "Failed", text, now_s)


def fulfilled(activity: Activity, capacity: int, now_s: float) -> None:
    """The capacity is there."""
    text = (
        f"Successfully set desired {noun(activity.key)} to {capacity}. Change successfully "
        f"fulfilled by {activity.key.namespace}."
    )
    _end(activity, "Successful", text, now_s)


def unfulfilled(activity: Activity, capacity: int, now_s: float) -> None:
    """SageMaker ended the change with another capacity than asked for."""
    text = (
        f"Successfully set desired {noun(activity.key)} to {capacity}. Change could not be "
        f"fulfilled by {activity.key.namespace}."
    )
    _end(activity, "Unfulfilled", text, now_s)


def overridden(activity: Activity, capacity: int, now_s: float) -> None:
    """Another capacity was asked for meanwhile, by us or somebody else."""
    text = (
        f"Successfully set desired {noun(activity.key)} to {capacity}. Change was overridden by "
        "another request."
    )
    _end(activity, "Overridden", text, now_s)


def _end(activity: Activity, status: str, text: str, now_s: float) -> None:
    activity.status, activity.message, activity.ended_s = status, text, now_s


def _position(token: str | None) -> int | None:
    if token is None:
        return None
    if not token.isdecimal():
        raise ServiceError("InvalidNextTokenException", "The NextToken is not valid.")
    return int(token)


def _matches(key: Key, params: Params) -> bool:
    shown = key.shown()
    return all(params.get(member, shown[member]) == shown[member] for member in shown)


def _shown(activity: Activity, *, all_: bool) -> Mapping[str, Any]:
    reasons = [activity.not_scaled] if activity.not_scaled is not None else []
    return {
        "ActivityId": activity.id,
        **activity.key.shown(),
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started_s,
        "EndTime": activity.ended_s,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
        "NotScaledReasons": reasons if all_ and reasons else None,
    }
