"""What is to be onboarded: the description of a model, checked and with its defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from icscaler.entities import CopyResources, ModelConfig, VariantConfig
from icscaler.rollout.entities import Probe


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to be made when it is not there.

    `only_when_full`: only if no endpoint of the fleet has room. `scale_in` and `routing` are
    SageMaker's ScaleInPolicy and RoutingStrategy; `hardware` is what one instance offers.
    """

    name: str
    variant: str
    hardware: VariantConfig
    initial_instances: int
    min_instances: int
    max_instances: int
    routing: str
    scale_in_strategy: str
    scale_in_step: int
    scale_in_cooldown_min: int
    execution_role_arn: str
    only_when_full: bool = False
    inference_ami: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """One model, and where and how it is to serve.

    Exactly one of `image`, `sagemaker_model`, `model_package` is set, or `adapter_of` with an
    `artifact_url`. `model` is its entry of the published fleet, without a place; `entry` the same
    as lines of a fleet file. Times in seconds.
    """

    component: str
    model: ModelConfig
    entry: Mapping[str, Any]
    resources: CopyResources
    image: str | None = None
    artifact_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    sagemaker_model: str | None = None
    model_package: str | None = None
    model_role_arn: str | None = None
    adapter_of: str | None = None
    copies: int = 1
    data_caching: bool = True
    placement: str | None = None
    download_timeout_s: int | None = None
    startup_timeout_s: int | None = None
    endpoint: str | None = None
    variant: str | None = None
    new_endpoint: NewEndpoint | None = None
    probe: Probe | None = None
    probe_attempts: int = 3
    endpoint_patience_s: int = 3600
    component_patience_s: int = 3600
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def package_model(self) -> str:
        """The SageMaker model that is made from a model package: it has the component's name."""
        return self.component
