"""Lambda functions, layers, their wiring and permissions; state machines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.deployer.properties import Properties, as_json, boolean, tags_of, text
from icscaler_localcloud.deployer.stack import Created, Deployment, Handler
from icscaler_localcloud.deployer.template import LOCAL_BUCKET
from icscaler_localcloud.lambdas import Function
from icscaler_localcloud.queues import MAX_FIFO_BATCH, EventSourceMapping

# Powertools' public layers: the package is installed here, so they add nothing.
_POWERTOOLS_LAYER = re.compile(
    r"arn:aws:lambda:[\w-]+:017000801446:layer:AWSLambdaPowertoolsPythonV3-.+:\d+"
)
_POLLER_ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_MAX_TIMEOUT_S, _MAX_MEMORY_MB = 900, 10_240


def _local_path(deployment: Deployment, properties: Properties, name: str, code: Any) -> Path:
    """The folder that a Code or Content property means, beside the template."""
    location = properties.only(name, code, {"S3Bucket", "S3Key"})
    if location.get("S3Bucket") != LOCAL_BUCKET:
        raise properties.error(name, "must be a local path")
    path = (deployment.folder / str(location["S3Key"])).resolve()
    if not path.is_dir():
        raise properties.error(name, f"{location['S3Key']} is not a folder beside the template")
    return path


def _layer(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("LayerName", properties.logical_id)
    folder = _local_path(deployment, properties, "Content", properties.take("Content"))
    properties.take("Description", "")
    # The layer is used from source by this Python; what it is compatible with is for AWS.
    properties.ignore("CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
    built = "BuildMethod" in _metadata(deployment, properties.logical_id)
    python = folder if built else folder / "python"
    if not python.is_dir():
        raise properties.error("Content", "has no python folder, and Metadata no BuildMethod")
    arn = deployment.arn("lambda", f"layer:{name}:1")
    deployment.layers[arn] = python
    return arn, {"LayerVersionArn": arn}


def _metadata(deployment: Deployment, logical_id: str) -> Any:
    """Metadata of a layer; SAM appends a hash of the content to a layer's logical id."""
    return deployment.metadata.get(logical_id, {})


def _layer_paths(deployment: Deployment, properties: Properties, arns: Any) -> tuple[Path, ...]:
    paths = []
    for arn in arns:
        if arn in deployment.layers:
            paths.append(deployment.layers[arn])
        elif not _POWERTOOLS_LAYER.fullmatch(arn):
            raise properties.error("Layers", f"{arn} is neither in the template nor known")
    return tuple(path for path in paths if path is not None)


def _bounded(properties: Properties, name: str, default: int, low: int, high: int) -> int:
    value = int(properties.take(name, default))
    if not low <= value <= high:
        raise properties.error(name, f"{value} is not within {low}-{high}")
    return value


def _function(deployment: Deployment, properties: Properties) -> Created:
    cloud, logical_id = deployment.cloud, properties.logical_id
    name = properties.take("FunctionName", None) or deployment.physical_name(logical_id)
    arn = deployment.arn("lambda", f"function:{name}")
    role_arn = str(properties.take("Role"))
    if role_arn not in cloud.iam.roles:
        raise properties.error("Role", f"{role_arn} is not a role of this template")
    variables = properties.take("Environment", {})
    properties.only("Environment", variables, {"Variables"})
    dead_letters = properties.take("DeadLetterConfig", {})
    properties.only("DeadLetterConfig", dead_letters, {"TargetArn"})
    tracing = properties.take("TracingConfig", {})
    properties.only("TracingConfig", tracing, {"Mode"})
    logging = properties.take("LoggingConfig", {})
    known = {"ApplicationLogLevel", "LogFormat", "LogGroup", "SystemLogLevel"}
    properties.only("LoggingConfig", logging, known)
    reserved = properties.take("ReservedConcurrentExecutions", None)
    function = Function(
        name=name,
        logical_id=logical_id,
        arn=arn,
        handler=str(properties.take("Handler")),
        runtime=_runtime(properties),
        role_arn=role_arn,
        code_path=_local_path(deployment, properties, "Code", properties.take("Code")),
        layer_paths=_layer_paths(deployment, properties, properties.take("Layers", [])),
        timeout_s=_bounded(properties, "Timeout", 3, 1, _MAX_TIMEOUT_S),
        memory_mb=_bounded(properties, "MemorySize", 128, 128, _MAX_MEMORY_MB),
        environment={k: text(v) for k, v in variables.get("Variables", {}).items()},
        description=str(properties.take("Description", "")),
        architectures=tuple(properties.take("Architectures", ["x86_64"])),
        tracing=tracing.get("Mode", "PassThrough"),
        log_format=logging.get("LogFormat", "Text"),
        log_group=logging.get("LogGroup", f"/aws/lambda/{name}"),
        reserved_concurrency=None if reserved is None else int(reserved),
        dead_letter_arn=dead_letters.get("TargetArn"),
        tags=tags_of(properties.take("Tags", None)),
    )
    cloud.functions.add(function)
    if function.dead_letter_arn is not None:
        _check_may_send(
            deployment, properties, "DeadLetterConfig", function.dead_letter_arn, role_arn
        )
    return name, {"Arn": arn}


