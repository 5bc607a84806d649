"""The API as boto3 sees it: machines, executions, histories, stopping."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud.cloud import LocalCloud
from tests.contract.stepfunctions.conftest import ROLE, START_S, Machines, task

WAITING = {"States": {"W": {"Type": "Wait", "Seconds": 600, "End": True}}}
QUICK = {"States": {"P": {"Type": "Pass", "End": True}}}


def refused(call: Any, **params: Any) -> tuple[str, str]:
    """(code, message) of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


# -- starting -------------------------------------------------------------------------------------


def test_a_missing_name_is_a_fresh_uuid(machines: Machines) -> None:
    arn = machines.create(WAITING)
    started = [machines.api.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(3)]
    names = {machines.look(execution)["name"] for execution in started}
    assert len(names) == 3
    assert all(len(name) == 36 for name in names)


def test_the_same_name_and_input_is_the_same_execution_while_it_runs(machines: Machines) -> None:
    arn = machines.create(WAITING)
    first = machines.api.start_execution(stateMachineArn=arn, name="n", input='{"a": 1}')
    machines.cloud.run_for(10)
    again = machines.api.start_execution(stateMachineArn=arn, name="n", input='{"a": 1}')
    assert (first["executionArn"], first["startDate"]) == (
        again["executionArn"],
        again["startDate"],
    )
    assert len(machines.api.list_executions(stateMachineArn=arn)["executions"]) == 1


@pytest.mark.parametrize(
    ("data", "after_s"),
    [
        pytest.param('{"a": 2}', 10, id="another input"),
        pytest.param('{"a": 1}', 1000, id="ended"),
        pytest.param('{"a": 1}', 89 * 86_400, id="ended a while ago"),
    ],
)
def test_a_name_is_used_once(machines: Machines, data: str, after_s: float) -> None:
    arn = machines.create(WAITING)
    machines.api.start_execution(stateMachineArn=arn, name="n", input='{"a": 1}')
    machines.cloud.run_for(after_s)
    code, message = refused(machines.api.start_execution, stateMachineArn=arn, name="n", input=data)
    assert code == "ExecutionAlreadyExists"
    assert message.startswith("Execution Already Exists: 'arn:aws:states:")


def test_a_name_is_free_again_after_ninety_days(machines: Machines) -> None:
    arn = machines.create(QUICK)
    machines.api.start_execution(stateMachineArn=arn, name="n")
    machines.cloud.run_for(90 * 86_400 + 1)
    machines.api.start_execution(stateMachineArn=arn, name="n")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"name": "with space"}, "InvalidName", id="space"),
        pytest.param({"name": "a:b"}, "InvalidName", id="colon"),
        pytest.param({"name": "x" * 81}, "ValidationException", id="too long"),
        pytest.param({"input": "{"}, "InvalidExecutionInput", id="not JSON"),
        pytest.param({"input": f'"{"x" * 262_143}"'}, "ValidationException", id="too large"),
        pytest.param(
            {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"},
            "StateMachineDoesNotExist",
            id="no machine",
        ),
    ],
)
def test_starts_that_are_refused(machines: Machines, params: dict[str, str], code: str) -> None:
    whole = {"stateMachineArn": machines.create(QUICK), **params}
    assert refused(machines.api.start_execution, **whole)[0] == code


# -- looking --------------------------------------------------------------------------------------


def test_times_are_the_virtual_clocks(machines: Machines) -> None:
    arn = machines.start(WAITING, {"a": "ü"}, name="n")
    machines.cloud.run_for(1000)
    seen = machines.api.describe_execution(executionArn=arn)
    began = datetime.fromtimestamp(START_S, UTC)
    assert seen["startDate"] == began
    assert seen["stopDate"] == began + timedelta(seconds=600)
    assert (seen["name"], seen["status"]) == ("n", "SUCCEEDED")
    assert json.loads(seen["output"]) == {"a": "ü"}
    assert [event["timestamp"] for event in machines.history(arn)] == [
        began,
        began,
        began + timedelta(seconds=600),
        began + timedelta(seconds=600),
    ]


def test_executions_are_listed_newest_first_and_by_status(machines: Machines) -> None:
    arn = machines.create(WAITING)
    for number in range(5):
        machines.api.start_execution(stateMachineArn=arn, name=f"n{number}")
        machines.cloud.run_for(200)
    pages = machines.api.get_paginator("list_executions").paginate(
        stateMachineArn=arn, PaginationConfig={"PageSize": 2}
    )
    sizes = [len(page["executions"]) for page in pages]
    assert sizes == [2, 2, 1]
    listed = machines.api.list_executions(stateMachineArn=arn)["executions"]
    assert [execution["name"] for execution in listed] == ["n4", "n3", "n2", "n1", "n0"]
    ended = machines.api.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")[
        "executions"
    ]
    assert [execution["name"] for execution in ended] == ["n2", "n1", "n0"]


