"""The fleet file as pydantic models: shapes, types and ranges of every key.

Each key's description and example here feed the JSON Schema and `docs/fleet-file.md`. What needs
more than one key to judge (references, floors against instances) is in `check`; which setting wins
is in `resolve`. Everything is strict: a number in quotes is text, and unknown keys are refused.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
)

from icscaler.config.problems import Problem

SCHEMA_ID = "icscaler-fleet-1"
WILDCARDS = frozenset("*?")
# SageMaker's own constraint on endpoint, variant and inference component names: at most 63
# characters. Source: botocore's service model, shapes EndpointName and InferenceComponentName.
NAME_RULE = "1 to 63 letters, digits and inner hyphens, as SageMaker demands"
_NAME = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_PATTERN = re.compile(r"[-a-zA-Z0-9*?]{1,63}")
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
            f"the time {value} has no zone; add one, like {value.strip()}+01:00 (or Z for UTC)"
        )
    return at


def _idle(value: Any) -> Any:
    """Whole seconds from 60 up, or `never`; one message for both."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "never" or (whole and 60 <= value <= 604_800):
        return value
    raise ValueError(f"must be whole seconds from 60 to 604800 (a week), or never; not {value!r}")


AwsName = Annotated[str, AfterValidator(_aws_name)]
Word = Annotated[str, AfterValidator(_word)]
Names = Annotated[
    tuple[Annotated[str, AfterValidator(_name_or_pattern)], ...],
    Field(min_length=1),
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
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


class _Part(BaseModel):
    """Base of every mapping in the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def stated(self) -> dict[str, Any]:
        """The keys that were written, with their values; nothing that is a default."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class TargetTrackingKeys(_Part):
    """Follow a metric per copy, in the words of Application Auto Scaling's target tracking."""

    metric: Literal["concurrency", "invocations"] | None = Field(
        None,
        description="What is followed, per copy: `concurrency` is requests in flight (queued ones "
        "too), `invocations` is requests a minute. Whoever states it states `target_value` too.",
        examples=["concurrency"],
    )
    target_value: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        None,
        description="The load per copy to aim at: requests in flight for `concurrency`, requests "
        "a minute for `invocations`. More than that adds copies.",
        examples=[24],
    )
    scale_in_tolerance_fraction: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="Copies are removed only while the load stays under the target by more than "
        "this share of it. Built in: 0.1.",
        examples=[0.1],
    )
    scale_in_stabilization_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="The highest recommendation of this many past seconds holds when copies would "
        "be removed. Built in: 300.",
        examples=[300],
    )
    scale_out_cooldown_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="Seconds after adding copies in which only a larger step out is taken. "
        "Built in: 0.",
        examples=[60],
    )
    scale_in_cooldown_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="Seconds after removing copies in which no more are removed. Built in: 300.",
        examples=[300],
    )
    disable_scale_in: bool | None = Field(
        None,
        description="Never remove copies because of the metric; `idle_s` still takes an unused "
        "model to its floor. Built in: false.",
        examples=[True],
    )


class PolicyKeys(_Part):
    """How the number of copies follows demand."""

    target_tracking: TargetTrackingKeys | None = Field(
        None,
        description="Keep a metric per copy near a target value.",
        examples=[{"metric": "concurrency", "target_value": 24}],
    )


