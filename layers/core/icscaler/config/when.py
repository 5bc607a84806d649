"""What holds for a time only: overrides, schedules and the calendars they keep to."""

from typing import Annotated

from pydantic import AfterValidator, Field

from icscaler.config.settings import Part
from icscaler.config.values import (
    AwsName,
    Copies,
    CronText,
    Day,
    Edge,
    Instant,
    Names,
    TimeZone,
    Word,
    Words,
    some,
)


class Selector(Part):
    """Which models; all conditions given must hold."""

    name: Names | None = Field(
        default=None, description="Names or patterns; one must match.", examples=["codegen-*"]
    )
    class_name: Word | None = Field(
        default=None, alias="class", description="Models of this class.", examples=["batch"]
    )
    group: Word | None = Field(
        default=None, description="Models of this group.", examples=["codegen"]
    )
    labels: Annotated[dict[Word, str], Field(min_length=1)] | None = Field(
        default=None,
        description="Models with all of these labels.",
        examples=[{"stage": "production"}],
    )
    endpoint: AwsName | None = Field(
        default=None, description="Models of this endpoint.", examples=["codegen-shared"]
    )


class OverrideEntry(Part):
    """A temporary change for some models; it ends by itself."""

    select: Selector = Field(
        description="Which models it is for; all conditions given must hold.",
        examples=[{"group": "codegen"}],
    )
    until: Instant = Field(
        description="When it ends: ISO 8601 with a zone.",
        examples=["2027-03-01T18:00:00+01:00"],
    )
    reason: str = Field(
        min_length=3,
        max_length=256,
        description="Why, for the people who meet it in a decision record.",
        examples=["launch week"],
    )
    from_: Instant | None = Field(
        default=None,
        alias="from",
        description="When it begins: ISO 8601 with a zone. Left out: at once.",
        examples=["2027-02-22T08:00:00+01:00"],
    )
    min_copies: Copies | None = Field(
        default=None, description="The floor meanwhile.", examples=[4]
    )
    max_copies: Copies | None = Field(
        default=None, description="The ceiling meanwhile; 0 keeps the models off.", examples=[0]
    )
    paused: bool | None = Field(
        default=None, description="Leave the copies as they are meanwhile.", examples=[True]
    )


# What takes copies, and therefore time, to come true.
RAISES = ("min_copies", "request_worth", "in_time_fraction", "deadline_s")
OBJECTIVE_CHANGES = RAISES[1:]


class CalendarKeys(Part):
    """Days that have something in common."""

    days: Annotated[tuple[Day, ...], Field(strict=False), AfterValidator(some)] = Field(
        description="The days: `2027-03-29`, or `12-25` for every year.",
        examples=[["01-01", "12-25", "2027-03-29"]],
    )


class ScheduleEntry(Part):
    """A floor, ceiling or objective for some models during windows of time."""

    name: Word = Field(
        description="Its name, which decision records show.", examples=["office-hours"]
    )
    select: Selector = Field(
        description="Which models it is for; all conditions given must hold.",
        examples=[{"class": "interactive"}],
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="The clock by which `start`, `end` and dates are meant: an IANA name. Daylight "
        "saving is followed. Needed unless only times with a zone are given.",
        examples=["Europe/Berlin"],
    )
    start: CronText | None = Field(
        default=None,
        description="When a window begins, as in crontab: minute, hour, day of the month, month, "
        "day of the week. Needs `end` or `lasts_s`. Left out: one window, `from` to `until`.",
        examples=["0 8 * * mon-fri"],
    )
    end: CronText | None = Field(
        default=None,
        description="When windows end, as in crontab. The first end after a start counts.",
        examples=["0 18 * * *"],
    )
    lasts_s: Annotated[int, Field(ge=60, le=31_622_400)] | None = Field(
        default=None,
        description="How long a window lasts, instead of `end`.",
        examples=[36_000],
    )
    from_: Edge | None = Field(
        default=None,
        alias="from",
        description="The first day or moment at which it may hold.",
        examples=["2027-02-22"],
    )
    until: Edge | None = Field(
        default=None,
        description="The last day (it counts whole), or the moment from which it holds no more.",
        examples=["2027-03-05", "2027-03-01T18:00:00+01:00"],
    )
    not_on: Words | None = Field(
        default=None,
        description="Calendars: no window begins on their days.",
        examples=["holidays"],
    )
    only_on: Words | None = Field(
        default=None,
        description="Calendars: windows begin on their days only.",
        examples=["sales-days"],
    )
    min_copies: Copies | None = Field(
        default=None, description="The floor during windows.", examples=[2]
    )
    max_copies: Copies | None = Field(
        default=None,
        description="The ceiling during windows; 0 keeps the models off.",
        examples=[0],
    )
    request_worth: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None,
        description="The objective during windows, for models with the policy `objective`: one of "
        "their requests is worth this many ordinary ones, so more copies earn their GPUs.",
        examples=[5.0],
    )
    in_time_fraction: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="The share of requests that must be in time during windows, for models with "
        "the policy `objective`. What it makes of a request's worth is learned and kept apart from "
        "what other objectives of the model do.",
        examples=[0.999],
    )
    deadline_s: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        default=None,
        description="The objective's `deadline_s` during windows.",
        examples=[5],
    )
    ready_by_start: bool | None = Field(
        default=None,
        description="Begin a start-up time early, so that the copies serve when the window begins. "
        "Built in: false where `max_copies` alone is given, else true.",
        examples=[False],
    )
