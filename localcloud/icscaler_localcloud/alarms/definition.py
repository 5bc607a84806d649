"""PutMetricAlarm: what AWS accepts, and what it means.

Texts and codes are those of real refusals where one was seen; limits are in the API Reference
(PutMetricAlarm) and the User Guide ("Alarm data queries", "Limits").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from icscaler_localcloud.alarms import insights
from icscaler_localcloud.alarms.decide import COMPARISONS, Rule, TreatMissing
from icscaler_localcloud.alarms.model import ACTION_FIELDS, Params
from icscaler_localcloud.alarms.sources import Insights, Math, Metric, Source, check_math
from icscaler_localcloud.cloudwatch.errors import invalid_value, validation_error
from icscaler_localcloud.cloudwatch.math import MathError, parse
from icscaler_localcloud.cloudwatch.math.parse import Node
from icscaler_localcloud.cloudwatch.units import is_statistic
from icscaler_localcloud.services import ServiceError

MAX_PAYLOAD_BYTES = 120 * 1024
MAX_METRICS = 10
MAX_INSIGHTS_S = 3 * 3600
MAX_TAGS = 50
_SINGLE = (
    "MetricName",
    "Namespace",
    "Dimensions",
    "Period",
    "Unit",
    "Statistic",
    "ExtendedStatistic",
)
_NOT_HERE = ("EvaluationCriteria", "EvaluationInterval", "ThresholdMetricId", "WarmUpConfiguration")
_ARN = re.compile(r"arn:aws[\w-]*:[\w-]+:[\w-]*:\d*:.+")
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d{1,10})?)", re.IGNORECASE)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """A checked request: its parameters with defaults, and what they mean."""

    params: Params
    source: Source
    rule: Rule
    minimum_samples: float | None


def define(params: Params, account: str) -> Definition:
    """The definition of an alarm; ServiceError where AWS would refuse it."""
    if len(json.dumps(params, default=str).encode()) > MAX_PAYLOAD_BYTES:
        raise validation_error("The request exceeds the maximum payload of 120 KB.")
    _check_supported(params)
    for member in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if member not in params:
            raise validation_error(f"The parameter {member} is required.")
    rule = _rule(params)
    source = _from_metrics(params, account) if "Metrics" in params else _from_metric(params)
    check_period(source.period_s)
    if isinstance(source, Insights):
        _check_insights(source, rule)
    _check_range(source.period_s, rule.periods)
    _check_actions(params, source)
    return Definition(_with_defaults(params), source, rule, _minimum_samples(params, source))


def check_arns(params: Params) -> None:
    """Refuse an action that is no ARN."""
    for member in ACTION_FIELDS.values():
        for arn in params.get(member, ()):
            if _ARN.fullmatch(arn) is None:
                raise validation_error(f"Invalid arn syntax: {arn}")


def check_tags(tags: Mapping[str, str], *, adding: int = 0) -> None:
    """Refuse reserved keys, and more tags than a resource may have."""
    if any(key.lower().startswith("aws:") for key in tags):
        raise ServiceError(
            "AccessDenied",
            'The provided tag keys must not start with any case of "aws:"',
            status=403,
        )
    if len(tags) + adding > MAX_TAGS:
        raise validation_error(f"A resource can have at most {MAX_TAGS} tags.")


def tags_of(params: Params) -> dict[str, str]:
    """The Tags of a Create call."""
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}


def _check_supported(params: Params) -> None:
    for member in _NOT_HERE:
        if member in params:
            raise validation_error(f"{member} is not supported by the local cloud.")
    if "WallClockWindow" in params.get("EvaluationWindow", {}):
        raise validation_error("WallClockWindow is not supported by the local cloud.")
    if params.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {}).get("Enabled"):
        raise validation_error("AlarmTagsPropagation is not supported by the local cloud.")


def _rule(params: Params) -> Rule:
    operator = params["ComparisonOperator"]
    if operator not in COMPARISONS:
        raise validation_error(f"{operator} is for anomaly detection, not supported here.")
    periods = params["EvaluationPeriods"]
    needed = params.get("DatapointsToAlarm", periods)
    if needed > periods:
        raise validation_error("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    return Rule(
        operator,
        float(params["Threshold"]),
        needed,
        periods,
        _treatment(params),
        stated="DatapointsToAlarm" in params,
    )


def _treatment(params: Params) -> TreatMissing:
    given = params.get("TreatMissingData")
    if given is None:
        metrics = [q["MetricStat"]["Metric"] for q in params.get("Metrics", ()) if _is_metric(q)]
        namespaces = [metric.get("Namespace") for metric in metrics or [params]]
        # Alarms on DynamoDB alone ignore missing data unless told otherwise.
        only_dynamodb = all(name == "AWS/DynamoDB" for name in namespaces)
        return TreatMissing.IGNORE if only_dynamodb else TreatMissing.MISSING
    try:
        return TreatMissing(given)
    except ValueError:
        raise validation_error(
            f"The value {given} for parameter TreatMissingData is not supported. Valid values: "
            f"{', '.join(TreatMissing)}."
        ) from None


# -- one metric -----------------------------------------------------------------------------------


def _from_metric(params: Params) -> Metric:
    for member in ("MetricName", "Namespace", "Period"):
        if member not in params:
            raise validation_error(f"The parameter {member} is required.")
    both = "Statistic" in params and "ExtendedStatistic" in params
    if both or not ("Statistic" in params or "ExtendedStatistic" in params):
        raise validation_error(
            "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic "
            "parameters. Only one of them should be present"
            if both
            else "Either Statistic or ExtendedStatistic has to be specified."
        )
    extended = params.get("ExtendedStatistic")
    if extended is not None and not is_statistic(extended):
        raise invalid_value(
            f"The value {extended} for parameter ExtendedStatistic is not supported."
        )
    return Metric(
        params["Namespace"],
        params["MetricName"],
        _dimensions(params),
        extended or params["Statistic"],
        params["Period"],
        params.get("Unit"),
    )


def _dimensions(metric: Params) -> dict[str, str]:
    given = metric.get("Dimensions", ())
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in given}
    if len(dimensions) < len(given):
        raise validation_error("The parameter Dimensions has a name twice.")
    return dimensions


# -- several queries ------------------------------------------------------------------------------


def _is_metric(query: Params) -> bool:
    return "MetricStat" in query


def _from_metrics(params: Params, account: str) -> Math | Insights:
    for member in _SINGLE:
        if member in params:
            raise validation_error(f"{member} should not be set if list of Metrics is set.")
    queries = params["Metrics"]
    for query in queries:
        _check_query(query, account)
    if len({query["Id"] for query in queries}) < len(queries):
        raise validation_error("The Ids of Metrics have to be unique.")
    returned = [query for query in queries if query.get("ReturnData", True)]
    if len(returned) != 1:
        raise validation_error("Exactly one element of the metrics list should return data.")
    metrics = [query for query in queries if _is_metric(query)]
    if len(metrics) > MAX_METRICS:
        raise validation_error(f"An alarm can use at most {MAX_METRICS} metrics.")
    selects = [q for q in queries if insights.is_query(q.get("Expression", ""))]
    if selects:
        if len(queries) > 1:
            raise validation_error(
                "An alarm on a Metrics Insights query cannot have other queries in the local cloud."
            )
        return _insights(selects[0])
    return _math(queries, returned[0]["Id"])


def _check_query(query: Params, account: str) -> None:
    if _ID.fullmatch(query["Id"]) is None:
        raise validation_error(
            f"The Id {query['Id']} must start with a lowercase letter and contain only letters, "
            "numbers and underscores."
        )
    if _is_metric(query) == ("Expression" in query):
        raise validation_error("Each of Metrics has either a MetricStat or an Expression.")
    if query.get("AccountId", account) != account:
        raise validation_error("AccountId: other accounts are not supported by the local cloud.")


def _insights(query: Params) -> Insights:
    try:
        select = insights.parse(query["Expression"])
    except insights.InsightsError as error:
        raise _in_expression(query["Id"], str(error)) from None
    if "Period" not in query:
        raise validation_error("The Period of a Metrics Insights query is required.")
    if select.group_by and select.order_by is None:
        raise validation_error(
            "Metrics expression that return multi time series are only allowed for "
            "MetricsInsights expression with an ORDER BY clause"
        )
    return Insights(select, query["Period"])


def _math(queries: list[Params], returned: str) -> Math:
    metrics: dict[str, Metric] = {}
    expressions: dict[str, Node] = {}
    for query in queries:
        if _is_metric(query):
            metrics[query["Id"]] = _metric_stat(query["MetricStat"])
        else:
            try:
                expressions[query["Id"]] = parse(query["Expression"])
            except MathError as error:
                raise _in_expression(query["Id"], str(error)) from None
    asked = {metric.period_s for metric in metrics.values()}
    asked |= {query["Period"] for query in queries if "Period" in query}
    if len(asked) > 1:
        raise validation_error("All metrics of an alarm must have the same period.")
    try:
        check_math(list(metrics), expressions, returned)
    except MathError as error:
        raise _in_expression(returned, str(error)) from None
    return Math(metrics, expressions, returned, asked.pop() if asked else 60)


def _metric_stat(stat: Params) -> Metric:
    metric = stat["Metric"]
    for member in ("Namespace", "MetricName"):
        if member not in metric:
            raise validation_error(f"The parameter {member} of a Metric is required.")
    if not is_statistic(stat["Stat"]):
        raise invalid_value(f"The value {stat['Stat']} for parameter Stat is not supported.")
    return Metric(
        metric["Namespace"],
        metric["MetricName"],
        _dimensions(metric),
        stat["Stat"],
        stat["Period"],
        stat.get("Unit"),
    )


def _in_expression(query_id: str, text: str) -> ServiceError:
    return validation_error(f"Error in expression '{query_id}': {text}")


# -- limits ---------------------------------------------------------------------------------------


def check_period(period_s: int) -> None:
    """Alarms know 10, 20, 30 and any multiple of 60 seconds."""
    if period_s not in (10, 20, 30) and (period_s <= 0 or period_s % 60):
        raise validation_error("Period must be 10, 20, 30 or a multiple of 60")


def _check_range(period_s: int, periods: int) -> None:
    if period_s < 3600 and period_s * periods > 86_400:
        raise validation_error(
            "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must "
            "be <= 86400) for alarms using period < 3600"
        )
    if period_s * periods > 604_800:
        raise validation_error(
            "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must "
            "be <= 604800) for alarms using period >= 3600"
        )


def _check_insights(source: Insights, rule: Rule) -> None:
    if source.period_s < 60:
        raise validation_error("Metrics Insights alarms need a period of at least 60 seconds.")
    if source.period_s * rule.periods > MAX_INSIGHTS_S:
        raise validation_error(
            "Metrics Insights alarms cannot be checked across more than three hours "
            "(EvaluationPeriods * Period must be <= 10800)"
        )


def _check_actions(params: Params, source: Source) -> None:
    check_arns(params)
    if not (isinstance(source, Insights) and source.query.group_by):
        return
    for member in ACTION_FIELDS.values():
        if any(arn.split(":")[2] == "autoscaling" for arn in params.get(member, ())):
            raise validation_error(
                "Autoscaling actions are not available for Multi Time Series alarms"
            )
    if params.get("InsufficientDataActions"):
        raise validation_error(
            "InsufficientData actions are not supported for contributor-level action types in "
            "Multi Time Series alarms"
        )


def _minimum_samples(params: Params, source: Source) -> float | None:
    """Below how many samples a percentile says nothing; None: it always does.

    User Guide, "Percentile-based alarms and low data samples": 10 / (1 - p) for p from 0.5,
    10 / p below.
    """
    choice = params.get("EvaluateLowSampleCountPercentile")
    match = _PERCENTILE.fullmatch(source.stat) if isinstance(source, Metric) else None
    if choice is None:
        return None
    if choice not in ("evaluate", "ignore") or match is None:
        raise validation_error(
            f"The value {choice} for parameter EvaluateLowSampleCountPercentile is not supported: "
            "it must be evaluate or ignore, on a percentile."
        )
    percent = float(match[1])
    if choice == "evaluate" or not 0 < percent < 100:
        return None
    return 1000 / (100 - percent if percent >= 50 else percent)


# -- what is kept ---------------------------------------------------------------------------------


def _with_defaults(params: Params) -> Params:
    """The request as DescribeAlarms shows it, without its tags."""
    kept: dict[str, Any] = {k: v for k, v in params.items() if k != "Tags"}
    kept["ActionsEnabled"] = params.get("ActionsEnabled", True)
    for member in ACTION_FIELDS.values():
        kept[member] = list(params.get(member, ()))
    kept["Dimensions"] = list(params.get("Dimensions", ()))
    if "Metrics" in params:
        kept["Metrics"] = [_shown_query(query) for query in params["Metrics"]]
    return kept


def _shown_query(query: Params) -> Params:
    shown = {**query, "ReturnData": query.get("ReturnData", True)}
    if _is_metric(query):
        stat = query["MetricStat"]
        metric = {**stat["Metric"], "Dimensions": list(stat["Metric"].get("Dimensions", ()))}
        shown["MetricStat"] = {**stat, "Metric": metric}
    return shown
