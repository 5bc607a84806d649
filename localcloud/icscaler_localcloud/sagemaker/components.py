"""Create, Update, UpdateRuntimeConfig, Describe, List, Delete of inference components."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from icscaler_localcloud.apikit.listing import Row, page
from icscaler_localcloud.sagemaker.context import Context, Handler, Params
from icscaler_localcloud.sagemaker.endpoints import EndpointOperations
from icscaler_localcloud.sagemaker.errors import already_exists, invalid, not_found
from icscaler_localcloud.sagemaker.specification import Version, version
from icscaler_sim.world import ComponentView, Refusal, RollingPolicy, VariantView

_TEXT_ZERO_AT_CREATE = "The copy count must be an integer larger than 0."


@dataclass(slots=True)
class ComponentRecord:
    """What the API shows of a component and the world does not know.

    `target` is the version of an update in progress; which of the two is deployed is told by the
    world's view, also after a rollback.
    """

    deployed: Version
    target: Version | None = None
    alarms: tuple[str, ...] = ()
    last_deployment: Mapping[str, Any] | None = None


class ComponentOperations:
    """The component half of the control plane, over the world's components."""

    def __init__(self, context: Context, endpoints: EndpointOperations) -> None:
        self._context = context
        self._endpoints = endpoints
        self._records: dict[str, ComponentRecord] = {}

    def handlers(self) -> Mapping[str, Handler]:
        """The operations answered here."""
        return {
            "CreateInferenceComponent": self.create,
            "UpdateInferenceComponent": self.update,
            "UpdateInferenceComponentRuntimeConfig": self.set_copies,
            "DescribeInferenceComponent": self.describe,
            "ListInferenceComponents": self.list,
            "DeleteInferenceComponent": self.delete,
        }

    def create(self, params: Params) -> Mapping[str, Any]:
        context, name = self._context, params["InferenceComponentName"]
        arn = context.arns.component(name)
        if self._view_or_none(name) is not None:
            raise already_exists("inference component", arn)
        variant = self._variant(params)
        copies = params.get("RuntimeConfig", {}).get("CopyCount", 1)
        if copies < 1:
            raise invalid(_TEXT_ZERO_AT_CREATE)
        new = version(params, context, variant.spec.instance_type)
        self._check_base(new, params["EndpointName"])
        context.world.create_component(
            name, params["EndpointName"], variant.spec.name, new.spec, copies
        )
        self._records[name] = ComponentRecord(new)
        context.set_tags(arn, params)
        return {"InferenceComponentArn": arn}

    def update(self, params: Params) -> Mapping[str, Any]:
        view = self.find(params["InferenceComponentName"])
        copies = params.get("RuntimeConfig", {}).get("CopyCount")
        new = None
        if "Specification" in params or "Specifications" in params:
            new = version(params, self._context, self._instance_type(view))
            self._check_base(new, view.endpoint)
        if new is None and copies is None:
            raise invalid("Specify at least one of Specification, Specifications, RuntimeConfig.")
        deployment = params.get("DeploymentConfig")
        rolling = rolling_policy(deployment) if deployment is not None else None
        record = self._settled(view)
        self._context.world.update_component(view.name, new.spec if new else None, copies, rolling)
        record.target = new
        record.alarms = rolling.alarms if rolling else ()
        if deployment is not None:
            record.last_deployment = deployment
        for alarm in record.alarms:
            if self._context.alarm_is_on(alarm):
                self.alarm_went_on(alarm)
        return {"InferenceComponentArn": self._context.arns.component(view.name)}

    def set_copies(self, params: Params) -> Mapping[str, Any]:
        view = self.find(params["InferenceComponentName"])
        self._settled(view)
        self._context.world.set_copies(view.name, params["DesiredRuntimeConfig"]["CopyCount"])
        return {"InferenceComponentArn": self._context.arns.component(view.name)}

    def describe(self, params: Params) -> Mapping[str, Any]:
        view = self.find(params["InferenceComponentName"])
        record = self._settled(view)
        shown = record.deployed
        if record.target is not None and record.target.spec == view.spec:
            shown = record.target
        return {
            **self._summary(view),
            **shown.shown(),
            "FailureReason": view.failure_reason,
            "RuntimeConfig": self._runtime_config(view),
            "LastDeploymentConfig": record.last_deployment,
        }

    def list(self, params: Params) -> Mapping[str, Any]:
        views = self._context.world.components(params.get("EndpointNameEquals"))
        rows = (
            Row(
                view.name,
                self._context.shown_s(view.created_s),
                partial(self._summary, view),
                modified_s=self._context.shown_s(view.modified_s),
                status=view.status,
                endpoint=view.endpoint,
                variant=view.variant,
            )
            for view in views
        )
        components, token = page(rows, params, operation="ListInferenceComponents")
        return {"InferenceComponents": components, "NextToken": token}

    def delete(self, params: Params) -> None:
        view = self.find(params["InferenceComponentName"])
        self._context.world.delete_component(view.name)
        self._context.tags.pop(self._context.arns.component(view.name), None)

    def find(self, name: str) -> ComponentView:
        """The world's view; ValidationException where there is none."""
        try:
            return self._context.world.component(name)
        except Refusal:
            raise not_found("inference component", self._context.arns.component(name)) from None

    def alarm_went_on(self, alarm: str) -> None:
        """A CloudWatch alarm entered ALARM: updates that watch it roll back."""
        reason = f"The deployment was rolled back because alarm {alarm} is in ALARM state."
        for name, record in self._records.items():
            if alarm in record.alarms and record.target is not None:
                # Refused: the update has ended by now, or had no copies to replace.
                with suppress(Refusal):
                    self._context.world.abort_update(name, reason)

    def _settled(self, view: ComponentView) -> ComponentRecord:
        record = self._records.get(view.name)
        if record is None:
            # Made in the world directly (a simulation's own fleet): shown with what is known.
            record = ComponentRecord(_version_from(view))
            self._records[view.name] = record
        if record.target is not None and view.status != "Updating":
            if record.target.spec == view.spec:
                record.deployed = record.target
            record.target, record.alarms = None, ()
        return record

    def _view_or_none(self, name: str) -> ComponentView | None:
        try:
            return self._context.world.component(name)
        except Refusal:
            return None

    def _variant(self, params: Params) -> VariantView:
        endpoint = self._endpoints.find(params["EndpointName"])
        hosts = [variant for variant in endpoint.variants if variant.spec.model_name is None]
        if not hosts:
            raise invalid(
                f"Endpoint {endpoint.name} does not host inference components: its variants have "
                "a ModelName."
            )
        wanted = params.get("VariantName")
        if wanted is None:
            if len(hosts) > 1:
                raise invalid(f"VariantName is required: endpoint {endpoint.name} has several.")
            return hosts[0]
        for variant in hosts:
            if variant.spec.name == wanted:
                return variant
        raise invalid(f"Could not find variant {wanted} of endpoint {endpoint.name}.")

    def _check_base(self, new: Version, endpoint: str) -> None:
        if new.spec.base is not None and self.find(new.spec.base).endpoint != endpoint:
            raise invalid(
                f"Base inference component {new.spec.base} is not on endpoint {endpoint}."
            )

    def _instance_type(self, view: ComponentView) -> str:
        variants = self._context.world.endpoint(view.endpoint).variants
        return next(v.spec.instance_type for v in variants if v.spec.name == view.variant)

    def _summary(self, view: ComponentView) -> Mapping[str, Any]:
        arns = self._context.arns
        return {
            "InferenceComponentName": view.name,
            "InferenceComponentArn": arns.component(view.name),
            "EndpointName": view.endpoint,
            "EndpointArn": arns.endpoint(view.endpoint),
            "VariantName": view.variant,
            "CreationTime": self._context.shown_s(view.created_s),
            "LastModifiedTime": self._context.shown_s(view.modified_s),
            "InferenceComponentStatus": view.status,
        }

    def _runtime_config(self, view: ComponentView) -> Mapping[str, Any]:
        placed = [
            {
                "InstanceType": self._instance_type(view),
                "CurrentCopyCount": view.current_copies,
            }
        ]
        return {
            "DesiredCopyCount": view.desired_copies,
            "CurrentCopyCount": view.current_copies,
            "PlacementStatus": placed if view.current_copies else None,
        }


