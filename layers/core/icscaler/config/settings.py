"""Settings that defaults, classes and models share: policy, limits, floors and ceilings."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from icscaler.config.values import Copies, Fraction, IdleSeconds, Word


class Part(BaseModel):
    """Base of every mapping in the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def stated(self) -> dict[str, Any]:
        """The keys that were written, with their values; nothing that is a default."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class TargetTrackingKeys(Part):
    """Follow a metric per copy, in the words of Application Auto Scaling's target tracking."""

    metric: Literal["concurrency", "invocations"] | None = Field(
        default=None,
        description="What is followed, per copy: `concurrency` is requests in flight (queued ones "
        "too), `invocations` is requests a minute. Whoever changes it states `target_value` too.",
        examples=["concurrency"],
    )
    target_value: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="The load per copy to aim at: requests in flight for `concurrency`, requests "
        "a minute for `invocations`. More than that adds copies.",
        examples=[24],
    )
    scale_in_tolerance_fraction: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="Copies are removed only while the load is under the target by more than this "
        "share of it; with `invocations` only as far as those that stay have so much less, too: a "
        "noisy load that moves a few copies to and fro wants a larger share. Built in: 0.1.",
        examples=[0.1],
    )
    scale_in_stabilization_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="The highest recommendation of this many past seconds holds when copies would "
        "be removed. Built in: 300.",
        examples=[300],
    )
    scale_out_cooldown_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="Seconds after adding copies in which only a larger step out is taken. "
        "Built in: 0.",
        examples=[60],
    )
    scale_in_cooldown_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="Seconds after removing copies in which no more are removed. Built in: 300.",
        examples=[300],
    )
    disable_scale_in: bool | None = Field(
        default=None,
        description="Never remove copies for want of demand, not even the last one of an unused "
        "model. Built in: false.",
        examples=[True],
    )


class ObjectiveKeys(Part):
    """Every copy earns its GPUs: simple rules compete in shadow on the model's own traffic."""

    rare_per_s: Annotated[float, Field(ge=0, le=1000)] | None = Field(
        default=None,
        description="A model called this often a second has requests worth double those of a very "
        "busy one; rarer ones are worth more still, so that seldom used models stay longer. 0: "
        "every request counts the same. Built in: 1.0.",
        examples=[1.0],
    )

    in_time_fraction: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Share of requests that must be in time. It moves what the model's requests "
        "are worth, slowly and within bounds, until the share is just kept; where this model's "
        "start-up time makes it unreachable, a notice says which floor would reach it and what "
        "that costs. Built in: no promise.",
        examples=[0.995],
    )
    deadline_s: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        default=None,
        description="A request is in time when it is answered within so many seconds, waiting "
        "included (ModelLatency), and not with a 5XX; one that met no copy is not. Built in: 30.",
        examples=[30],
    )


class PolicyKeys(Part):
    """How the number of copies follows demand. What is stated last of the two kinds holds."""

    objective: ObjectiveKeys | None = Field(
        default=None,
        description="Each copy exists while the traffic it saves is worth more than its GPUs at "
        "`price`. The policy of every model that states none; `{}` takes it back from a pattern. "
        "Needs `concurrent_requests_per_copy`.",
        examples=[{"rare_per_s": 1.0}],
    )
    target_tracking: TargetTrackingKeys | None = Field(
        default=None,
        description="Keep a metric per copy near a target value.",
        examples=[{"metric": "concurrency", "target_value": 24}],
    )


class LimitsKeys(Part):
    """How fast copies may come and go, and how long things are remembered."""

    scale_out_step_copies: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Most copies added by one look; the larger of this and "
        "`scale_out_step_fraction` counts. Built in: 4 by `target_tracking`; by an objective no "
        "limit but `max_copies`, unless one of the two is stated.",
        examples=[4],
    )
    scale_out_step_fraction: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None,
        description="The same as a share of the present copies (1.0 doubles them). Built in: 1.0, "
        "like `scale_out_step_copies`.",
        examples=[1.0],
    )
    scale_in_step_copies: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Most copies removed by one look; the larger of this and "
        "`scale_in_step_fraction` counts. Built in: 1.",
        examples=[1],
    )
    scale_in_step_fraction: Fraction | None = Field(
        default=None,
        description="The same as a share of the present copies. Built in: 0.5.",
        examples=[0.5],
    )
    minimum_life_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="A copy that came into service is not removed again before this many seconds. "
        "Built in: 600.",
        examples=[600],
    )
    manual_change_hold_s: Annotated[int, Field(ge=0, le=604_800)] | None = Field(
        default=None,
        description="When somebody else changed the copies, their number is left alone for this "
        "many seconds. Built in: 3600.",
        examples=[3600],
    )
    refusal_memory_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None,
        description="After AWS refused a number of copies, it is not asked for again for this many "
        "seconds. Built in: 300.",
        examples=[300],
    )


