"""One endpoint with two components, in memory and on the local cloud, for contract tests.

Endpoint `code` has variant `gpu` (one ml.p4d.24xlarge, 0 to 4 by managed scaling); component
`block` has one copy, `inline` two. Both are in service and the account has nothing else.
"""

from collections.abc import Mapping
from typing import Any

from icscaler.adapters import clients
from icscaler.adapters.cloudwatch import CloudWatchMetrics
from icscaler.adapters.memory import MemoryEndpoints, MemoryMetrics
from icscaler.adapters.sagemaker import SageMakerEndpoints
from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointView,
    MetricMinute,
    VariantView,
)
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import Delay, WorldSettings
from tests.contract.adapters.values import AT_S

COPIES = {"block": 1, "inline": 2}
PAIR = ("blue", "green")
RESOURCES = CopyResources(gpus=1, cpus=2.0, memory_mb=16_384)
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/inference:1"
# Mean latency of `requests`: what the default service profile takes for ten output tokens.
LATENCY_S = 0.2
DIMENSION = "sagemaker:inference-component:DesiredCopyCount"

FAST = WorldSettings(
    instance_launch_s=Delay(120),
    image_pull_s_per_gb=Delay(1),
    weights_load_s_per_gb=Delay(1),
    engine_start_s=Delay(60),
    status_settle_s=Delay(5),
    metric_lag_60s=Delay(30),
    metric_lag_10s=Delay(5),
    late_fraction=0.0,
)


class MemoryDesk:
    """`MemoryEndpoints` and `MemoryMetrics`."""

    def __init__(self) -> None:
        self.now_s = AT_S
        self.endpoints, self.metrics = MemoryEndpoints(), MemoryMetrics()
        variant = VariantView("gpu", None, 1, 1, min_instances=0, max_instances=4)
        views = [
            ComponentView(
                name,
                "gpu",
                "InService",
                copies,
                copies,
                AT_S - 600,
                AT_S - 600,
                resources=RESOURCES,
            )
            for name, copies in COPIES.items()
        ]
        self.endpoints.add(EndpointView("code", "InService", {"gpu": variant}), *views)

    def settle(self) -> None:
        """Let changes in flight arrive."""
        self.now_s += 600
        self.endpoints.settle(self.now_s)

    def add_pair(self) -> None:
        """Endpoint `pair`: single-model variants `blue` and `green` of one instance each."""
        variants = {name: VariantView(name, None, 1, 1) for name in PAIR}
        self.endpoints.add(EndpointView("pair", "InService", variants, self.now_s))

    def own(self, component: str) -> None:
        """Register the component with Application Auto Scaling."""
        self.endpoints.owned_by_autoscaling.add(component)

    def own_variant(self, endpoint: str, variant: str) -> None:
        """Register a variant with Application Auto Scaling."""
        self.endpoints.owned_variants.add((endpoint, variant))

    def requests(self, component: str, per_minute: Mapping[int, int]) -> None:
        """Requests of whole minutes from now on, then let them become visible."""
        first_s = self.now_s // 60 * 60
        for minute, count in per_minute.items():
            served = count > 0
            self.metrics.put(
                component,
                MetricMinute(
                    first_s + 60 * minute,
                    count if served else None,
                    1.0 if served else 0.0,
                    None,
                    True,
                    LATENCY_S if served else None,
                    1.0 if served else None,
                    0.0 if served else None,
                    0.0,
                ),
            )
        self.now_s = first_s + 60 * (max(per_minute) + 3)