def rolling_policy(deployment: Params) -> RollingPolicy:
    """InferenceComponentDeploymentConfig in the world's words."""
    policy = deployment["RollingUpdatePolicy"]
    batch, back = policy["MaximumBatchSize"], policy.get("RollbackMaximumBatchSize", {})
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())
    return RollingPolicy(
        batch_type=batch["Type"],
        batch_value=batch["Value"],
        wait_interval_s=policy["WaitIntervalInSeconds"],
        timeout_s=policy.get("MaximumExecutionTimeoutInSeconds"),
        rollback_batch_type=back.get("Type"),
        rollback_batch_value=back.get("Value"),
        alarms=tuple(alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm),
    )


def _version_from(view: ComponentView) -> Version:
    spec = view.spec
    container: dict[str, Any] = {"Environment": dict(spec.environment)}
    if spec.image:
        container["Image"] = spec.image
    if spec.artifact:
        container["ArtifactUrl"] = spec.artifact
    given: dict[str, Any] = {"Container": container}
    if spec.base is not None:
        given["BaseInferenceComponentName"] = spec.base
    else:
        needs: dict[str, Any] = {"MinMemoryRequiredInMb": spec.memory_mb}
        if spec.gpus:
            needs["NumberOfAcceleratorDevicesRequired"] = float(spec.gpus)
        if spec.cpus:
            needs["NumberOfCpuCoresRequired"] = spec.cpus
        given["ComputeResourceRequirements"] = needs
        given["SchedulingConfig"] = {"PlacementStrategy": spec.placement}
    return Version((given,), False, spec, view.created_s)
