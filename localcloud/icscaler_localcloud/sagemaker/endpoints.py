"""Create, Describe, List, Update, Delete of endpoints, and their weights and capacities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from icscaler_localcloud.apikit.listing import Row, page
from icscaler_localcloud.sagemaker.context import Context, Handler, Named, Params
from icscaler_localcloud.sagemaker.endpoint_configs import (
    find_config,
    instance_type,
    managed_scaling,
    variant_spec,
)
from icscaler_localcloud.sagemaker.errors import (
    already_exists,
    invalid,
    not_found,
    not_simulated,
    over_quota,
)
from icscaler_sim.world import EndpointView, Refusal, VariantView

# What UpdateEndpoint may change on a running fleet here; anything else is a new fleet on AWS.
_SAME_FLEET_MEMBERS = ("VariantName", "ModelName", "InstanceType", "InstancePools")


@dataclass(slots=True)
class EndpointRecord:
    """What the API shows of an endpoint and the world does not know."""

    config: Named
    pending: Named | None = None
    pending_since_s: float = 0.0
    last_deployment: Mapping[str, Any] | None = None


class EndpointOperations:
    """The endpoint half of the control plane, over the world's endpoints."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records: dict[str, EndpointRecord] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """The operations answered here."""
        return {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.set_weights_and_capacities,
            "DeleteEndpoint": self.delete,
        }

    def create(self, params: Params) -> Mapping[str, Any]:
        context, name = self._context, params["EndpointName"]
        arn = context.arns.endpoint(name)
        if name in {view.name for view in context.world.endpoints()}:
            raise already_exists("endpoint", arn)
        config = find_config(context, params["EndpointConfigName"])
        variants = [variant_spec(v) for v in config.params["ProductionVariants"]]
        for variant in variants:
            self._check_quota(variant.instance_type, variant.initial_instances)
        context.world.create_endpoint(name, variants)
        self._records[name] = EndpointRecord(config)
        context.set_tags(arn, params)
        return {"EndpointArn": arn}

    def describe(self, params: Params) -> Mapping[str, Any]:
        view = self.find(params["EndpointName"])
        record = self._settled(view)
        answer: dict[str, Any] = {
            "EndpointName": view.name,
            "EndpointArn": self._context.arns.endpoint(view.name),
            "EndpointConfigName": record.config.name,
            "ProductionVariants": [
                self._variant_summary(variant, record.config, view) for variant in view.variants
            ],
            "EndpointStatus": view.status,
            "FailureReason": view.failure_reason,
            "CreationTime": self._context.shown_s(view.created_s),
            "LastModifiedTime": self._context.shown_s(view.modified_s),
            "LastDeploymentConfig": record.last_deployment,
            "MetricsConfig": record.config.params.get("MetricsConfig"),
        }
        if record.pending is not None:
            answer["PendingDeploymentSummary"] = {
                "EndpointConfigName": record.pending.name,
                "StartTime": record.pending_since_s,
            }
        return answer

    def list(self, params: Params) -> Mapping[str, Any]:
        rows = (
            Row(
                view.name,
                self._context.shown_s(view.created_s),
                partial(self._summary, view),
                modified_s=self._context.shown_s(view.modified_s),
                status=view.status,
            )
            for view in self._context.world.endpoints()
        )
        endpoints, token = page(rows, params, operation="ListEndpoints")
        return {"Endpoints": endpoints, "NextToken": token}

    def update(self, params: Params) -> Mapping[str, Any]:
        """Change limits of managed scaling, instance counts and weights of the running fleet.

        AWS builds a new fleet for a new configuration; the world has none to build beside the
        old, so changes that would need one are refused.
        """
        context, view = self._context, self.find(params["EndpointName"])
        config = find_config(context, params["EndpointConfigName"])
        self._require_in_service(view)
        record = self._settled(view)
        new = {v["VariantName"]: v for v in config.params["ProductionVariants"]}
        old = {v["VariantName"]: v for v in record.config.params["ProductionVariants"]}
        if not _same_fleet(old, new):
            raise not_simulated(
                "Replacing the fleet of a running endpoint (other variants, models, instance "
                "types or scale-in policy)"
            )
        self._apply(view, new, _retained(params))
        record.pending, record.pending_since_s = config, context.now_s
        if "DeploymentConfig" in params:
            record.last_deployment = params["DeploymentConfig"]
        return {"EndpointArn": context.arns.endpoint(view.name)}

    def set_weights_and_capacities(self, params: Params) -> Mapping[str, Any]:
        view = self.find(params["EndpointName"])
        self._require_in_service(view)
        variants = {variant.spec.name: variant for variant in view.variants}
        changes = params["DesiredWeightsAndCapacities"]
        if sum("DesiredInstanceCount" in change for change in changes) > 1:
            raise invalid("The capacity of only one variant can be changed at a time.")
        for change in changes:
            self._check_change(change, variants, view.name)
        for change in changes:
            name = change["VariantName"]
            if "DesiredWeight" in change:
                self._context.world.set_variant_weight(view.name, name, change["DesiredWeight"])
            if "DesiredInstanceCount" in change:
                count = change["DesiredInstanceCount"]
                self._context.world.set_variant_instances(view.name, name, count)
        return {"EndpointArn": self._context.arns.endpoint(view.name)}

    def delete(self, params: Params) -> None:
        view = self.find(params["EndpointName"])
        self._context.world.delete_endpoint(view.name)
        self._context.tags.pop(self._context.arns.endpoint(view.name), None)

    def find(self, name: str) -> EndpointView:
        """The world's view; ValidationException where there is none."""
        try:
            return self._context.world.endpoint(name)
        except Refusal:
            raise not_found("endpoint", self._context.arns.endpoint(name)) from None

    def config_of(self, name: str) -> Named:
        """The configuration an endpoint runs."""
        return self._settled(self.find(name)).config

    def _summary(self, view: EndpointView) -> Mapping[str, Any]:
        return {
            "EndpointName": view.name,
            "EndpointArn": self._context.arns.endpoint(view.name),
            "CreationTime": self._context.shown_s(view.created_s),
            "LastModifiedTime": self._context.shown_s(view.modified_s),
            "EndpointStatus": view.status,
        }

    def _settled(self, view: EndpointView) -> EndpointRecord:
        record = self._records.get(view.name)
        if record is None:
            # Made in the world directly (a simulation's own fleet): shown with what is known.
            record = self._records[view.name] = EndpointRecord(_config_from(view))
        if record.pending is not None and view.status == "InService":
            record.config, record.pending = record.pending, None
        return record

    def _require_in_service(self, view: EndpointView) -> None:
        if view.status != "InService":
            arn = self._context.arns.endpoint(view.name)
            raise invalid(f'Cannot update in-progress endpoint "{arn}".')

    def _check_quota(self, instance_type_name: str, more: int) -> None:
        limit = self._context.quotas.get(instance_type_name)
        if limit is None or more <= 0:
            return
        used = sum(
            variant.desired_instances
            for view in self._context.world.endpoints()
            for variant in view.variants
            if variant.spec.instance_type == instance_type_name
        )
        if used + more > limit:
            raise over_quota(instance_type_name, limit, used, more)

    def _check_change(
        self, change: Params, variants: Mapping[str, VariantView], endpoint: str
    ) -> None:
        name = change["VariantName"]
        variant = variants.get(name)
        if variant is None:
            raise invalid(f"Could not find variant {name} of endpoint {endpoint}.")
        if "ServerlessUpdateConfig" in change:
            raise not_simulated("ServerlessUpdateConfig")
        count = change.get("DesiredInstanceCount")
        if count is None:
            return
        if count == 0 and variant.spec.model_name is not None:
            raise invalid(
                f"DesiredInstanceCount of variant {name} must be greater than 0: only endpoints "
                "that host inference components can scale to zero instances."
            )
        self._check_quota(variant.spec.instance_type, count - variant.desired_instances)

    def _apply(
        self, view: EndpointView, new: Mapping[str, Params], retained: frozenset[str]
    ) -> None:
        """Weights and limits first: a change of instances puts the endpoint in Updating."""
        world, counts = self._context.world, {}
        for variant in view.variants:
            name = variant.spec.name
            scaling, count = managed_scaling(new[name]), new[name]["InitialInstanceCount"]
            if scaling is None and count != variant.desired_instances:
                counts[name] = count
                self._check_quota(variant.spec.instance_type, count - variant.desired_instances)
        if "DesiredInstanceCount" in retained:
            counts.clear()
        if len(counts) > 1:
            raise not_simulated("Changing the instance counts of several variants in one update")
        for name, variant_params in new.items():
            if "DesiredWeight" not in retained:
                weight = variant_params.get("InitialVariantWeight", 1.0)
                world.set_variant_weight(view.name, name, weight)
            scaling = managed_scaling(variant_params)
            if scaling is not None:
                world.set_managed_scaling(
                    view.name,
                    name,
                    min_instances=scaling.min_instances,
                    max_instances=scaling.max_instances,
                )
        for name, count in counts.items():
            world.set_variant_instances(view.name, name, count)

    def _variant_summary(
        self, variant: VariantView, config: Named, view: EndpointView
    ) -> Mapping[str, Any]:
        given = next(
            v for v in config.params["ProductionVariants"] if v["VariantName"] == variant.spec.name
        )
        summary: dict[str, Any] = {
            "VariantName": variant.spec.name,
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.desired_weight,
            "CurrentInstanceCount": variant.current_instances,
            "DesiredInstanceCount": variant.desired_instances,
            "RoutingConfig": given.get("RoutingConfig"),
            "DeployedImages": self._deployed_images(variant, view),
        }
        if scaling := given.get("ManagedInstanceScaling"):
            summary["ManagedInstanceScaling"] = scaling
        if "InstancePools" in given:
            summary["InstancePools"] = [
                {
                    "InstanceType": pool["InstanceType"],
                    "CurrentInstanceCount": variant.current_instances
                    if pool["InstanceType"] == instance_type(given)
                    else 0,
                }
                for pool in given["InstancePools"]
            ]
        if view.status in ("Creating", "Updating", "Deleting"):
            summary["VariantStatus"] = [{"Status": view.status, "StartTime": view.modified_s}]
        return summary

    def _deployed_images(self, variant: VariantView, view: EndpointView) -> Any:
        model = self._context.models.get(variant.spec.model_name or "")
        if model is None or "Image" not in model.params.get("PrimaryContainer", {}):
            return None
        image = model.params["PrimaryContainer"]["Image"]
        return [{"SpecifiedImage": image, "ResolutionTime": view.created_s}]


