"""A local cloud with short, constant delays, and a component with room for ten copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import Delay, WorldSettings
from tests.contract.sagemaker.steps import make_component, make_endpoint, variant

SETTINGS = WorldSettings(
    instance_launch_s=Delay(120),
    image_pull_s_per_gb=Delay(1),
    weights_load_s_per_gb=Delay(1),
    engine_start_s=Delay(60),
    status_settle_s=Delay(5),
    metric_lag_60s=Delay(30),
    metric_lag_10s=Delay(5),
    late_fraction=0.0,
    invocation_zero_points=True,
)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(world_settings=SETTINGS, seed=1) as opened:
        yield opened


@pytest.fixture
def scaling(cloud: LocalCloud) -> Any:
    return cloud.client("application-autoscaling")


@pytest.fixture
def serving(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with component `inline` in service on one copy."""
    make_endpoint(cloud)
    make_component(cloud)
    return cloud


@pytest.fixture
def classic(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with endpoint `classic`: one instance of a model, no components."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(
        ModelName="ner",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/sagemaker",
        PrimaryContainer={"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/ner:1"},
    )
    make_endpoint(
        cloud,
        variant(ModelName="ner", InstanceType="ml.g5.xlarge", ManagedInstanceScaling=None),
        name="classic",
    )
    return cloud
