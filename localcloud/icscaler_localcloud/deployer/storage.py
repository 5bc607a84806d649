"""Tables, parameters, log groups, alarms and dashboards."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud.deployer.properties import Properties, as_json, boolean, tags_of
from icscaler_localcloud.deployer.stack import Created, Deployment, Handler


def _table(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("TableName", None) or deployment.physical_name(
        properties.logical_id, limit=255
    )
    ttl = properties.take("TimeToLiveSpecification", None)
    recovery = properties.take("PointInTimeRecoverySpecification", None)
    encryption = properties.take("SSESpecification", None)
    stream = properties.take("StreamSpecification", None)
    params: dict[str, Any] = {"TableName": name}
    if encryption is not None:
        renamed = dict(encryption)
        if "SSEEnabled" in renamed:
            renamed["Enabled"] = boolean(renamed.pop("SSEEnabled"))
        params["SSESpecification"] = renamed
    if stream is not None:
        params["StreamSpecification"] = {"StreamEnabled": True, **stream}
    params |= properties.rest()
    cloud = deployment.cloud
    created = properties.call(cloud, "dynamodb", "CreateTable", params)["TableDescription"]
    if ttl is not None:
        update = {"TableName": name, "TimeToLiveSpecification": ttl}
        properties.call(cloud, "dynamodb", "UpdateTimeToLive", update)
    if recovery is not None:
        update = {"TableName": name, "PointInTimeRecoverySpecification": recovery}
        properties.call(cloud, "dynamodb", "UpdateContinuousBackups", update)
    attributes = {"Arn": str(created["TableArn"])}
    if "LatestStreamArn" in created:
        attributes["StreamArn"] = str(created["LatestStreamArn"])
    return name, attributes


def _parameter(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("Name", None) or deployment.physical_name(properties.logical_id)
    kind, value = properties.take("Type"), properties.take("Value")
    tags = [{"Key": k, "Value": v} for k, v in tags_of(properties.take("Tags", None)).items()]
    params = {"Name": name, "Type": kind, "Value": value, "Tags": tags, **properties.rest()}
    properties.call(deployment.cloud, "ssm", "PutParameter", params)
    return name, {"Type": kind, "Value": value}


def _log_group(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("LogGroupName", None) or deployment.physical_name(
        properties.logical_id, limit=512
    )
    retention = properties.take("RetentionInDays", None)
    params: dict[str, Any] = {"logGroupName": name}
    for source, member in (("KmsKeyId", "kmsKeyId"), ("LogGroupClass", "logGroupClass")):
        value = properties.take(source, None)
        if value is not None:
            params[member] = value
    tags = tags_of(properties.take("Tags", None))
    if tags:
        params["tags"] = tags
    properties.call(deployment.cloud, "logs", "CreateLogGroup", params)
    if retention is not None:
        params = {"logGroupName": name, "retentionInDays": retention}
        properties.call(deployment.cloud, "logs", "PutRetentionPolicy", params)
    return name, {"Arn": deployment.arn("logs", f"log-group:{name}:*")}


def _alarm(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("AlarmName", None) or deployment.physical_name(
        properties.logical_id, limit=255
    )
    params = {"AlarmName": name, **properties.rest()}
    with deployment.cloud.alarms.unmetered():
        properties.call(deployment.cloud, "cloudwatch", "PutMetricAlarm", params)
    return name, {"Arn": deployment.arn("cloudwatch", f"alarm:{name}")}


def _composite_alarm(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("AlarmName", None) or deployment.physical_name(
        properties.logical_id, limit=255
    )
    params = {"AlarmName": name, **properties.rest()}
    with deployment.cloud.alarms.unmetered():
        properties.call(deployment.cloud, "cloudwatch", "PutCompositeAlarm", params)
    return name, {"Arn": deployment.arn("cloudwatch", f"alarm:{name}")}


def _dashboard(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("DashboardName", None) or deployment.physical_name(
        properties.logical_id, limit=255
    )
    body = as_json(properties.take("DashboardBody"))
    params = {"DashboardName": name, "DashboardBody": body}
    properties.call(deployment.cloud, "cloudwatch", "PutDashboard", params)
    return name, {}


HANDLERS: dict[str, Handler] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::SSM::Parameter": _parameter,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _composite_alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
}