class ResourcesKeys(Part):
    """What one copy reserves on one instance; the same figures as in the component itself."""

    gpus: Annotated[int, Field(ge=0, le=64)] | None = Field(
        default=None,
        description="Whole GPUs of one instance (NumberOfAcceleratorDevicesRequired); 0 for a "
        "model that runs on CPUs.",
        examples=[1],
    )
    cpus: Annotated[float, Field(ge=0.25, le=1024)] | None = Field(
        default=None,
        description="vCPUs (NumberOfCpuCoresRequired), 0.25 at least; leave it out when the "
        "component reserves none.",
        examples=[4],
    )
    memory_mb: Annotated[int, Field(ge=128, le=33_554_432)] | None = Field(
        default=None,
        description="Host memory in MB (MinMemoryRequiredInMb), 128 at least.",
        examples=[24576],
    )


class Settings(Part):
    """The settings that defaults, classes and models share."""

    min_copies: Copies | None = Field(
        default=None,
        description="The floor: never fewer copies than this, idle or not. Built in: 0, and 1 in "
        "class `critical`.",
        examples=[1],
    )
    max_copies: Copies | None = Field(
        default=None,
        description="The ceiling: never more copies than this. It has no built-in value, because "
        "it caps what a model can cost.",
        examples=[8],
    )
    max_gpus: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="The same in GPUs: all copies of one model together never hold more. It holds "
        "beside `max_copies`, and no schedule or override lifts it. For all models of a class or "
        "owner together: `ceilings`.",
        examples=[16],
    )
    idle_s: IdleSeconds | None = Field(
        default=None,
        description="With `target_tracking`: seconds without a request after which the model goes "
        "to its floor (to zero copies where the floor is 0), or `never`. Built in: 900. The policy "
        "`objective` finds out by itself.",
        examples=[900],
    )
    concurrent_requests_per_copy: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="How many requests one copy serves at once before others wait (the batch size "
        "of its server). Needed by the policy `objective`.",
        examples=[32],
    )
    policy: PolicyKeys | None = Field(
        default=None,
        description="How copies follow demand. Built in: `objective`.",
        examples=[{"target_tracking": {"metric": "concurrency", "target_value": 24}}],
    )
    limits: LimitsKeys | None = Field(
        default=None,
        description="How fast copies may come and go.",
        examples=[{"scale_out_step_copies": 4, "minimum_life_s": 600}],
    )
    spike_alarm: bool | None = Field(
        default=None,
        description="Have a CloudWatch alarm that asks for a look as soon as a sudden rise shows, "
        "instead of at the next minute, and read requests in flight every ten seconds: with an "
        "objective when more are in flight per copy than a full copy has at its peak (49 for "
        "`concurrent_requests_per_copy: 32`), else when more are than `target_value` of the metric "
        "`concurrency`. Costs $0.30 a month for each model that can have more than one copy. "
        "Built in: false.",
        examples=[True],
    )
    observe: bool | None = Field(
        default=None,
        description="Decide and record, but change nothing. Built in: false.",
        examples=[True],
    )
    paused: bool | None = Field(
        default=None,
        description="Leave the copies as they are until this is taken out. Built in: false.",
        examples=[True],
    )


class DefaultKeys(Settings):
    """Settings for every model that does not say otherwise."""

    price: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="How many requests one GPU-minute must save to be worth having; for the whole "
        "fleet. Lower: more copies, fewer requests lost. Built in: 30.",
        examples=[30],
    )

    class_name: Word | None = Field(
        default=None,
        alias="class",
        description="The class of models that name none. Built in: `interactive`.",
        examples=["interactive"],
    )
    owner: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Who answers for the models that name nobody: a team or an address.",
        examples=["ml-platform"],
    )
    resources: ResourcesKeys | None = Field(
        default=None,
        description="What one copy reserves, for models that do not say otherwise.",
        examples=[{"gpus": 1, "memory_mb": 24576}],
    )


class ClassKeys(Settings):
    """What models of one kind are worth, and their common settings."""

    worth: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="What a request of these models is worth against those of other classes when "
        "GPUs are short. Built in: critical 100, interactive 10, batch 1. A class of your own must "
        "state it.",
        examples=[10],
    )
    protected: bool | None = Field(
        default=None,
        description="The floor is never given up for another model. Needs `min_copies` of at "
        "least 1. Built in: true in class `critical`, else false.",
        examples=[True],
    )
