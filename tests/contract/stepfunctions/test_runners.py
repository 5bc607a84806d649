"""State machines over functions in this process, and over functions in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud import services
from icscaler_localcloud.cloud import LocalCloud, RunnerKind
from tests.contract.stepfunctions.conftest import START_S, TEMPLATES, Machines, task


@pytest.fixture(params=["in-process", "subprocess"])
def deployed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    factory = "icscaler_localcloud.stepfunctions:create_service"
    monkeypatch.setitem(services.OWN_SERVICES, "stepfunctions", factory)
    kind: RunnerKind = request.param
    with LocalCloud(start_s=START_S, runner=kind) as cloud:
        stack = cloud.deploy(TEMPLATES / "machines.yaml", name="test")
        yield Machines(cloud, stack.attribute("MachineRole", "Arn"), stack)


def run(deployed: Machines, state: dict[str, Any]) -> Any:
    return deployed.run({"States": {"Only": state}}, seconds=200)


def test_a_function_answers_fails_and_takes_time(deployed: Machines) -> None:
    assert run(deployed, deployed.invoke({"do": "return", "value": [1]}))["output"] == [1]
    assert run(deployed, deployed.invoke({"do": "raise"}))["error"] == "OutOfRoomError"
    assert run(deployed, deployed.invoke({"do": "sleep", "seconds": 20}))["took_s"] == 20


def test_retries_on_the_virtual_clock(deployed: Machines) -> None:
    retry = [{"ErrorEquals": ["OutOfRoomError"], "IntervalSeconds": 40, "BackoffRate": 1}]
    state = deployed.invoke({"do": "fail first", "times": 2, "key": "k"}, Retry=retry)
    seen = run(deployed, state)
    assert (seen["output"]["attempts"], seen["took_s"]) == (3, 80)


def test_crashes_and_timeouts_have_the_same_names(deployed: Machines) -> None:
    deployed.cloud.faults.kill_before_call("Worker", "dynamodb", "PutItem")
    crashed = run(deployed, deployed.invoke({"do": "put", "key": "k"}))
    assert crashed["error"] == "Runtime.ExitError"
    slow = run(deployed, deployed.invoke({"do": "sleep", "seconds": 30}, "Brief"))
    assert slow["error"] == "Sandbox.Timedout"


def test_a_task_times_out_while_its_function_runs(deployed: Machines) -> None:
    seen = run(deployed, deployed.invoke({"do": "sleep", "seconds": 30}, TimeoutSeconds=5))
    assert (seen["error"], seen["took_s"]) == ("States.Timeout", 5)


def test_a_function_answers_a_token(deployed: Machines) -> None:
    arguments = {
        "FunctionName": deployed.physical_id("Worker"),
        "Payload": {"do": "answer", "token": "{% $states.context.Task.Token %}"},
    }
    seen = run(deployed, task("lambda:invoke.waitForTaskToken", arguments))
    assert seen["output"] == {"by": "the function itself"}


def test_a_machine_calls_while_a_function_is_past_its_time(deployed: Machines) -> None:
    put = {"TableName": deployed.physical_id("Table"), "Item": {"pk": {"S": "a"}}}
    states = {
        "W": {"Type": "Wait", "Seconds": 10, "Next": "Put"},
        "Put": task("dynamodb:putItem", put),
    }
    late = deployed.start(
        {"States": {"L": deployed.invoke({"do": "sleep", "seconds": 30}, "Brief")}}
    )
    other = deployed.start({"States": states})
    deployed.cloud.run_for(100)
    assert deployed.look(late)["error"] == "Sandbox.Timedout"
    assert deployed.look(other)["status"] == "SUCCEEDED"
