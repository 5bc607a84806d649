"""Moments and spans as people write and read them; all of them in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import typer

from icscaler_cli.output import ExitCode, say

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGO = re.compile(r"-?(\d+)([smhd])")
FORMS = "2027-03-01T08:00, with Z or an offset if it is not UTC, 90m, 2h or 3d (ago), or epoch s"


@dataclass(frozen=True, slots=True)
class Moment:
    """What was typed: `ago_s` before a now that AWS tells later, or `fixed_s` in epoch seconds."""

    ago_s: int = 0
    fixed_s: int | None = None

    def at_s(self, now_s: float) -> int:
        """In epoch seconds."""
        return int(now_s) - self.ago_s if self.fixed_s is None else self.fixed_s


def moment(text: str, option: str) -> Moment:
    """What was typed for `option`; ends the command when it means nothing."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return Moment(ago_s=int(ago[1]) * _UNITS_S[ago[2]])
    if text.isdigit() and len(text) > 8:
        return Moment(fixed_s=int(text))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        say(f"error: {option} {text}: no such time", "bold red")
        say(f"    write {FORMS}")
        raise typer.Exit(ExitCode.USAGE) from error
    return Moment(fixed_s=int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()))


def utc(at_s: float) -> str:
    """`2027-03-01 08:00:12`."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(at_s: float | None) -> str | None:
    """For programs: `2027-03-01T08:00:12Z`."""
    if at_s is None:
        return None
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def span(seconds: float) -> str:
    """The largest unit that says it well: `45 s`, `12 min`, `3 h`, `9 days`."""
    for unit_s, word in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= unit_s:
            return f"{seconds // {'days': 86_400, 'h': 3600, 'min': 60}[word]:.0f} {word}"
    return f"{max(0, seconds):.0f} s"
