"""rate() and cron() expressions, and what fires when they are due.

Sources: EventBridge User Guide, "Schedule expressions reference"; EventBridge Scheduler User
Guide, "Schedule types" and "Adding context attributes". Rules run in UTC; schedules in their time
zone. Weekdays are 1-7 = SUN-SAT. `L`, `W` and `#` are refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from icscaler_localcloud import moto_seams
from icscaler_localcloud.clock import Timer, utc_text
from icscaler_localcloud.faults import Lane, Timekeeper
from icscaler_localcloud.targets import DeliveryError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_UNITS_S = {"minute": 60, "hour": 3600, "day": 86400}
_MONTH_NAMES = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
_WEEKDAY_NAMES = "SUN MON TUE WED THU FRI SAT"
_MONTHS = {name: i for i, name in enumerate(_MONTH_NAMES.split(), 1)}
_WEEKDAYS = {name: i for i, name in enumerate(_WEEKDAY_NAMES.split(), 1)}
# A cron expression that fires at all does so within this many days (29 February).
_HORIZON_DAYS = 8 * 366 + 1


@dataclass(frozen=True, slots=True)
class Rate:
    """rate(value unit): fires every `period_s`, first one period after it was created."""

    period_s: int

    def after(self, last_s: float, zone: str) -> float:
        """The next firing after `last_s`, a firing itself or the moment of creation."""
        return last_s + self.period_s


@dataclass(frozen=True, slots=True)
class Cron:
    """cron(minutes hours day-of-month month day-of-week year)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def after(self, last_s: float, zone: str) -> float:
        """The next whole minute after `last_s` that matches, in time zone `zone`."""
        local = ZoneInfo(zone)
        start = datetime.fromtimestamp(last_s, tz=local).replace(second=0, microsecond=0)
        for offset in range(_HORIZON_DAYS):
            day = (start + timedelta(days=offset)).date()
            if not self._on(day.year, day.month, day.day, day.isoweekday() % 7 + 1):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=local)
                    at_s = at.timestamp()
                    # A time that a clock change skips comes back shifted: it does not exist.
                    exists = datetime.fromtimestamp(at_s, tz=local).hour == hour
                    if at_s > last_s and exists:
                        return at_s
        raise ValueError("the cron expression never fires")

    def _on(self, year: int, month: int, day: int, weekday: int) -> bool:
        return (
            year in self.years
            and month in self.months
            and day in self.days
            and weekday in self.weekdays
        )


def parse(expression: str) -> Rate | Cron:
    """Read a schedule expression; ValueError says what is wrong with it."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression)
    if rate is not None:
        value = int(rate.group(1))
        if value == 0 or (value == 1) == bool(rate.group(3)):
            raise ValueError(f"{expression}: 1 takes the singular, more the plural, 0 is refused")
        return Rate(value * _UNITS_S[rate.group(2)])
    cron = re.fullmatch(r"cron\(([^)]*)\)", expression)
    fields = cron.group(1).split() if cron is not None else []
    if len(fields) != 6:
        raise ValueError(f"{expression}: neither rate(value unit) nor cron with six fields")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{expression}: exactly one of day-of-month and day-of-week must be ?")
    return Cron(
        minutes=_field(fields[0], 0, 59),
        hours=_field(fields[1], 0, 23),
        days=_field(fields[2], 1, 31),
        months=_field(fields[3], 1, 12, _MONTHS),
        weekdays=_field(fields[4], 1, 7, _WEEKDAYS),
        years=_field(fields[5], 1970, 2199),
    )


def _field(
    text: str, low: int, high: int, names: Mapping[str, int] | None = None
) -> frozenset[int]:
    values: set[int] = set()
    for part in text.upper().split(","):
        match = re.fullmatch(r"(\*|\?|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise ValueError(f"cron field {text!r}: cannot read {part!r}")
        span, first, last, step = match.groups()
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = _number(first, names or {})
            end = _number(last, names or {}) if last else (high if step else start)
        if not (low <= start <= end <= high):
            raise ValueError(f"cron field {text!r}: {part!r} is not within {low}-{high}")
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, names: Mapping[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise ValueError(f"cron value {text!r} is not supported")
    return int(text)


class ScheduleRunner:
    """Fires the scheduled rules and the schedules that exist, from moto's stores.

    `sync()` after each change of rules or schedules; one timer per ARN and expression.
    """

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._timers: dict[tuple[str, str, str], Timer] = {}

    def sync(self) -> None:
        """Start timers for new expressions, cancel those that are gone."""
        wanted = {
            (rule.arn, rule.schedule, "UTC")
            for rule in moto_seams.event_rules(self._cloud.account, self._cloud.region)
            if rule.schedule
        } | {
            (schedule.arn, schedule.expression, schedule.timezone)
            for schedule in moto_seams.schedules(self._cloud.account, self._cloud.region)
        }
        for key in [k for k in self._timers if k not in wanted]:
            self._timers.pop(key).cancel()
        for key in sorted(wanted - set(self._timers)):
            self._arm(key, self._cloud.clock.now_s)

    def _arm(self, key: tuple[str, str, str], last_s: float) -> None:
        due_s = parse(key[1]).after(last_s, key[2])
        # By Scheduler's own clock: one that is ahead fires early.
        true_s = due_s - self._cloud.faults.skew_s(Timekeeper.SCHEDULER)
        self._timers[key] = self._cloud.loop.call_at(true_s, lambda: self._fire(key, due_s))

    def _fire(self, key: tuple[str, str, str], due_s: float) -> None:
        self._arm(key, due_s)
        arn = key[0]
        if arn.split(":")[2] == "scheduler":
            self._fire_schedule(arn, due_s)
        else:
            self._cloud.events.fire_rule(arn, due_s)

    def _fire_schedule(self, arn: str, due_s: float) -> None:
        schedule = next(
            s for s in moto_seams.schedules(self._cloud.account, self._cloud.region) if s.arn == arn
        )
        message = self._message(schedule.target.get("Input"), arn, due_s)
        self._cloud.arrive(
            Lane.SCHEDULER,
            arn,
            schedule.target["Arn"],
            lambda: self._deliver(arn, schedule.target, message),
        )

    def _deliver(self, arn: str, target: Mapping[str, Any], message: Any) -> None:
        try:
            self._cloud.targets.deliver(
                target["Arn"],
                message,
                source_arn=arn,
                role_arn=target["RoleArn"],
                group=target.get("SqsParameters", {}).get("MessageGroupId"),
            )
        except DeliveryError as failure:
            self._cloud.dead_letter(
                target.get("DeadLetterConfig", {}).get("Arn"),
                message,
                failure,
                rule_arn=arn,
                target_arn=target["Arn"],
            )

    def _message(self, text: str | None, arn: str, due_s: float) -> Any:
        """The target's Input with Scheduler's context attributes, or Scheduler's own event."""
        when = utc_text(due_s)
        if text is None:
            return {
                "version": "0",
                "id": moto_seams.new_id(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self._cloud.account,
                "time": when,
                "region": self._cloud.region,
                "resources": [arn],
                "detail": "{}",
            }
        values = {
            "schedule-arn": arn,
            "scheduled-time": when,
            "execution-id": moto_seams.new_id(),
            "attempt-number": "1",
        }
        for name, value in values.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        try:
            return json.loads(text)
        except ValueError:
            return text
