"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from icscaler_localcloud.apikit.listing import Row, page
from icscaler_localcloud.sagemaker.context import Context, Handler, Named, Params
from icscaler_localcloud.sagemaker.errors import already_exists, invalid, not_found, not_simulated
from icscaler_sim.world import ManagedScaling, VariantSpec

# One public report: eu-west-3 refused what us-east-1 accepted on the same day.
REGIONS_WITHOUT_SCALE_TO_ZERO = frozenset({"eu-west-3"})
# Member MetricPublishFrequencyInSeconds of MetricsConfig (SageMaker API Reference).
_METRIC_FREQUENCIES_S = frozenset({10, 30, 60, 120, 180, 240, 300})
_NOT_SIMULATED = (
    "AsyncInferenceConfig",
    "CrossRegionTrafficConfig",
    "DataCaptureConfig",
    "ExplainerConfig",
    "ShadowProductionVariants",
)
_VARIANT_NOT_SIMULATED = (
    "AcceleratorPartitionLayouts",
    "AcceleratorType",
    "CapacityReservationConfig",
    "ServerlessConfig",
)


class EndpointConfigOperations:
    """Configurations are checked when they are created and shown as they were given."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self) -> Mapping[str, Handler]:
        """The operations answered here."""
        return {
            "CreateEndpointConfig": self.create,
            "DescribeEndpointConfig": self.describe,
            "ListEndpointConfigs": self.list,
            "DeleteEndpointConfig": self.delete,
        }

    def create(self, params: Params) -> Mapping[str, Any]:
        context, name = self._context, params["EndpointConfigName"]
        arn = context.arns.endpoint_config(name)
        if name in context.configs:
            raise already_exists("endpoint configuration", arn)
        self._check(params)
        context.configs[name] = Named(name, params, context.now_s)
        context.set_tags(arn, params)
        return {"EndpointConfigArn": arn}

    def describe(self, params: Params) -> Mapping[str, Any]:
        config = find_config(self._context, params["EndpointConfigName"])
        shown = {key: value for key, value in config.params.items() if key != "Tags"}
        arn = self._context.arns.endpoint_config(config.name)
        return {**shown, "EndpointConfigArn": arn, "CreationTime": config.created_s}

    def list(self, params: Params) -> Mapping[str, Any]:
        rows = (
            Row(
                config.name,
                config.created_s,
                partial(self._summary, config),
            )
            for config in self._context.configs.values()
        )
        configs, token = page(rows, params, operation="ListEndpointConfigs")
        return {"EndpointConfigs": configs, "NextToken": token}

    def delete(self, params: Params) -> None:
        """Allowed while an endpoint uses it, as on AWS; the endpoint keeps what it was given."""
        config = find_config(self._context, params["EndpointConfigName"])
        del self._context.configs[config.name]
        self._context.tags.pop(self._context.arns.endpoint_config(config.name), None)

    def _summary(self, config: Named) -> Mapping[str, Any]:
        return {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": self._context.arns.endpoint_config(config.name),
            "CreationTime": config.created_s,
        }

    def _check(self, params: Params) -> None:
        for member in _NOT_SIMULATED:
            if member in params:
                raise not_simulated(member)
        frequency_s = params.get("MetricsConfig", {}).get("MetricPublishFrequencyInSeconds", 60)
        if frequency_s not in _METRIC_FREQUENCIES_S:
            allowed = ", ".join(map(str, sorted(_METRIC_FREQUENCIES_S)))
            raise invalid(f"MetricPublishFrequencyInSeconds must be one of {allowed}.")
        variants = params["ProductionVariants"]
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise invalid("Production variant names must be unique within an endpoint config.")
        for variant in variants:
            self._check_variant(variant, params)

    def _check_variant(self, variant: Params, params: Params) -> None:
        name = variant["VariantName"]
        for member in _VARIANT_NOT_SIMULATED:
            if member in variant:
                raise not_simulated(f"{member} (variant {name})")
        if ("InstanceType" in variant) == ("InstancePools" in variant):
            raise invalid(f"Variant {name} must specify either InstanceType or InstancePools.")
        if "InitialInstanceCount" not in variant:
            raise invalid(f"Variant {name} must specify InitialInstanceCount.")
        if "ModelName" in variant:
            if variant["ModelName"] not in self._context.models:
                raise not_found("model", self._context.arns.model(variant["ModelName"]))
            if "ManagedInstanceScaling" in variant:
                raise invalid(
                    f"ManagedInstanceScaling cannot be specified for variant {name}, which has a "
                    "ModelName: it is for endpoints that host inference components."
                )
        elif "ExecutionRoleArn" not in params:
            raise invalid(
                "ExecutionRoleArn is required for an endpoint configuration that hosts inference "
                f"components (variant {name} has no ModelName)."
            )
        self._check_scaling(variant)

    def _check_scaling(self, variant: Params) -> None:
        scaling = managed_scaling(variant)
        if scaling is None:
            return
        if scaling.min_instances == 0 and self._context.arns.region in (
            REGIONS_WITHOUT_SCALE_TO_ZERO
        ):
            raise invalid(
                "Min instance count needs to be greater than 0 for enabled managed instance scaling"
            )
        if not scaling.min_instances <= scaling.max_instances:
            raise invalid(
                f"MinInstanceCount ({scaling.min_instances}) must not be greater than "
                f"MaxInstanceCount ({scaling.max_instances})."
            )
        initial = variant["InitialInstanceCount"]
        if not scaling.min_instances <= initial <= scaling.max_instances:
            raise invalid(
                f"InitialInstanceCount ({initial}) must be between MinInstanceCount "
                f"({scaling.min_instances}) and MaxInstanceCount ({scaling.max_instances})."
            )


def find_config(context: Context, name: str) -> Named:
    """The configuration of this name; ValidationException where there is none."""
    config = context.configs.get(name)
    if config is None:
        raise not_found("endpoint configuration", context.arns.endpoint_config(name))
    return config


def managed_scaling(variant: Params) -> ManagedScaling | None:
    """ManagedInstanceScaling of a ProductionVariant, None where it is absent or DISABLED.

    AWS documents no defaults for the limits: assumed 1 and the initial count.
    """
    given = variant.get("ManagedInstanceScaling", {})
    if given.get("Status") != "ENABLED":
        return None
    scale_in = given.get("ScaleInPolicy", {})
    minimum = given.get("MinInstanceCount", 1)
    return ManagedScaling(
        enabled=True,
        min_instances=minimum,
        max_instances=given.get("MaxInstanceCount", max(minimum, variant["InitialInstanceCount"])),
        strategy=scale_in.get("Strategy", "IDLE_RELEASE"),
        max_step=scale_in.get("MaximumStepSize", 1),
        cooldown_min=scale_in.get("CooldownInMinutes", 20),
    )


def instance_type(variant: Params) -> str:
    """The instance type the world runs: of several pools the one of highest priority."""
    if "InstanceType" in variant:
        return str(variant["InstanceType"])
    pools = sorted(variant["InstancePools"], key=lambda pool: pool["Priority"])
    return str(pools[0]["InstanceType"])


def variant_spec(variant: Params) -> VariantSpec:
    """A ProductionVariant in the world's words."""
    return VariantSpec(
        name=variant["VariantName"],
        instance_type=instance_type(variant),
        initial_instances=variant["InitialInstanceCount"],
        managed_scaling=managed_scaling(variant),
        model_name=variant.get("ModelName"),
        weight=variant.get("InitialVariantWeight", 1.0),
    )
