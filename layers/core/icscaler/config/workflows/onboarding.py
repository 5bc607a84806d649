"""The input of `onboard_model`: the description of a model."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from icscaler.config.compile import compile_fleet
from icscaler.config.hardware import missing_hardware, variant_config
from icscaler.config.resolve import BUILT_IN_CLASSES, DEFAULT_CLASS
from icscaler.config.schema import FleetFile, HardwareKeys, VariantKeys
from icscaler.config.settings import (
    LimitsKeys,
    Part,
    PolicyKeys,
    ResourcesKeys,
)
from icscaler.config.values import AwsName, Copies, IdleSeconds, InstanceType, Word
from icscaler.config.workflows.base import ProbeKeys
from icscaler.entities import CopyResources, ModelConfig
from icscaler.onboarding.description import Description, NewEndpoint

_ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"


class ContainerKeys(Part):
    """The container image that serves the model, and what it loads."""

    image: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        description="The image (Container.Image).",
        examples=["123456789012.dkr.ecr.eu-central-1.amazonaws.com/llm:1"],
    )
    artifact_url: Annotated[str, Field(pattern=r"^(https|s3)://", max_length=1024)] | None = Field(
        default=None,
        description="The model's weights (Container.ArtifactUrl).",
        examples=["s3://models/codegen-review/"],
    )
    environment: Annotated[dict[str, str], Field(max_length=100)] = Field(
        default={}, description="Environment variables.", examples=[{"MAX_LENGTH": "8192"}]
    )


class AdapterKeys(Part):
    """An adapter (LoRA) and the component whose copies it is loaded into."""

    base: AwsName = Field(description="The base component.", examples=["chat-base"])
    artifact_url: Annotated[str, Field(pattern=r"^(https|s3)://", max_length=1024)] = Field(
        description="The adapter's weights (Container.ArtifactUrl).",
        examples=["s3://models/chat-legal/"],
    )


class ScaleInKeys(Part):
    """How managed instance scaling gives instances back (ScaleInPolicy)."""

    strategy: Literal["IDLE_RELEASE", "CONSOLIDATION"] = Field(
        default="CONSOLIDATION",
        description="`IDLE_RELEASE` frees only empty instances; `CONSOLIDATION` moves copies "
        "together to free more.",
        examples=["CONSOLIDATION"],
    )
    maximum_step_size: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="Most instances given back at a time.", examples=[1]
    )
    cooldown_min: Annotated[int, Field(ge=5, le=1440)] = Field(
        default=20, description="Minutes between two steps.", examples=[20]
    )


class NewEndpointKeys(Part):
    """An endpoint that is made when it is not there, with managed instance scaling."""

    name: AwsName = Field(description="The endpoint's name.", examples=["codegen-2"])
    variant: AwsName = Field(
        default="AllTraffic", description="Its one production variant.", examples=["AllTraffic"]
    )
    instance_type: InstanceType = Field(
        description="The instances it runs on.", examples=["ml.g5.12xlarge"]
    )
    execution_role_arn: Annotated[str, Field(pattern=_ROLE)] = Field(
        description="The role its models run with. The stack must be allowed to pass it: "
        "parameter `ModelRoleArn`.",
        examples=["arn:aws:iam::123456789012:role/models"],
    )
    initial_instances: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Instances at the start; AWS demands one at least.", examples=[1]
    )
    min_instances: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Managed scaling keeps this many, also when every model is at zero.",
        examples=[0],
    )
    max_instances: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="Managed scaling adds no more than this.", examples=[4]
    )
    routing: Literal["LEAST_OUTSTANDING_REQUESTS", "RANDOM"] = Field(
        default="LEAST_OUTSTANDING_REQUESTS",
        description="How requests are spread over copies (RoutingStrategy).",
        examples=["LEAST_OUTSTANDING_REQUESTS"],
    )
    scale_in: ScaleInKeys = Field(
        default=ScaleInKeys(),
        description="How instances are given back.",
        examples=[{"strategy": "IDLE_RELEASE"}],
    )
    hardware: HardwareKeys | None = Field(
        default=None,
        description="What one instance offers, where the built-in catalogue does not know it.",
        examples=[{"gpus": 4, "cpus": 48, "memory_mb": 98304}],
    )
    inference_ami: str | None = Field(
        default=None,
        description="InferenceAmiVersion; newer CUDA images need a newer one.",
        examples=["al2023-ami-sagemaker-inference-gpu-4-1"],
    )
    only_when_full: bool = Field(
        default=False,
        description="Make it only when no endpoint of the published fleet has room.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.min_instances <= self.initial_instances <= self.max_instances:
            raise ValueError(
                f"initial_instances ({self.initial_instances}) must be between min_instances "
                f"({self.min_instances}) and max_instances ({self.max_instances})"
            )
        missing = missing_hardware(self.variant_keys())
        if missing:
            raise ValueError(
                f"{self.instance_type} is not in the catalogue; state {', '.join(missing)} under "
                "hardware"
            )
        return self

    def variant_keys(self) -> VariantKeys:
        """As the fleet file has it."""
        stated: dict[str, Any] = {} if self.hardware is None else {"hardware": self.hardware}
        return VariantKeys(
            instance_type=self.instance_type, max_instances=self.max_instances, **stated
        )

    def new_endpoint(self) -> NewEndpoint:
        """As onboarding uses it."""
        return NewEndpoint(
            name=self.name,
            variant=self.variant,
            hardware=variant_config(self.variant_keys()),
            initial_instances=self.initial_instances,
            min_instances=self.min_instances,
            max_instances=self.max_instances,
            routing=self.routing,
            scale_in_strategy=self.scale_in.strategy,
            scale_in_step=self.scale_in.maximum_step_size,
            scale_in_cooldown_min=self.scale_in.cooldown_min,
            execution_role_arn=self.execution_role_arn,
            only_when_full=self.only_when_full,
            inference_ami=self.inference_ami,
        )


class ScalingKeys(Part):
    """How the model is scaled from then on: the same keys as a model's in the fleet file."""

    class_name: Word = Field(
        default=DEFAULT_CLASS,
        alias="class",
        description="`critical`, `interactive`, `batch`, or a class of your fleet file.",
        examples=["interactive"],
    )
    worth: Annotated[float, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="The worth of a class that is not built in, as your fleet file states it.",
        examples=[5],
    )
    max_copies: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="The ceiling.", examples=[4]
    )
    concurrent_requests_per_copy: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        description="Requests that one copy serves at a time. With it the policy is `objective`.",
        examples=[16],
    )
    policy: PolicyKeys | None = Field(
        default=None,
        description="How copies follow demand, where it is not `objective` with its own settings.",
        examples=[{"target_tracking": {"metric": "concurrency", "target_value": 16}}],
    )
    min_copies: Copies | None = Field(default=None, description="The floor.", examples=[0])
    idle_s: IdleSeconds | None = Field(
        default=None, description="Seconds without a request until zero copies.", examples=[900]
    )
    limits: LimitsKeys | None = Field(
        default=None, description="How fast copies may move.", examples=[{"minimum_life_s": 600}]
    )
    group: Word | None = Field(default=None, description="Its ensemble.", examples=["codegen"])
    owner: str | None = Field(
        default=None, min_length=1, max_length=128, description="Who answers for it."
    )
    labels: Annotated[dict[Word, str], Field(max_length=50)] | None = Field(
        default=None, description="Free words.", examples=[{"stage": "production"}]
    )
    spike_alarm: bool | None = Field(default=None, description="An alarm for spikes of its own.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        tracking = self.policy.target_tracking if self.policy else None
        whole = tracking is not None and None not in (tracking.metric, tracking.target_value)
        if not whole and self.concurrent_requests_per_copy is None:
            raise ValueError(
                "nothing says what a copy can serve; state concurrent_requests_per_copy, or a "
                "policy target_tracking with metric and target_value"
            )
        if self.class_name not in BUILT_IN_CLASSES and self.worth is None:
            raise ValueError(
                f"class {self.class_name} is not built in; state its `worth` as in your fleet file"
            )
        if self.min_copies is not None and self.min_copies > self.max_copies:
            raise ValueError("min_copies is above max_copies")
        return self

    def entry(self) -> dict[str, Any]:
        """The keys of the model's entry in the fleet file; `worth` belongs to its class there."""
        stated = self.model_dump(by_alias=True, exclude_unset=True, exclude={"worth"})
        return {"class": self.class_name, **stated}


class OnboardModel(Part):
    """A model, where it is to serve, and how it is scaled then."""

    inference_component: AwsName = Field(
        description="The name of the inference component to make.", examples=["codegen-review"]
    )
    container: ContainerKeys | None = Field(
        default=None,
        description="Image and artifact. Or name a sagemaker_model, a model_package, an adapter.",
        examples=[{"image": "registry/llm:1", "artifact_url": "s3://models/review/"}],
    )
    sagemaker_model: AwsName | None = Field(
        default=None, description="A SageMaker model that exists.", examples=["codegen-review-3"]
    )
    model_package: Annotated[str, Field(pattern="^arn:")] | None = Field(
        default=None,
        description="The ARN of a model package; a SageMaker model of the component's name is "
        "made from it.",
        examples=["arn:aws:sagemaker:eu-central-1:123456789012:model-package/review/3"],
    )
    model_role_arn: Annotated[str, Field(pattern=_ROLE)] | None = Field(
        default=None,
        description="For model_package: the role of the SageMaker model that is made.",
        examples=["arn:aws:iam::123456789012:role/models"],
    )
    adapter: AdapterKeys | None = Field(
        default=None, description="An adapter, instead of a model of its own."
    )
    resources: ResourcesKeys | None = Field(
        default=None,
        description="What one copy reserves; not for an adapter.",
        examples=[{"gpus": 1, "cpus": 4, "memory_mb": 16384}],
    )
    copies: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Copies to begin with; AWS refuses 0 at creation.", examples=[1]
    )
    data_caching: bool = Field(
        default=True,
        description="Keep image and weights on instances (DataCacheConfig), so that next copies "
        "start faster.",
    )
    placement: Literal["SPREAD", "BINPACK"] | None = Field(
        default=None, description="PlacementStrategy.", examples=["BINPACK"]
    )
    download_timeout_s: Annotated[int, Field(ge=60, le=3600)] | None = Field(
        default=None, description="ModelDataDownloadTimeoutInSeconds.", examples=[1800]
    )
    startup_timeout_s: Annotated[int, Field(ge=60, le=3600)] | None = Field(
        default=None, description="ContainerStartupHealthCheckTimeoutInSeconds.", examples=[900]
    )
    endpoint: AwsName | None = Field(
        default=None,
        description="The endpoint. Left out, with no new_endpoint: one is chosen.",
        examples=["codegen-shared"],
    )
    variant: AwsName | None = Field(
        default=None, description="Its variant, where it has several.", examples=["AllTraffic"]
    )
    new_endpoint: NewEndpointKeys | None = Field(default=None, description="An endpoint to make.")
    scaling: ScalingKeys | None = Field(
        default=None, description="How it is scaled; needed for everything but an adapter."
    )
    probe: ProbeKeys | None = Field(
        default=None, description="Requests that it must answer before it counts as onboarded."
    )
    endpoint_patience_s: Annotated[int, Field(ge=60, le=14_400)] = Field(
        default=3600, description="How long a new endpoint may take.", examples=[3600]
    )
    component_patience_s: Annotated[int, Field(ge=60, le=14_400)] = Field(
        default=3600, description="How long its first copies may take.", examples=[3600]
    )
    tags: Annotated[dict[str, str], Field(max_length=49)] = Field(
        default={}, description="Tags of what is made.", examples=[{"cost-center": "42"}]
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        sources = ("container", "sagemaker_model", "model_package", "adapter")
        stated = [name for name in sources if getattr(self, name) is not None]
        if len(stated) != 1:
            yield f"state one of {', '.join(sources)}; stated are {', '.join(stated) or 'none'}"
        if self.endpoint is not None and self.new_endpoint is not None:
            yield "state `endpoint` or `new_endpoint`, not both"
        if self.variant is not None and self.endpoint is None:
            yield "`variant` goes with `endpoint`"
        if self.model_package is not None and self.model_role_arn is None:
            yield "model_package needs model_role_arn, the role of the model that is made from it"
        if self.adapter is not None:
            for name in ("resources", "scaling", "endpoint", "new_endpoint"):
                if getattr(self, name) is not None:
                    yield f"an adapter has no `{name}` of its own: it lives in its base's copies"
            return
        resources = self.resources
        if resources is None or resources.memory_mb is None or resources.gpus is None:
            yield "resources with gpus and memory_mb are needed"
        if self.scaling is None:
            yield "scaling is needed: at least max_copies and policy"

    def description(self) -> Description:
        """As onboarding uses it."""
        container = self.container
        adapter = self.adapter
        artifact = container.artifact_url if container else None
        return Description(
            component=self.inference_component,
            model=self._model(),
            entry=self._entry(),
            resources=self._resources(),
            image=container.image if container else None,
            artifact_url=adapter.artifact_url if adapter else artifact,
            environment=container.environment if container else {},
            sagemaker_model=self.sagemaker_model,
            model_package=self.model_package,
            model_role_arn=self.model_role_arn,
            adapter_of=adapter.base if adapter else None,
            copies=self.copies,
            data_caching=self.data_caching,
            placement=self.placement,
            download_timeout_s=self.download_timeout_s,
            startup_timeout_s=self.startup_timeout_s,
            endpoint=self.endpoint,
            variant=self.variant,
            new_endpoint=self.new_endpoint.new_endpoint() if self.new_endpoint else None,
            probe=self.probe.probe() if self.probe else None,
            endpoint_patience_s=self.endpoint_patience_s,
            component_patience_s=self.component_patience_s,
            tags=self.tags,
        )

    def _resources(self) -> CopyResources:
        stated = self.resources.stated() if self.resources else {}
        return CopyResources(
            stated.get("gpus", 0), float(stated.get("cpus", 0.0)), stated.get("memory_mb", 0)
        )

    def _entry(self) -> dict[str, Any]:
        if self.adapter is not None:
            return {"adapter_of": self.adapter.base}
        resources = self.resources.model_dump(exclude_unset=True) if self.resources else {}
        return {**(self.scaling.entry() if self.scaling else {}), "resources": resources}

    def _model(self) -> ModelConfig:
        """Compiled by the fleet file's own rules, on an endpoint that stands for the chosen one."""
        name = self.inference_component
        if self.adapter is not None:
            return ModelConfig(name, "", CopyResources(0, 0.0, 0), adapter_of=self.adapter.base)
        scaling = self.scaling
        file: dict[str, Any] = {
            "version": 1,
            "endpoints": {"any": {"variants": {"any": {"instance_type": "ml.g5.xlarge"}}}},
            "models": [{"name": name, **self._entry()}],
        }
        if scaling is not None and scaling.worth is not None:
            file["classes"] = {scaling.class_name: {"worth": scaling.worth}}
        compiled = compile_fleet(FleetFile.model_validate(file))
        return compiled.endpoints["any"].models[name]
