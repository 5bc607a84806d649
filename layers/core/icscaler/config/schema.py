"""The fleet file as pydantic models: shapes, types and ranges of every key.

Each key's description and example here feed the JSON Schema and `docs/fleet-file.md`. What needs
more than one key to judge (references, floors against instances) is in `checks`; which setting wins
is in `resolve`. Everything is strict: a number in quotes is text, and unknown keys are refused.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr

from icscaler.config.problems import Problem
from icscaler.config.settings import ClassKeys, DefaultKeys, Part, ResourcesKeys, Settings
from icscaler.config.values import AwsName, InstanceType, Names, Word, some
from icscaler.config.when import CalendarKeys, OverrideEntry, ScheduleEntry

SCHEMA_ID = "icscaler-fleet-1"


class HardwareKeys(Part):
    """What one instance offers to copies, where the built-in table is wrong or silent."""

    gpus: Annotated[int, Field(ge=0, le=64)] | None = Field(
        default=None, description="GPUs of one instance.", examples=[8]
    )
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = Field(
        default=None, description="vCPUs of one instance.", examples=[96]
    )
    memory_mb: Annotated[int, Field(ge=128, le=33_554_432)] | None = Field(
        default=None,
        description="Host memory of one instance that copies may reserve together, in MB. It is "
        "well under the instance's memory, and AWS does not publish it.",
        examples=[589824],
    )


class ScaleInKeys(Part):
    """How managed instance scaling lets instances go (ScaleInPolicy)."""

    strategy: Literal["IDLE_RELEASE", "CONSOLIDATION"] = Field(
        description="`IDLE_RELEASE` frees only instances without a copy, `CONSOLIDATION` moves "
        "copies to free some.",
        examples=["IDLE_RELEASE"],
    )
    maximum_step_size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Instances released at a time.", examples=[1]
    )
    cooldown_minutes: Annotated[int, Field(ge=5, le=1440)] = Field(
        default=20, description="Minutes between two releases.", examples=[20]
    )


class VariantKeys(Part):
    """One production variant of an endpoint: the instances that copies share."""

    instance_type: InstanceType = Field(
        description="The variant's instance type.",
        examples=["ml.p4d.24xlarge"],
    )
    max_instances: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Plan for at most this many instances. Left out: the maximum of the "
        "endpoint's managed instance scaling counts.",
        examples=[4],
    )
    min_instances: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None,
        description="What the minimum of managed instance scaling should be. Looks never change "
        "it: a difference is told, `icscaler endpoint apply` puts it right.",
        examples=[0],
    )
    scale_in: ScaleInKeys | None = Field(
        default=None,
        description="What the scale-in policy of managed instance scaling should be; told and "
        "put right like `min_instances`.",
        examples=[{"strategy": "IDLE_RELEASE", "cooldown_minutes": 5}],
    )
    hardware: HardwareKeys | None = Field(
        default=None,
        description="What one instance offers, where the built-in table is wrong or does not know "
        "the type.",
        examples=[{"gpus": 8, "cpus": 96, "memory_mb": 589824}],
    )
    usd_per_hour: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        default=None,
        description="What one instance costs you an hour; only reports use it. Built in: the "
        "public price where `icscaler fleet publish` knows it.",
        examples=[25.25],
    )


class EndpointKeys(Part):
    """One SageMaker endpoint: it hosts inference components, or its variants run a model each."""

    variants: Annotated[dict[AwsName, VariantKeys], Field(min_length=1)] = Field(
        description="The endpoint's production variants by name.",
        examples=[{"AllTraffic": {"instance_type": "ml.p4d.24xlarge", "max_instances": 4}}],
    )
    observe: bool = Field(
        default=False,
        description="Decide and record for the whole endpoint, but change nothing.",
        examples=[True],
    )
    paused: bool = Field(
        default=False,
        description="Leave every model of the endpoint as it is until this is taken out.",
        examples=[True],
    )
    metric_settled_s: Annotated[int, Field(ge=60, le=900)] = Field(
        default=180,
        description="A metric minute is believed to be complete when it is this old; CloudWatch "
        "fills minutes late.",
        examples=[180],
    )
    blind_after_s: Annotated[int, Field(ge=120, le=3600)] = Field(
        default=300,
        description="Without any sign of life from a model's metrics for this long, nothing is "
        "removed from it.",
        examples=[300],
    )
    instance_patience_s: Annotated[int, Field(ge=60, le=14_400)] = Field(
        default=1200,
        description="How long instances that were asked for may take before they count as not "
        "obtainable for now.",
        examples=[1200],
    )
    shortage_memory_s: Annotated[int, Field(ge=60, le=86_400)] = Field(
        default=1800,
        description="How long such a shortage is believed before it is tried again.",
        examples=[1800],
    )


class ModelEntry(Settings):
    """One model or several: inference components (or variants, see `kind`) that are managed, or a
    pattern over them."""

    name: Names = Field(
        description="The inference component's name, a list of names, or a pattern (`codegen-*`). "
        "Exact names are managed; patterns only give settings to exact names listed elsewhere.",
        examples=["codegen-inline", ["eval-python", "eval-java"], "codegen-*"],
    )
    endpoint: AwsName | None = Field(
        default=None,
        description="The endpoint it runs on. May be left out when the file has only one.",
        examples=["codegen-shared"],
    )
    kind: Literal["component", "variant"] | None = Field(
        default=None,
        description="`component`: an inference component. `variant`: a single-model endpoint, or "
        "one variant of it: the model has the variant's instances to itself, one copy on each, so "
        "copies are instances here, one at least. `name` is then any name that no other model of "
        "the file has. Built in: `component`.",
        examples=["variant"],
    )
    variant: AwsName | None = Field(
        default=None,
        description="The variant it runs on. May be left out when the endpoint has only one.",
        examples=["AllTraffic"],
    )
    class_name: Word | None = Field(
        default=None,
        alias="class",
        description="What it is worth: `critical`, `interactive`, `batch` or a class of your own.",
        examples=["critical"],
    )
    resources: ResourcesKeys | None = Field(
        default=None,
        description="What one copy reserves on an instance. GPUs and memory must be known for "
        "every inference component; of a `variant` a copy is a whole instance.",
        examples=[{"gpus": 1, "cpus": 8, "memory_mb": 24576}],
    )
    labels: Annotated[dict[Word, str], Field(max_length=50)] | None = Field(
        default=None,
        description="Free words to select models by in `overrides`.",
        examples=[{"product": "codegen", "stage": "production"}],
    )
    group: Word | None = Field(
        default=None,
        description="The ensemble it belongs to: models that one product needs together. They "
        "wake, stay warm and are unloaded as one unit.",
        examples=["codegen"],
    )
    owner: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Who answers for it: a team or an address.",
        examples=["codegen-team"],
    )
    adapter_of: AwsName | None = Field(
        default=None,
        description="For an adapter (LoRA): the base component whose copies it lives in. An "
        "adapter has no resources and no scaling of its own.",
        examples=["chat-base"],
    )


Gpus = Annotated[int, Field(ge=0, le=1_000_000)]


class CeilingsKeys(Part):
    """GPUs that several models may hold together, over all endpoints."""

    classes: dict[Word, Gpus] = Field(
        default={},
        description="By class: GPUs that all its models may hold together.",
        examples=[{"batch": 32}],
    )
    owners: dict[Annotated[str, Field(min_length=1, max_length=128)], Gpus] = Field(
        default={},
        description="By owner: GPUs that all models with this `owner` may hold together.",
        examples=[{"codegen-team": 24}],
    )


class AdoptionKeys(Part):
    """Components that are managed because they carry a tag, without an entry of their own."""

    tag: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\w.:/=+@-]+$")] = Field(
        description="The tag's key. Its value is the component's class, `managed` for the default "
        "class, or `off`. Tags `<tag>:min_copies`, `:max_copies`, `:idle_s`, `:group` and `:owner` "
        "are settings of the component.",
        examples=["icscaler"],
    )


class FleetFile(Part):
    """A fleet: endpoints, the models on them, and what they are worth."""

    version: Literal[1] = Field(description="The version of this format.", examples=[1])
    defaults: DefaultKeys = Field(
        default=DefaultKeys(),
        description="Settings for every model that does not say otherwise.",
        examples=[{"max_copies": 4, "idle_s": 900}],
    )
    classes: dict[Word, ClassKeys] = Field(
        default={},
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
    models: Annotated[
        tuple[ModelEntry, ...],
        Field(strict=False, json_schema_extra={"minItems": 1}),
        AfterValidator(some),
    ] = Field(
        description="The models, and patterns that give several of them settings.",
        examples=[[{"name": "codegen-inline", "class": "critical", "max_copies": 8}]],
    )
    overrides: Annotated[tuple[OverrideEntry, ...], Field(strict=False)] = Field(
        default=(),
        description="Temporary changes that end by themselves. Where several hold for a model, the "
        "last one in the file wins.",
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
    schedules: Annotated[tuple[ScheduleEntry, ...], Field(strict=False)] = Field(
        default=(),
        description="Floors and ceilings that hold during windows of time. Where several hold for "
        "a model, the last one in the file wins, key by key; overrides win over schedules.",
        examples=[
            [
                {
                    "name": "office-hours",
                    "select": {"group": "codegen"},
                    "time_zone": "Europe/Berlin",
                    "start": "0 8 * * mon-fri",
                    "end": "0 18 * * *",
                    "min_copies": 2,
                }
            ]
        ],
    )
    calendars: dict[Word, CalendarKeys] = Field(
        default={},
        description="Lists of days, like holidays, for schedules to leave out or to keep to.",
        examples=[{"holidays": {"days": ["01-01", "2027-03-29"]}}],
    )
    ceilings: CeilingsKeys = Field(
        default=CeilingsKeys(),
        description="The most GPUs that the models of a class or owner may hold together. Each "
        "endpoint gets a share when the fleet is published; floors are never cut.",
        examples=[{"classes": {"batch": 32}, "owners": {"codegen-team": 24}}],
    )
    adoption: AdoptionKeys | None = Field(
        default=None,
        description="Also manage components of these endpoints that carry a tag. They are read "
        "from AWS by `diff` and `publish`.",
        examples=[{"tag": "icscaler"}],
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
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA_ID}",
        **part_json_schema(FleetFile),
    }


def part_json_schema(part: type[Part]) -> dict[str, Any]:
    """The JSON Schema of one mapping of the file.

    A key that is not stated is left out of the file, never null, so null is no valid value.
    """
    found: dict[str, Any] = _without_null(part.model_json_schema(by_alias=True))
    return found


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _without_null(value)
        for key, value in node.items()
        if not (key == "default" and value is None)
    }
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        left = [choice for choice in choices if choice != {"type": "null"}]
        del kept["anyOf"]
        kept |= left[0] if len(left) == 1 else {"anyOf": left}
    return kept
