"""SageMaker's control plane and Application Auto Scaling's registry, as `ports.Endpoints`."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from icscaler.adapters.clients import port_errors
from icscaler.adapters.refusals import outcome_of
from icscaler.entities import (
    Change,
    ComponentView,
    CopyResources,
    EndpointView,
    Outcome,
    OutcomeKind,
    VariantView,
)
from icscaler.managed_scaling import ScaleIn
from icscaler.ports import Listed, PortError

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.client import ApplicationAutoScalingClient
    from mypy_boto3_sagemaker.client import SageMakerClient

logger = logging.getLogger(__name__)

LIST_PAGE = 100
TARGETS_PAGE = 50
Dimension = Literal[
    "sagemaker:inference-component:DesiredCopyCount", "sagemaker:variant:DesiredInstanceCount"
]
COPY_DIMENSION: Final = "sagemaker:inference-component:DesiredCopyCount"
INSTANCE_DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
# Reading these again later may help, so the component is left out and the look goes on.
_UNREADABLE_NOW = frozenset({OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN})
# After so many that could not be read the others are left to the next look: an account that is
# throttled has calls for what is urgent only, and a look must end before its function's time does.
MAX_UNREADABLE = 3
_SUSPENDED = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)


@dataclass(slots=True)
class SageMakerEndpoints:
    """`ports.Endpoints` on AWS.

    `workers` Describe calls run at a time (1: no threads). No new one starts after `budget_s`
    seconds, so that a first look at a large endpoint gets somewhere and the next one continues.
    """

    sagemaker: "SageMakerClient"
    autoscaling: "ApplicationAutoScalingClient"
    workers: int = 8
    budget_s: float = 12.0
    elapsed_s: Callable[[], float] = lambda: time.time()

    def describe_endpoint(self, endpoint: str) -> EndpointView | None:
        answer = self._or_none(self.sagemaker.describe_endpoint, EndpointName=endpoint)
        return None if answer is None else endpoint_view(answer)

    def list_components(self, endpoint: str) -> tuple[Listed, ...]:
        with port_errors("sagemaker", "ListInferenceComponents"):
            return tuple(self._listed(endpoint))

    def _listed(self, endpoint: str) -> Iterator[Listed]:
        paginator = self.sagemaker.get_paginator("list_inference_components")
        pages = paginator.paginate(
            EndpointNameEquals=endpoint,
            SortBy="Name",
            SortOrder="Ascending",
            PaginationConfig={"PageSize": LIST_PAGE},
        )
        for page in pages:
            for row in page["InferenceComponents"]:
                yield Listed(
                    name=row["InferenceComponentName"],
                    variant=row["VariantName"],
                    status=row["InferenceComponentStatus"],
                    last_modified_s=int(row["LastModifiedTime"].timestamp()),
                )

    def describe_components(
        self, names: Sequence[str], at_s: int
    ) -> dict[str, ComponentView | None]:
        until_s = self.elapsed_s() + self.budget_s
        unreadable = 0

        def describe(name: str) -> tuple[str, bool, ComponentView | None]:
            nonlocal unreadable
            if self.elapsed_s() >= until_s or unreadable >= MAX_UNREADABLE:
                return name, False, None
            answer = self._describe(name, at_s)
            unreadable += not answer[1]
            return answer

        if self.workers == 1 or len(names) == 1:
            answers = [describe(name) for name in names]
        else:
            with ThreadPoolExecutor(max_workers=self.workers) as pool:
                answers = list(pool.map(describe, names))
        left_out = [name for name, read, _ in answers if not read]
        if left_out:
            logger.warning("%d components could not be described now", len(left_out))
        return {name: view for name, read, view in answers if read}

    def _describe(self, name: str, at_s: int) -> tuple[str, bool, ComponentView | None]:
        """(name, whether it could be read, what was read)."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.sagemaker.describe_inference_component(InferenceComponentName=name)
        except (BotoCoreError, ClientError) as error:
            kind, text = outcome_of(error)
            if kind is OutcomeKind.NOT_FOUND:
                return name, True, None
            if kind in _UNREADABLE_NOW:
                logger.info("DescribeInferenceComponent %s: %s", name, text)
                return name, False, None
            raise PortError(f"sagemaker DescribeInferenceComponent {name}: {text}") from error
        return name, True, component_view(answer, at_s)

    def scalable_targets(self, names: Sequence[str]) -> frozenset[str]:
        return self._targets([f"inference-component/{name}" for name in names], COPY_DIMENSION)

    def scalable_variants(self, endpoint: str, variants: Sequence[str]) -> frozenset[str]:
        ids = [f"endpoint/{endpoint}/variant/{variant}" for variant in variants]
        return self._targets(ids, INSTANCE_DIMENSION)

    def _targets(self, ids: Sequence[str], dimension: Dimension) -> frozenset[str]:
        """Names at the end of those resource ids that are actively scaled."""
        owned: set[str] = set()
        for start in range(0, len(ids), TARGETS_PAGE):
            batch = ids[start : start + TARGETS_PAGE]
            with port_errors("application-autoscaling", "DescribeScalableTargets"):
                owned.update(self._owned(batch, dimension))
        return frozenset(owned)

    def _owned(self, ids: Sequence[str], dimension: Dimension) -> Iterator[str]:
        paginator = self.autoscaling.get_paginator("describe_scalable_targets")
        pages = paginator.paginate(
            ServiceNamespace="sagemaker", ResourceIds=list(ids), ScalableDimension=dimension
        )
        for page in pages:
            for target in page["ScalableTargets"]:
                suspended: Any = target.get("SuspendedState", {})
                if not all(suspended.get(switch, False) for switch in _SUSPENDED):
                    yield target["ResourceId"].rpartition("/")[2]

    def set_copies(self, change: Change, at_s: int) -> Outcome:
        from botocore.exceptions import BotoCoreError, ClientError

        outcome = Outcome(OutcomeKind.ACCEPTED, change.attempt_id, change.to_copies, at_s)
        try:
            self._write(change)
        except (BotoCoreError, ClientError) as error:
            outcome.kind, outcome.message = outcome_of(error)
        return outcome

    def _write(self, change: Change) -> None:
        """No weight is given for a variant, so each keeps its own."""
        if change.variant is None:
            self.sagemaker.update_inference_component_runtime_config(
                InferenceComponentName=change.component,
                DesiredRuntimeConfig={"CopyCount": change.to_copies},
            )
            return
        endpoint, variant = change.variant
        self.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": variant, "DesiredInstanceCount": change.to_copies}
            ],
        )

    def _or_none(self, method: Callable[..., Any], **arguments: Any) -> Any | None:
        """The answer, or None when SageMaker could not find it."""
        from botocore.exceptions import ClientError

        with port_errors("sagemaker", "Describe"):
            try:
                return method(**arguments)
            except ClientError as error:
                if outcome_of(error)[0] is OutcomeKind.NOT_FOUND:
                    return None
                raise


