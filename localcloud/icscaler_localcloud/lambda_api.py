"""The Lambda API of the local cloud: invoking and looking at deployed functions.

Deploying is the template's business, so there is no CreateFunction here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.lambdas import Function, TooManyRequestsError
from icscaler_localcloud.services import ServiceError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_LOG_TAIL_BYTES = 4096


class LambdaService:
    """Own service "lambda"."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._operations = {
            "Invoke": self._invoke,
            "GetFunction": self._get_function,
            "GetFunctionConfiguration": lambda params: self._configuration(self._function(params)),
            "ListFunctions": self._list_functions,
            "GetPolicy": self._get_policy,
            "ListEventSourceMappings": self._list_mappings,
            "UpdateEventSourceMapping": self._update_mapping,
            "PutFunctionConcurrency": self._put_concurrency,
            "DeleteFunctionConcurrency": self._delete_concurrency,
        }

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Answer one operation; what is not in the table above is refused by name."""
        answer = self._operations.get(operation)
        if answer is None:
            raise ServiceError("UnknownOperationException", f"no lambda:{operation} here")
        return answer(params)

    def _function(self, params: Mapping[str, Any]) -> Function:
        name = params["FunctionName"]
        try:
            return self._cloud.functions.get(name)
        except KeyError:
            arn = f"arn:aws:lambda:{self._cloud.region}:{self._cloud.account}:function:{name}"
            raise ServiceError(
                "ResourceNotFoundException", f"Function not found: {arn}", status=404
            ) from None

    def _invoke(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._function(params)
        kind = params.get("InvocationType", "RequestResponse")
        payload = params.get("Payload") or b"{}"
        try:
            event = json.loads(payload)
        except ValueError as error:
            raise ServiceError(
                "InvalidRequestContentException", f"Could not parse request body into json: {error}"
            ) from None
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            self._cloud.functions.invoke_async(function.name, event, trigger="invoke")
            return {"StatusCode": 202}
        try:
            done = self._cloud.functions.invoke(function.name, event)
        except TooManyRequestsError:
            raise ServiceError(
                "TooManyRequestsException",
                "Rate Exceeded.",
                Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
            ) from None
        answer: dict[str, Any] = {
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "Payload": json.dumps(done.result).encode(),
        }
        if not done.ok:
            answer["FunctionError"] = "Unhandled"
        if params.get("LogType") == "Tail":
            tail = "\n".join(done.lines).encode()[-_LOG_TAIL_BYTES:]
            answer["LogResult"] = base64.b64encode(tail).decode()
        return answer

    def _configuration(self, function: Function) -> dict[str, Any]:
        return {
            "FunctionName": function.name,
            "FunctionArn": function.arn,
            "Runtime": function.runtime,
            "Role": function.role_arn,
            "Handler": function.handler,
            "Description": function.description,
            "Timeout": function.timeout_s,
            "MemorySize": function.memory_mb,
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": list(function.architectures),
            "Environment": {"Variables": dict(function.environment)},
            "TracingConfig": {"Mode": function.tracing},
            "LoggingConfig": {"LogGroup": function.log_group},
        }

    def _get_function(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._function(params)
        answer: dict[str, Any] = {
            "Configuration": self._configuration(function),
            "Tags": dict(function.tags),
        }
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return answer

    def _list_functions(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Functions": [self._configuration(f) for f in self._cloud.functions.all()]}

    def _get_policy(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._function(params)
        if not function.policy:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist."
            )
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": function.policy}
        return {"Policy": json.dumps(policy)}

    def _list_mappings(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = self._function(params).name if "FunctionName" in params else None
        return {
            "EventSourceMappings": [
                self._mapping(mapping)
                for mapping in self._cloud.poller.mappings()
                if wanted in (None, mapping.function_name)
                and params.get("EventSourceArn") in (None, mapping.queue_arn)
            ]
        }

    def _update_mapping(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        for mapping in self._cloud.poller.mappings():
            if mapping.uuid == params["UUID"]:
                self._cloud.poller.enable(mapping, bool(params.get("Enabled", mapping.enabled)))
                return self._mapping(mapping)
        raise ServiceError(
            "ResourceNotFoundException", "The resource you requested does not exist."
        )

    def _mapping(self, mapping: Any) -> dict[str, Any]:
        reported = ["ReportBatchItemFailures"] if mapping.report_batch_item_failures else []
        return {
            "UUID": mapping.uuid,
            "BatchSize": mapping.batch_size,
            "EventSourceArn": mapping.queue_arn,
            "FunctionArn": self._cloud.functions.get(mapping.function_name).arn,
            "State": "Enabled" if mapping.enabled else "Disabled",
            "FunctionResponseTypes": reported,
        }

    def _put_concurrency(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._function(params)
        function.reserved_concurrency = int(params["ReservedConcurrentExecutions"])
        return {"ReservedConcurrentExecutions": function.reserved_concurrency}

    def _delete_concurrency(self, params: Mapping[str, Any]) -> None:
        self._function(params).reserved_concurrency = None
