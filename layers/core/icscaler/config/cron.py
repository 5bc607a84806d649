"""Cron expressions of the fleet file: five fields as in crontab(5), parsed for the core.

Numbers, `*`, lists, ranges, steps (`*/15`, `8-18/2`), names of months and weekdays; Sunday is 0 or
7. Not taken: seconds, years, `@daily`, `L`, `W`, `#`, `?`. An expression that names no day that
ever comes (30 February) is refused.
"""

from icscaler.schedules.cron import Cron

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)
EXAMPLE = "write minute, hour, day, month and weekday, like `30 8 * * mon-fri`"


def parse_cron(text: str) -> Cron:
    """The expression. Raises `ValueError`: "problem; remedy"."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"not a cron expression: {text!r} has {len(fields)} fields; {EXAMPLE}")
    minutes, hours, days, months, weekdays = (
        _values(field, *rule) for field, rule in zip(fields, _FIELDS, strict=True)
    )
    any_day, any_weekday = fields[2].startswith("*"), fields[4].startswith("*")
    either = not any_day and not any_weekday
    if not either and all(min(days) > _LONGEST_MONTH.get(month, 31) for month in months):
        raise ValueError(f"no day of any year is named by {text!r}; {EXAMPLE}")
    week = tuple(sorted({weekday % 7 for weekday in weekdays}))
    return Cron(minutes, hours, days, months, week, either)


def _values(field: str, what: str, low: int, high: int, names: dict[str, int]) -> tuple[int, ...]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, what, 1, high, {}) if "/" in part else 1
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, what, low, high, names)
            end = _number(last, what, low, high, names) if dash else begin
            # In crontab a step needs a range; `8/2` would be a surprise whatever it did.
            if "/" in part and not dash:
                raise ValueError(f"a step needs a range in {part!r} of {what}; write `*/{step}`")
        if begin > end:
            raise ValueError(f"{part!r} of {what} runs backwards; list two ranges: `a-b,c-d`")
        found.update(range(begin, end + 1, step))
    return tuple(sorted(found))


def _number(text: str, what: str, low: int, high: int, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    known = f" or {', '.join(names)}" if names else ""
    raise ValueError(f"{text!r} is no {what}; use {low} to {high}{known}")
