"""What a target tracking policy watches, as members of PutMetricAlarm.

Sources: Application Auto Scaling API Reference, PredefinedMetricSpecification and
CustomizedMetricSpecification; SageMaker AI Developer Guide, "Define a scaling policy" (the two
high-resolution metrics, a point every 10 s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from icscaler_localcloud.autoscaling.errors import invalid, not_here
from icscaler_localcloud.autoscaling.model import COPIES, INSTANCES, Key, Params
from icscaler_localcloud.autoscaling.settings import AutoScalingSettings

NAMESPACE = "AWS/SageMaker"
HIGH_RESOLUTION_S, STANDARD_S = 10, 60
_REQUIRED = ("MetricName", "Namespace", "Statistic")


@dataclass(frozen=True, slots=True)
class Predefined:
    """A predefined metric: its dimension of scaling, its name, and how alarms read it."""

    dimension: str
    metric: str
    high_resolution: bool


PREDEFINED = {
    "SageMakerInferenceComponentInvocationsPerCopy": Predefined(
        COPIES, "InvocationsPerCopy", False
    ),
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": Predefined(
        COPIES, "ConcurrentRequestsPerCopy", True
    ),
    "SageMakerVariantInvocationsPerInstance": Predefined(
        INSTANCES, "InvocationsPerInstance", False
    ),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": Predefined(
        INSTANCES, "ConcurrentRequestsPerModel", True
    ),
}


def check_metric(key: Key, config: Params) -> None:
    """Refuse a target tracking configuration that does not say what to watch."""
    predefined = config.get("PredefinedMetricSpecification")
    customized = config.get("CustomizedMetricSpecification")
    if (predefined is None) == (customized is None):
        raise invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must "
            "be specified."
        )
    if predefined is not None:
        _check_predefined(key, predefined)
    elif customized is not None:
        _check_customized(customized)


def alarm_metric(
    key: Key, config: Params, settings: AutoScalingSettings
) -> tuple[dict[str, Any], int]:
    """What the policy's alarms watch, and their period in seconds."""
    predefined = config.get("PredefinedMetricSpecification")
    if predefined is None:
        return _customized(config["CustomizedMetricSpecification"]), STANDARD_S
    known = PREDEFINED[predefined["PredefinedMetricType"]]
    period_s = HIGH_RESOLUTION_S if known.high_resolution else STANDARD_S
    return {
        "Namespace": NAMESPACE,
        "MetricName": known.metric,
        "Dimensions": _dimensions(key),
        "Statistic": settings.concurrency_statistic if known.high_resolution else "Sum",
        "Period": period_s,
    }, period_s


def _dimensions(key: Key) -> list[dict[str, str]]:
    names = key.resource_id.split("/")
    if key.dimension == COPIES:
        return [{"Name": "InferenceComponentName", "Value": names[1]}]
    return [
        {"Name": "EndpointName", "Value": names[1]},
        {"Name": "VariantName", "Value": names[3]},
    ]


def _check_predefined(key: Key, spec: Params) -> None:
    name = spec["PredefinedMetricType"]
    known = PREDEFINED.get(name)
    if known is None:
        raise not_here(f"PredefinedMetricType {name}")
    if known.dimension != key.dimension:
        raise invalid(
            f"PredefinedMetricType {name} is not supported for scalable dimension {key.dimension}."
        )
    if "ResourceLabel" in spec:
        raise invalid(f"ResourceLabel cannot be specified for PredefinedMetricType {name}.")


def _check_customized(spec: Params) -> None:
    if "Metrics" not in spec:
        missing = [member for member in _REQUIRED if member not in spec]
        if missing:
            raise invalid(f"CustomizedMetricSpecification requires {', '.join(missing)}.")
        return
    others = [member for member in (*_REQUIRED, "Dimensions", "Unit") if member in spec]
    if others:
        raise invalid(f"{', '.join(others)} cannot be specified together with Metrics.")
    for query in spec["Metrics"]:
        if ("Expression" in query) == ("MetricStat" in query):
            raise invalid(
                f"Metric data query {query['Id']} must have either Expression or MetricStat."
            )


def _customized(spec: Params) -> dict[str, Any]:
    """Customized metrics are read by the minute."""
    if "Metrics" in spec:
        return {"Metrics": [_query(query) for query in spec["Metrics"]]}
    members = ("Namespace", "MetricName", "Statistic", "Unit", "Dimensions")
    return {m: spec[m] for m in members if m in spec} | {"Period": STANDARD_S}


def _query(query: Params) -> dict[str, Any]:
    if "Expression" in query:
        return {**query, "Period": STANDARD_S}
    return {**query, "MetricStat": {**query["MetricStat"], "Period": STANDARD_S}}
