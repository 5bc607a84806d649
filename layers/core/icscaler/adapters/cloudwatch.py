"""CloudWatch as `ports.Metrics`: one GetMetricData call for up to 500 series.

Series of inference components are keyed by InferenceComponentName alone; adding the endpoint's
name finds nothing. Those of single-model variants are keyed by EndpointName and VariantName. Source
of names, dimensions and statistics: SageMaker AI Developer Guide, "Amazon SageMaker AI metrics in
Amazon CloudWatch".
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from icscaler.adapters.clients import port_errors
from icscaler.entities import MetricMinute
from icscaler.ports import PortError, SeriesRequest

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

logger = logging.getLogger(__name__)

MINUTE_S = 60
TEN_S = 10
SERIES_PER_CALL = 500
# ModelLatency is published in microseconds.
MICROSECONDS = 1e6

Field = Literal[
    "invocations", "concurrency", "refused", "heartbeat", "latency", "in_deadline", "errors"
]


@dataclass(frozen=True, slots=True)
class Series:
    """Where CloudWatch keeps what a field of `SeriesRequest` asks for."""

    field: Field
    namespace: str
    metric: str
    stat: str


SERIES = (
    Series("invocations", "AWS/SageMaker", "Invocations", "Sum"),
    # Published every 10 s as minimum and maximum; the minute's maximum is what a copy had to hold.
    Series("concurrency", "AWS/SageMaker", "ConcurrentRequestsPerCopy", "Maximum"),
    Series("refused", "AWS/SageMaker", "NoCapacityInvocationFailures", "Sum"),
    # Says that a loaded copy lives and its metrics arrive, also while nobody calls it.
    Series(
        "heartbeat",
        "/aws/sagemaker/InferenceComponents",
        "MemoryUtilizationNormalized",
        "SampleCount",
    ),
    Series("latency", "AWS/SageMaker", "ModelLatency", "Average"),
)
ERRORS = Series("errors", "AWS/SageMaker", "Invocation5XXErrors", "Sum")
# What has another name for a single-model variant.
OF_VARIANTS: Mapping[Field, Series] = {
    "concurrency": Series("concurrency", "AWS/SageMaker", "ConcurrentRequestsPerModel", "Maximum"),
    "heartbeat": Series(
        "heartbeat", "/aws/sagemaker/Endpoints", "MemoryUtilization", "SampleCount"
    ),
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    component: str
    series: Series
    start_s: int
    variant: tuple[str, str] | None = None
    period_s: int = MINUTE_S

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """What CloudWatch keeps the series under."""
        if self.variant is None:
            return [{"Name": "InferenceComponentName", "Value": self.component}]
        endpoint, variant = self.variant
        return [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ]


@dataclass(slots=True)
class CloudWatchMetrics:
    """`ports.Metrics` on AWS."""

    cloudwatch: "CloudWatchClient"

    def minutes(
        self, requests: Sequence[SeriesRequest], at_s: int
    ) -> dict[str, tuple[MetricMinute, ...]]:
        # Neighbours in time share a call, which has one start for all its series.
        wanted = sorted(_wanted(requests), key=lambda each: each.start_s)
        found: dict[str, dict[int, MetricMinute]] = {each.component: {} for each in requests}
        unread: set[str] = set()
        for start in range(0, len(wanted), SERIES_PER_CALL):
            batch = wanted[start : start + SERIES_PER_CALL]
            try:
                self._read(batch, at_s, found, unread)
            except PortError as error:
                logger.warning("%d series could not be read: %s", len(batch), error)
                unread.update(each.component for each in batch)
        return {
            component: tuple(by_start[start_s] for start_s in sorted(by_start))
            for component, by_start in found.items()
            if component not in unread
        }

    def _read(
        self,
        batch: Sequence[_Wanted],
        at_s: int,
        found: dict[str, dict[int, MetricMinute]],
        unread: set[str],
    ) -> None:
        arguments: dict[str, Any] = {
            "MetricDataQueries": [_query(index, each) for index, each in enumerate(batch)],
            "StartTime": _time(batch[0].start_s),
            "EndTime": _time(at_s),
            "ScanBy": "TimestampAscending",
        }
        # A page says PartialData while more of a series follows; the last word on it counts.
        status: dict[int, str] = {}
        tens: dict[int, dict[int, float]] = {
            index: {} for index, each in enumerate(batch) if each.period_s == TEN_S
        }
        while True:
            with port_errors("cloudwatch", "GetMetricData"):
                page = self.cloudwatch.get_metric_data(**arguments)
            for result in page["MetricDataResults"]:
                index = int(result["Id"][1:])
                status[index] = result["StatusCode"]
                if index in tens:
                    tens[index].update(_points(result))
                else:
                    _take(batch[index], result, at_s, found[batch[index].component])
            if not page.get("NextToken"):
                break
            arguments["NextToken"] = page["NextToken"]
        for index, points in tens.items():
            _take_tens(batch[index], points, at_s, found[batch[index].component])
        incomplete = {
            each.component
            for index, each in enumerate(batch)
            if status.get(index, "Complete") != "Complete"
        }
        if incomplete:
            logger.warning("%d components' series came incomplete", len(incomplete))
            unread.update(incomplete)


def _wanted(requests: Sequence[SeriesRequest]) -> Iterator[_Wanted]:
    for request in requests:
        for series in SERIES:
            if getattr(request, series.field):
                named = series if request.variant is None else OF_VARIANTS.get(series.field, series)
                period_s = TEN_S if request.in_tens and series.field == "concurrency" else MINUTE_S
                yield _Wanted(request.component, named, request.start_s, request.variant, period_s)
        if request.deadline_s is not None:
            # PR is the percentage of samples within bounds (CloudWatch statistics definitions).
            stat = f"PR(:{round(request.deadline_s * MICROSECONDS)})"
            latency = Series("in_deadline", "AWS/SageMaker", "ModelLatency", stat)
            for series in (latency, ERRORS):
                yield _Wanted(request.component, series, request.start_s, request.variant)


def _query(index: int, wanted: _Wanted) -> dict[str, Any]:
    return {
        "Id": f"m{index}",
        "MetricStat": {
            "Metric": {
                "Namespace": wanted.series.namespace,
                "MetricName": wanted.series.metric,
                "Dimensions": wanted.dimensions,
            },
            "Period": wanted.period_s,
            "Stat": wanted.series.stat,
        },
    }


def _points(result: Any) -> Iterator[tuple[int, float]]:
    for timestamp, number in zip(result["Timestamps"], result["Values"], strict=True):
        yield int(timestamp.timestamp()), float(number)


def _take_tens(
    wanted: _Wanted, points: Mapping[int, float], at_s: int, by_start: dict[int, MetricMinute]
) -> None:
    """Ten-second points of the concurrency: the highest of each minute, and the fastest rise."""
    for point_s in sorted(points):
        if not wanted.start_s <= point_s < at_s:
            continue
        start_s, value = point_s - point_s % MINUTE_S, points[point_s]
        minute = by_start.setdefault(start_s, MetricMinute(start_s))
        minute.concurrency_per_copy = max(minute.concurrency_per_copy or 0.0, value)
        before = points.get(point_s - TEN_S)
        if before is not None and point_s - TEN_S >= wanted.start_s:
            rise_per_s = (value - before) / TEN_S
            known = minute.rise_per_s
            minute.rise_per_s = rise_per_s if known is None else max(known, rise_per_s)


def _take(wanted: _Wanted, result: Any, at_s: int, by_start: dict[int, MetricMinute]) -> None:
    # A minute that still runs is told by the highest of its ten-second points so far, by no sum.
    known_s = at_s - 1 if wanted.series.field == "concurrency" else at_s - MINUTE_S
    for start_s, value in _points(result):
        if not wanted.start_s <= start_s <= known_s:
            continue
        minute = by_start.setdefault(start_s, MetricMinute(start_s))
        match wanted.series.field:
            case "invocations":
                minute.invocations = value
            case "concurrency":
                minute.concurrency_per_copy = value
            case "refused":
                minute.refused = value
            case "heartbeat":
                minute.heartbeat = value > 0
            case "latency":
                minute.latency_s = value / MICROSECONDS
            case "in_deadline":
                minute.in_deadline_fraction = value / 100
            case "errors":
                minute.errors = value


def _time(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
