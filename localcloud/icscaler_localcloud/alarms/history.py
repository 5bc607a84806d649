"""What happened to alarms: DescribeAlarmHistory. Kept for 30 days, also after an alarm's end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from icscaler_localcloud.alarms.paging import page
from icscaler_localcloud.alarms.texts import compact

KEPT_S = 30 * 86_400
_MOST = 100_000
_DATA_LENGTH = 4095
_SUMMARY_LENGTH = 255
_OF_CONTRIBUTORS = ("AlarmContributorStateUpdate", "AlarmContributorAction")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry; `number` counts all entries, `data` is JSON."""

    number: int
    alarm: str
    alarm_type: str
    at_s: float
    kind: str
    summary: str
    data: str
    contributor: tuple[str, Mapping[str, str]] | None = None


class History:
    """The history of all alarms of one Region, oldest first."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=_MOST)
        self._numbers = count()

    def add(
        self,
        alarm: tuple[str, str],
        at_s: float,
        kind: str,
        summary: str,
        data: Mapping[str, Any],
        contributor: tuple[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Keep an entry of the alarm (name, type)."""
        while self._items and self._items[0].at_s < at_s - KEPT_S:
            self._items.popleft()
        self._items.append(
            Item(
                next(self._numbers),
                *alarm,
                at_s,
                kind,
                summary[:_SUMMARY_LENGTH],
                compact(data)[:_DATA_LENGTH],
                contributor,
            )
        )

    def items(self, name: str | None = None) -> list[Item]:
        """Entries of one alarm, or of all, oldest first (for tests and reports)."""
        return [item for item in self._items if name in (None, item.alarm)]

    def describe(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer DescribeAlarmHistory; newest first unless asked otherwise."""
        found = [item for item in self.items(params.get("AlarmName")) if _matches(item, params)]
        descending = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        if descending:
            found.reverse()

        def key(item: Item) -> list[str]:
            # Numbers of one length sort as text.
            return [f"{_MOST**2 - item.number if descending else item.number:020}"]

        shown, token = page(found, params, "DescribeAlarmHistory", default=100, key=key)
        return {"AlarmHistoryItems": [_shown(item) for item in shown], "NextToken": token}


def _matches(item: Item, params: Mapping[str, Any]) -> bool:
    kind, of = params.get("HistoryItemType"), params.get("AlarmContributorId")
    if of is not None and (item.contributor is None or item.contributor[0] != of):
        return False
    if kind is None:
        # Without a type or a contributor, only the alarm's own history is told.
        wanted = of is not None or item.kind not in _OF_CONTRIBUTORS
    else:
        wanted = kind == item.kind
    return (
        wanted
        and item.alarm_type in params.get("AlarmTypes", ("MetricAlarm",))
        and params.get("StartDate", 0.0) <= item.at_s <= params.get("EndDate", float("inf"))
    )


def _shown(item: Item) -> dict[str, Any]:
    contributor = item.contributor or (None, None)
    return {
        "AlarmName": item.alarm,
        "AlarmType": item.alarm_type,
        "Timestamp": item.at_s,
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data,
        "AlarmContributorId": contributor[0],
        "AlarmContributorAttributes": contributor[1],
    }
