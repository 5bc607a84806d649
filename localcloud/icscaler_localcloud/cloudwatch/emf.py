"""CloudWatch embedded metric format: log lines that are also metrics.

Follows the "CloudWatch embedded metric format specification" of the CloudWatch User Guide: one
JSON object per line; `_aws.Timestamp` in epoch milliseconds; `_aws.CloudWatchMetrics` a list of
directives {Namespace, Dimensions (sets of member names), Metrics [{Name, Unit,
StorageResolution}]}; metric values are top-level numbers or arrays of at most 100 numbers.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icscaler_localcloud.cloudwatch.units import units
from icscaler_sim.metrics.store import MetricStore

MAX_VALUES = 100
MAX_METRICS = 100
MAX_DIMENSIONS = 30
_RESOLUTIONS_S = (1, 60)
_log = logging.getLogger(__name__)


class MalformedEmfError(ValueError):
    """A line that carries `_aws` but is not a valid embedded metric format document."""


def ingest_emf(
    store: MetricStore,
    line: str,
    at_s: float,
    *,
    lag_s: float = 0.0,
    report: Callable[[str], None] | None = None,
) -> int:
    """Publish the metrics of one log line; returns how many values were published.

    0 for a line that is no EMF at all (plain text, other JSON), and for one that means to be but
    is malformed: as on CloudWatch nothing of it is published, and `report` (default: a warning in
    the log) is told what is wrong with it. `at_s` is when the line was written; its metrics are
    readable `lag_s` later.
    """
    try:
        document = _document(line)
        if document is None:
            return 0
        points = _all_points(document, at_s)
    except MalformedEmfError as error:
        (report or _warn)(f"malformed embedded metric format: {error}: {line[:200]}")
        return 0
    for point in points:
        seen = Counter(point.values)
        store.put_distribution(
            point.namespace,
            point.name,
            point.dimensions,
            point.at_s,
            list(seen),
            [float(count) for count in seen.values()],
            unit=point.unit,
            period_s=point.resolution_s,
            visible_at_s=at_s + lag_s,
        )
    return sum(len(point.values) for point in points)


@dataclass(frozen=True, slots=True)
class _Point:
    namespace: str
    dimensions: Mapping[str, str]
    name: str
    values: Sequence[float]
    unit: str
    resolution_s: int
    at_s: float


def _warn(message: str) -> None:
    _log.warning("%s", message)


def _all_points(document: Mapping[str, Any], written_at_s: float) -> list[_Point]:
    timestamp_ms = document["_aws"].get("Timestamp", written_at_s * 1000)
    if isinstance(timestamp_ms, bool) or not isinstance(timestamp_ms, int | float):
        raise MalformedEmfError("_aws.Timestamp is not a number of milliseconds")
    return [
        point
        for directive in _directives(document)
        for point in _points(directive, document, timestamp_ms / 1000)
    ]


def _document(line: str) -> dict[str, Any] | None:
    text = line.strip()
    if not text.startswith("{") or '"_aws"' not in text:
        return None
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MalformedEmfError(f"not JSON: {error}") from error
    if not isinstance(document, dict) or "_aws" not in document:
        return None
    if not isinstance(document["_aws"], dict):
        raise MalformedEmfError("_aws is not an object")
    return document


def _directives(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    directives = document["_aws"].get("CloudWatchMetrics")
    if not isinstance(directives, list) or not all(isinstance(d, dict) for d in directives):
        raise MalformedEmfError("_aws.CloudWatchMetrics is not a list of objects")
    return directives


def _points(directive: Mapping[str, Any], document: Mapping[str, Any], at_s: float) -> list[_Point]:
    namespace = directive.get("Namespace")
    if not isinstance(namespace, str) or not namespace.strip():
        raise MalformedEmfError("a directive has no Namespace")
    metrics = directive.get("Metrics", [])
    if not isinstance(metrics, list) or len(metrics) > MAX_METRICS:
        raise MalformedEmfError(f"Metrics is not a list of at most {MAX_METRICS}")
    sets = directive.get("Dimensions", [[]])
    if not isinstance(sets, list):
        raise MalformedEmfError("Dimensions is not a list of dimension sets")
    points: list[_Point] = []
    for metric in metrics:
        name, unit, resolution_s = _metric(metric)
        if name not in document:
            # The specification lets a directive name a member that the document lacks.
            continue
        values = _values(name, document[name])
        for names in sets or [[]]:
            dimensions = _dimensions(names, document)
            points.append(_Point(namespace, dimensions, name, values, unit, resolution_s, at_s))
    return points


def _metric(metric: Any) -> tuple[str, str, int]:
    if not isinstance(metric, dict) or not isinstance(metric.get("Name"), str):
        raise MalformedEmfError("a metric has no Name")
    name, unit = metric["Name"], metric.get("Unit", "None")
    if unit not in units():
        raise MalformedEmfError(f"metric {name} has unknown Unit {unit!r}")
    resolution_s = metric.get("StorageResolution", 60)
    if resolution_s not in _RESOLUTIONS_S:
        raise MalformedEmfError(
            f"metric {name} has StorageResolution {resolution_s!r}, not 1 or 60"
        )
    return name, unit, int(resolution_s)


def _dimensions(names: Any, document: Mapping[str, Any]) -> Mapping[str, str]:
    if not isinstance(names, list) or len(names) > MAX_DIMENSIONS:
        raise MalformedEmfError(f"a dimension set is not a list of at most {MAX_DIMENSIONS} names")
    dimensions = {}
    for name in names:
        value = document.get(name) if isinstance(name, str) else None
        if not isinstance(value, str) or not value:
            raise MalformedEmfError(f"dimension {name!r} has no text value in the document")
        dimensions[name] = value
    return dimensions


def _values(name: str, value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= MAX_VALUES:
        raise MalformedEmfError(
            f"metric {name} has {len(values)} values, 1 to {MAX_VALUES} are allowed"
        )
    for item in values:
        if isinstance(item, bool) or not isinstance(item, int | float) or not math.isfinite(item):
            raise MalformedEmfError(f"metric {name} has the value {item!r}, which is not a number")
    return [float(item) for item in values]
