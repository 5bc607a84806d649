"""Sixty components on six endpoints: calls grow in step, nobody waits for a slow or broken one."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from benchmarks.fleets import counted, endpoint_names, fleet
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.faults import FOREVER

COMPONENTS, ENDPOINTS, MINUTES = 60, 6, 10
RECONCILE = "ReconcileFunction"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """The fleet after its first looks, every component with a copy and nobody calling."""
    with fleet(COMPONENTS, ENDPOINTS) as (cloud, _):
        cloud.run_for(60 * 12)
        yield cloud


def looks(cloud: LocalCloud, since_s: float) -> dict[str, Counter[str]]:
    """How looks ended since then, by endpoint."""
    ended: dict[str, Counter[str]] = {name: Counter() for name in endpoint_names(ENDPOINTS)}
    for done in cloud.lambda_log:
        if done.logical_id == RECONCILE and done.at_s >= since_s:
            for line in map(json.loads, done.lines):
                if str(line.get("message", "")).startswith("Look: "):
                    ended[line["endpoint"]][line["kind"]] += 1
    return ended


def test_calls_are_pages_rotating_describes_and_one_batch_of_series_each(
    cloud: LocalCloud,
) -> None:
    with counted(cloud) as calls:
        cloud.run_for(60 * MINUTES)
    of_looks = ENDPOINTS * MINUTES
    assert calls["sagemaker DescribeEndpoint"] == of_looks
    assert calls["sagemaker ListInferenceComponents"] == of_looks  # ten a page of a hundred
    # Nothing changes, so each is described once in the ten minutes of a rotation.
    assert calls["sagemaker DescribeInferenceComponent"] == COMPONENTS
    assert calls["cloudwatch GetMetricData"] == of_looks  # 20 to 30 series, 500 go in one
    assert calls["sqs SendMessageBatch"] == MINUTES  # ten messages a call
    assert set(calls) <= {
        *("sagemaker DescribeEndpoint", "sagemaker ListInferenceComponents"),
        *("sagemaker DescribeInferenceComponent", "cloudwatch GetMetricData"),
        *("dynamodb Query", "dynamodb UpdateItem", "dynamodb PutItem", "sqs SendMessageBatch"),
        *("application-autoscaling DescribeScalableTargets", "cloudwatch DescribeAlarms"),
        "dynamodb GetItem",
    }


def test_a_slow_and_a_broken_endpoint_delay_no_other(cloud: LocalCloud) -> None:
    slow, broken, *others = endpoint_names(ENDPOINTS)
    began_s = cloud.clock.now_s
    switches = [
        cloud.faults.slow(
            "sagemaker", "DescribeEndpoint", seconds=20, times=FOREVER, containing=f'"{slow}"'
        ),
        cloud.faults.fail(
            "sagemaker",
            "ListInferenceComponents",
            code="InternalFailure",
            times=FOREVER,
            containing=f'"{broken}"',
        ),
    ]
    cloud.run_for(60 * 4)
    for switch in switches:
        assert switch.hits
        switch.off()
    ended = looks(cloud, began_s)
    assert all(ended[name] == {"Looked": 4} for name in others)
    assert set(ended[broken]) == {"Failed"}
    starts = [
        done.at_s - began_s
        for done in cloud.lambda_log
        if done.logical_id == RECONCILE
        and done.at_s >= began_s
        and any(name in str(done.event) for name in others)
    ]
    assert max(start % 60 for start in starts) < 5, "seconds after the tick"
    cloud.run_for(60 * 2)
    assert all(ended["Looked"] for ended in looks(cloud, began_s + 60 * 5).values())
