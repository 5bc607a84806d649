"""Service integrations: what a Task state calls, in whose name, and how errors are called.

1. boto_client_for                  dummy keys and a real endpoint; calls go through the local
                                    cloud's gateway here, signed as the machine's role.
2. _normalise_parameters, _response are empty in moto: PascalCase members for SDK integrations and
                                    states:*, JSON types (ISO 8601 timestamps) for all.
3. _from_error of every service     error names as AWS gives them, so that Retry and Catch match:
                                    Developer Guide, "Learning to use AWS service SDK integrations"
                                    (Java SDK 2 names: SageMaker.SageMakerException for what the
                                    service model does not name) and, for optimized integrations,
                                    the names of Java SDK 1 (Lambda.AWSLambdaException).
4. _before_eval_execution           arguments are not measured; more than 256 KiB are refused.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.response import StreamingBody
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import (
    LambdaFunctionErrorException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_events,
    state_task_service_lambda,
    state_task_service_sfn,
    state_task_service_sns,
    state_task_service_sqs,
)
from moto.stepfunctions.parser.utils import camel_to_snake_case, snake_to_camel_case

from icscaler_localcloud.stepfunctions.blocking import stage
from icscaler_localcloud.wire import codec

Env = Any
# How the SDK integration calls a service, where botocore calls it otherwise.
BOTOCORE_NAMES = {
    "applicationautoscaling": "application-autoscaling",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sagemakerruntime": "sagemaker-runtime",
    "sfn": "stepfunctions",
    "states": "stepfunctions",
}
# Optimized integrations: (prefix of error names, the service's base exception, name in causes).
_OPTIMIZED = {
    "dynamodb": ("DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2"),
    "events": ("EventBridge", "AmazonEventBridgeException", "AmazonEventBridge"),
    "lambda": ("Lambda", "AWSLambdaException", "AWSLambda"),
    "sns": ("SNS", "AmazonSNSException", "AmazonSNS"),
    "sqs": ("SQS", "AmazonSQSException", "AmazonSQS"),
    "states": ("StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions"),
}
# moto drops parameters that are not listed; this one it has forgotten.
state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS["invoke"].add("InvocationType")
_BINDINGS: dict[str, dict[str, set[str]]] = {
    "dynamodb": state_task_service_dynamodb._SUPPORTED_API_PARAM_BINDINGS,
    "events": state_task_service_events._SUPPORTED_API_PARAM_BINDINGS,
    "lambda": state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS,
    "sns": state_task_service_sns._SUPPORTED_API_PARAM_BINDINGS,
    "sqs": state_task_service_sqs._SUPPORTED_API_PARAM_BINDINGS,
    "states": state_task_service_sfn._SUPPORTED_API_PARAM_BINDINGS,
}
_NO_ERROR_TYPE = (
    "The cause could not be determined because Lambda did not return an error type. "
    "Returned payload: "
)


class Caller(Protocol):
    """Makes calls in the name of an execution: the context of its tasks."""

    def call(self, service: str, method: str, params: Mapping[str, Any], role_arn: str) -> Any:
        """The answer of one API call; botocore's exceptions."""
        ...


class _Client:
    """Looks like a boto3 client to moto; its calls are made on the event loop's side."""

    def __init__(self, service: str, role_arn: str) -> None:
        self._service, self._role_arn = service, role_arn

    def __getattr__(self, method: str) -> Callable[..., Any]:
        troupe = stage()
        caller: Caller | Any = troupe.current.context if troupe.current is not None else None

        def call(**params: Any) -> Any:
            return troupe.call(
                lambda: caller.call(self._service, method, params, self._role_arn),
                expected=(ClientError, BotoCoreError),
            )

        return call


def _client_for(region: str, service: str, state_credentials: Any = None) -> _Client:
    return _Client(service, state_credentials.role_arn)


# -- shapes ---------------------------------------------------------------------------------------


