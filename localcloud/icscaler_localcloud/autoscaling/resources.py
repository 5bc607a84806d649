"""What Application Auto Scaling scales: reads and writes of capacity in SageMaker.

Writes are ordinary API calls that fault switches can strike, without the SDK's own retries: what
is refused is a failed activity. Reads ask the service itself, as a fleet is read every minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.autoscaling.model import COPIES, INSTANCES, Key
from icscaler_localcloud.services import ServiceError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_NOUNS = {COPIES: "copy count", INSTANCES: "instance count"}


@dataclass(frozen=True, slots=True)
class Capacity:
    """A resource's counts; `settled`: no change of it is in progress."""

    desired: int
    current: int
    settled: bool


class Refused(Exception):  # noqa: N818 - SageMaker refuses; nothing here is in error
    """SageMaker did not accept a capacity. The text is how Java SDKs word a service error."""


def noun(key: Key) -> str:
    """What activities call the capacity of a target."""
    return _NOUNS.get(key.dimension, "capacity")


class Resources:
    """The scalable resources of one local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def capacity(self, key: Key) -> Capacity | None:
        """The counts now; None for what SageMaker does not know, and for other services."""
        read = {COPIES: self._copies, INSTANCES: self._instances}.get(key.dimension)
        if read is None:
            return None
        self._cloud.before_call(None)
        try:
            return read(key.resource_id.split("/"))
        except ServiceError:
            return None

    def set(self, key: Key, capacity: int) -> None:
        """Ask for a capacity; Refused with the reason."""
        from botocore.exceptions import BotoCoreError, ClientError

        names = key.resource_id.split("/")
        try:
            if key.dimension == COPIES:
                self._client.update_inference_component_runtime_config(
                    InferenceComponentName=names[1], DesiredRuntimeConfig={"CopyCount": capacity}
                )
            else:
                self._client.update_endpoint_weights_and_capacities(
                    EndpointName=names[1],
                    DesiredWeightsAndCapacities=[
                        {"VariantName": names[3], "DesiredInstanceCount": capacity}
                    ],
                )
        except ClientError as error:
            raise Refused(_reason(error.response)) from error
        except BotoCoreError as error:
            # The reply was lost: whether the change was accepted shows when it is looked at.
            raise Refused(str(error)) from error

    def _copies(self, names: list[str]) -> Capacity:
        shown = self._ask("DescribeInferenceComponent", InferenceComponentName=names[1])
        runtime = shown["RuntimeConfig"]
        return Capacity(
            runtime["DesiredCopyCount"],
            runtime["CurrentCopyCount"],
            shown["InferenceComponentStatus"] == "InService",
        )

    def _instances(self, names: list[str]) -> Capacity | None:
        shown = self._ask("DescribeEndpoint", EndpointName=names[1])
        for variant in shown["ProductionVariants"]:
            if variant["VariantName"] == names[3]:
                return Capacity(
                    variant["DesiredInstanceCount"],
                    variant["CurrentInstanceCount"],
                    shown["EndpointStatus"] == "InService",
                )
        return None

    @cached_property
    def _ask(self) -> Callable[..., Mapping[str, Any]]:
        service = self._cloud.service("sagemaker")
        return lambda operation, **params: service.call(operation, params) or {}

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config

        return self._cloud.client("sagemaker", config=Config(retries={"total_max_attempts": 1}))


def _reason(response: Mapping[str, Any]) -> str:
    error, meta = response["Error"], response["ResponseMetadata"]
    return (
        f"{error['Message']} (Service: AmazonSageMaker; Status Code: {meta['HTTPStatusCode']}; "
        f"Error Code: {error['Code']}; Request ID: {meta.get('RequestId', 'unknown')})"
    )
