"""Inference components whole, for updates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icscaler.adapters.clients import port_errors
from icscaler.adapters.refusals import outcome_of
from icscaler.adapters.sagemaker import SageMakerEndpoints
from icscaler.entities import EndpointView, Outcome, OutcomeKind
from icscaler.ports import PortError
from icscaler.rollout.entities import Deployed, Specification
from icscaler.rollout.specification import as_requested


@dataclass(slots=True)
class SageMakerComponents:
    """`rollout_steps.ports.Components` on AWS. `sagemaker` is a boto3 client."""

    sagemaker: Any
    endpoints: SageMakerEndpoints

    def describe_endpoint(self, endpoint: str) -> EndpointView | None:
        return self.endpoints.describe_endpoint(endpoint)

    def deployed(self, names: Sequence[str]) -> dict[str, Deployed | None]:
        from concurrent.futures import ThreadPoolExecutor

        if len(names) > 1 and self.endpoints.workers > 1:
            with ThreadPoolExecutor(max_workers=self.endpoints.workers) as pool:
                found = dict(zip(names, pool.map(self._describe, names), strict=True))
        else:
            found = {name: self._describe(name) for name in names}
        owned = self.endpoints.scalable_targets(sorted(n for n, one in found.items() if one))
        for name, one in found.items():
            if one is not None:
                one.scalable_target = name in owned
        return found

    def _describe(self, name: str) -> Deployed | None:
        from botocore.exceptions import ClientError

        with port_errors("sagemaker", f"DescribeInferenceComponent {name}"):
            try:
                answer = self.sagemaker.describe_inference_component(InferenceComponentName=name)
            except ClientError as error:
                if outcome_of(error)[0] is OutcomeKind.NOT_FOUND:
                    return None
                raise
        return deployed_of(answer)

    def update(
        self, name: str, specification: Specification, deployment: Mapping[str, Any] | None
    ) -> Outcome:
        arguments: dict[str, Any] = {
            "InferenceComponentName": name,
            "Specification": specification,
        }
        if deployment is not None:
            arguments["DeploymentConfig"] = deployment
        return self._write(self.sagemaker.update_inference_component, arguments, -1)

    def set_copies_of(self, name: str, copies: int) -> Outcome:
        arguments = {
            "InferenceComponentName": name,
            "DesiredRuntimeConfig": {"CopyCount": copies},
        }
        method = self.sagemaker.update_inference_component_runtime_config
        return self._write(method, arguments, copies)

    def _write(self, method: Any, arguments: dict[str, Any], copies: int) -> Outcome:
        from botocore.exceptions import BotoCoreError, ClientError

        outcome = Outcome(OutcomeKind.ACCEPTED, "", copies, 0)
        try:
            method(**arguments)
        except (BotoCoreError, ClientError) as error:
            outcome.kind, outcome.message = outcome_of(error)
        return outcome


def deployed_of(answer: Any) -> Deployed:
    """A DescribeInferenceComponent answer. Of several specifications the first is shown.

    Raises `PortError` for components with one specification per instance type: an update would
    have to send all of them.
    """
    several = answer.get("Specifications")
    if several and len(several) > 1:
        name = answer["InferenceComponentName"]
        raise PortError(
            f"{name} has a specification for each of several instance types; rolling updates "
            "know components with one"
        )
    shown = answer.get("Specification") or (several[0] if several else {})
    runtime = answer.get("RuntimeConfig", {})
    rollback = answer.get("LastDeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    return Deployed(
        name=answer["InferenceComponentName"],
        endpoint=answer["EndpointName"],
        variant=answer.get("VariantName", ""),
        status=answer["InferenceComponentStatus"],
        specification=as_requested(shown),
        desired_copies=runtime.get("DesiredCopyCount", 0),
        current_copies=runtime.get("CurrentCopyCount", 0),
        last_modified_s=int(answer["LastModifiedTime"].timestamp()),
        failure_reason=answer.get("FailureReason"),
        alarms=tuple(one["AlarmName"] for one in rollback.get("Alarms", ())),
    )