def _runtime(properties: Properties) -> str:
    runtime = str(properties.take("Runtime"))
    if re.fullmatch(r"python3\.(1[1-4])", runtime) is None:
        raise properties.error(
            "Runtime", f"{runtime} cannot run here (python3.11 to python3.14 can)"
        )
    package = properties.take("PackageType", "Zip")
    if package != "Zip":
        raise properties.error("PackageType", f"{package} cannot run here")
    return runtime


def _check_may_send(
    deployment: Deployment, properties: Properties, name: str, arn: str, role_arn: str
) -> None:
    """Later, when all policies are attached: may the function's role send there?"""
    actions = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
    action = actions.get(arn.split(":")[2], "events:PutEvents")

    def check() -> None:
        if not deployment.cloud.iam.allows(role_arn, action, arn):
            raise properties.error(
                name,
                f"The function execution role does not have permissions to call {action} on {arn}",
            )

    deployment.checks.append(check)


def _permission(deployment: Deployment, properties: Properties) -> Created:
    function = _existing(deployment, properties, str(properties.take("FunctionName")))
    principal = str(properties.take("Principal"))
    named = {"Service": principal} if principal.endswith(".amazonaws.com") else {"AWS": principal}
    condition: dict[str, Any] = {}
    source_arn = properties.take("SourceArn", None)
    if source_arn is not None:
        condition["ArnLike"] = {"AWS:SourceArn": source_arn}
    source_account = properties.take("SourceAccount", None)
    if source_account is not None:
        condition["StringEquals"] = {"AWS:SourceAccount": source_account}
    statement: dict[str, Any] = {
        "Sid": deployment.physical_name(properties.logical_id),
        "Effect": "Allow",
        "Principal": named,
        "Action": properties.take("Action"),
        "Resource": function.arn,
    }
    if condition:
        statement["Condition"] = condition
    function.policy.append(statement)
    return statement["Sid"], {"Id": statement["Sid"]}


def _existing(deployment: Deployment, properties: Properties, name: str) -> Function:
    try:
        return deployment.cloud.functions.get(name)
    except KeyError as absent:
        raise properties.error("FunctionName", str(absent)) from None


def _event_source_mapping(deployment: Deployment, properties: Properties) -> Created:
    function = _existing(deployment, properties, str(properties.take("FunctionName")))
    arn = str(properties.take("EventSourceArn"))
    cloud = deployment.cloud
    if arn.split(":")[2] != "sqs" or not cloud.queues.exists(arn):
        raise properties.error("EventSourceArn", f"{arn} is not an SQS queue of this cloud")
    batch = int(properties.take("BatchSize", 10))
    responses = properties.take("FunctionResponseTypes", [])
    if any(response != "ReportBatchItemFailures" for response in responses):
        raise properties.error("FunctionResponseTypes", f"{responses} is not known")
    scaling = properties.take("ScalingConfig", {})
    properties.only("ScalingConfig", scaling, {"MaximumConcurrency"})
    queue = cloud.queues.view(arn)
    if queue.fifo and batch > MAX_FIFO_BATCH:
        raise properties.error(
            "BatchSize", f"{batch} is more than {MAX_FIFO_BATCH}, a FIFO queue's most"
        )
    if queue.visibility_timeout_s < function.timeout_s:
        raise properties.error(
            "EventSourceArn",
            f"Queue visibility timeout: {queue.visibility_timeout_s} seconds is less than "
            f"Function timeout: {function.timeout_s} seconds",
        )
    mapping = EventSourceMapping(
        uuid=moto_seams.new_id(),
        queue_arn=arn,
        function_name=function.name,
        batch_size=batch,
        report_batch_item_failures=bool(responses),
        enabled=bool(boolean(properties.take("Enabled", True))),
    )
    if "MaximumConcurrency" in scaling:
        mapping.maximum_concurrency = int(scaling["MaximumConcurrency"])
    deployment.checks.append(lambda: _check_poller(deployment, properties, function, arn))
    cloud.poller.map(mapping)
    return mapping.uuid, {"Id": mapping.uuid}


