"""CloudWatch for rollouts: what gates compare, and the alarms they look at and ring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from icscaler.adapters.alarms import CloudWatchAlarms
from icscaler.adapters.clients import port_errors
from icscaler.alarm_plan import MetricAlarm
from icscaler.rollout.entities import Signals

MINUTE_S, HOUR_S = 60, 3600
SERIES_PER_CALL = 500
ALARMS_PER_CALL = 100
NAMESPACE = "AWS/SageMaker"
# The own alarm's metric has no datapoints: it never rings by itself.
OWN_NAMESPACE, OWN_METRIC = "icscaler", "RolloutAborted"

Minutes = dict[int, float]


@dataclass(slots=True)
class CloudWatchSignals:
    """`rollout_steps.ports.SignalSource` on AWS. `cloudwatch` is a boto3 client."""

    cloudwatch: Any

    def signals(
        self, names: Sequence[str], from_s: int, to_s: int, percentile: int
    ) -> dict[str, Signals]:
        """Sums over the window; latency is the minutes' percentile, weighted by their requests."""
        wanted = {
            "requests": ("Invocations", "Sum"),
            "server": ("Invocation5XXErrors", "Sum"),
            "model": ("InvocationModelErrors", "Sum"),
            "latency": ("ModelLatency", f"p{percentile}"),
        }
        read = self._minutes(names, wanted, from_s, to_s)
        minutes = max(0, (to_s - from_s) // MINUTE_S)
        return {name: _signals(read, name, minutes) for name in names}

    def peak_rates(self, names: Sequence[str], from_s: int, to_s: int) -> dict[str, float]:
        read = self._minutes(names, {"requests": ("Invocations", "Sum")}, from_s, to_s)
        return {
            name: max(series.values()) for name in names if (series := read.get((name, "requests")))
        }

    def hourly(self, names: Sequence[str], from_s: int, hours: int) -> dict[str, list[float]]:
        wanted = {"requests": ("Invocations", "Sum")}
        read = self._minutes(names, wanted, from_s, from_s + hours * HOUR_S, HOUR_S)
        return {
            name: [series.get(from_s + hour * HOUR_S, 0.0) for hour in range(hours)]
            for name in names
            if (series := read.get((name, "requests")))
        }

    def _minutes(
        self,
        names: Sequence[str],
        wanted: dict[str, tuple[str, str]],
        from_s: int,
        to_s: int,
        period_s: int = MINUTE_S,
    ) -> dict[tuple[str, str], Minutes]:
        if to_s <= from_s:
            return {}
        series = [(name, kind) for name in names for kind in wanted]
        found: dict[tuple[str, str], Minutes] = {}
        for start in range(0, len(series), SERIES_PER_CALL):
            batch = series[start : start + SERIES_PER_CALL]
            queries = [
                _query(index, name, *wanted[kind], period_s)
                for index, (name, kind) in enumerate(batch)
            ]
            for index, at_s, value in self._read(queries, from_s, to_s):
                found.setdefault(batch[index], {})[at_s] = value
        return found

    def _read(
        self, queries: list[dict[str, Any]], from_s: int, to_s: int
    ) -> Iterator[tuple[int, int, float]]:
        arguments: dict[str, Any] = {
            "MetricDataQueries": queries,
            "StartTime": datetime.fromtimestamp(from_s, UTC),
            "EndTime": datetime.fromtimestamp(to_s, UTC),
        }
        while True:
            with port_errors("cloudwatch", "GetMetricData"):
                page = self.cloudwatch.get_metric_data(**arguments)
            for result in page["MetricDataResults"]:
                for when, value in zip(result["Timestamps"], result["Values"], strict=True):
                    at_s = int(when.timestamp())
                    if from_s <= at_s < to_s:
                        yield int(result["Id"][1:]), at_s, float(value)
            if not page.get("NextToken"):
                return
            arguments["NextToken"] = page["NextToken"]


def _query(index: int, component: str, metric: str, stat: str, period_s: int) -> dict[str, Any]:
    dimensions = [{"Name": "InferenceComponentName", "Value": component}]
    found = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {
        "Id": f"m{index}",
        "MetricStat": {"Metric": found, "Period": period_s, "Stat": stat},
    }


def _signals(read: dict[tuple[str, str], Minutes], name: str, minutes: int) -> Signals:
    requests = read.get((name, "requests"))
    if not requests:
        return Signals(minutes=minutes)
    latency = read.get((name, "latency"), {})
    weighted = [(value, requests.get(at_s, 0.0)) for at_s, value in latency.items()]
    weight = sum(each for _, each in weighted)
    errors = sum(sum(read.get((name, kind), {}).values()) for kind in ("server", "model"))
    return Signals(
        requests=sum(requests.values()),
        errors=errors,
        latency_us=sum(value * each for value, each in weighted) / weight if weight else None,
        minutes=minutes,
    )


@dataclass(slots=True)
class CloudWatchAlarmSwitch:
    """`rollout_steps.ports.AlarmSwitch` on AWS."""

    cloudwatch: Any
    alarms: CloudWatchAlarms = field(init=False)

    def __post_init__(self) -> None:
        self.alarms = CloudWatchAlarms(self.cloudwatch)

    def states(self, names: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(names), ALARMS_PER_CALL):
            asked = list(names[start : start + ALARMS_PER_CALL])
            with port_errors("cloudwatch", "DescribeAlarms"):
                answer = self.cloudwatch.describe_alarms(
                    AlarmNames=asked, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
            for kind in ("MetricAlarms", "CompositeAlarms"):
                found |= {one["AlarmName"]: one["StateValue"] for one in answer.get(kind, ())}
        return found

    def make(self, name: str, description: str) -> None:
        self.alarms.put(
            MetricAlarm(
                name=name,
                description=description,
                namespace=OWN_NAMESPACE,
                metric=OWN_METRIC,
                dimensions=(("RolloutAlarm", name),),
                statistic="Sum",
                period_s=60,
                periods=1,
                datapoints=1,
                comparison="GreaterThanThreshold",
                threshold=0.0,
                missing_data="notBreaching",
            )
        )

    def ring(self, name: str, reason: str) -> None:
        with port_errors("cloudwatch", "SetAlarmState"):
            self.cloudwatch.set_alarm_state(
                AlarmName=name, StateValue="ALARM", StateReason=reason[:1023]
            )

    def remove(self, name: str) -> None:
        self.alarms.delete([name])
