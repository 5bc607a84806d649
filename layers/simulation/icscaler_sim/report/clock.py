"""Moments and spans of a run in words; times of day are UTC."""

from datetime import UTC, datetime

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def clock_text(at_s: float) -> str:
    """`Mon 07:05:10`."""
    moment = datetime.fromtimestamp(at_s, UTC)
    return f"{DAYS[moment.weekday()]} {moment:%H:%M:%S}"


def span_text(seconds: float) -> str:
    """`45 s`, `4 min 50 s`, `2.5 h`."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    if whole < 5400:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and whole < 600 else f"{round(whole / 60)} min"
    return f"{seconds / 3600:.3g} h"
