"""The input of `warm_up`: which models, how many copies, from when until when."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from icscaler.config.settings import Part
from icscaler.config.values import AwsName, Names, Word
from icscaler.config.workflows.base import ProbeKeys, TimePoint, resolve
from icscaler.warm_up.record import Selection, WarmUp


class WarmSelector(Part):
    """Which models of the published fleet; all conditions given must hold."""

    name: Names | None = Field(
        default=None, description="Names or patterns; one must match.", examples=["codegen-*"]
    )
    class_name: Word | None = Field(
        default=None, alias="class", description="Models of this class.", examples=["critical"]
    )
    group: Word | None = Field(
        default=None, description="Models of this group.", examples=["codegen"]
    )
    endpoint: AwsName | None = Field(
        default=None, description="Models of this endpoint.", examples=["codegen-shared"]
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("selects nothing; state name, class, group or endpoint")
        return self


class WarmUpInput(Part):
    """A floor for some models for some time, and first requests."""

    select: WarmSelector = Field(
        description="Which models.", examples=[{"group": "codegen"}, {"name": ["chat"]}]
    )
    copies: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=1, description="Copies of each model, at least.", examples=[2]
    )
    ready_by: TimePoint | None = Field(
        default=None,
        description="When they must serve: `08:55 Europe/Berlin` (the next one) or ISO 8601 with a "
        "zone. Left out: as soon as possible.",
        examples=["08:55 Europe/Berlin"],
    )
    until: TimePoint | None = Field(
        default=None,
        description="When the floor ends, in the same form. Or state `for_s`.",
        examples=["12:00 Europe/Berlin"],
    )
    for_s: Annotated[int, Field(ge=60, le=604_800)] | None = Field(
        default=None,
        description="How long the floor holds after `ready_by` (or from now on).",
        examples=[3600],
    )
    start_up_s: Annotated[int, Field(ge=0, le=14_400)] = Field(
        default=900,
        description="The start-up time of models of which none is known yet.",
        examples=[900],
    )
    margin_s: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=120, description="This much earlier, to be on the safe side.", examples=[120]
    )
    requests: ProbeKeys | None = Field(
        default=None, description="First requests to each model once it serves."
    )

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.until is None) == (self.for_s is None):
            raise ValueError("state `until` or `for_s`, one of them: a floor must end")
        return self

    def warm_up(self, started_s: int) -> WarmUp:
        """As the workflow uses it; times of day are the next ones after the execution's start."""
        ready_by_s = resolve(self.ready_by, started_s) if self.ready_by else None
        begins_s = started_s if ready_by_s is None else ready_by_s
        until_s = begins_s + (self.for_s or 0)
        if self.until is not None:
            until_s = resolve(self.until, begins_s)
        select = self.select
        return WarmUp(
            selection=Selection(
                select.name or (), select.class_name, select.group, select.endpoint
            ),
            copies=self.copies,
            ready_by_s=ready_by_s,
            until_s=until_s,
            start_up_s=self.start_up_s,
            margin_s=self.margin_s,
            requests=self.requests.probe() if self.requests else None,
        )