def operation_of(resource: Any) -> Any:
    """botocore's model of the operation that a Task's resource names; None when there is none."""
    service = BOTOCORE_NAMES.get(resource.api_name, resource.api_name)
    model = codec(service).model
    wanted = camel_to_snake_case(resource.api_action)
    for name in model.operation_names:
        if camel_to_snake_case(name) == wanted:
            return model.operation_model(name)
    return None


def supported(resource: Any) -> set[str] | None:
    """The parameters an optimized integration takes; None for SDK integrations: all there are."""
    if resource.service_name == "aws-sdk":
        return None
    members: set[str] | None = _BINDINGS[resource.service_name].get(resource.api_action.lower())
    return members


def _to_botocore(task: Any, parameters: dict[str, Any], *_: Any, **__: Any) -> None:
    operation = operation_of(task.resource) if _renames(task) else None
    if operation is not None and operation.input_shape is not None:
        task._to_boto_request(parameters, operation.input_shape)


def _from_botocore(
    task: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
) -> None:
    if not isinstance(response, dict):
        return
    shape = None
    if _renames(task):
        if service_action_name is None:
            operation = operation_of(task.resource)
        else:
            operation = codec("stepfunctions").model.operation_model("DescribeExecution")
        shape = operation.output_shape if operation is not None else None
    converted = _as_json(response, shape)
    response.clear()
    response.update(converted)


def _renames(task: Any) -> bool:
    return task.resource.service_name in ("aws-sdk", "states")


