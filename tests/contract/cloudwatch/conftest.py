"""A CloudWatch of the local cloud over an empty metric store."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.cloudwatch import CloudWatchService
from icscaler_sim.metrics import MetricStore
from tests.contract.cloudwatch.harness import ACCOUNT, REGION, Clock, Door

T0 = 1_767_571_200  # Monday 2026-01-05 00:00 UTC


@pytest.fixture
def clock() -> Clock:
    return Clock(T0 + 3600)


@pytest.fixture
def store() -> MetricStore:
    return MetricStore()


@pytest.fixture
def service(store: MetricStore, clock: Clock) -> CloudWatchService:
    return CloudWatchService(store, clock, account=ACCOUNT, region=REGION)


@pytest.fixture
def door(service: CloudWatchService) -> Door:
    return Door({"cloudwatch": service})


@pytest.fixture
def cloudwatch(door: Door) -> Any:
    return door.client("cloudwatch")
