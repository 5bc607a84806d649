"""What the caller asks the world for, and what it answers: plain frozen values, AWS's nouns.

Ranges and defaults follow botocore's SageMaker model (`CreateInferenceComponentInput`,
`ProductionVariantManagedInstanceScaling`, `InferenceComponentDeploymentConfig`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Placement: TypeAlias = Literal["SPREAD", "BINPACK"]
ScaleInStrategy: TypeAlias = Literal["IDLE_RELEASE", "CONSOLIDATION"]
BatchType: TypeAlias = Literal["COPY_COUNT", "CAPACITY_PERCENT"]
ComponentStatus: TypeAlias = Literal["InService", "Creating", "Updating", "Failed", "Deleting"]
EndpointStatus: TypeAlias = Literal["Creating", "InService", "Updating", "Deleting", "Failed"]

Target: TypeAlias = str | tuple[str, str]
"""Where traffic goes: a component's name, or (endpoint, variant) of a single-model variant."""


class Refusal(Exception):  # noqa: N818 - AWS refuses; nothing here is in error
    """AWS said no. `code` is what `ClientError` carries; `message` is the documented text.

    Codes: `ValidationException` and `ResourceLimitExceeded` (control plane, both HTTP 400);
    `ValidationError` (runtime, 400) and `ModelError` (runtime, 424).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ManagedScaling:
    """`ManagedInstanceScaling` of a variant. `max_step` instances leave per cooldown at most."""

    enabled: bool
    min_instances: int
    max_instances: int
    strategy: ScaleInStrategy = "IDLE_RELEASE"
    max_step: int = 1
    cooldown_min: int = 20


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A production variant. `model_name` set means a classic single-model variant: every
    instance runs the model once, and no inference component may be placed there."""

    name: str
    instance_type: str
    initial_instances: int
    managed_scaling: ManagedScaling | None = None
    model_name: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """What one copy needs and runs. Equal specs mean the same deployed version.

    `gpus` are whole devices of one instance. An adapter names its `base` component and asks
    for nothing itself. Time-outs of `None` use `WorldSettings`.
    """

    gpus: int = 0
    cpus: float = 0.0
    memory_mb: int = 0
    placement: Placement = "SPREAD"
    image: str = ""
    artifact: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    data_caching: bool = True
    base: str | None = None
    startup_timeout_s: int | None = None
    download_timeout_s: int | None = None


@dataclass(frozen=True, slots=True)
class RollingPolicy:
    """`RollingUpdatePolicy` + `AutoRollbackConfiguration`. `batch_value` is copies or percent.

    Without `rollback_batch_type` a rollback brings all old capacity back at once.
    The world does not watch alarms: whoever does calls `World.abort_update`.
    """

    batch_type: BatchType
    batch_value: int
    wait_interval_s: int
    timeout_s: int | None = None
    rollback_batch_type: BatchType | None = None
    rollback_batch_value: int | None = None
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """How one copy of a model behaves under load and at its start.

    A request's mean service time is `base_s + input_tokens / prefill_tokens_per_s +
    output_tokens * output_token_s`; `slots_per_copy` of them are served at once, the rest wait
    in the container's queue until `patience_s`, then their caller gives up.
    `error_fraction` of the served requests end in an error. `engine_s` fixes the engine's start;
    `None` draws it from the settings. `in_time_s` says within how many seconds of arrival service
    must begin to be in time, where the settings' own does not apply.
    """

    slots_per_copy: int = 32
    base_s: float = 0.05
    prefill_tokens_per_s: float = 10_000.0
    output_token_s: float = 0.015
    patience_s: float = 30.0
    image_gb: float = 17.7
    weights_gb: float = 15.0
    engine_s: float | None = None
    fails_health_check: bool = False
    error_fraction: float = 0.0
    in_time_s: float | None = None

    def service_s(self, input_tokens: float, output_tokens: float) -> float:
        """Mean seconds from service start to the last token."""
        return (
            self.base_s
            + input_tokens / self.prefill_tokens_per_s
            + output_tokens * self.output_token_s
        )


_DEFAULT_SPEEDS = ((4, 6_000.0, 0.030), (2, 8_000.0, 0.020), (0, 10_000.0, 0.015))


@dataclass(slots=True)
class ProfileCatalog:
    """Service profiles by component name, optionally by the image a copy runs.

    Names without an entry follow the default fleet rule: prefill tokens/s and seconds per
    output token fall with the model's size, told by the GPUs of a copy.
    Single-model variants are looked up as `"<endpoint>/<variant>"`.
    """

    profiles: dict[str, ServiceProfile] = field(default_factory=dict)
    by_image: dict[tuple[str, str], ServiceProfile] = field(default_factory=dict)

    def set(self, name: str, profile: ServiceProfile, *, image: str | None = None) -> None:
        """Use `profile` for `name`; with `image`, only for copies that run that image."""
        if image is None:
            self.profiles[name] = profile
        else:
            self.by_image[name, image] = profile

    def for_component(self, name: str, spec: ComponentSpec) -> ServiceProfile:
        """The profile of a copy of `name` that runs `spec`."""
        found = self.by_image.get((name, spec.image)) or self.profiles.get(name)
        return found if found is not None else default_profile(spec.gpus)


def default_profile(gpus: int) -> ServiceProfile:
    """The default fleet rule's profile for a copy of `gpus` GPUs."""
    _, prefill, per_token = next(row for row in _DEFAULT_SPEEDS if gpus >= row[0])
    return ServiceProfile(prefill_tokens_per_s=prefill, output_token_s=per_token)


@dataclass(frozen=True, slots=True)
class VariantView:
    """A variant as `DescribeEndpoint` shows it."""

    spec: VariantSpec
    current_instances: int
    desired_instances: int
    weight: float
    desired_weight: float


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as `DescribeEndpoint` shows it; times in epoch seconds."""

    name: str
    status: EndpointStatus
    created_s: float
    modified_s: float
    failure_reason: str | None
    variants: tuple[VariantView, ...]


@dataclass(frozen=True, slots=True)
class ComponentView:
    """A component as `DescribeInferenceComponent` shows it; `spec` is the deployed one."""

    name: str
    endpoint: str
    variant: str
    status: ComponentStatus
    spec: ComponentSpec
    desired_copies: int
    current_copies: int
    created_s: float
    modified_s: float
    failure_reason: str | None
    last_rolling: RollingPolicy | None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request that was served: `latency_s` = `wait_s` in the container's queue + service."""

    target: Target
    at_s: float
    wait_s: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Wake:
    """A component that refused for want of a copy until one was ready.

    `phases` (seconds) add up to `copy_ready_s - first_refused_s`: decision (until the copy was
    ordered; 0 when it already was), instance, image, weights, engine.
    """

    component: str
    first_refused_s: float
    copy_ready_s: float
    phases: Mapping[str, float]
