"""What one copy of each model reserves, of which CloudWatch's percentages are.

SageMaker is asked: the fleet file says what icscaler counts with, which may be something else. Of a
single-model variant it is what an instance has.
"""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from icscaler.config.instances import CATALOGUE, MB_PER_GIB
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.rollout.specification import resources
from icscaler_cli.exporting.percentages import Percentages
from icscaler_sim.traces import RESOURCES, MeasuredUse, Resource

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.client import SageMakerClient

Amounts = Mapping[Resource, float]


def reserved_of(
    sagemaker: "SageMakerClient",
    models: Mapping[str, ModelConfig],
    endpoints: Mapping[str, EndpointConfig],
) -> tuple[dict[str, Amounts], str]:
    """Amounts by model, and in words why some could not be read (empty: all could).

    Adapters reserve nothing.
    """
    from botocore.exceptions import ClientError

    variants = {m: one for one in endpoints.values() for m in one.models}
    found: dict[str, Amounts] = {}
    trouble = ""
    for name, model in models.items():
        if model.kind == "variant":
            hardware = variants[name].variants[model.variant]
            host = CATALOGUE.get(hardware.instance_type)
            memory_mb = host.host_gib * MB_PER_GIB if host else 0
            found[name] = {"gpus": hardware.gpus, "cpus": hardware.cpus, "memory_mb": memory_mb}
        elif model.adapter_of is None:
            try:
                answer = sagemaker.describe_inference_component(InferenceComponentName=name)
            except ClientError as error:
                trouble = trouble or f"{name}: {error.response['Error'].get('Message', error)}"
                continue
            needs = resources(answer.get("Specification", {}))
            if needs is not None:
                found[name] = {
                    "gpus": needs.gpus,
                    "cpus": needs.cpus,
                    "memory_mb": needs.memory_mb,
                }
    return found, trouble


def measured(
    used: Mapping[str, Mapping[Resource, Percentages]],
    reserved: Mapping[str, Amounts],
    width_s: int,
) -> Iterator[MeasuredUse]:
    """A row for each model and resource that CloudWatch had anything of."""
    for model, by_resource in sorted(used.items()):
        for resource in RESOURCES:
            found = by_resource.get(resource)
            if found is None or not found.bins or not found.counts:
                continue
            yield MeasuredUse(
                model=model,
                resource=resource,
                reserved=reserved.get(model, {}).get(resource) or None,
                mean_percent=round(found.mean, 2),
                p99_percent=round(found.percentile(0.99), 2),
                most_percent=math.ceil(found.most * 100 - 1e-9) / 100,
                measured_s=found.bins * width_s,
            )