class CloudDesk:
    """The AWS adapters on the local cloud."""

    def __init__(self, cloud: LocalCloud, workers: int = 1) -> None:
        self.cloud = cloud
        self.sagemaker = clients.client("sagemaker", max_connections=workers)
        self.autoscaling = clients.client("application-autoscaling")
        self.endpoints = SageMakerEndpoints(self.sagemaker, self.autoscaling, workers=workers)
        self.metrics = CloudWatchMetrics(clients.client("cloudwatch"))
        self._build()

    def _build(self) -> None:
        scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName="code-1",
            ExecutionRoleArn=ROLE,
            ProductionVariants=[
                {
                    "VariantName": "gpu",
                    "InstanceType": "ml.p4d.24xlarge",
                    "InitialInstanceCount": 1,
                    "ManagedInstanceScaling": scaling,
                }
            ],
        )
        self.sagemaker.create_endpoint(EndpointName="code", EndpointConfigName="code-1")
        self.cloud.run_for(900)
        for name, copies in COPIES.items():
            self.create(name, copies)
        self.cloud.run_for(1200)

    def add_pair(self) -> None:
        variants: list[Any] = [
            {
                "VariantName": name,
                "ModelName": name,
                "InstanceType": "ml.g6e.2xlarge",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": weight,
            }
            for name, weight in zip(PAIR, (3.0, 1.0), strict=True)
        ]
        for name in PAIR:
            self.sagemaker.create_model(
                ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}
            )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName="pair", ProductionVariants=variants
        )
        self.sagemaker.create_endpoint(EndpointName="pair", EndpointConfigName="pair")
        self.cloud.run_for(900)

    def create(self, name: str, copies: int) -> None:
        """A component with resources of its own; not waited for."""
        resources = {
            "NumberOfAcceleratorDevicesRequired": 1.0,
            "NumberOfCpuCoresRequired": 2.0,
            "MinMemoryRequiredInMb": 16_384,
        }
        self.sagemaker.create_inference_component(
            InferenceComponentName=name,
            EndpointName="code",
            VariantName="gpu",
            Specification={
                "Container": {"Image": IMAGE, "ArtifactUrl": f"s3://models/{name}/"},
                "ComputeResourceRequirements": resources,
            },
            RuntimeConfig={"CopyCount": copies},
        )

    def adapt(self, name: str, base: str) -> None:
        """An adapter component, which lives in the copies of `base`; not waited for."""
        self.sagemaker.create_inference_component(
            InferenceComponentName=name,
            EndpointName="code",
            VariantName="gpu",
            Specification={
                "BaseInferenceComponentName": base,
                "Container": {"ArtifactUrl": f"s3://models/{name}/"},
            },
            RuntimeConfig={"CopyCount": 1},
        )

    @property
    def now_s(self) -> int:
        return int(self.cloud.clock.now_s)

    def settle(self) -> None:
        self.cloud.run_for(1200)

    def own_variant(self, endpoint: str, variant: str) -> None:
        self.autoscaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{endpoint}/variant/{variant}",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MinCapacity=1,
            MaxCapacity=4,
        )

    def own(self, component: str, **suspended: bool) -> None:
        self.autoscaling.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"inference-component/{component}",
            ScalableDimension=DIMENSION,
            MinCapacity=0,
            MaxCapacity=4,
            SuspendedState=suspended,
        )

    def requests(self, component: str, per_minute: Mapping[int, int]) -> None:
        first_s = self.now_s // 60 * 60
        if first_s != self.now_s:
            self.cloud.run_until(first_s + 60)
            first_s += 60
        for minute, count in per_minute.items():
            start_s = first_s + 60 * minute
            if count:
                self.cloud.world.arrive(component, count, start_s, start_s + 60, output_tokens=10)
        self.cloud.run_until(first_s + 60 * (max(per_minute) + 3))

    def points(self, metric: str, component: str, start_s: int, period_s: int) -> list[Any]:
        """(time, maximum) of a metric as CloudWatch itself has it."""
        answer = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "InferenceComponentName", "Value": component}],
            StartTime=start_s,
            EndTime=self.now_s,
            Period=period_s,
            Statistics=["Maximum"],
        )
        return sorted((each["Timestamp"], each["Maximum"]) for each in answer["Datapoints"])
