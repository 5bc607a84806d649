"""PutMetricData: single values, value/count arrays and statistic sets into the metric store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.cloudwatch.errors import invalid_combination, invalid_value, missing
from icscaler_sim.metrics.store import MetricStore

# API Reference, PutMetricData and MetricDatum.
MAX_METRICS_PER_CALL = 1000
MAX_VALUES_PER_DATUM = 150
OLDEST_S = 14 * 86_400
NEWEST_S = 2 * 3600
_LARGEST = 2.0**360

Params = Mapping[str, Any]


def put_metric_data(store: MetricStore, params: Params, now_s: float, lag_s: float) -> None:
    """Check every datum, then publish all of them; readable `lag_s` after `now_s`."""
    if "EntityMetricData" in params:
        raise invalid_value("EntityMetricData is not supported by the local cloud.")
    data = params.get("MetricData", [])
    if not data:
        raise missing("The parameter MetricData is required.")
    if len(data) > MAX_METRICS_PER_CALL:
        raise invalid_value(
            f"The collection MetricData must not have a size greater than {MAX_METRICS_PER_CALL}."
        )
    namespace = params["Namespace"]
    for index, datum in enumerate(data, start=1):
        _check(datum, f"MetricData.member.{index}", now_s)
    for datum in data:
        _publish(store, namespace, datum, now_s, lag_s)


def _check(datum: Params, place: str, now_s: float) -> None:
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if not given:
        raise missing(f"At least one of the parameters must be specified for {place}.")
    if len(given) > 1:
        raise invalid_combination(
            f"The parameters {place}.{given[0]} and {place}.{given[1]} are mutually exclusive and "
            "you have specified both."
        )
    if datum.get("StorageResolution", 60) not in (1, 60):
        raise invalid_value(f"The parameter {place}.StorageResolution must be 1 or 60.")
    dimensions = [dimension["Name"] for dimension in datum.get("Dimensions", ())]
    if len(set(dimensions)) < len(dimensions):
        raise invalid_value(f"The parameter {place}.Dimensions has a name twice.")
    age_s = now_s - datum.get("Timestamp", now_s)
    if not -NEWEST_S <= age_s <= OLDEST_S:
        raise invalid_value(
            f"The parameter {place}.Timestamp must specify a time no more than two weeks in the "
            "past and no more than two hours in the future."
        )
    _check_values(datum, place)


def _check_values(datum: Params, place: str) -> None:
    values = datum.get("Values", [datum.get("Value", 0.0)])
    counts = datum.get("Counts", [1.0] * len(values))
    if "Counts" in datum and "Values" not in datum:
        raise missing(f"The parameter {place}.Values is required with Counts.")
    if not 0 < len(values) <= MAX_VALUES_PER_DATUM:
        raise invalid_value(
            f"The collection {place}.Values must have 1 to {MAX_VALUES_PER_DATUM} values."
        )
    if len(counts) != len(values):
        raise invalid_combination(
            f"The parameters {place}.Values and {place}.Counts must have the same size."
        )
    numbers = [*values, *counts, *datum.get("StatisticValues", {}).values()]
    # JSON has no infinities: SDKs send the texts "Infinity" and "NaN", which float() reads.
    if not all(abs(float(number)) <= _LARGEST for number in numbers):
        raise invalid_value(f"The value of {place} must be a number within -2^360 to 2^360.")
    if any(count < 0 for count in counts):
        raise invalid_value(f"The parameter {place}.Counts must not be negative.")


def _publish(store: MetricStore, namespace: str, datum: Params, now_s: float, lag_s: float) -> None:
    dimensions = {d["Name"]: d["Value"] for d in datum.get("Dimensions", ())}
    at_s = datum.get("Timestamp", now_s)
    unit, period_s = datum.get("Unit", "None"), datum.get("StorageResolution", 60)
    name, visible_at_s = datum["MetricName"], now_s + lag_s
    if "StatisticValues" in datum:
        statistics = datum["StatisticValues"]
        store.put_statistic_set(
            namespace,
            name,
            dimensions,
            at_s,
            sample_count=statistics["SampleCount"],
            total=statistics["Sum"],
            minimum=statistics["Minimum"],
            maximum=statistics["Maximum"],
            unit=unit,
            period_s=period_s,
            visible_at_s=visible_at_s,
        )
        return
    values = datum.get("Values") or [datum["Value"]]
    store.put_distribution(
        namespace,
        name,
        dimensions,
        at_s,
        values,
        datum.get("Counts", [1.0] * len(values)),
        unit=unit,
        period_s=period_s,
        visible_at_s=visible_at_s,
    )
