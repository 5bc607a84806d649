"""What people configured, compiled: frozen."""

from dataclasses import dataclass, field
from typing import Literal

from icscaler.gpu_ceilings import GpuCeiling
from icscaler.managed_scaling import ScaleIn
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import Zone


@dataclass(frozen=True, slots=True)
class CopyResources:
    """What one copy reserves on one instance (SageMaker's ComputeResourceRequirements)."""

    gpus: int
    cpus: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class TargetTracking:
    """A target tracking policy in AWS's words.

    `target_value` is per copy: in-flight requests for `concurrency`, requests a minute for
    `invocations`. Scale out as soon as one minute is above it; scale in when the metric stays
    under `(1 - scale_in_tolerance_fraction) * target_value`.
    """

    metric: Literal["concurrency", "invocations"]
    target_value: float
    scale_in_tolerance_fraction: float = 0.1
    scale_in_stabilization_s: int = 300
    scale_out_cooldown_s: int = 0
    scale_in_cooldown_s: int = 300
    disable_scale_in: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """The policy under which every copy earns its GPUs (`policies.tournament`).

    `rare_per_s`: requests of a model called this often a second are worth double. A share of
    `in_time_fraction` must be answered within `deadline_s`; None: nothing is promised.
    """

    rare_per_s: float = 1.0
    in_time_fraction: float | None = None
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast one component's copies may move, and how long things are remembered.

    A step is the larger of number and share (out: `guards.scale_out_step`). Life: in service.
    """

    scale_out_step_copies: int | None = None
    scale_out_step_fraction: float | None = None
    scale_in_step_copies: int = 1
    scale_in_step_fraction: float = 0.5
    minimum_life_s: int = 600
    manual_change_hold_s: int = 3600
    refusal_memory_s: int = 300


@dataclass(frozen=True, slots=True)
class Override:
    """A temporary change by a person; it ends by itself at `until_s`."""

    until_s: int
    reason: str
    from_s: int = 0
    min_copies: int | None = None
    max_copies: int | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One inference component as compiled from the fleet file; `bounds` reads it at a moment.

    `kind` "variant": a single-model variant, whose copies are its instances.
    `concurrent_requests_per_copy`: served at once, more wait; None: accepted load is not learned.
    `policy` and `objective`: one of them says how copies follow demand, the other is None.
    `overlays` are bounds that workflows laid on. `schedules` names those of the endpoint for it.
    """

    name: str
    variant: str
    resources: CopyResources
    policy: TargetTracking | None = None
    class_name: str = "interactive"
    worth: float = 10.0
    protected: bool = False
    min_copies: int = 0
    max_copies: int = 1
    idle_s: int | None = 900
    observe: bool = False
    paused: bool = False
    adapter_of: str | None = None
    group: str | None = None
    owner: str | None = None
    max_gpus: int | None = None
    limits: Limits = Limits()
    overrides: tuple[Override, ...] = ()
    spike_alarm: bool = False
    overlays: tuple[Override, ...] = ()
    concurrent_requests_per_copy: int | None = None
    schedules: tuple[str, ...] = ()
    objective: Objective | None = None
    kind: Literal["component", "variant"] = "component"
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """What one instance offers to copies, and costs (None: not known; for reports only).

    `max_instances` None: as the endpoint says.
    """

    instance_type: str
    gpus: int
    cpus: float
    memory_mb: int
    max_instances: int | None = None
    usd_per_hour: float | None = None
    min_instances: int | None = None
    scale_in: ScaleIn | None = None


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One endpoint as compiled from the fleet file: all that a look at it needs to know.

    `price`: requests that one GPU-minute must save, for models with an objective.
    """

    name: str
    version: str
    variants: dict[str, VariantConfig]
    models: dict[str, ModelConfig]
    observe: bool = False
    paused: bool = False
    metric_settled_s: int = 180
    blind_after_s: int = 300
    instance_patience_s: int = 1200
    shortage_memory_s: int = 1800
    schedules: dict[str, Schedule] = field(default_factory=dict)
    zones: dict[str, Zone] = field(default_factory=dict)
    price: float = 30.0
    gpu_ceilings: tuple[GpuCeiling, ...] = ()
