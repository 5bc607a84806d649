"""Workflows' view of SageMaker: what there is, making it, removing it, and asking it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler.adapters.clients import code_and_message, port_errors
from icscaler.adapters.refusals import outcome_of
from icscaler.entities import Outcome, OutcomeKind
from icscaler.lifecycle.ports import ComponentFacts, EndpointFacts, Kind, Reply
from icscaler.ports import PortError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient
    from mypy_boto3_sagemaker_runtime.client import SageMakerRuntimeClient

logger = logging.getLogger(__name__)

# Leaves open whether the write arrived, or says "later": the state machine tries again.
_TRY_AGAIN = (OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN)
_NO_REPLY = 0


@dataclass(slots=True)
class SageMakerWorks:
    """`lifecycle.ports.Works` on AWS."""

    sagemaker: "SageMakerClient"

    def component(self, name: str) -> ComponentFacts | None:
        answer = self._described("inference_component", InferenceComponentName=name)
        if answer is None:
            return None
        runtime = answer.get("RuntimeConfig", {})
        several: Any = answer.get("Specifications") or ({},)
        return ComponentFacts(
            name=answer["InferenceComponentName"],
            arn=answer["InferenceComponentArn"],
            endpoint=answer["EndpointName"],
            variant=answer.get("VariantName", ""),
            status=answer["InferenceComponentStatus"],
            desired_copies=runtime.get("DesiredCopyCount", 0),
            current_copies=runtime.get("CurrentCopyCount", 0),
            created_s=int(answer["CreationTime"].timestamp()),
            modified_s=int(answer["LastModifiedTime"].timestamp()),
            failure_reason=answer.get("FailureReason", ""),
            specification=answer.get("Specification") or several[0],
        )

    def endpoint(self, name: str) -> EndpointFacts | None:
        answer = self._described("endpoint", EndpointName=name)
        if answer is None:
            return None
        return EndpointFacts(
            name=name,
            arn=answer["EndpointArn"],
            status=answer["EndpointStatus"],
            config=answer.get("EndpointConfigName", ""),
            failure_reason=answer.get("FailureReason", ""),
        )

    def instance_type(self, config: str, variant: str) -> str | None:
        answer = self._described("endpoint_config", EndpointConfigName=config)
        variants = answer["ProductionVariants"] if answer else ()
        return next(
            (one.get("InstanceType") for one in variants if one["VariantName"] == variant), None
        )

    def arn_of(self, kind: Kind, name: str) -> str | None:
        noun = {Kind.MODEL: "model", Kind.ENDPOINT_CONFIG: "endpoint_config"}[kind]
        answer = self._described(noun, **{f"{kind}Name": name})
        return None if answer is None else str(answer[f"{kind}Arn"])

    def tags(self, arn: str) -> dict[str, str]:
        with port_errors("sagemaker", "ListTags"):
            pages = self.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
            return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def make(self, kind: Kind, request: Mapping[str, Any]) -> Outcome:
        return self._write("create", kind, dict(request))

    def remove(self, kind: Kind, name: str) -> Outcome:
        return self._write("delete", kind, {f"{kind}Name": name})

    def _write(self, verb: str, kind: Kind, request: dict[str, Any]) -> Outcome:
        from botocore.exceptions import BotoCoreError, ClientError

        name = request[f"{kind}Name"]
        method: Callable[..., Any] = getattr(self.sagemaker, f"{verb}_{_SNAKE[kind]}")
        outcome = Outcome(OutcomeKind.ACCEPTED, name, 0, 0)
        try:
            method(**request)
        except (BotoCoreError, ClientError) as error:
            outcome.kind, outcome.message = outcome_of(error)
        if outcome.kind in _TRY_AGAIN:
            raise PortError(f"sagemaker {verb} {kind} {name}: {outcome.message}")
        logger.info("%s %s %s: %s %s", verb, kind, name, outcome.kind, outcome.message)
        return outcome

    def _described(self, noun: str, **arguments: str) -> Any | None:
        from botocore.exceptions import ClientError

        method: Callable[..., Any] = getattr(self.sagemaker, f"describe_{noun}")
        with port_errors("sagemaker", f"describe_{noun}"):
            try:
                return method(**arguments)
            except ClientError as error:
                if outcome_of(error)[0] is OutcomeKind.NOT_FOUND:
                    return None
                raise


_SNAKE = {
    Kind.COMPONENT: "inference_component",
    Kind.ENDPOINT: "endpoint",
    Kind.ENDPOINT_CONFIG: "endpoint_config",
    Kind.MODEL: "model",
}


@dataclass(slots=True)
class SageMakerRequests:
    """`lifecycle.ports.Requests` on AWS. `elapsed_s` is a clock for durations."""

    runtime: "SageMakerRuntimeClient"
    elapsed_s: Callable[[], float] = lambda: time.time()

    def send(
        self,
        endpoint: str,
        component: str,
        payload: bytes,
        content_type: str,
        variant: str | None = None,
    ) -> Reply:
        from botocore.exceptions import BotoCoreError, ClientError

        began_s = self.elapsed_s()
        whom: Any = {"InferenceComponentName": component}
        if variant is not None:
            whom = {"TargetVariant": variant}
        try:
            answer = self.runtime.invoke_endpoint(
                EndpointName=endpoint, Body=payload, ContentType=content_type, **whom
            )
            body = answer["Body"].read()
        except ClientError as error:
            code, message = code_and_message(error)
            status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", _NO_REPLY))
            return Reply(status, self.elapsed_s() - began_s, problem=f"{code}: {message}")
        except BotoCoreError as error:
            problem = f"{type(error).__name__}: {error}"
            return Reply(_NO_REPLY, self.elapsed_s() - began_s, problem=problem)
        return Reply(
            int(answer["ResponseMetadata"]["HTTPStatusCode"]), self.elapsed_s() - began_s, body
        )
