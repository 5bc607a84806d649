"""`ports.Alarms`: in memory, and CloudWatch's adapter on the local cloud."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler.adapters import clients
from icscaler.adapters.alarms import CALLS_PER_SECOND, CloudWatchAlarms, Pace
from icscaler.adapters.memory import MemoryAlarms
from icscaler.alarm_plan import MetricAlarm, spike_alarm
from icscaler.ports import PortError
from icscaler_localcloud.alarms import AlarmSettings
from icscaler_localcloud.cloud import LocalCloud

PREFIX = "icscaler/"
TOPIC = "arn:aws:sns:us-east-1:123456789012:pager"


def alarm(component: str, target_value: float = 16.0) -> MetricAlarm:
    return spike_alarm(PREFIX, "shared", component, target_value)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(seed=1) as opened:
        yield opened


def adapter(cloud: LocalCloud) -> CloudWatchAlarms:
    pace = Pace(sleep=cloud.sleep, now=lambda: cloud.clock.now_s)
    return CloudWatchAlarms(clients.client("cloudwatch"), pace)


@pytest.fixture(params=["memory", "local cloud"])
def alarms(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryAlarms()
    return adapter(request.getfixturevalue("cloud"))


# ---------------------------------------------------------------- both


def test_what_is_put_is_found_unchanged(alarms: Any) -> None:
    alarms.put(alarm("chat"))
    alarms.put(alarm("code", 0.5))
    assert alarms.find(PREFIX) == {a.name: a for a in (alarm("chat"), alarm("code", 0.5))}


def test_only_names_with_the_prefix_are_found(alarms: Any) -> None:
    alarms.put(alarm("chat"))
    alarms.put(replace(alarm("chat"), name="icscaler-2/spike/chat"))
    assert list(alarms.find(PREFIX)) == ["icscaler/spike/chat"]
    assert alarms.find("nobody/") == {}


def test_putting_again_replaces_all_of_it(alarms: Any) -> None:
    drifted = replace(
        alarm("chat"),
        threshold=3.0,
        periods=3,
        datapoints=2,
        statistic="Average",
        missing_data="ignore",
        actions_enabled=False,
        actions=(TOPIC,),
    )
    alarms.put(drifted)
    assert alarms.find(PREFIX) == {drifted.name: drifted}
    alarms.put(alarm("chat"))
    assert alarms.find(PREFIX) == {drifted.name: alarm("chat")}


def test_deleting_what_is_not_there_is_no_error(alarms: Any) -> None:
    alarms.put(alarm("chat"))
    alarms.delete(["icscaler/spike/gone", "icscaler/spike/chat"])
    assert alarms.find(PREFIX) == {}


def test_deleting_nothing_is_no_call(alarms: Any) -> None:
    alarms.put(alarm("chat"))
    alarms.delete([])
    assert len(alarms.find(PREFIX)) == 1


# ---------------------------------------------------------------- CloudWatch alone


def test_alarms_of_another_kind_are_found_as_such(cloud: LocalCloud) -> None:
    query = {"Id": "q", "Expression": "SELECT SUM(X) FROM Y", "Period": 60, "ReturnData": True}
    shared: dict[str, Any] = {
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    client = clients.client("cloudwatch")
    client.put_metric_alarm(AlarmName="icscaler/spike/math", Metrics=[query], **shared)
    percentile = {"Namespace": "AWS/SageMaker", "MetricName": "ModelLatency", "Period": 60}
    client.put_metric_alarm(
        AlarmName="icscaler/spike/p99", ExtendedStatistic="p99", **percentile, **shared
    )
    found = adapter(cloud).find(PREFIX)
    assert found == {"icscaler/spike/math": None, "icscaler/spike/p99": None}


def test_defaults_that_cloudwatch_leaves_out_are_known(cloud: LocalCloud) -> None:
    clients.client("cloudwatch").put_metric_alarm(
        AlarmName="icscaler/spike/bare",
        Namespace="AWS/SageMaker",
        MetricName="ConcurrentRequestsPerCopy",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=2,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    (found,) = adapter(cloud).find(PREFIX).values()
    assert found is not None
    assert (found.datapoints, found.missing_data, found.description) == (2, "missing", "")


def test_hundreds_of_alarms_keep_to_the_quota_and_come_in_pages(cloud: LocalCloud) -> None:
    """The local cloud refuses a fourth PutMetricAlarm in a second, as CloudWatch does."""
    refused: list[str] = []
    calls = {"PutMetricAlarm": 0, "DeleteAlarms": 0, "DescribeAlarms": 0}

    def count(call: Any) -> None:
        if call.operation in calls:
            calls[call.operation] += 1
            refused.extend([call.operation] * (call.status >= 300))

    cloud.gateway.listen(count)
    alarms, began_s = adapter(cloud), cloud.clock.now_s
    names = [alarm(f"model-{n:04d}").name for n in range(250)]
    for n in range(250):
        alarms.put(alarm(f"model-{n:04d}"))
    assert cloud.clock.now_s - began_s == pytest.approx(249 / CALLS_PER_SECOND)
    assert sorted(alarms.find(PREFIX)) == names
    alarms.delete(names)
    assert alarms.find(PREFIX) == {}
    assert calls == {"PutMetricAlarm": 250, "DeleteAlarms": 3, "DescribeAlarms": 4}
    assert refused == []


def test_the_quota_is_real(cloud: LocalCloud) -> None:
    hasty = CloudWatchAlarms(
        cloud.client("cloudwatch", config=no_retries()), Pace(every_s=0.0, sleep=cloud.sleep)
    )
    for n in range(3):
        hasty.put(alarm(f"model-{n}"))
    with pytest.raises(PortError, match="PutMetricAlarm: Throttling"):
        hasty.put(alarm("model-3"))


def test_a_full_region_says_so() -> None:
    with LocalCloud(seed=1, alarm_settings=AlarmSettings(max_alarms=1)) as cloud:
        alarms = adapter(cloud)
        alarms.put(alarm("first"))
        with pytest.raises(PortError, match="PutMetricAlarm: LimitExceeded") as raised:
            alarms.put(alarm("second"))
        assert isinstance(raised.value.__cause__, ClientError)


def no_retries() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})


# ---------------------------------------------------------------- pace


def test_the_pace_lets_the_first_through_and_spaces_the_rest() -> None:
    now_s, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now_s[0] += seconds

    pace = Pace(0.5, sleep, lambda: now_s[0])
    pace.wait()
    pace.wait()
    now_s[0] += 0.2
    pace.wait()
    now_s[0] += 5.0
    pace.wait()
    assert slept == [0.5, 0.3]
    now_s[0] -= 3600.0
    pace.wait()
    assert slept[2:] == [0.5], "the clock was set back"