def endpoint_view(answer: Any) -> EndpointView:
    """A DescribeEndpoint answer as the core sees it."""
    variants = [_variant(each) for each in answer.get("ProductionVariants", ())]
    return EndpointView(
        answer["EndpointName"],
        answer["EndpointStatus"],
        {variant.name: variant for variant in variants},
        int(answer["LastModifiedTime"].timestamp()),
    )


def component_view(answer: Any, at_s: int) -> ComponentView:
    """A DescribeInferenceComponent answer as the core sees it.

    An adapter component has no resources of its own and may have no runtime configuration.
    """
    runtime = answer.get("RuntimeConfig", {})
    return ComponentView(
        name=answer["InferenceComponentName"],
        variant=answer.get("VariantName", ""),
        status=answer["InferenceComponentStatus"],
        desired_copies=runtime.get("DesiredCopyCount", 0),
        current_copies=runtime.get("CurrentCopyCount", 0),
        last_modified_s=int(answer["LastModifiedTime"].timestamp()),
        described_at_s=at_s,
        failure_reason=answer.get("FailureReason"),
        resources=_resources(answer),
    )


def _resources(answer: Any) -> CopyResources | None:
    specifications = [answer.get("Specification"), *answer.get("Specifications", ())]
    specification: Any = next((each for each in specifications if each), {})
    required = specification.get("ComputeResourceRequirements")
    if not required:
        return None
    return CopyResources(
        gpus=math.ceil(required.get("NumberOfAcceleratorDevicesRequired", 0)),
        cpus=float(required.get("NumberOfCpuCoresRequired", 0)),
        memory_mb=required.get("MinMemoryRequiredInMb", 0),
    )


def _variant(summary: Any) -> VariantView:
    """Managed scaling bounds only while it is enabled; instance counts are 0 during creation.

    DescribeEndpoint names an instance type only for instance pools; of several it is unknown.
    """
    current = summary.get("CurrentInstanceCount", 0)
    scaling = summary.get("ManagedInstanceScaling", {})
    managed = scaling.get("Status") == "ENABLED"
    types = {pool["InstanceType"] for pool in summary.get("InstancePools", ())}
    return VariantView(
        name=summary["VariantName"],
        instance_type=next(iter(types)) if len(types) == 1 else None,
        current_instances=current,
        desired_instances=summary.get("DesiredInstanceCount", current),
        min_instances=scaling.get("MinInstanceCount") if managed else None,
        max_instances=scaling.get("MaxInstanceCount") if managed else None,
        scale_in=_scale_in(scaling.get("ScaleInPolicy")) if managed else None,
    )


def _scale_in(policy: Any) -> ScaleIn | None:
    """What the policy leaves out is SageMaker's default (API Reference: a step of 1, 20 min)."""
    if not policy:
        return None
    return ScaleIn(
        policy["Strategy"], policy.get("MaximumStepSize", 1), policy.get("CooldownInMinutes", 20)
    )
