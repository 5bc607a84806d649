"""GetMetricStatistics and ListMetrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.cloudwatch.errors import (
    invalid_combination,
    invalid_token,
    invalid_value,
)
from icscaler_localcloud.cloudwatch.units import is_period, is_statistic
from icscaler_sim.metrics.store import MetricKey, MetricStore

# API Reference, GetMetricStatistics and ListMetrics.
MAX_DATAPOINTS = 1_440
LIST_PAGE = 500

Params = Mapping[str, Any]


def get_metric_statistics(store: MetricStore, params: Params, now_s: float) -> Mapping[str, Any]:
    """Datapoints of one metric, with every statistic asked for, visible at `now_s`."""
    simple, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    if bool(simple) == bool(extended):
        raise invalid_combination("Must specify either Statistics or ExtendedStatistics")
    for stat in extended:
        if not is_statistic(stat):
            raise invalid_value(f"The value {stat} for parameter ExtendedStatistics is not valid.")
    period_s, start_s, end_s = params["Period"], int(params["StartTime"]), int(params["EndTime"])
    _check_range(period_s, start_s, end_s)
    dimensions = {d["Name"]: d["Value"] for d in params.get("Dimensions", ())}
    series = (params["Namespace"], params["MetricName"], dimensions)
    unit = store.unit(*series)
    points: dict[int, dict[str, Any]] = {}
    for stat in [*simple, *extended] if params.get("Unit", unit) == unit else []:
        for at, value in store.statistics(*series, stat, period_s, start_s, end_s, now_s):
            point = points.setdefault(at, {"Timestamp": at, "Unit": unit})
            if stat in simple:
                point[stat] = value
            else:
                point.setdefault("ExtendedStatistics", {})[stat] = value
    return {"Label": params["MetricName"], "Datapoints": list(points.values())}


def _check_range(period_s: int, start_s: int, end_s: int) -> None:
    if not is_period(period_s):
        raise invalid_value(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds."
        )
    if start_s >= end_s:
        raise invalid_combination(
            "The parameter StartTime must be less than the parameter EndTime."
        )
    asked = -(-(end_s - start_s) // period_s)
    if asked > MAX_DATAPOINTS:
        raise invalid_combination(
            f"You have requested up to {asked:,} datapoints, which exceeds the limit of "
            f"{MAX_DATAPOINTS:,}. You may reduce the datapoints requested by increasing Period, or "
            "decreasing the time range."
        )


def list_metrics(store: MetricStore, params: Params) -> Mapping[str, Any]:
    """Series that were published, 500 a page, sorted by namespace, name and dimensions."""
    for member in ("RecentlyActive", "IncludeLinkedAccounts", "OwningAccount"):
        if params.get(member):
            raise invalid_value(f"{member} is not supported by the local cloud.")
    wanted = {d["Name"]: d.get("Value") for d in params.get("Dimensions", ())}
    found = store.list_metrics(params.get("Namespace"), params.get("MetricName"), wanted)
    keys = sorted(found)
    start = _position(params.get("NextToken"), len(keys))
    end = start + LIST_PAGE
    return {
        "Metrics": [_shown(key) for key in keys[start:end]],
        "NextToken": str(end) if end < len(keys) else None,
    }


def _shown(key: MetricKey) -> Mapping[str, Any]:
    return {
        "Namespace": key.namespace,
        "MetricName": key.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in key.dims],
    }


def _position(token: str | None, count: int) -> int:
    if token is None:
        return 0
    if not token.isdecimal() or int(token) > count:
        raise invalid_token()
    return int(token)
