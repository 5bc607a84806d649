"""What CloudWatch keeps of a fleet's requests, read in spans that are small enough to repeat.

Requests are Invocations plus NoCapacityInvocationFailures, which are those that met no copy.
Whether CloudWatch was recording at all is told by anything else that was published at the time: a
loaded copy's or an endpoint's memory utilisation.

What copies use is in percent of what they reserve, where they reserve it (of a variant: of an
instance), as mean and as maximum over copies. An account that has none of it is not an error.

Sources of names, dimensions and retention:
SageMaker AI Developer Guide, "Amazon SageMaker AI metrics in Amazon CloudWatch"; CloudWatch API
Reference, GetMetricData.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from icscaler_cli.exporting.percentages import Percentages
from icscaler_cli.output import AwsTroubleError
from icscaler_sim.traces import Resource

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

SERIES_PER_CALL = 500
USD_PER_SERIES = 1e-5
"""GetMetricData costs $0.01 for 1,000 series asked for, however many points they have."""
RETENTION_DAYS: Mapping[int, int] = {60: 15, 300: 63, 3600: 455}
"""How long CloudWatch keeps points of a width in seconds."""
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Source:
    """One series: which, and what it says of which model (`""`: only that recording went on)."""

    model: str
    says: str
    namespace: str
    metric: str
    stat: str
    dimensions: Mapping[str, str]
    of: Resource | None = None
    """Of what it is the use; None: of nothing."""

    def query(self, index: int, width_s: int) -> dict[str, Any]:
        """This series as GetMetricData wants it."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions.items()]
        metric = {
            "Namespace": self.namespace,
            "MetricName": self.metric,
            "Dimensions": dimensions,
        }
        stat = {"Metric": metric, "Period": width_s, "Stat": self.stat}
        return {"Id": f"m{index}", "MetricStat": stat}


_REQUESTS, _COMPONENTS = "AWS/SageMaker", "/aws/sagemaker/InferenceComponents"
_ENDPOINTS = "/aws/sagemaker/Endpoints"
ACCEPTED, REFUSED, LATENCY, ALIVE = "accepted", "refused", "latency", "alive"
USED_MEAN, USED_MOST = "used-mean", "used-most"
_OF_A_MODEL = (
    (ACCEPTED, _REQUESTS, "Invocations", "Sum"),
    (REFUSED, _REQUESTS, "NoCapacityInvocationFailures", "Sum"),
    (LATENCY, _REQUESTS, "ModelLatency", "Average"),
    (ALIVE, _COMPONENTS, "MemoryUtilizationNormalized", "SampleCount"),
)

_USED: tuple[tuple[Resource, str, str], ...] = (
    # (resource, of a component, of a variant: memory needs no other, instances have one)
    ("cpus", "CPUUtilizationNormalized", "CPUUtilizationNormalized"),
    ("memory_mb", "MemoryUtilizationNormalized", "MemoryUtilization"),
    ("gpus", "GPUUtilizationNormalized", "GPUUtilizationNormalized"),
    ("gpu_memory", "GPUMemoryUtilizationNormalized", "GPUMemoryUtilizationNormalized"),
)


def sources(
    models: Iterable[str],
    variants: Iterable[tuple[str, str]],
    alone: Mapping[str, tuple[str, str]] = {},
    used: Collection[str] = (),
) -> list[Source]:
    """All series of these models, and of the (endpoint, variant) pairs they are on.

    `alone`: those pairs that a model has to itself, by model; the others are components. `used`:
    models of which it is asked what their copies use, which tells as well that they are alive.
    """
    found: list[Source] = []
    for model in models:
        if model in alone:
            continue
        where = {"InferenceComponentName": model}
        # What copies use tells as well that they are alive.
        wanted = [one for one in _OF_A_MODEL if one[0] != ALIVE or model not in used]
        found += [Source(model, *one, where) for one in wanted]
        if model in used:
            found += _use(model, where, _COMPONENTS)
    for model, place in sorted(alone.items()):
        where = _where(*place)
        wanted = [one for one in _OF_A_MODEL if one[0] in (ACCEPTED, LATENCY)]
        found += [Source(model, *one, where) for one in wanted]
        if model in used:
            found += _use(model, where, _ENDPOINTS)
    for endpoint, variant in variants:
        where = _where(endpoint, variant)
        found.append(Source("", ALIVE, _ENDPOINTS, "MemoryUtilization", "SampleCount", where))
    return found


