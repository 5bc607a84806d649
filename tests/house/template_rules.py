"""Rules that template.yaml must keep, as functions from a template to the faults they find.

A template is plain data, conditions decided (`decided`): the rules see what would be created for
given parameters. `tests/house/test_template.py` applies them, and proves that each can fail.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]
Rule = Callable[[Template], Iterator[str]]

FUNCTION = "AWS::Serverless::Function"
MACHINE = "AWS::Serverless::StateMachine"
# What a machine's role needs to write its log; these know no resource (Step Functions guide).
LOG_DELIVERY = frozenset(
    {
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    }
)
# How an execution ends badly: each of these of every machine is watched.
BAD_ENDINGS = frozenset({"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"})
# Actions that IAM can't narrow to a resource (Service Authorization Reference).
NARROWABLE_BY_NOTHING = frozenset(
    {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "sagemaker:ListInferenceComponents",
        "application-autoscaling:DescribeScalableTargets",
        "cloudwatch:GetMetricData",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "states:SendTaskSuccess",
        *LOG_DELIVERY,
    }
)
READ_VERBS = ("Describe", "List", "Get")
VISIBILITY_FACTOR = 6
TTL_ATTRIBUTE = "expires_at_s"
NO_VALUE = {"Ref": "AWS::NoValue"}


def read(path: Path) -> Template:
    """The template as data; short forms of intrinsic functions are in their long form."""
    template: Template = yaml_parse(path.read_text(encoding="utf-8"))
    return template


def decided(template: Template, **parameters: str) -> Template:
    """The template for these parameters (else their defaults), conditional parts kept or gone."""
    values = {name: str(p.get("Default", "")) for name, p in template["Parameters"].items()}
    values |= parameters
    holding = {
        name: bool(_evaluated(condition, values))
        for name, condition in template.get("Conditions", {}).items()
    }
    kept = {
        name: resource
        for name, resource in template["Resources"].items()
        if holding.get(resource.get("Condition"), True)
    }
    result: Template = _without_ifs({**template, "Resources": kept, "Conditions": {}}, holding)
    return result


def _evaluated(condition: Any, values: Mapping[str, str]) -> Any:
    if isinstance(condition, str):
        return condition
    ((function, given),) = condition.items()
    match function:
        case "Fn::Equals":
            return _evaluated(given[0], values) == _evaluated(given[1], values)
        case "Fn::Not":
            return not _evaluated(given[0], values)
        case "Fn::Join":
            return _evaluated(given[1], values)
        case "Ref":
            return values[given]
    raise ValueError(f"{function} in a condition")


def _without_ifs(node: Any, holding: Mapping[str, bool]) -> Any:
    if isinstance(node, list):
        return [v for v in (_without_ifs(each, holding) for each in node) if v != NO_VALUE]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        name, chosen, other = node["Fn::If"]
        return _without_ifs(chosen if holding[name] else other, holding)
    walked = {key: _without_ifs(value, holding) for key, value in node.items()}
    return {key: value for key, value in walked.items() if value != NO_VALUE}


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def target(value: Any) -> str | None:
    """The logical id that a Ref or GetAtt points to."""
    if isinstance(value, Mapping):
        if "Ref" in value:
            return str(value["Ref"])
        if "Fn::GetAtt" in value:
            attribute = value["Fn::GetAtt"]
            return str(attribute[0] if isinstance(attribute, list) else attribute.split(".")[0])
    return None


def functions(template: Template) -> dict[str, Any]:
    """Properties of all functions, with what Globals say."""
    shared = template.get("Globals", {}).get("Function", {})
    return {name: {**shared, **own} for name, own in of_type(template, FUNCTION).items()}


def machines(template: Template) -> dict[str, Any]:
    """Properties of all state machines."""
    return of_type(template, MACHINE)


def environment(template: Template, function: str) -> dict[str, Any]:
    """Environment variables of a function, Globals included."""
    shared = template.get("Globals", {}).get("Function", {}).get("Environment", {})
    own = of_type(template, FUNCTION)[function].get("Environment", {})
    return {**shared.get("Variables", {}), **own.get("Variables", {})}


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """(role, statement) of all that roles allow."""
    for role, properties in of_type(template, "AWS::IAM::Role").items():
        for policy in properties.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role, statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(template: Template) -> set[str]:
    """Every action that some role allows."""
    return {action for _, s in statements(template) for action in as_list(s["Action"])}


# ---------------------------------------------------------------- rules


def own_roles(template: Template) -> Iterator[str]:
    """Every function and every state machine has a role of its own, in the template."""
    roles = of_type(template, "AWS::IAM::Role")
    taken: dict[str, str] = {}
    for name, function in (functions(template) | machines(template)).items():
        role = target(function.get("Role"))
        if role not in roles:
            yield f"{name} has no role of its own"
        elif role in taken:
            yield f"{name} shares its role with {taken[role]}"
        else:
            taken[role] = name


def own_log_groups(template: Template) -> Iterator[str]:
    """Every function writes to a log group of its own that forgets."""
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, function in functions(template).items():
        group = target(function.get("LoggingConfig", {}).get("LogGroup"))
        if group not in groups:
            yield f"{name} has no log group"
        elif "RetentionInDays" not in groups[group]:
            yield f"{name}'s log group keeps everything for ever"


def alarms_on_functions(template: Template) -> Iterator[str]:
    """Errors and throttles of every function raise an alarm that somebody hears."""
    watched = set()
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        for dimension in alarm.get("Dimensions", ()):
            if dimension["Name"] == "FunctionName":
                watched.add((target(dimension["Value"]), alarm["MetricName"]))
    for name in functions(template):
        for metric in ("Errors", "Throttles"):
            if (name, metric) not in watched:
                yield f"{name}: no alarm on {metric}"


def machines_are_watched(template: Template) -> Iterator[str]:
    """A state machine logs, says what it is, is traced, and every bad ending raises an alarm."""
    watched: dict[str | None, set[str]] = {}
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        for query in alarm.get("Metrics", ()):
            metric = query.get("MetricStat", {}).get("Metric", {})
            for dimension in metric.get("Dimensions", ()):
                if dimension["Name"] == "StateMachineArn":
                    watched.setdefault(target(dimension["Value"]), set()).add(metric["MetricName"])
    groups = of_type(template, "AWS::Logs::LogGroup")
    for name, machine in machines(template).items():
        logging = machine.get("Logging", {})
        destinations = [
            target(each["CloudWatchLogsLogGroup"]["LogGroupArn"])
            for each in logging.get("Destinations", ())
        ]
        if logging.get("Level", "OFF") == "OFF" or not set(destinations) & set(groups):
            yield f"{name} writes no log"
        if machine.get("Tracing") != {"Enabled": True}:
            yield f"{name} is not traced"
        for metric in sorted(BAD_ENDINGS - watched.get(name, set())):
            yield f"{name}: no alarm on {metric}"


def alarms_are_heard(template: Template) -> Iterator[str]:
    """Every alarm says what it means, what silence means, and tells somebody: people, by actions
    on the way in and out, or a function, by a rule with the alarm's name."""
    heard = heard_by_rules(template)
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        told = () if alarm.get("AlarmName") in heard else ("AlarmActions", "OKActions")
        for key in ("AlarmDescription", "TreatMissingData", *told):
            if not alarm.get(key):
                yield f"{name} has no {key}"


