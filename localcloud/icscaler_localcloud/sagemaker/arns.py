"""Amazon Resource Names of SageMaker resources (docs: "Actions, resources, and condition keys")."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Arns:
    """Builds the ARNs of one account and Region. Names keep their case, as on AWS today."""

    account: str
    region: str

    @cached_property
    def partition(self) -> str:
        """The partition the Region lies in: aws, aws-cn or aws-us-gov."""
        return next((p for start, p in _PARTITIONS.items() if self.region.startswith(start)), "aws")

    def of(self, kind: str, name: str) -> str:
        """`kind` is the ARN's resource type: model, endpoint-config, endpoint, ..."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:{kind}/{name}"

    def model(self, name: str) -> str:
        return self.of("model", name)

    def endpoint_config(self, name: str) -> str:
        return self.of("endpoint-config", name)

    def endpoint(self, name: str) -> str:
        return self.of("endpoint", name)

    def component(self, name: str) -> str:
        return self.of("inference-component", name)