def _use(model: str, where: Mapping[str, str], namespace: str) -> Iterator[Source]:
    for resource, of_component, of_variant in _USED:
        metric = of_component if namespace == _COMPONENTS else of_variant
        for says, stat in ((USED_MEAN, "Average"), (USED_MOST, "Maximum")):
            yield Source(model, says, namespace, metric, stat, where, resource)


def _where(endpoint: str, variant: str) -> dict[str, str]:
    return {"EndpointName": endpoint, "VariantName": variant}


@dataclass(slots=True)
class History:
    """What was found: requests by model and bin, latency in seconds likewise, and every bin in
    which anything at all was published. `refused` are those of the requests that met no copy,
    `used` what copies used in percent. Bins are epoch seconds."""

    requests: dict[str, dict[int, int]] = field(default_factory=dict)
    latency_s: dict[str, dict[int, float]] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    refused: dict[str, dict[int, int]] = field(default_factory=dict)
    used: dict[str, dict[Resource, Percentages]] = field(default_factory=dict)

    def add(self, other: "History") -> None:
        """Take in another span."""
        for mine, theirs in (
            (self.requests, other.requests),
            (self.latency_s, other.latency_s),
            (self.refused, other.refused),
        ):
            bins: Any = mine
            for model, values in theirs.items():
                bins.setdefault(model, {}).update(values)
        self.heard |= other.heard
        for model, by_resource in other.used.items():
            for resource, found in by_resource.items():
                self._used(model, resource).add(found)

    def _used(self, model: str, resource: Resource) -> Percentages:
        return self.used.setdefault(model, {}).setdefault(resource, Percentages())

    def take(self, source: Source, start_s: int, value: float) -> None:
        """Take in one point."""
        self.heard.add(start_s)
        if source.says in (ACCEPTED, REFUSED):
            bins = self.requests.setdefault(source.model, {})
            bins[start_s] = bins.get(start_s, 0) + round(value)
            if source.says == REFUSED:
                self.refused.setdefault(source.model, {})[start_s] = round(value)
        elif source.says == LATENCY:
            self.latency_s.setdefault(source.model, {})[start_s] = value / _MICROSECONDS
        elif source.says == USED_MEAN and source.of is not None:
            self._used(source.model, source.of).take_mean(value)
        elif source.says == USED_MOST and source.of is not None:
            self._used(source.model, source.of).take_most(value)


def read_span(
    cloudwatch: "CloudWatchClient",
    every: Sequence[Source],
    start_s: int,
    end_s: int,
    width_s: int,
) -> History:
    """Everything of [start_s, end_s). Raises what boto3 raises, and `AwsTroubleError` when
    CloudWatch answers a series with anything but all of it: half a series is no history."""
    history = History()
    for place in range(0, len(every), SERIES_PER_CALL):
        batch = every[place : place + SERIES_PER_CALL]
        for index, status, points in _pages(cloudwatch, batch, start_s, end_s, width_s):
            if status not in ("Complete", "PartialData"):
                raise AwsTroubleError(
                    f"CloudWatch answers {status} for {batch[index].metric} of "
                    f"{batch[index].model or batch[index].dimensions['EndpointName']}",
                    "allow cloudwatch:GetMetricData; what was read so far is kept: run it again",
                )
            for at_s, value in points:
                if start_s <= at_s < end_s:
                    history.take(batch[index], at_s, value)
    return history


def _pages(
    cloudwatch: "CloudWatchClient", batch: Sequence[Source], start_s: int, end_s: int, width_s: int
) -> Iterator[tuple[int, str, list[tuple[int, float]]]]:
    arguments: dict[str, Any] = {
        "MetricDataQueries": [each.query(index, width_s) for index, each in enumerate(batch)],
        "StartTime": datetime.fromtimestamp(start_s, UTC),
        "EndTime": datetime.fromtimestamp(end_s, UTC),
        "ScanBy": "TimestampAscending",
    }
    unfinished: set[int] = set()
    while True:
        page = cloudwatch.get_metric_data(**arguments)
        for result in page["MetricDataResults"]:
            index, status = int(result["Id"][1:]), result["StatusCode"]
            times = [int(at.timestamp()) for at in result["Timestamps"]]
            yield index, status, list(zip(times, result["Values"], strict=True))
            (unfinished.add if status == "PartialData" else unfinished.discard)(index)
        if not page.get("NextToken"):
            break
        arguments["NextToken"] = page["NextToken"]
    if unfinished:
        raise AwsTroubleError(
            f"CloudWatch left {len(unfinished)} series incomplete",
            "what was read so far is kept: run the same command again",
        )