def _as_json(value: Any, shape: Any) -> Any:
    """JSON data of a botocore answer; with a shape, members in PascalCase."""
    kind = getattr(shape, "type_name", None)
    if isinstance(value, Mapping):
        if kind == "structure":
            return {
                _pascal(name) if name in shape.members else name: _as_json(
                    item, shape.members.get(name)
                )
                for name, item in value.items()
            }
        inner = shape.value if kind == "map" else None
        return {name: _as_json(item, inner) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        inner = shape.member if kind == "list" else None
        return [_as_json(item, inner) for item in value]
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        spec = "milliseconds" if at.microsecond else "seconds"
        return at.isoformat(timespec=spec).replace("+00:00", "Z")
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value


def _pascal(name: str) -> str:
    """As Java's SDK spells it, first letter upper case: ARN is Arn, SS is Ss."""
    return snake_to_camel_case(camel_to_snake_case(name))


# -- errors ---------------------------------------------------------------------------------------


def exception_name(shape: str) -> str:
    """The Java class of a modelled error: always ends in Exception."""
    return (shape.removesuffix("Fault") if shape.endswith("Fault") else shape).removesuffix(
        "Exception"
    ) + "Exception"


def sdk_prefix(service: str) -> str:
    """The PascalCase service name of SDK integrations' errors, from botocore's service id."""
    service_id = str(codec(service).model.service_id)
    return "".join(_pascal(word) for word in service_id.split())


def _told(integration: str, api: str, ex: Exception) -> tuple[str, str] | None:
    """(error, cause) of what a service call raised; None when it is no service's error."""
    if isinstance(ex, LambdaFunctionErrorException):
        return _of_function(ex.payload)
    if isinstance(ex, state_task_service_events.SfnFailedEntryCountException):
        return "EventBridge.FailedEntry", json.dumps(ex.cause)
    if not isinstance(ex, (ClientError, BotoCoreError)) or isinstance(ex, ParamValidationError):
        return None
    sdk = integration == "aws-sdk"
    if sdk:
        prefix = sdk_prefix(BOTOCORE_NAMES.get(api, api))
        base, service = f"{prefix}Exception", prefix
    else:
        prefix, base, service = _OPTIMIZED[integration]
    if not isinstance(ex, ClientError):
        return f"{prefix}.SdkClientException", f"Unable to execute HTTP request: {ex}"
    name = type(ex).__name__
    name = base if name == "ClientError" else exception_name(name)
    answer: Any = ex.response
    error, metadata = answer["Error"], answer["ResponseMetadata"]
    told = [f"Service: {service}", f"Status Code: {metadata['HTTPStatusCode']}"]
    told += [] if sdk else [f"Error Code: {error['Code']}"]
    told += [f"Request ID: {metadata.get('RequestId', '')}"]
    told += [] if sdk else ["Proxy: null"]
    separator = ", " if sdk else "; "
    return f"{prefix}.{name}", f"{error['Message']} ({separator.join(told)})"


def _of_function(payload: str) -> tuple[str, str]:
    try:
        kind = json.loads(payload).get("errorType")
    except (AttributeError, ValueError):
        kind = None
    if not isinstance(kind, str) or not kind:
        return "Lambda.Unknown", _NO_ERROR_TYPE + payload
    return kind, payload


def _wrap_from_error(original: Callable[..., Any]) -> Callable[..., Any]:
    def from_error(task: Any, env: Env, ex: Exception) -> Any:
        if isinstance(ex, ParamValidationError):
            return _failure(task, env, *_not_started(ex), runtime=True)
        told = _told(task.resource.service_name, task.resource.api_name, ex)
        return original(task, env, ex) if told is None else _failure(task, env, *told)

    return from_error


def _not_started(ex: Exception) -> tuple[str, str]:
    reasons = " ".join(str(ex).split())
    return "States.Runtime", f"The arguments could not be used to start the Task: [{reasons}]"


def _failure(task: Any, env: Env, error: str, cause: str, *, runtime: bool = False) -> Any:
    name = StatesErrorName(StatesErrorNameType.StatesRuntime) if runtime else ErrorName(error)
    details: Any = {
        "taskFailedEventDetails": {
            "error": error,
            "cause": cause,
            "resource": task._get_sfn_resource(),
            "resourceType": task._get_sfn_resource_type(),
        }
    }
    kind = HistoryEventType.TaskFailed
    return FailureEvent(env=env, error_name=name, event_type=kind, event_details=details)


_from_function_error = state_task_lambda.StateTaskLambda._from_error


def _from_legacy_lambda(task: Any, env: Env, ex: Exception) -> Any:
    """A Task whose resource is a function's ARN: the same names, other events."""
    if isinstance(ex, LambdaFunctionErrorException):
        error, cause = _of_function(ex.payload)
    elif isinstance(ex, (ClientError, BotoCoreError)):
        error, cause = _told("lambda", "lambda", ex) or _not_started(ex)
    else:
        return _from_function_error(task, env, ex)
    details: Any = {"lambdaFunctionFailedEventDetails": {"error": error, "cause": cause}}
    kind = HistoryEventType.LambdaFunctionFailed
    return FailureEvent(env, ErrorName(error), kind, details)


_before = state_task_service.StateTaskService._before_eval_execution


def _measure_arguments(task: Any, env: Env, **kwargs: Any) -> None:
    task._verify_size_quota(env=env, value=kwargs["raw_parameters"])
    _before(task, env=env, **kwargs)


def install() -> None:
    """Replace the methods listed above."""
    replace: Any = setattr
    base = state_task_service.StateTaskService
    base._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTOCORE_NAMES)
    replace(base, "_normalise_parameters", _to_botocore)
    replace(base, "_normalise_response", _from_botocore)
    replace(base, "_before_eval_execution", _measure_arguments)
    for service in (
        state_task_service_aws_sdk.StateTaskServiceAwsSdk,
        state_task_service_dynamodb.StateTaskServiceDynamoDB,
        state_task_service_events.StateTaskServiceEvents,
        state_task_service_lambda.StateTaskServiceLambda,
        state_task_service_sfn.StateTaskServiceSfn,
        state_task_service_sns.StateTaskServiceSns,
        state_task_service_sqs.StateTaskServiceSqs,
    ):
        # DynamoDB's own would call every error, a timeout too, AmazonDynamoDBException.
        own = service is not state_task_service_dynamodb.StateTaskServiceDynamoDB
        original = (service if own else base)._from_error
        replace(service, "_from_error", _wrap_from_error(original))
    replace(state_task_lambda.StateTaskLambda, "_from_error", _from_legacy_lambda)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and "boto_client_for" in vars(module):
            replace(module, "boto_client_for", _client_for)