def _check_poller(
    deployment: Deployment, properties: Properties, function: Function, arn: str
) -> None:
    for action in _POLLER_ACTIONS:
        if not deployment.cloud.iam.allows(function.role_arn, f"sqs:{action}", arn):
            raise properties.error(
                "EventSourceArn",
                f"The function execution role does not have permissions to call {action} on SQS",
            )


def _event_invoke_config(deployment: Deployment, properties: Properties) -> Created:
    function = _existing(deployment, properties, str(properties.take("FunctionName")))
    qualifier = properties.take("Qualifier")
    if qualifier != "$LATEST":
        raise properties.error("Qualifier", f"only $LATEST is deployed here, not {qualifier}")
    function.retry_attempts = _bounded(properties, "MaximumRetryAttempts", 2, 0, 2)
    function.max_event_age_s = _bounded(properties, "MaximumEventAgeInSeconds", 21_600, 60, 21_600)
    destinations = properties.take("DestinationConfig", {})
    properties.only("DestinationConfig", destinations, {"OnFailure", "OnSuccess"})
    for kind, body in destinations.items():
        properties.only(f"DestinationConfig.{kind}", body, {"Destination"})
        arn = body["Destination"]
        _check_may_send(deployment, properties, "DestinationConfig", arn, function.role_arn)
        if kind == "OnFailure":
            function.on_failure_arn = arn
        else:
            function.on_success_arn = arn
    return deployment.physical_name(properties.logical_id), {}


def _state_machine(deployment: Deployment, properties: Properties) -> Created:
    """Its definition with what the template puts in place of `${Name}`."""
    name = properties.take("StateMachineName", None) or deployment.physical_name(
        properties.logical_id, limit=80
    )
    substitutions = properties.take("DefinitionSubstitutions", {})
    definition = properties.take("DefinitionString", None) or properties.take("Definition", None)
    if definition is None:
        location = properties.take("DefinitionS3Location")
        definition = _definition_file(deployment, properties, location)
    body = as_json(definition)
    for key, value in substitutions.items():
        body = body.replace(f"${{{key}}}", text(value))
    params: dict[str, Any] = {
        "name": name,
        "definition": body,
        "roleArn": properties.take("RoleArn"),
        "type": properties.take("StateMachineType", "STANDARD"),
    }
    for source, member in (
        ("LoggingConfiguration", "loggingConfiguration"),
        ("TracingConfiguration", "tracingConfiguration"),
    ):
        value = properties.take(source, None)
        if value is not None:
            params[member] = _lower_camel(value)
    tags = tags_of(properties.take("Tags", None))
    params["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    answer = properties.call(deployment.cloud, "stepfunctions", "CreateStateMachine", params)
    arn = str(answer["stateMachineArn"])
    return arn, {"Arn": arn, "Name": name}


def _definition_file(deployment: Deployment, properties: Properties, location: Any) -> str:
    properties.only("DefinitionS3Location", location, {"Bucket", "Key"})
    path = deployment.folder / str(location["Key"])
    if location.get("Bucket") != LOCAL_BUCKET or not path.is_file():
        raise properties.error("DefinitionS3Location", "must be a file beside the template")
    source = path.read_text(encoding="utf-8")
    try:
        json.loads(source)
    except ValueError as error:
        raise properties.error("DefinitionS3Location", f"{path.name}: {error}") from None
    return source


def _lower_camel(value: Any) -> Any:
    """Step Functions' API spells members in lower camel case, CloudFormation in upper."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower_camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_camel(item) for item in value]
    return value


HANDLERS: dict[str, Handler] = {
    "AWS::Lambda::EventInvokeConfig": _event_invoke_config,
    "AWS::Lambda::EventSourceMapping": _event_source_mapping,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Permission": _permission,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