def heard_by_rules(template: Template) -> list[Any]:
    """The alarm names, whole or by prefix, that rules of functions wait for."""
    return [
        name
        for function in functions(template).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
        for name in event["Properties"]["Pattern"].get("detail", {}).get("alarmName", ())
    ]


def failure_destinations(template: Template) -> Iterator[str]:
    """What a function fails at for good is kept: async failures and queue messages alike."""
    queues = of_type(template, "AWS::SQS::Queue")
    for name, function in functions(template).items():
        events = function.get("Events", {}).values()
        sources = [target(e["Properties"]["Queue"]) for e in events if e["Type"] == "SQS"]
        for source in sources:
            if "RedrivePolicy" not in queues.get(source or "", {}):
                yield f"{name}: its queue {source} has no dead-letter queue"
        kept = function.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure")
        if len(sources) < len(events) and not kept:
            yield f"{name}: no destination for asynchronous failures"
        for event in function.get("Events", {}).values():
            properties = event["Properties"]
            if event["Type"] == "EventBridgeRule" and not (
                properties.get("DeadLetterConfig") and properties.get("RetryPolicy")
            ):
                yield f"{name}: a rule without retry policy and dead-letter queue"
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        if not (schedule["Target"].get("DeadLetterConfig") and schedule["Target"]["RetryPolicy"]):
            yield f"{name}: a schedule without retry policy and dead-letter queue"


def dead_letters(template: Template) -> Iterator[str]:
    """A dead-letter queue is FIFO where its source is, keeps long, and raises an alarm."""
    queues = of_type(template, "AWS::SQS::Queue")
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    watched = {
        target(dimension["Value"])
        for alarm in alarms
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for dimension in alarm["Dimensions"]
    }
    for name, queue in queues.items():
        if "RedrivePolicy" not in queue:
            # In this template a queue without a redrive is where failures end.
            if queue.get("MessageRetentionPeriod") != 14 * 86_400:
                yield f"{name} forgets failures before fourteen days"
            if name not in watched:
                yield f"{name}: nobody hears of messages in it"
            continue
        dead = queues.get(target(queue["RedrivePolicy"]["deadLetterTargetArn"]) or "", {})
        if queue.get("FifoQueue") != dead.get("FifoQueue"):
            yield f"{name} and its dead-letter queue are not both FIFO"


