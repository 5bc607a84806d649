"""A local cloud with short, constant delays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import Delay, WorldSettings
from tests.contract.sagemaker.steps import make_component, make_endpoint

SETTINGS = WorldSettings(
    instance_launch_s=Delay(120),
    image_pull_s_per_gb=Delay(1),
    weights_load_s_per_gb=Delay(1),
    engine_start_s=Delay(60),
    status_settle_s=Delay(5),
    metric_lag_60s=Delay(30),
    metric_lag_10s=Delay(5),
    late_fraction=0.0,
)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(world_settings=SETTINGS, seed=1) as opened:
        yield opened


@pytest.fixture
def sagemaker(cloud: LocalCloud) -> Any:
    return cloud.client("sagemaker")


@pytest.fixture
def runtime(cloud: LocalCloud) -> Any:
    return cloud.client("sagemaker-runtime")


@pytest.fixture
def endpoint(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with endpoint `codegen` in service."""
    make_endpoint(cloud)
    return cloud


@pytest.fixture
def serving(endpoint: LocalCloud) -> LocalCloud:
    """The cloud, with component `inline` in service on one copy."""
    make_component(endpoint)
    return endpoint
