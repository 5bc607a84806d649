"""What CloudWatch tells others of an alarm: events, Lambda payloads, SNS messages, history.

Sources: CloudWatch User Guide, "Alarm events and EventBridge", "Invoke a Lambda function from an
alarm", "Notifying users on alarm changes"; documents of real alarms for what the guide omits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader

from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.model import Alarm, Contributor, MetricAlarm, Params, State
from icscaler_localcloud.alarms.texts import compact, stamp

SOURCE = "aws.cloudwatch"
STATE_CHANGE = "CloudWatch Alarm State Change"
CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"
CONTRIBUTOR_CHANGE = "CloudWatch Alarm Contributor State Change"
_SUBJECT_LENGTH = 100
_SUPPRESSOR = (
    ("actionsSuppressor", "ActionsSuppressor"),
    ("actionsSuppressorWaitPeriod", "ActionsSuppressorWaitPeriod"),
    ("actionsSuppressorExtensionPeriod", "ActionsSuppressorExtensionPeriod"),
)

Document = dict[str, Any]


# -- events and Lambda payloads -------------------------------------------------------------------


def state_change(alarm: Alarm, before: State) -> Document:
    """`detail` of an event, and `alarmData` of a Lambda payload."""
    return {
        "alarmName": alarm.name,
        "state": _state(alarm.state),
        "previousState": _state(before),
        "configuration": _watched(alarm),
    }


def contributor_change(
    alarm: Alarm, contributor: Contributor, value: StateValue, now_s: float
) -> Document:
    """The same for one time series: no previous state, no reason data."""
    return {
        "alarmName": alarm.name,
        "alarmContributor": {
            "id": contributor.id,
            "attributes": dict(contributor.attributes),
        },
        "state": {
            "value": value.value,
            "reason": contributor.reason,
            "timestamp": stamp(now_s),
        },
        "configuration": _watched(alarm),
    }


def configuration_change(alarm: Alarm, operation: str, before: Document | None = None) -> Document:
    """`detail` of an event about a created, updated or deleted alarm."""
    state: Document = {"value": alarm.state.value.value, "timestamp": stamp(alarm.state.updated_s)}
    if alarm.state.suppressed_by is not None:
        state["actionsSuppressedBy"] = alarm.state.suppressed_by
    detail = {
        "alarmName": alarm.name,
        "operation": operation,
        "state": state,
        "configuration": configuration(alarm),
    }
    return detail if before is None else detail | {"previousConfiguration": before}


def lambda_payload(alarm: Alarm, data: Document, account: str, region: str) -> Document:
    """What a function gets; `data` is a state or contributor change."""
    return {
        "source": SOURCE,
        "alarmArn": alarm.arn,
        "accountId": account,
        "time": data["state"]["timestamp"],
        "region": region,
        "alarmData": data,
    }


def configuration(alarm: Alarm) -> Document:
    """The whole configuration, as configuration changes show it."""
    params = alarm.params
    document: Document = {}
    if isinstance(alarm, MetricAlarm):
        for name, member in (
            ("evaluationPeriods", "EvaluationPeriods"),
            ("datapointsToAlarm", "DatapointsToAlarm"),
            ("threshold", "Threshold"),
            ("comparisonOperator", "ComparisonOperator"),
            ("treatMissingData", "TreatMissingData"),
            ("evaluateLowSampleCountPercentile", "EvaluateLowSampleCountPercentile"),
        ):
            if member in params:
                document[name] = params[member]
    document |= {k: v for k, v in _watched(alarm).items() if k != "description"}
    document["alarmName"] = alarm.name
    if "AlarmDescription" in params:
        document["description"] = params["AlarmDescription"]
    return document | {
        "actionsEnabled": params["ActionsEnabled"],
        "timestamp": stamp(alarm.configured_s),
        "okActions": list(params["OKActions"]),
        "alarmActions": list(params["AlarmActions"]),
        "insufficientDataActions": list(params["InsufficientDataActions"]),
    }


def _state(state: State) -> Document:
    document: Document = {"value": state.value.value, "reason": state.reason}
    if state.data is not None:
        document["reasonData"] = state.data
    document["timestamp"] = stamp(state.updated_s)
    if state.suppressed_by is not None:
        document["actionsSuppressedBy"] = state.suppressed_by
        document["actionsSuppressedReason"] = state.suppressed_reason
    return document


def _watched(alarm: Alarm) -> Document:
    """The configuration as state changes show it."""
    params = alarm.params
    if isinstance(alarm, MetricAlarm):
        document: Document = {"metrics": _metrics(alarm)}
        if "AlarmDescription" in params:
            document["description"] = params["AlarmDescription"]
        return document
    document = {"alarmRule": params["AlarmRule"]}
    return document | {name: params[member] for name, member in _SUPPRESSOR if member in params}


def _metrics(alarm: MetricAlarm) -> list[Document]:
    params = alarm.params
    if "Metrics" in params:
        return [_query(query) for query in params["Metrics"]]
    stat = {
        "Metric": {
            "Namespace": params["Namespace"],
            "MetricName": params["MetricName"],
            "Dimensions": params["Dimensions"],
        },
        "Period": params["Period"],
        "Stat": params.get("ExtendedStatistic") or params["Statistic"],
    }
    if "Unit" in params:
        stat["Unit"] = params["Unit"]
    return [_query({"Id": alarm.metric_id, "MetricStat": stat, "ReturnData": True})]


def _query(query: Params) -> Document:
    document: Document = {"id": query["Id"]}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        shown = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {d["Name"]: d["Value"] for d in metric["Dimensions"]},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
        if "Unit" in stat:
            shown["unit"] = stat["Unit"]
        document["metricStat"] = shown
    for name, member in (("expression", "Expression"), ("label", "Label")):
        if member in query:
            document[name] = query[member]
    document["returnData"] = query["ReturnData"]
    for name, member in (("period", "Period"), ("accountId", "AccountId")):
        if member in query:
            document[name] = query[member]
    return document


# -- SNS ------------------------------------------------------------------------------------------


def sns_subject(alarm: Alarm, value: StateValue, region: str) -> str:
    """At most 100 printable characters; a long alarm name is cut."""
    name = re.sub(r"[^ -~]+", "_", alarm.name)
    around = f'{value.value}: "{{}}" in {region_name(region)}'
    room = _SUBJECT_LENGTH - len(around.format(""))
    return around.format(name if len(name) <= room else name[: room - 3] + "...")


def sns_message(
    alarm: Alarm,
    before: StateValue,
    data: Document,
    *,
    account: str,
    region: str,
) -> str:
    """The message of a notification; `data` is a state or contributor change."""
    params, state = alarm.params, data["state"]
    document: Document = {
        "AlarmName": alarm.name,
        "AlarmDescription": params.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured_s),
        "NewStateValue": state["value"],
        "NewStateReason": state["reason"],
        "StateChangeTime": state["timestamp"],
        "Region": region_name(region),
        "AlarmArn": alarm.arn,
        "OldStateValue": before.value,
        "ActionExecutedAfterMuteWindow": False,
    }
    if "alarmContributor" in data:
        document["AlarmContributorId"] = data["alarmContributor"]["id"]
        document["AlarmContributorAttributes"] = data["alarmContributor"]["attributes"]
    for member in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        document[member] = list(params[member])
    if isinstance(alarm, MetricAlarm):
        document["Trigger"] = _trigger(params)
    else:
        document["AlarmRule"] = params["AlarmRule"]
        triggering = json.loads(state.get("reasonData", "{}")).get("triggeringAlarms", [])
        document["TriggeringChildren"] = [
            {
                "Arn": child["arn"],
                "State": {
                    "Value": child["state"]["value"],
                    "Timestamp": child["state"]["timestamp"],
                },
            }
            for child in triggering
        ]
    return compact(document)


def _trigger(params: Params) -> Document:
    trigger: Document = {}
    if "Metrics" not in params:
        extended = "ExtendedStatistic" in params
        kind = "ExtendedStatistic" if extended else "Statistic"
        stat = params[kind]
        trigger = {
            "MetricName": params["MetricName"],
            "Namespace": params["Namespace"],
            "StatisticType": kind,
            kind: stat if extended else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", stat).upper(),
            "Unit": params.get("Unit"),
            "Dimensions": [{"value": d["Value"], "name": d["Name"]} for d in params["Dimensions"]],
        }
    trigger["Period"] = params.get("Period") or _period(params)
    trigger["EvaluationPeriods"] = params["EvaluationPeriods"]
    if "DatapointsToAlarm" in params:
        trigger["DatapointsToAlarm"] = params["DatapointsToAlarm"]
    trigger |= {
        "ComparisonOperator": params["ComparisonOperator"],
        "Threshold": float(params["Threshold"]),
        "TreatMissingData": params.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": params.get("EvaluateLowSampleCountPercentile", ""),
    }
    return trigger | ({"Metrics": params["Metrics"]} if "Metrics" in params else {})


def _period(params: Params) -> int:
    periods = [
        query["MetricStat"]["Period"] if "MetricStat" in query else query.get("Period", 0)
        for query in params["Metrics"]
    ]
    return max(periods) or 60


@cache
def region_name(region: str) -> str:
    """US East (N. Virginia) for us-east-1; the code itself for a Region nobody knows."""
    partitions: list[Mapping[str, Any]] = Loader().load_data("endpoints")["partitions"]
    for partition in partitions:
        known = partition["regions"].get(region)
        if known is not None:
            return str(known["description"]).replace("Europe", "EU")
    return region


# -- history --------------------------------------------------------------------------------------


def history_state(value: StateValue, reason: str, data: str | None) -> Document:
    """oldState and newState of a StateUpdate."""
    document: Document = {"stateValue": value.value, "stateReason": reason}
    return document if data is None else document | {"stateReasonData": json.loads(data)}
