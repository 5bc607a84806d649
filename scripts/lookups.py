"""Looking resources up in their own services, by CloudFormation resource type.

A lookup takes what Ref gives (the physical id) and the resolved properties, returns what GetAtt
gives, and raises `ClientError` or `AbsentError` when nothing is there.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Clients = Callable[[str], Any]
"""Gives the boto3 client of a service."""
Properties = Mapping[str, Any]
Lookup = Callable[[Clients, str, Properties], Mapping[str, str]]


class AbsentError(Exception):
    """The service answers, and what is looked for is not in the answer."""


def _alarm(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    found = clients("cloudwatch").describe_alarms(AlarmNames=[name])
    alarms = [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())]
    if not alarms:
        raise AbsentError(f"CloudWatch has no alarm {name}")
    return {"Arn": alarms[0]["AlarmArn"]}


def _table(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    return {"Arn": clients("dynamodb").describe_table(TableName=name)["Table"]["TableArn"]}


def _queue(clients: Clients, url: str, _: Properties) -> Mapping[str, str]:
    answer = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    return {"Arn": arn, "QueueName": arn.rsplit(":", 1)[1], "QueueUrl": url}


def _queue_policy(clients: Clients, _: str, wanted: Properties) -> Mapping[str, str]:
    for url in wanted["Queues"]:
        answer = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        if not answer.get("Attributes", {}).get("Policy"):
            raise AbsentError(f"queue {url} has no policy")
    return {}


def _topic(clients: Clients, arn: str, _: Properties) -> Mapping[str, str]:
    clients("sns").get_topic_attributes(TopicArn=arn)
    return {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[1]}


def _subscription(clients: Clients, _: str, wanted: Properties) -> Mapping[str, str]:
    found = clients("sns").list_subscriptions_by_topic(TopicArn=wanted["TopicArn"])
    for each in found["Subscriptions"]:
        if (each["Protocol"], each["Endpoint"]) == (wanted["Protocol"], wanted["Endpoint"]):
            return {}
    raise AbsentError(f"{wanted['Endpoint']} is not subscribed to {wanted['TopicArn']}")


def _bus(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    return {"Name": name, "Arn": clients("events").describe_event_bus(Name=name)["Arn"]}


def _rule(clients: Clients, name: str, wanted: Properties) -> Mapping[str, str]:
    # Ref of a rule on a bus of its own gives "bus|rule".
    where = {"EventBusName": wanted.get("EventBusName", "default")}
    rule = name.rsplit("|", 1)[-1]
    found = clients("events").describe_rule(Name=rule, **where)
    targets = clients("events").list_targets_by_rule(Rule=rule, **where)["Targets"]
    if {each["Arn"] for each in targets} != {each["Arn"] for each in wanted["Targets"]}:
        raise AbsentError(f"rule {rule} has other targets: {[each['Arn'] for each in targets]}")
    return {"Arn": found["Arn"]}


def _schedule(clients: Clients, name: str, wanted: Properties) -> Mapping[str, str]:
    found = clients("scheduler").get_schedule(Name=name)
    if found["Target"]["Arn"] != wanted["Target"]["Arn"]:
        raise AbsentError(f"schedule {name} has another target: {found['Target']['Arn']}")
    return {"Arn": found["Arn"]}


def _role(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    role = clients("iam").get_role(RoleName=name)["Role"]
    return {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def _log_group(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    found = clients("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    for group in found:
        if group["logGroupName"] == name:
            return {"Arn": group["arn"]}
    raise AbsentError(f"there is no log group {name}")


def _function(clients: Clients, name: str, _: Properties) -> Mapping[str, str]:
    found = clients("lambda").get_function_configuration(FunctionName=name)
    return {"Arn": found["FunctionArn"]}


def _layer(clients: Clients, arn: str, _: Properties) -> Mapping[str, str]:
    clients("lambda").get_layer_version_by_arn(Arn=arn)
    return {}


def _event_source(clients: Clients, uuid: str, wanted: Properties) -> Mapping[str, str]:
    found = clients("lambda").get_event_source_mapping(UUID=uuid)
    if found["EventSourceArn"] != wanted["EventSourceArn"]:
        raise AbsentError(f"event source mapping {uuid} has another source")
    return {"Id": uuid}


def _invoke_config(clients: Clients, _: str, wanted: Properties) -> Mapping[str, str]:
    clients("lambda").get_function_event_invoke_config(
        FunctionName=wanted["FunctionName"], Qualifier=wanted["Qualifier"]
    )
    return {}


def _permission(clients: Clients, _: str, wanted: Properties) -> Mapping[str, str]:
    function = wanted["FunctionName"]
    policy = json.loads(clients("lambda").get_policy(FunctionName=function)["Policy"])
    for statement in policy["Statement"]:
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        service = statement.get("Principal", {}).get("Service")
        if (service, source) == (wanted["Principal"], wanted.get("SourceArn")):
            return {}
    raise AbsentError(f"{wanted['Principal']} may not invoke {function}")


def _state_machine(clients: Clients, arn: str, wanted: Properties) -> Mapping[str, str]:
    found = clients("stepfunctions").describe_state_machine(stateMachineArn=arn)
    if found["roleArn"] != wanted["RoleArn"]:
        raise AbsentError(f"state machine {arn} has another role: {found['roleArn']}")
    if "${" in found["definition"]:
        raise AbsentError(f"state machine {arn} has names that nothing was put in place of")
    return {"Arn": arn, "Name": found["name"]}


LOOKUPS: Mapping[str, Lookup] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::EventBus": _bus,
    "AWS::Events::Rule": _rule,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::EventInvokeConfig": _invoke_config,
    "AWS::Lambda::EventSourceMapping": _event_source,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::StepFunctions::StateMachine": _state_machine,
}


# ---------------------------------------------------------------- settings


def comparisons(clients: Clients, kind: str, name: str, wanted: Properties) -> Iterator[str]:
    """How a function's configuration or a role's permissions differ from what is wanted."""
    if kind == "AWS::Lambda::Function":
        yield from _function_differences(clients, name, wanted)
    if kind == "AWS::IAM::Role":
        yield from _role_differences(clients, name, wanted)


# Of a function's properties: the code is uploaded, tags are shown elsewhere.
_NOT_CONFIGURATION = frozenset({"Code", "Tags"})


def _function_differences(clients: Clients, name: str, wanted: Properties) -> Iterator[str]:
    found = clients("lambda").get_function_configuration(FunctionName=name)
    if not found.get("CodeSize"):
        yield "no code was uploaded"
    shown = {**found, "Layers": [each["Arn"] for each in found.get("Layers", ())]}
    for key in sorted(wanted.keys() - _NOT_CONFIGURATION):
        yield from differences(key, as_text(wanted[key]), as_text(shown.get(key)))


def _role_differences(clients: Clients, name: str, wanted: Properties) -> Iterator[str]:
    iam = clients("iam")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    yield from differences("trust", as_text(wanted["AssumeRolePolicyDocument"]), as_text(trust))
    policies = {
        each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]
    }
    documents = {each["PolicyName"]: each["PolicyDocument"] for each in wanted.get("Policies", ())}
    yield from differences("policies", as_text(documents), as_text(policies))


def differences(key: str, wanted: Any, found: Any) -> Iterator[str]:
    """Where two nested values part, by the path that leads there."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for part in sorted(wanted.keys() | found.keys()):
            yield from differences(f"{key}.{part}", wanted.get(part), found.get(part))
    elif wanted != found:
        yield f"{key} is {found!r}, not {wanted!r}"


def as_text(value: Any) -> Any:
    """The value with numbers and truth as CloudFormation and services may write either."""
    if isinstance(value, Mapping):
        return {str(key): as_text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)