def _same_fleet(old: Mapping[str, Params], new: Mapping[str, Params]) -> bool:
    if old.keys() != new.keys():
        return False
    for name, before in old.items():
        after = new[name]
        if any(before.get(member) != after.get(member) for member in _SAME_FLEET_MEMBERS):
            return False
        was, becomes = managed_scaling(before), managed_scaling(after)
        if (was is None) != (becomes is None):
            return False
        if was is not None and becomes is not None:
            policies = [(s.strategy, s.max_step, s.cooldown_min) for s in (was, becomes)]
            if policies[0] != policies[1]:
                return False
    return True


def _retained(params: Params) -> frozenset[str]:
    """The properties that RetainAllVariantProperties keeps as they are."""
    if not params.get("RetainAllVariantProperties", False):
        return frozenset()
    excluded = {
        entry["VariantPropertyType"] for entry in params.get("ExcludeRetainedVariantProperties", ())
    }
    return frozenset({"DesiredInstanceCount", "DesiredWeight"} - excluded)


def _config_from(view: EndpointView) -> Named:
    variants = []
    for variant in view.variants:
        spec = variant.spec
        given: dict[str, Any] = {
            "VariantName": spec.name,
            "InstanceType": spec.instance_type,
            "InitialInstanceCount": spec.initial_instances,
            "InitialVariantWeight": spec.weight,
        }
        if spec.model_name is not None:
            given["ModelName"] = spec.model_name
        if spec.managed_scaling is not None:
            scaling = spec.managed_scaling
            given["ManagedInstanceScaling"] = {
                "Status": "ENABLED" if scaling.enabled else "DISABLED",
                "MinInstanceCount": scaling.min_instances,
                "MaxInstanceCount": scaling.max_instances,
                "ScaleInPolicy": {
                    "Strategy": scaling.strategy,
                    "MaximumStepSize": scaling.max_step,
                    "CooldownInMinutes": scaling.cooldown_min,
                },
            }
        variants.append(given)
    return Named(view.name, {"ProductionVariants": variants}, view.created_s)
