"""What the local interpreter cannot do: refused by name, never run differently.

The list is in docs/design/003-local-step-functions.md; each row there is a row here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.stepfunctions.conftest import ROLE, Machines, task

PASS = {"Type": "Pass", "End": True}
INSIDE = {"StartAt": "P", "States": {"P": PASS}}
ROUTE = {"stateMachineVersionArn": "arn", "weight": 100}
DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **INSIDE}


@pytest.mark.parametrize(
    ("state", "says"),
    [
        pytest.param(
            {"Type": "Map", "Items": [1], "ItemProcessor": DISTRIBUTED, "End": True},
            "a distributed Map",
            id="distributed Map",
        ),
        pytest.param(
            {
                "Type": "Map",
                "ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2"},
                "ItemProcessor": INSIDE,
                "End": True,
            },
            "a distributed Map",
            id="items from S3",
        ),
        pytest.param(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:us-east-1:123456789012:activity:a",
                "End": True,
            },
            "an activity",
            id="activity",
        ),
        pytest.param(
            task("sagemaker:createTransformJob.sync", {}),
            "sagemaker:createTransformJob",
            id="sagemaker",
        ),
        pytest.param(task("ecs:runTask.sync", {}), "ecs:runTask", id="ecs"),
        pytest.param(task("glue:startJobRun.sync", {}), "glue:startJobRun", id="glue"),
        pytest.param(task("batch:submitJob.sync", {}), "batch:submitJob", id="batch"),
        pytest.param(task("http:invoke", {}), "http:invoke", id="http"),
        pytest.param(task("apigateway:invoke", {}), "apigateway:invoke", id="apigateway"),
        pytest.param(
            task("aws-sdk:sagemaker:listModels.sync", {}), "sync of", id="sync of an SDK call"
        ),
        pytest.param(
            {
                **task("sqs:sendMessage", {}),
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Only"}],
            },
            "a Catch back to its own state",
            id="Catch to itself",
        ),
    ],
)
def test_definitions(machines: Machines, state: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError) as caught:
        machines.create({"States": {"Only": state}})
    message = caught.value.response["Error"]["Message"]
    assert says in message
    assert "not supported by the local cloud" in message


def test_also_deep_inside(machines: Machines) -> None:
    deep = {
        "StartAt": "M",
        "States": {"M": {"Type": "Map", "Items": [1], "ItemProcessor": DISTRIBUTED, "End": True}},
    }
    parallel = {"Type": "Parallel", "Branches": [INSIDE, deep], "End": True}
    with pytest.raises(ClientError, match=r"/States/P/Branches\[1\]/States/M"):
        machines.create({"States": {"P": parallel}})


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"type": "EXPRESS"}, "StateMachineTypeNotSupported", id="express"),
        pytest.param({"publish": True}, "ValidationException", id="versions"),
    ],
)
def test_machines(machines: Machines, params: dict[str, Any], code: str) -> None:
    definition = json.dumps(INSIDE)
    with pytest.raises(ClientError) as caught:
        machines.api.create_state_machine(name="m", definition=definition, roleArn=ROLE, **params)
    assert caught.value.response["Error"]["Code"] == code


def test_versions_and_aliases_are_no_machines(machines: Machines) -> None:
    arn = machines.create({"States": {"P": PASS}})
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        machines.api.start_execution(stateMachineArn=f"{arn}:1")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("create_activity", {"name": "a"}),
        ("get_activity_task", {"activityArn": "arn:aws:states:us-east-1:1:activity:a"}),
        ("publish_state_machine_version", {"stateMachineArn": "arn"}),
        ("create_state_machine_alias", {"name": "a", "routingConfiguration": [ROUTE]}),
        ("list_map_runs", {"executionArn": "arn"}),
        ("redrive_execution", {"executionArn": "arn"}),
    ],
)
def test_operations(machines: Machines, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(machines.api, operation)(**params)
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("start_sync_execution", {"stateMachineArn": "arn"}),
        ("test_state", {"definition": "{}"}),
    ],
)
def test_operations_on_another_host(
    machines: Machines, operation: str, params: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(machines.api, operation)(**params)
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
