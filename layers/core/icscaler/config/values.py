"""The kinds of values in a fleet file: names, patterns, times, durations."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
)

from icscaler.config.cron import parse_cron
from icscaler.config.zones import zone

WILDCARDS = frozenset("*?")
# SageMaker's own constraint on endpoint, variant and inference component names: at most 63
# characters. Source: botocore's service model, shapes EndpointName and InferenceComponentName.
NAME_RULE = "1 to 63 letters, digits and inner hyphens, as SageMaker demands"
_NAME = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_PATTERN = re.compile(r"[-a-zA-Z0-9*?]{1,63}")
_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORD = re.compile(r"[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,62})")


def is_pattern(name: str) -> bool:
    """Whether a model's name is a pattern (`*`: any characters, `?`: one) and not exact."""
    return not WILDCARDS.isdisjoint(name)


def _aws_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"not a valid name: {value!r}; use {NAME_RULE}")
    return value


def _name_or_pattern(value: str) -> str:
    if is_pattern(value):
        if not _PATTERN.fullmatch(value):
            raise ValueError(
                f"not a valid pattern: {value!r}; use letters, digits, hyphens, '*' and '?'"
            )
        return value
    return _aws_name(value)


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError(
            f"not a valid name: {value!r}; use up to 63 letters, digits, hyphens, dots, underscores"
        )
    return value


def _instance_type(value: str) -> str:
    if not _TYPE.fullmatch(value):
        raise ValueError(f"not an instance type: {value!r}; write it like ml.p4d.24xlarge")
    return value


def some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """At least one. (As a plain length limit pydantic would also count items that are wrong.)"""
    if not value:
        raise ValueError("is empty; list at least one")
    return value


def _listed(value: Any) -> Any:
    """One name is a list of one."""
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


def _instant(value: Any) -> datetime:
    """An ISO 8601 time with a zone: it must mean the same second to every reader."""
    if isinstance(value, datetime):
        return value
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"not a time: {value!r}; write date, time and zone, like 2026-12-01T18:00:00+01:00"
        ) from None
    if at.tzinfo is None:
        raise ValueError(
            f"the time {value} has no zone; add one, like {at.isoformat()}+01:00 (or Z for UTC)"
        )
    return at


def _idle(value: Any) -> Any:
    """Whole seconds from 60 up, or `never`; one message for both."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "never" or (whole and 60 <= value <= 604_800):
        return value
    raise ValueError(f"must be whole seconds from 60 to 604800 (a week), or never, not {value!r}")


def _cron(value: str) -> str:
    parse_cron(value)
    return value


def _time_zone(value: str) -> str:
    zone(value)
    return value


def _day(value: str) -> str:
    """`2027-03-29`, or `12-25` for every year (a leap year is asked, so 29 February is a day)."""
    whole = value if _DATE.fullmatch(value) else f"2028-{value}"
    try:
        date.fromisoformat(whole if _DATE.fullmatch(whole) else "")
    except ValueError:
        raise ValueError(
            f"not a day: {value!r}; write year-month-day like 2027-03-29, or 12-25 for every year"
        ) from None
    return value


def _edge(value: Any) -> Any:
    """A date, or a time with a zone."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(
                f"not a day: {value!r}; write year-month-day, like 2027-03-29"
            ) from None
    return _instant(value)


_ONE_OR_SEVERAL = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    }
)
AwsName = Annotated[str, AfterValidator(_aws_name)]
InstanceType = Annotated[
    str,
    AfterValidator(_instance_type),
    WithJsonSchema({"type": "string", "pattern": f"^{_TYPE.pattern}$"}),
]
Word = Annotated[str, AfterValidator(_word)]
Names = Annotated[
    tuple[Annotated[str, AfterValidator(_name_or_pattern)], ...],
    AfterValidator(some),
    BeforeValidator(_listed),
    _ONE_OR_SEVERAL,
]
Words = Annotated[
    tuple[Word, ...],
    AfterValidator(some),
    BeforeValidator(_listed),
    _ONE_OR_SEVERAL,
]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
CronText = Annotated[str, AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Day = Annotated[str, AfterValidator(_day)]
Edge = Annotated[
    datetime | date,
    BeforeValidator(_edge),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
IdleSeconds = Annotated[
    int | Literal["never"],
    BeforeValidator(_idle),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 60, "maximum": 604_800}, {"const": "never"}]}
    ),
]
Copies = Annotated[int, Field(ge=0, le=10_000)]
Fraction = Annotated[float, Field(ge=0, le=1)]