def encrypted_queues(template: Template) -> Iterator[str]:
    """Queues are encrypted at rest."""
    for name, queue in of_type(template, "AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"


def visibility(template: Template) -> Iterator[str]:
    """A source queue hides a message six times as long as its function may run (Lambda's advice),
    and keeps it long enough to be received as often as it may be."""
    queues = of_type(template, "AWS::SQS::Queue")
    for name, function in functions(template).items():
        for event in function.get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            queue = queues[target(event["Properties"]["Queue"]) or ""]
            hidden_s, receives = (
                queue["VisibilityTimeout"],
                queue["RedrivePolicy"]["maxReceiveCount"],
            )
            if hidden_s < VISIBILITY_FACTOR * function["Timeout"]:
                yield f"{name}: messages reappear while they may still be worked on"
            if queue["MessageRetentionPeriod"] <= hidden_s * receives:
                yield f"{name}: messages expire before they become dead letters"


def one_look_at_a_time(template: Template) -> Iterator[str]:
    """A FIFO source hands over one message at a time, with partial failures, bounded."""
    for name, function in functions(template).items():
        for event in function.get("Events", {}).values():
            given = event["Properties"]
            if event["Type"] == "SQS" and not (
                given.get("BatchSize") == 1
                and given.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
                and "MaximumConcurrency" in given.get("ScalingConfig", {})
            ):
                yield f"{name}: batch size, partial failures or concurrency are not as they must be"


def lease_outlives_timeout(template: Template) -> Iterator[str]:
    """A look can't outlive its lease."""
    for name, function in functions(template).items():
        lease_s = environment(template, name).get("ICSCALER_LEASE_S")
        if lease_s is not None and int(lease_s) <= function["Timeout"]:
            yield f"{name}: the lease of {lease_s} s ends before the function must"


def narrow_permissions(template: Template) -> Iterator[str]:
    """No wildcard action, no broad managed policy; "*" only for actions that know no resource."""
    for role, properties in of_type(template, "AWS::IAM::Role").items():
        for arn in properties.get("ManagedPolicyArns", ()):
            yield f"{role} has the managed policy {arn}"
    for role, statement in statements(template):
        for action in as_list(statement["Action"]):
            if "*" in action:
                yield f"{role} may {action}"
            elif "*" in as_list(statement["Resource"]) and action not in NARROWABLE_BY_NOTHING:
                yield f"{role} may {action} on everything"


def bounded_trust(template: Template) -> Iterator[str]:
    """A role is assumed by one service, nobody else."""
    for role, properties in of_type(template, "AWS::IAM::Role").items():
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            if set(statement["Principal"]) != {"Service"}:
                yield f"{role} may be assumed by {statement['Principal']}"


def kept_state(template: Template) -> Iterator[str]:
    """The state table outlives the stack, can be restored, is encrypted, and forgets by TTL."""
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::DynamoDB::Table":
            continue
        table = resource["Properties"]
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != (
            "Retain",
            "Retain",
        ):
            yield f"{name} is deleted with the stack"
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            yield f"{name} can't be restored to a point in time"
        if not table.get("SSESpecification", {}).get("SSEEnabled"):
            yield f"{name} is not encrypted"
        if table.get("TimeToLiveSpecification") != {
            "AttributeName": TTL_ATTRIBUTE,
            "Enabled": True,
        }:
            yield f"{name} never forgets"


def documented(template: Template) -> Iterator[str]:
    """Parameters, outputs and functions are described."""
    for section in ("Parameters", "Outputs"):
        for name, entry in template[section].items():
            if len(entry.get("Description", "")) < 20:
                yield f"{section}: {name} has no description"
    for name, function in functions(template).items():
        if not function.get("Description"):
            yield f"{name} has no description"


def no_inline_code(template: Template) -> Iterator[str]:
    """Code is in files."""
    for name, function in functions(template).items():
        if "InlineCode" in function or "CodeUri" not in function:
            yield f"{name} has no CodeUri"


RULES: tuple[Rule, ...] = (
    own_roles,
    own_log_groups,
    alarms_on_functions,
    machines_are_watched,
    alarms_are_heard,
    failure_destinations,
    dead_letters,
    encrypted_queues,
    visibility,
    one_look_at_a_time,
    lease_outlives_timeout,
    narrow_permissions,
    bounded_trust,
    kept_state,
    documented,
    no_inline_code,
)