def test_pages_do_not_shift_when_executions_are_added(machines: Machines) -> None:
    arn = machines.create(QUICK)
    for number in range(4):
        machines.api.start_execution(stateMachineArn=arn, name=f"n{number}")
    first = machines.api.list_executions(stateMachineArn=arn, maxResults=2)
    machines.api.start_execution(stateMachineArn=arn, name="new")
    second = machines.api.list_executions(
        stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"]
    )
    names = [e["name"] for page in (first, second) for e in page["executions"]]
    assert names == ["n3", "n2", "n1", "n0"]
    code, _ = refused(
        machines.api.list_executions,
        stateMachineArn=arn,
        statusFilter="FAILED",
        nextToken=first["nextToken"],
    )
    assert code == "InvalidToken"


def test_history_is_paged_both_ways(machines: Machines) -> None:
    arn = machines.start(QUICK)
    machines.cloud.run_for(1)
    forward = machines.history(arn, PaginationConfig={"PageSize": 3})
    assert [event["id"] for event in forward] == [1, 2, 3, 4]
    backward = machines.history(arn, reverseOrder=True, PaginationConfig={"PageSize": 3})
    assert backward == forward[::-1]


def test_history_without_data(machines: Machines) -> None:
    arn = machines.start(QUICK, {"secret": 1})
    machines.cloud.run_for(1)
    events = machines.history(arn, includeExecutionData=False)
    assert "secret" not in str(events)
    assert events[1]["stateEnteredEventDetails"]["name"] == "P"


def test_what_is_not_there(machines: Machines) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:execution:m:none"
    for call in ("describe_execution", "stop_execution", "get_execution_history"):
        assert refused(getattr(machines.api, call), executionArn=arn)[0] == "ExecutionDoesNotExist"


# -- stopping -------------------------------------------------------------------------------------


def states_to_stop_in() -> dict[str, dict[str, Any]]:
    wait = {"Type": "Wait", "Seconds": 600, "End": True}
    inside = {"StartAt": "W", "States": {"W": wait}}
    failing = {
        **task("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": "none"}),
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}],
    }
    asking = task(
        "aws-sdk:cloudwatch:putMetricData.waitForTaskToken",
        {
            "Namespace": "{% $states.context.Task.Token %}",
            "MetricData": [{"MetricName": "Asked", "Value": 1}],
        },
    )
    return {
        "waiting": wait,
        "between retries": failing,
        "waiting for a token": asking,
        "in a Map": {"Type": "Map", "Items": [1, 2], "ItemProcessor": inside, "End": True},
        "in a Parallel": {"Type": "Parallel", "Branches": [inside, inside], "End": True},
    }


@pytest.mark.parametrize("where", list(states_to_stop_in()))
def test_stopping_is_at_once(machines: Machines, where: str) -> None:
    arn = machines.start({"States": {"S": states_to_stop_in()[where]}})
    machines.cloud.run_for(100)
    assert machines.look(arn)["status"] == "RUNNING"
    answer = machines.api.stop_execution(executionArn=arn, error="Enough", cause="why not")
    seen = machines.look(arn)
    assert (seen["status"], seen["error"], seen["cause"]) == ("ABORTED", "Enough", "why not")
    assert seen["took_s"] == 100
    assert answer["stopDate"] == seen["stopDate"]
    before = machines.history(arn)
    assert (before[-1]["type"], before[-1]["previousEventId"]) == ("ExecutionAborted", 0)
    machines.cloud.run_for(10_000)
    assert machines.history(arn) == before


def test_stopping_while_a_function_runs(deployed: Machines) -> None:
    state = deployed.invoke({"do": "sleep", "seconds": 50}, Next="After")
    after = deployed.invoke({"do": "raise"})
    arn = deployed.start({"States": {"Slow": state, "After": after}})
    deployed.cloud.call_at(START_S + 40, lambda: deployed.api.stop_execution(executionArn=arn))
    deployed.cloud.run_for(500)
    assert deployed.look(arn)["took_s"] == 40
    [done] = deployed.asked("sleep")
    assert (done.ok, done.ended_s - START_S) == (True, 50)
    assert deployed.asked("raise") == []


def test_stopping_before_it_began_and_after_it_ended(machines: Machines) -> None:
    arn = machines.start(QUICK)
    machines.api.stop_execution(executionArn=arn)
    kinds = [event["type"] for event in machines.history(arn)]
    assert kinds == ["ExecutionStarted", "ExecutionAborted"]
    machines.cloud.run_for(100)
    machines.api.stop_execution(executionArn=arn)
    assert machines.look(arn)["took_s"] == 0


def test_closing_the_cloud_ends_everything(machines: Machines) -> None:
    before = threading.active_count()
    for state in states_to_stop_in().values():
        machines.start({"States": {"S": state}})
    machines.cloud.run_for(10)
    assert threading.active_count() > before
    machines.cloud.close()
    assert threading.active_count() == before
    with LocalCloud(enforce_iam=False) as cloud:
        assert Machines(cloud).output(QUICK, {"again": True}) == {"again": True}


# -- machines -------------------------------------------------------------------------------------


