"""Executions that start executions."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.stepfunctions.conftest import Machines, task

SLOW = {
    "States": {
        "W": {"Type": "Wait", "Seconds": 600, "Next": "Out"},
        "Out": {"Type": "Succeed", "Output": {"was": "{% $states.input.n %}"}},
    }
}
FAILING = {
    "States": {
        "W": {"Type": "Wait", "Seconds": 5, "Next": "No"},
        "No": {"Type": "Fail", "Error": "Broken", "Cause": "inside"},
    }
}


def nested(machine_arn: str, pattern: str = "", **state: Any) -> dict[str, Any]:
    """A machine that starts another one, by name."""
    arguments = {
        "StateMachineArn": machine_arn,
        "Name": "{% $states.context.Execution.Name & '-child' %}",
        "Input": {"n": "{% $states.input.n %}"},
    }
    return {"States": {"Start": task(f"states:startExecution{pattern}", arguments, **state)}}


def test_a_child_is_started_and_goes_its_own_way(machines: Machines) -> None:
    child = machines.create(SLOW, "child")
    arn = machines.start(nested(child), {"n": 4}, name="parent")
    machines.cloud.run_for(1)
    started = machines.look(arn)["output"]["ExecutionArn"]
    assert started.endswith(":execution:child:parent-child")
    assert machines.look(started)["status"] == "RUNNING"
    machines.cloud.run_for(600)
    assert machines.look(started)["output"] == {"was": 4}


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        pytest.param(".sync", '{"was":4}', id="sync: output as text"),
        pytest.param(".sync:2", {"was": 4}, id="sync:2: output as JSON"),
    ],
)
def test_a_parent_waits_for_its_child(machines: Machines, pattern: str, output: Any) -> None:
    child = machines.create(SLOW, "child")
    definition = nested(child, pattern, Output="{% $states.result %}")
    seen = machines.run(definition, {"n": 4})
    assert seen["took_s"] == 600
    assert seen["output"]["Output"] == output
    assert seen["output"]["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_a_child_that_fails_fails_the_task(machines: Machines, pattern: str) -> None:
    child = machines.create(FAILING, "child")
    catch = [
        {"ErrorEquals": ["States.TaskFailed"], "Output": "{% $states.errorOutput %}", "Next": "C"}
    ]
    definition = nested(child, pattern, Catch=catch)
    definition["States"]["C"] = {"Type": "Succeed"}
    seen = machines.run(definition, {"n": 1})
    assert (seen["output"]["Error"], seen["took_s"]) == ("States.TaskFailed", 5)
    assert '"Error": "Broken"' in seen["output"]["Cause"]


def test_waiting_for_a_child_takes_rights_to_a_rule(deployed: Machines) -> None:
    child = deployed.create(SLOW, "child")
    seen = deployed.run(nested(child, ".sync:2"), {"n": 1})
    assert (seen["status"], seen["took_s"]) == ("SUCCEEDED", 600)
    assert deployed.stack is not None
    powerless = Machines(deployed.cloud, deployed.stack.attribute("PowerlessRole", "Arn"))
    powerless.create(nested(child), "fire and forget")
    with pytest.raises(ClientError, match="not authorized to create managed-rule"):
        powerless.create(nested(child, ".sync"))


@pytest.mark.parametrize("how", ["stopped", "timed out"])
def test_a_parent_that_ends_early_stops_the_child_it_waits_for(
    machines: Machines, how: str
) -> None:
    child = machines.create(SLOW, "child")
    limit = {} if how == "stopped" else {"TimeoutSeconds": 60}
    arn = machines.start(nested(child, ".sync:2", **limit), {"n": 1}, name="parent")
    machines.cloud.run_for(60)
    if how == "stopped":
        machines.api.stop_execution(executionArn=arn)
    machines.cloud.run_for(1)
    [listed] = machines.api.list_executions(stateMachineArn=child)["executions"]
    assert listed["status"] == "ABORTED"
    assert (listed["stopDate"] - listed["startDate"]).total_seconds() == 60


def test_the_same_name_joins_and_another_input_is_refused(machines: Machines) -> None:
    child = machines.create(SLOW, "child")
    machines.api.start_execution(stateMachineArn=child, name="p-child", input='{"n":1}')
    joined = machines.start(nested(child), {"n": 1}, name="p")
    machines.cloud.run_for(1)
    assert machines.look(joined)["status"] == "SUCCEEDED"
    other = machines.start(nested(child), {"n": 2}, name="p")
    machines.cloud.run_for(1)
    assert machines.look(other)["error"] == "StepFunctions.ExecutionAlreadyExistsException"


def test_two_hundred_children_by_name(machines: Machines) -> None:
    child = machines.create(SLOW, "child")
    arguments = {
        "StateMachineArn": child,
        "Name": "{% 'component-' & $states.input %}",
        "Input": {"n": "{% $states.input %}"},
    }
    processor = {"StartAt": "S", "States": {"S": task("states:startExecution", arguments)}}
    items = {"Type": "Map", "Items": "{% [1..200] %}", "ItemProcessor": processor, "End": True}
    began = time.perf_counter()
    arn = machines.start({"States": {"All": items}})
    machines.cloud.run_for(700)
    took_s = time.perf_counter() - began
    assert machines.look(arn)["status"] == "SUCCEEDED"
    pages = machines.api.get_paginator("list_executions").paginate(stateMachineArn=child)
    listed = [execution for page in pages for execution in page["executions"]]
    assert len({execution["name"] for execution in listed}) == 200
    assert {execution["status"] for execution in listed} == {"SUCCEEDED"}
    assert len(machines.history(arn)) < 25_000
    assert took_s < 20


def test_two_hundred_children_awaited(machines: Machines) -> None:
    child = machines.create(SLOW, "child")
    arguments = {"StateMachineArn": child, "Input": {"n": "{% $states.input %}"}}
    start = task(
        "states:startExecution.sync:2", arguments, Output="{% $states.result.Output.was %}"
    )
    processor = {"StartAt": "S", "States": {"S": start}}
    items = {"Type": "Map", "Items": "{% [1..200] %}", "ItemProcessor": processor, "End": True}
    seen = machines.run({"States": {"All": items}})
    assert seen["output"] == list(range(1, 201))
    assert seen["took_s"] == 5 * 600  # forty at once
