"""EventBridge: buses, rules, archives; Scheduler: groups and schedules."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud import schedules
from icscaler_localcloud.deployer.properties import Properties, as_json
from icscaler_localcloud.deployer.stack import Created, Deployment, Handler


def _bus(deployment: Deployment, properties: Properties) -> Created:
    name = str(properties.take("Name"))
    policy = properties.take("Policy", None)
    params = {"Name": name, **properties.rest()}
    answer = properties.call(deployment.cloud, "events", "CreateEventBus", params)
    if policy is not None:
        _put_bus_policy(deployment, properties, name, policy)
    return name, {"Arn": str(answer["EventBusArn"]), "Name": name}


def _put_bus_policy(
    deployment: Deployment, properties: Properties, bus: str, document: Any
) -> None:
    params = {"EventBusName": bus, "Policy": as_json(document)}
    properties.call(deployment.cloud, "events", "PutPermission", params)


def _bus_policy(deployment: Deployment, properties: Properties) -> Created:
    bus = properties.take("EventBusName", "default")
    statement_id = str(properties.take("StatementId"))
    statement = properties.take("Statement")
    document = {"Version": "2012-10-17", "Statement": [{"Sid": statement_id, **statement}]}
    _put_bus_policy(deployment, properties, bus, document)
    return statement_id, {}


def _rule(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("Name", None) or deployment.physical_name(properties.logical_id)
    bus = str(properties.take("EventBusName", "default")).rsplit("/", 1)[-1]
    targets = properties.take("Targets", [])
    expression = properties.take("ScheduleExpression", None)
    params: dict[str, Any] = {"Name": name, "EventBusName": bus}
    if expression is not None:
        _check_expression(properties, expression)
        if bus != "default":
            raise properties.error("ScheduleExpression", "only rules of the default bus have one")
        params["ScheduleExpression"] = expression
    pattern = properties.take("EventPattern", None)
    if pattern is not None:
        params["EventPattern"] = as_json(pattern)
    params |= properties.rest()
    arn = str(properties.call(deployment.cloud, "events", "PutRule", params)["RuleArn"])
    if targets:
        params = {"Rule": name, "EventBusName": bus, "Targets": targets}
        answer = properties.call(deployment.cloud, "events", "PutTargets", params)
        if answer["FailedEntryCount"]:
            raise properties.error("Targets", str(answer["FailedEntries"]))
    physical = name if bus == "default" else f"{bus}|{name}"
    return physical, {"Arn": arn}


def _check_expression(properties: Properties, expression: str) -> None:
    try:
        schedules.parse(expression)
    except ValueError as error:
        raise properties.error("ScheduleExpression", str(error)) from None


def _archive(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("ArchiveName", None) or deployment.physical_name(
        properties.logical_id, limit=48
    )
    params: dict[str, Any] = {"ArchiveName": name, "EventSourceArn": properties.take("SourceArn")}
    pattern = properties.take("EventPattern", None)
    if pattern is not None:
        params["EventPattern"] = as_json(pattern)
    params |= properties.rest()
    answer = properties.call(deployment.cloud, "events", "CreateArchive", params)
    return name, {"Arn": str(answer["ArchiveArn"]), "ArchiveName": name}


def _schedule_group(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("Name", None) or deployment.physical_name(properties.logical_id)
    params = {"Name": name, **properties.rest()}
    answer = properties.call(deployment.cloud, "scheduler", "CreateScheduleGroup", params)
    return name, {"Arn": str(answer["ScheduleGroupArn"])}


def _schedule(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("Name", None) or deployment.physical_name(properties.logical_id)
    params = {"Name": name, **properties.rest()}
    _check_expression(properties, str(params.get("ScheduleExpression", "")))
    answer = properties.call(deployment.cloud, "scheduler", "CreateSchedule", params)
    return name, {"Arn": str(answer["ScheduleArn"])}


HANDLERS: dict[str, Handler] = {
    "AWS::Events::EventBus": _bus,
    "AWS::Events::EventBusPolicy": _bus_policy,
    "AWS::Events::Rule": _rule,
    "AWS::Events::Archive": _archive,
    "AWS::Scheduler::ScheduleGroup": _schedule_group,
    "AWS::Scheduler::Schedule": _schedule,
}