class LimitsKeys(_Part):
    """How fast copies may come and go, and how long things are remembered."""

    scale_out_step_copies: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Most copies added by one look; the larger of this and "
        "`scale_out_step_fraction` counts. Built in: 4.",
        examples=[4],
    )
    scale_out_step_fraction: Annotated[float, Field(ge=0, le=10)] | None = Field(
        None,
        description="The same as a share of the present copies (1.0 doubles them). Built in: 1.0.",
        examples=[1.0],
    )
    scale_in_step_copies: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Most copies removed by one look; the larger of this and "
        "`scale_in_step_fraction` counts. Built in: 1.",
        examples=[1],
    )
    scale_in_step_fraction: Fraction | None = Field(
        None,
        description="The same as a share of the present copies. Built in: 0.5.",
        examples=[0.5],
    )
    minimum_life_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="A copy that came into service is not removed again before this many seconds. "
        "Built in: 600.",
        examples=[600],
    )
    manual_change_hold_s: Annotated[int, Field(ge=0, le=604_800)] | None = Field(
        None,
        description="When somebody else changed the copies, their number is left alone for this "
        "many seconds. Built in: 3600.",
        examples=[3600],
    )
    refusal_memory_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None,
        description="After AWS refused a number of copies, it is not asked for again for this many "
        "seconds. Built in: 300.",
        examples=[300],
    )


class ResourcesKeys(_Part):
    """What one copy reserves on one instance; the same figures as in the component itself."""

    gpus: Annotated[int, Field(ge=0, le=64)] | None = Field(
        None,
        description="Whole GPUs of one instance (NumberOfAcceleratorDevicesRequired); 0 for a "
        "model that runs on CPUs.",
        examples=[1],
    )
    cpus: Annotated[float, Field(ge=0.25, le=1024)] | None = Field(
        None,
        description="vCPUs (NumberOfCpuCoresRequired), 0.25 at least; leave it out when the "
        "component reserves none.",
        examples=[4],
    )
    memory_mb: Annotated[int, Field(ge=128, le=33_554_432)] | None = Field(
        None,
        description="Host memory in MB (MinMemoryRequiredInMb), 128 at least.",
        examples=[24576],
    )


class Settings(_Part):
    """The settings that defaults, classes and models share."""

    min_copies: Copies | None = Field(
        None,
        description="The floor: never fewer copies than this, idle or not. Built in: 0, and 1 in "
        "class `critical`.",
        examples=[1],
    )
    max_copies: Copies | None = Field(
        None,
        description="The ceiling: never more copies than this. It has no built-in value, because "
        "it caps what a model can cost.",
        examples=[8],
    )
    idle_s: IdleSeconds | None = Field(
        None,
        description="Seconds without a request after which the model goes to its floor (to zero "
        "copies where the floor is 0), or `never`. Built in: 900.",
        examples=[900],
    )
    policy: PolicyKeys | None = Field(
        None,
        description="How copies follow demand. It has no built-in value; `defaults` is a good "
        "place for it.",
        examples=[{"target_tracking": {"metric": "concurrency", "target_value": 24}}],
    )
    limits: LimitsKeys | None = Field(
        None,
        description="How fast copies may come and go.",
        examples=[{"scale_out_step_copies": 4, "minimum_life_s": 600}],
    )
    observe: bool | None = Field(
        None,
        description="Decide and record, but change nothing. Built in: false.",
        examples=[True],
    )
    paused: bool | None = Field(
        None,
        description="Leave the copies as they are until this is taken out. Built in: false.",
        examples=[True],
    )


class DefaultKeys(Settings):
    """Settings for every model that does not say otherwise."""

    class_name: Word | None = Field(
        None,
        alias="class",
        description="The class of models that name none. Built in: `interactive`.",
        examples=["interactive"],
    )
    owner: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Who answers for the models that name nobody: a team or an address.",
        examples=["ml-platform"],
    )
    resources: ResourcesKeys | None = Field(
        None,
        description="What one copy reserves, for models that do not say otherwise.",
        examples=[{"gpus": 1, "memory_mb": 24576}],
    )


class ClassKeys(Settings):
    """What models of one kind are worth, and their common settings."""

    worth: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        None,
        description="What one request is worth against others when GPUs are short. Built in: "
        "critical 100, interactive 10, batch 1. A class of your own must state it.",
        examples=[10],
    )
    protected: bool | None = Field(
        None,
        description="The floor is never given up for another model. Needs `min_copies` of at "
        "least 1. Built in: true in class `critical`, else false.",
        examples=[True],
    )


