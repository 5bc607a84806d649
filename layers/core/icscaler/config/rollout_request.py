"""The input of a rolling update, checked: what people write, as `rollout.entities.Request`."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from icscaler.config.settings import Part
from icscaler.config.workflows.base import InputError, ProbeKeys, read_input, resolve
from icscaler.rollout import entities

Seconds = Annotated[int, Field(ge=0)]
Percent = Annotated[int, Field(ge=1, le=100)]


class _Keys(Part):
    model_config = ConfigDict(strict=False)


class ComponentKeys(_Keys):
    """Which components of the published fleet; what is named in several ways counts once."""

    names: tuple[str, ...] = Field(default=(), description="Exact names.")
    patterns: tuple[str, ...] = Field(default=(), description="Names with `*` and `?`.")
    classes: tuple[str, ...] = Field(default=(), description="All models of these classes.")
    groups: tuple[str, ...] = Field(default=(), description="All models of these groups.")
    owners: tuple[str, ...] = Field(default=(), description="All models of these owners.")
    labels: dict[str, str] = Field(default={}, description="All models with all of these labels.")

    def selector(self) -> entities.Selector:
        """As the core has it."""
        labels = tuple(sorted(self.labels.items()))
        return entities.Selector(**self.model_dump(exclude={"labels"}), labels=labels)


class BatchKeys(_Keys):
    """How many copies of a component at a time; one of the two keys."""

    copies: Annotated[int, Field(ge=1)] | None = None
    percent: Percent | None = Field(default=None, description="Of the component's copies.")

    @model_validator(mode="after")
    def _one(self) -> "BatchKeys":
        if (self.copies is None) == (self.percent is None):
            raise ValueError("name either copies or percent")
        return self


class WaveKeys(_Keys):
    """One wave: components by name, a number of them, or up to a share of all."""

    components: tuple[str, ...] = ()
    count: Annotated[int, Field(ge=1)] | None = None
    percent: Percent | None = Field(
        default=None, description="Of all components, those of earlier waves included."
    )

    @model_validator(mode="after")
    def _one(self) -> "WaveKeys":
        if sum((bool(self.components), self.count is not None, self.percent is not None)) != 1:
            raise ValueError("name one of components, count and percent")
        return self


class GateKeys(_Keys):
    """What must hold before the next wave starts."""

    bake_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    alarms: Annotated[tuple[str, ...], Field(max_length=9)] = Field(
        default=(), description="CloudWatch alarms; one in ALARM closes the gate, and rolls back."
    )
    max_error_fraction: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01, description="5XX and model errors may rise by this share of requests."
    )
    max_latency_factor: Annotated[float, Field(ge=1)] = 1.25
    latency_percentile: Annotated[int, Field(ge=1, le=99)] = 90
    min_throughput_factor: Annotated[float, Field(ge=0, le=1)] = 0.5
    baseline_s: Annotated[int, Field(ge=60, le=86_400)] = 1800
    min_requests: Annotated[int, Field(ge=1)] = 50
    no_traffic: Literal["pass", "fail"] = Field(
        default="pass", description="What too few requests mean after no_traffic_wait_s more."
    )
    no_traffic_wait_s: Annotated[int, Field(ge=0, le=86_400)] = 600


ID = r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$"


def _rollout_id(value: str) -> str:
    if not re.match(ID, value):
        raise ValueError("must be 1 to 40 letters, digits and hyphens, no hyphen first")
    return value


RolloutId = Annotated[
    str, AfterValidator(_rollout_id), WithJsonSchema({"type": "string", "pattern": ID})
]
QUIETER = "quieter"
MOST_AHEAD_S = 7 * 86_400


def _start_time(value: str) -> str:
    if value != QUIETER:
        resolve(value, 0)
    return value


StartTime = Annotated[
    str,
    AfterValidator(_start_time),
    WithJsonSchema({"type": "string", "examples": ["02:00 Europe/Berlin", QUIETER]}),
]


class RolloutKeys(_Keys):
    """Input of the state machine `roll_out_update`, and of `icscaler rollout plan | start`."""

    rollout_id: RolloutId = Field(
        description="Names the rollout; a second start with the same id joins the first."
    )
    components: ComponentKeys
    specification: dict[str, Any] | None = Field(
        default=None, description="The whole new InferenceComponentSpecification."
    )
    patch: dict[str, Any] | None = Field(
        default=None, description="Merged on the deployed specification; null removes a key."
    )
    waves: tuple[WaveKeys, ...] = Field(
        default=(), description="Empty: one component, 10 percent, 50 percent, the rest."
    )
    batch: BatchKeys = BatchKeys(copies=1)
    rollback_batch: BatchKeys | None = Field(default=None, description="Empty: as `batch`.")
    wait_interval_s: Annotated[int, Field(ge=0, le=3600)] = 60
    component_time_limit_s: Annotated[int, Field(ge=600, le=28_800)] = 7200
    hold_time_limit_s: Annotated[int, Field(ge=60, le=3600)] = 600
    gate: GateKeys = GateKeys()
    approve_waves: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), description="Waves, counted from 1, that start only when somebody approves."
    )
    approval_expires_s: Annotated[int, Field(ge=60, le=604_800)] = 14_400
    parallel: Annotated[int, Field(ge=1, le=40)] = 10
    parallel_per_endpoint: Annotated[int, Field(ge=1, le=10)] = 1
    escrow: bool = Field(default=True, description="Keep room free for bringing batches back.")
    abort_by_alarm: bool = Field(
        default=True,
        description="Stop a component in the middle by an alarm of the rollout's own.",
    )
    start_at: StartTime | None = Field(
        default=None,
        description="When the first wave starts: `02:00 Europe/Berlin` (the next one), ISO 8601 "
        "with a zone, or `quieter`, the time of least demand within 24 hours. Left out: at once.",
    )
    on_peak: Literal["raise", "ignore", "refuse"] = Field(
        default="raise", description="When the same hours needed more copies on earlier days."
    )
    probes: Annotated[tuple[ProbeKeys, ...], Field(max_length=10)] = Field(
        default=(), description="Requests that each updated component must answer as described."
    )
    dry_run: bool = False

    @model_validator(mode="after")
    def _something_new(self) -> "RolloutKeys":
        if self.specification is None and self.patch is None:
            raise ValueError("name a specification or a patch: nothing would change")
        return self


def read_request(data: Any, at_s: int) -> entities.Request:
    """The request in parsed JSON or YAML; times of day are the next ones after `at_s`. Raises
    `InputError` with everything wrong."""
    keys = read_input(RolloutKeys, data)
    start_s = resolve(keys.start_at, at_s) if keys.start_at not in (None, QUIETER) else None
    if start_s is not None and start_s > at_s + MOST_AHEAD_S:
        raise InputError("start_at: more than 7 days ahead (start it nearer to its time)")
    return _request(keys, start_s)


def _request(keys: RolloutKeys, start_s: int | None) -> entities.Request:
    back = keys.rollback_batch
    return entities.Request(
        rollout_id=keys.rollout_id,
        components=keys.components.selector(),
        specification=keys.specification,
        patch=keys.patch,
        waves=tuple(
            entities.WaveWish(one.components, one.count, one.percent) for one in keys.waves
        ),
        batch=entities.BatchWish(keys.batch.copies, keys.batch.percent),
        rollback_batch=None if back is None else entities.BatchWish(back.copies, back.percent),
        wait_interval_s=keys.wait_interval_s,
        component_time_limit_s=keys.component_time_limit_s,
        hold_time_limit_s=keys.hold_time_limit_s,
        gate=entities.Gate(**keys.gate.model_dump()),
        approve_waves=keys.approve_waves,
        approval_expires_s=keys.approval_expires_s,
        parallel=keys.parallel,
        parallel_per_endpoint=keys.parallel_per_endpoint,
        start_s=start_s,
        start_quieter=keys.start_at == QUIETER,
        escrow=keys.escrow,
        abort_by_alarm=keys.abort_by_alarm,
        on_peak=keys.on_peak,
        probes=tuple(one.probe() for one in keys.probes),
        dry_run=keys.dry_run,
    )


def request_json_schema() -> dict[str, Any]:
    """JSON Schema of the input, as docs/rollout.schema.json has it."""
    schema = RolloutKeys.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Rolling update"
    return schema
