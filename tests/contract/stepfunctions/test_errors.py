"""Retry, Catch, time limits of tasks, and what errors are called."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from icscaler_localcloud.stepfunctions.matching import matches
from tests.contract.stepfunctions.conftest import START_S, Machines, task

DONE = {"Type": "Succeed", "Output": "{% $states.input %}"}
CAUGHT = "{% $states.errorOutput %}"


def caught(state: dict[str, Any], *errors: str) -> dict[str, Any]:
    """A machine whose only task has a Catch; its output is the error."""
    catch = [{"ErrorEquals": list(errors or ["States.ALL"]), "Output": CAUGHT, "Next": "Caught"}]
    return {"States": {"Try": {**state, "Catch": catch}, "Caught": DONE}}


@pytest.mark.parametrize(
    ("listed", "name", "does"),
    [
        ("States.ALL", "AnyError", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.QueryEvaluationError", True),
        ("States.ALL", None, True),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.ALL", "States.Runtime", False),
        ("States.Runtime", "States.Runtime", True),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.TaskFailed", "AnyError", True),
        ("States.TaskFailed", "Lambda.TooManyRequestsException", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.TaskFailed", "States.HeartbeatTimeout", False),
        ("States.Timeout", "States.Timeout", True),
        ("States.Timeout", "States.HeartbeatTimeout", True),
        ("States.HeartbeatTimeout", "States.Timeout", False),
        ("AnyError", "AnyError", True),
        ("AnyError", "anyerror", False),
        ("AnyError", "AnyErrorToo", False),
    ],
)
def test_error_names_match(listed: str, name: str | None, *, does: bool) -> None:
    assert matches(listed, name) is does


# -- Retry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retrier", "attempts_at_s"),
    [
        pytest.param({}, [0, 1, 3, 7], id="defaults"),
        pytest.param(
            {"IntervalSeconds": 2, "BackoffRate": 1, "MaxAttempts": 3}, [0, 2, 4, 6], id="constant"
        ),
        pytest.param(
            {"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 3},
            [0, 3, 7.5, 14.25],
            id="fractions",
        ),
        pytest.param(
            {"IntervalSeconds": 10, "BackoffRate": 10, "MaxAttempts": 4, "MaxDelaySeconds": 60},
            [0, 10, 70, 130, 190],
            id="longest delay",
        ),
        pytest.param({"MaxAttempts": 0}, [0], id="never"),
        pytest.param(
            {"IntervalSeconds": 3600, "BackoffRate": 24, "MaxAttempts": 2},
            [0, 3600, 90_000],
            id="a day",
        ),
    ],
)
def test_retries_come_exactly_when_they_should(
    deployed: Machines, retrier: dict[str, Any], attempts_at_s: list[float]
) -> None:
    retry = [{"ErrorEquals": ["OutOfRoomError"], **retrier}]
    arn = deployed.start({"States": {"Try": deployed.invoke({"do": "raise"}, Retry=retry)}})
    deployed.cloud.run_for(200_000)
    seen = deployed.look(arn)
    assert (seen["status"], seen["error"]) == ("FAILED", "OutOfRoomError")
    assert deployed.times_of(arn, "TaskScheduled") == attempts_at_s
    assert [done.at_s - START_S for done in deployed.asked("raise")] == attempts_at_s


def test_jitter_is_within_bounds_and_follows_the_seed(deployed: Machines) -> None:
    retry = [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 100,
            "BackoffRate": 1,
            "MaxAttempts": 30,
            "JitterStrategy": "FULL",
        }
    ]
    arn = deployed.start({"States": {"Try": deployed.invoke({"do": "raise"}, Retry=retry)}})
    deployed.cloud.run_for(10_000)
    at_s = deployed.times_of(arn, "TaskScheduled")
    waits = [later - earlier for earlier, later in itertools.pairwise(at_s)]
    assert len(waits) == 30
    assert all(0 <= wait <= 100 for wait in waits)
    assert len({round(wait) for wait in waits}) > 15


def test_each_retrier_counts_for_itself(deployed: Machines) -> None:
    retry = [
        {"ErrorEquals": ["Other"], "MaxAttempts": 9},
        {"ErrorEquals": ["OutOfRoomError"], "IntervalSeconds": 5, "MaxAttempts": 1},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ]
    arn = deployed.start({"States": {"Try": deployed.invoke({"do": "raise"}, Retry=retry)}})
    deployed.cloud.run_for(1000)
    assert deployed.times_of(arn, "TaskScheduled") == [0, 5]


def test_a_retry_that_succeeds_knows_how_often_it_was_tried(deployed: Machines) -> None:
    retry = [{"ErrorEquals": ["OutOfRoomError"], "IntervalSeconds": 60, "BackoffRate": 1}]
    payload = {"do": "fail first", "times": 2, "key": "k"}
    state = deployed.invoke(payload, Retry=retry, Output="{% $states.context.State.RetryCount %}")
    seen = deployed.run({"States": {"Try": state}})
    assert (seen["output"], seen["took_s"]) == (2, 120)


def test_retry_first_then_catch(deployed: Machines) -> None:
    retry = [{"ErrorEquals": ["OutOfRoomError"], "IntervalSeconds": 10, "MaxAttempts": 1}]
    seen = deployed.run(caught(deployed.invoke({"do": "raise"}, Retry=retry), "OutOfRoomError"))
    assert seen["took_s"] == 10
    assert seen["output"]["Error"] == "OutOfRoomError"
    assert '"errorMessage":"no room"' in seen["output"]["Cause"]


def test_a_catch_can_assign_and_go_elsewhere(deployed: Machines) -> None:
    catch = [
        {"ErrorEquals": ["Wrong"], "Next": "Wrong"},
        {
            "ErrorEquals": ["OutOfRoomError"],
            "Assign": {"why": "{% $states.errorOutput.Error %}"},
            "Next": "Right",
        },
    ]
    definition = {
        "States": {
            "Try": deployed.invoke({"do": "raise"}, Catch=catch),
            "Wrong": {"Type": "Fail"},
            "Right": {"Type": "Succeed", "Output": "{% $why %}"},
        }
    }
    assert deployed.output(definition) == "OutOfRoomError"


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_a_timeout_inside_keeps_its_name_outside(deployed: Machines, kind: str) -> None:
    slow = deployed.invoke({"do": "sleep", "seconds": 30}, TimeoutSeconds=5)
    inside = {"StartAt": "Slow", "States": {"Slow": slow}}
    members = (
        {"Branches": [inside]} if kind == "Parallel" else {"Items": [1], "ItemProcessor": inside}
    )
    seen = deployed.run(caught({"Type": kind, **members, "End": True}, "States.Timeout"))
    assert seen["output"]["Error"] == "States.Timeout"


# -- time limits ----------------------------------------------------------------------------------


def test_a_task_times_out_while_the_function_runs_on(deployed: Machines) -> None:
    slow = deployed.invoke({"do": "sleep", "seconds": 30}, TimeoutSeconds=5)
    arn = deployed.start(caught(slow, "States.Timeout"))
    deployed.cloud.run_for(100)
    seen = deployed.look(arn)
    assert (seen["output"]["Error"], seen["took_s"]) == ("States.Timeout", 5)
    assert len(deployed.times_of(arn, "TaskTimedOut")) == 1
    [done] = deployed.cloud.lambda_log
    assert (done.ok, done.ended_s - START_S) == (True, 30)


def test_the_time_limit_may_be_an_expression(deployed: Machines) -> None:
    slow = deployed.invoke(
        {"do": "sleep", "seconds": 30}, TimeoutSeconds="{% $states.input.limit * 2 %}"
    )
    seen = deployed.run({"States": {"Slow": slow}}, {"limit": 4})
    assert (seen["status"], seen["error"], seen["took_s"]) == ("FAILED", "States.Timeout", 8)


def test_each_attempt_has_the_whole_time(deployed: Machines) -> None:
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 2}]
    slow = deployed.invoke({"do": "sleep", "seconds": 30}, TimeoutSeconds=5, Retry=retry)
    arn = deployed.start({"States": {"Slow": slow}})
    deployed.cloud.run_for(200)
    assert deployed.times_of(arn, "TaskTimedOut") == [5, 11, 18]


# -- what errors are called -----------------------------------------------------------------------


def test_an_exception_goes_by_its_class(deployed: Machines) -> None:
    seen = deployed.run({"States": {"Try": deployed.invoke({"do": "raise"})}})
    assert (seen["error"], seen["status"]) == ("OutOfRoomError", "FAILED")


@pytest.mark.parametrize("listed", ["Runtime.ExitError", "States.TaskFailed", "States.ALL"])
def test_a_crash_of_a_function_is_caught(deployed: Machines, listed: str) -> None:
    deployed.cloud.faults.kill_before_call("Worker", "dynamodb", "PutItem")
    seen = deployed.run(caught(deployed.invoke({"do": "put", "key": "k"}), listed))
    assert seen["output"]["Error"] == "Runtime.ExitError"


def test_a_crash_is_retried_like_any_error(deployed: Machines) -> None:
    switch = deployed.cloud.faults.kill_before_call("Worker", "dynamodb", "PutItem", times=2)
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1}]
    seen = deployed.run(
        {"States": {"Try": deployed.invoke({"do": "put", "key": "k"}, Retry=retry)}}
    )
    assert (seen["status"], seen["took_s"], switch.hits) == ("SUCCEEDED", 3, 2)


def test_a_functions_own_timeout_is_no_timeout_of_the_state(deployed: Machines) -> None:
    slow = deployed.invoke({"do": "sleep", "seconds": 30}, "Brief")
    assert deployed.output(caught(slow, "States.TaskFailed"))["Error"] == "Sandbox.Timedout"


def test_a_throttled_function(deployed: Machines) -> None:
    # One invocation at a time: two branches want one each at the same instant.
    inside = {
        "StartAt": "I",
        "States": {"I": deployed.invoke({"do": "sleep", "seconds": 2}, "Brief")},
    }
    both = {"Type": "Parallel", "Branches": [inside, inside], "End": True}
    seen = deployed.run(caught(both, "Lambda.TooManyRequestsException"))
    assert seen["output"]["Error"] == "Lambda.TooManyRequestsException"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(
            {"code": "ServiceException"}, "Lambda.ServiceException", id="modelled service error"
        ),
        pytest.param({"code": "InternalFailure"}, "Lambda.AWSLambdaException", id="any other"),
    ],
)
def test_a_failing_lambda_service(deployed: Machines, fault: dict[str, str], error: str) -> None:
    deployed.cloud.faults.fail("lambda", "Invoke", **fault)
    assert deployed.output(caught(deployed.invoke({})))["Error"] == error


def test_a_lost_reply_is_the_sdks_error(deployed: Machines) -> None:
    deployed.cloud.faults.drop_reply("lambda", "Invoke")
    seen = deployed.run(caught(deployed.invoke({}), "Lambda.SdkClientException"))
    assert seen["output"]["Error"] == "Lambda.SdkClientException"
    assert len(deployed.asked(None)) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param(
            "ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException", id="named"
        ),
        pytest.param("ValidationException", "SageMaker.SageMakerException", id="not in the model"),
        pytest.param("ThrottlingException", "SageMaker.SageMakerException", id="throttling"),
    ],
)
def test_sdk_errors_are_pascal_case(machines: Machines, code: str, error: str) -> None:
    machines.cloud.faults.fail("sagemaker", "DescribeEndpoint", code=code, status=400)
    state = task("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": "e"})
    seen = machines.output(caught(state, error))
    assert seen["Error"] == error
    assert "Service: SageMaker, Status Code: 400" in seen["Cause"]


def test_steps_functions_calls_once_and_leaves_repeating_to_retry(machines: Machines) -> None:
    switch = machines.cloud.faults.throttle("sagemaker", "ListEndpoints", times=5)
    retry = [
        {"ErrorEquals": ["SageMaker.SageMakerException"], "IntervalSeconds": 1, "MaxAttempts": 9}
    ]
    state = task("aws-sdk:sagemaker:listEndpoints", {}, Retry=retry)
    seen = machines.run({"States": {"Try": state}})
    assert (switch.hits, seen["took_s"]) == (5, 1 + 2 + 4 + 8 + 16)


def test_a_machine_whose_calls_are_cut_goes_on(machines: Machines) -> None:
    arn = machines.create({"States": {"Try": task("aws-sdk:sagemaker:listEndpoints", {})}}, "cut")
    machines.cloud.faults.kill_before_call("cut", "sagemaker", "ListEndpoints")
    started = machines.api.start_execution(stateMachineArn=arn)["executionArn"]
    machines.cloud.run_for(1)
    assert machines.look(started)["error"] == "SageMaker.SdkClientException"
