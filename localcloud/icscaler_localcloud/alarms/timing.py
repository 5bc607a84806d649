"""Which periods an evaluation looks at, and at which seconds an alarm is evaluated."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from icscaler_localcloud.alarms.settings import AlarmSettings

HIGH_RESOLUTION_S = 10
STANDARD_S = 60
HOURLY_S = 3600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """`count` periods of `period_s` that end at `end_s`; number 0 is the newest.

    Periods are counted back from the evaluation's minute (or ten seconds), not from the epoch: an
    alarm on five minutes looks at another five minutes each minute (User Guide, "Limits").
    """

    end_s: int
    period_s: int
    count: int

    @property
    def start_s(self) -> int:
        """Where the oldest period starts."""
        return self.end_s - self.count * self.period_s

    def start_of(self, number: int) -> int:
        """Where period `number` starts."""
        return self.end_s - (number + 1) * self.period_s

    def number_of(self, at_s: float) -> int:
        """The period that `at_s` lies in."""
        return int(self.end_s - 1 - at_s) // self.period_s


def window(
    settings: AlarmSettings, period_s: int, periods: int, now_s: float, *, expression: bool
) -> Window:
    """The evaluation range at `now_s`."""
    fine = period_s < STANDARD_S
    extra = settings.extra_points_high_resolution if fine else settings.extra_points_standard
    delay_s = settings.expression_delay_s if expression else settings.metric_delay_s
    step_s = HIGH_RESOLUTION_S if fine else STANDARD_S
    end_s = int((now_s - delay_s) // step_s) * step_s
    return Window(end_s, period_s, periods + min(extra, 2 * periods))


def interval_s(period_s: int, periods: int) -> int:
    """How often an alarm is evaluated: ten seconds below a minute, hourly beyond a day."""
    if period_s < STANDARD_S:
        return HIGH_RESOLUTION_S
    return HOURLY_S if period_s * periods > DAY_S else STANDARD_S


def phase_s(settings: AlarmSettings, name: str, interval: int) -> int:
    """The second of its interval at which the alarm `name` is evaluated."""
    wanted = zlib.crc32(name.encode()) if settings.phase_s is None else settings.phase_s
    return wanted % interval