class HardwareKeys(_Part):
    """What one instance offers to copies, where the built-in table is wrong or silent."""

    gpus: Annotated[int, Field(ge=0, le=64)] | None = Field(
        None, description="GPUs of one instance.", examples=[8]
    )
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = Field(
        None, description="vCPUs of one instance.", examples=[96]
    )
    memory_mb: Annotated[int, Field(ge=128, le=33_554_432)] | None = Field(
        None,
        description="Host memory of one instance that copies may reserve together, in MB. It is "
        "well under the instance's memory, and AWS does not publish it.",
        examples=[589824],
    )


class VariantKeys(_Part):
    """One production variant of an endpoint: the instances that copies share."""

    instance_type: str = Field(
        description="The variant's instance type.",
        pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$",
        examples=["ml.p4d.24xlarge"],
    )
    max_instances: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None,
        description="Plan for at most this many instances. Left out: the maximum of the "
        "endpoint's managed instance scaling counts.",
        examples=[4],
    )
    hardware: HardwareKeys | None = Field(
        None,
        description="What one instance offers, where the built-in table is wrong or does not know "
        "the type.",
        examples=[{"gpus": 8, "cpus": 96, "memory_mb": 589824}],
    )


class EndpointKeys(_Part):
    """One SageMaker endpoint that hosts inference components."""

    variants: Annotated[dict[AwsName, VariantKeys], Field(min_length=1)] = Field(
        description="The endpoint's production variants by name.",
        examples=[{"AllTraffic": {"instance_type": "ml.p4d.24xlarge", "max_instances": 4}}],
    )
    observe: bool = Field(
        False,
        description="Decide and record for the whole endpoint, but change nothing.",
        examples=[True],
    )
    paused: bool = Field(
        False,
        description="Leave every model of the endpoint as it is until this is taken out.",
        examples=[True],
    )
    metric_settled_s: Annotated[int, Field(ge=60, le=900)] = Field(
        180,
        description="A metric minute is believed to be complete when it is this old; CloudWatch "
        "fills minutes late.",
        examples=[180],
    )
    blind_after_s: Annotated[int, Field(ge=120, le=3600)] = Field(
        300,
        description="Without any sign of life from a model's metrics for this long, nothing is "
        "removed from it.",
        examples=[300],
    )
    instance_patience_s: Annotated[int, Field(ge=60, le=14_400)] = Field(
        1200,
        description="How long instances that were asked for may take before they count as not "
        "obtainable for now.",
        examples=[1200],
    )
    shortage_memory_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        1800,
        description="How long such a shortage is believed before it is tried again.",
        examples=[1800],
    )


class ModelEntry(Settings):
    """One model or several: inference components that are managed, or a pattern over them."""

    name: Names = Field(
        description="The inference component's name, a list of names, or a pattern (`codegen-*`). "
        "Exact names are managed; patterns only give settings to exact names listed elsewhere.",
        examples=["codegen-inline", ["eval-python", "eval-java"], "codegen-*"],
    )
    endpoint: AwsName | None = Field(
        None,
        description="The endpoint it runs on. May be left out when the file has only one.",
        examples=["codegen-shared"],
    )
    variant: AwsName | None = Field(
        None,
        description="The variant it runs on. May be left out when the endpoint has only one.",
        examples=["AllTraffic"],
    )
    class_name: Word | None = Field(
        None,
        alias="class",
        description="What it is worth: `critical`, `interactive`, `batch` or a class of your own.",
        examples=["critical"],
    )
    resources: ResourcesKeys | None = Field(
        None,
        description="What one copy reserves on an instance. GPUs and memory must be known for "
        "every model.",
        examples=[{"gpus": 1, "cpus": 8, "memory_mb": 24576}],
    )
    labels: Annotated[dict[Word, str], Field(max_length=50)] | None = Field(
        None,
        description="Free words to select models by in `overrides`.",
        examples=[{"product": "codegen", "stage": "production"}],
    )
    group: Word | None = Field(
        None,
        description="The ensemble it belongs to: models that one product needs together.",
        examples=["codegen"],
    )
    owner: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Who answers for it: a team or an address.",
        examples=["codegen-team"],
    )
    adapter_of: AwsName | None = Field(
        None,
        description="For an adapter (LoRA): the base component whose copies it lives in. An "
        "adapter has no resources and no scaling of its own.",
        examples=["chat-base"],
    )