def test_running_executions_keep_the_revision_they_started_with(machines: Machines) -> None:
    arn = machines.create(WAITING, "m")
    old = machines.api.start_execution(stateMachineArn=arn)["executionArn"]
    machines.cloud.run_for(10)
    new_text = json.dumps({"QueryLanguage": "JSONata", "StartAt": "P", **QUICK})
    updated = machines.api.update_state_machine(stateMachineArn=arn, definition=new_text)
    new = machines.api.start_execution(stateMachineArn=arn)["executionArn"]
    machines.cloud.run_for(1000)
    assert (machines.look(old)["took_s"], machines.look(new)["took_s"]) == (600, 0)
    assert machines.api.describe_state_machine(stateMachineArn=arn)["definition"] == new_text
    kept = machines.api.describe_state_machine_for_execution(executionArn=old)
    assert "600" in kept["definition"]
    assert updated["revisionId"] != kept["revisionId"]


def test_a_machine_that_is_deleted_goes_with_its_last_execution(machines: Machines) -> None:
    arn = machines.create(WAITING, "m")
    machines.api.start_execution(stateMachineArn=arn)
    machines.cloud.run_for(1)
    machines.api.delete_state_machine(stateMachineArn=arn)
    assert machines.api.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    assert refused(machines.api.start_execution, stateMachineArn=arn)[0] == "StateMachineDeleting"
    machines.cloud.run_for(1000)
    code, _ = refused(machines.api.describe_state_machine, stateMachineArn=arn)
    assert code == "StateMachineDoesNotExist"
    machines.create(QUICK, "m")


def test_creating_the_same_machine_twice(machines: Machines) -> None:
    assert machines.create(QUICK, "m") == machines.create(QUICK, "m")
    with pytest.raises(ClientError, match="StateMachineAlreadyExists"):
        machines.create(WAITING, "m")
    listed = machines.api.list_state_machines()["stateMachines"]
    assert [machine["name"] for machine in listed] == ["m"]


def test_tags(machines: Machines) -> None:
    arn = machines.create(QUICK)
    machines.api.tag_resource(
        resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    )
    machines.api.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert machines.api.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "b", "value": "2"}
    ]


def test_a_role_that_states_may_not_assume(deployed: Machines) -> None:
    function_role = deployed.cloud.functions.get("Worker").role_arn
    for role in (function_role, ROLE):
        with pytest.raises(ClientError, match="is authorized to assume the provided role"):
            Machines(deployed.cloud, role).create(QUICK)


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        pytest.param({"States": {}, "StartAt": "A"}, "StartAt", id="nothing to start at"),
        pytest.param(
            {"States": {"A": {"Type": "Pass"}}}, "exactly one of Next and End", id="no end"
        ),
        pytest.param(
            {"States": {"A": {"Type": "Pass", "Next": "B"}}},
            "MISSING_TRANSITION_TARGET.*Missing 'Next' target: B",
            id="no such state",
        ),
        pytest.param(
            {"States": {"A": {"Type": "Hop", "End": True}}}, "SCHEMA_VALIDATION_FAILED", id="type"
        ),
        pytest.param(
            {"States": {"A": task("aws-sdk:sagemaker:describeEndpiont", {})}},
            "not recognized",
            id="no such action",
        ),
        pytest.param(
            {"States": {"A": task("aws-sdk:sagemker:describeEndpoint", {})}},
            "not recognized",
            id="no such service",
        ),
        pytest.param(
            {"States": {"A": task("aws-sdk:sagemaker:describeEndpoint", {"EndpointNmae": "e"})}},
            'The field "EndpointNmae" is not supported',
            id="no such member",
        ),
        pytest.param(
            {"States": {"A": task("states:startExecution", {"TraceHeader": "t"})}},
            'The field "TraceHeader" is not supported',
            id="member that the integration would drop",
        ),
        pytest.param(
            {"States": {"A": {"Type": "Pass", "TimeoutSeconds": 5, "End": True}}},
            "Only Task states",
            id="time limit of a Pass",
        ),
        pytest.param(
            {"States": {"A": {"Type": "Pass", "Output": "{% 1 + %}", "End": True}}},
            "Invalid JSONata",
            id="expression",
        ),
    ],
)
def test_definitions_that_are_refused(machines: Machines, definition: Any, says: str) -> None:
    whole = {"QueryLanguage": "JSONata", "StartAt": "A", **definition}
    with pytest.raises(ClientError, match=f"InvalidDefinition.*{says}"):
        machines.create(definition)
    validated = machines.api.validate_state_machine_definition(definition=json.dumps(whole))
    assert validated["result"] == "FAIL"
    assert validated["diagnostics"][0]["severity"] == "ERROR"


def test_a_definition_that_is_fine(machines: Machines) -> None:
    whole = json.dumps({"QueryLanguage": "JSONata", "StartAt": "P", **QUICK})
    validated = machines.api.validate_state_machine_definition(definition=whole)
    assert (validated["result"], validated["diagnostics"]) == ("OK", [])