class Selector(_Part):
    """Which models; all conditions given must hold."""

    name: Names | None = Field(
        None, description="Names or patterns; one must match.", examples=["codegen-*"]
    )
    class_name: Word | None = Field(
        None, alias="class", description="Models of this class.", examples=["batch"]
    )
    group: Word | None = Field(None, description="Models of this group.", examples=["codegen"])
    labels: Annotated[dict[Word, str], Field(min_length=1)] | None = Field(
        None, description="Models with all of these labels.", examples=[{"stage": "production"}]
    )
    endpoint: AwsName | None = Field(
        None, description="Models of this endpoint.", examples=["codegen-shared"]
    )


class OverrideEntry(_Part):
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
        None,
        alias="from",
        description="When it begins: ISO 8601 with a zone. Left out: at once.",
        examples=["2027-02-22T08:00:00+01:00"],
    )
    min_copies: Copies | None = Field(None, description="The floor meanwhile.", examples=[4])
    max_copies: Copies | None = Field(
        None, description="The ceiling meanwhile; 0 keeps the models off.", examples=[0]
    )
    paused: bool | None = Field(
        None, description="Leave the copies as they are meanwhile.", examples=[True]
    )


class FleetFile(_Part):
    """A fleet: endpoints, the models on them, and what they are worth."""

    version: Literal[1] = Field(description="The version of this format.", examples=[1])
    defaults: DefaultKeys = Field(
        DefaultKeys(),
        description="Settings for every model that does not say otherwise.",
        examples=[{"max_copies": 4, "idle_s": 900}],
    )
    classes: dict[Word, ClassKeys] = Field(
        {},
        description="What models are worth, and their common settings. `critical`, `interactive` "
        "and `batch` are built in; name them here to change them, or add your own.",
        examples=[{"nightly": {"worth": 0.5, "idle_s": 300}}],
    )
    endpoints: Annotated[dict[AwsName, EndpointKeys], Field(min_length=1)] = Field(
        description="The endpoints that are managed, by name.",
        examples=[
            {"codegen-shared": {"variants": {"AllTraffic": {"instance_type": "ml.p4d.24xlarge"}}}}
        ],
    )
    models: Annotated[tuple[ModelEntry, ...], Field(min_length=1, strict=False)] = Field(
        description="The models, and patterns that give several of them settings.",
        examples=[[{"name": "codegen-inline", "class": "critical", "max_copies": 8}]],
    )
    overrides: Annotated[tuple[OverrideEntry, ...], Field(strict=False)] = Field(
        (),
        description="Temporary changes that end by themselves.",
        examples=[
            [
                {
                    "select": {"group": "codegen"},
                    "until": "2027-03-01T18:00:00+01:00",
                    "reason": "launch week",
                    "min_copies": 4,
                }
            ]
        ],
    )
    _warnings: tuple[Problem, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What `load_fleet` found odd but not wrong, in the order of lines."""
        return self._warnings

    def with_warnings(self, warnings: tuple[Problem, ...]) -> Self:
        """The same file, carrying what its checks found odd."""
        carrying = self.model_copy()
        carrying._warnings = warnings
        return carrying


def fleet_json_schema() -> dict[str, Any]:
    """The JSON Schema of the fleet file (draft 2020-12), for editors and other tools."""
    schema = FleetFile.model_json_schema(by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_ID}",
        **schema,
    }
