"""Tasks that wait for a token: answers, time limits, heartbeats, tokens nobody waits for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.stepfunctions.conftest import Machines, task

TOKEN = "{% $states.context.Task.Token %}"


def asking(machines: Machines, **state: Any) -> dict[str, Any]:
    """A machine that asks by queue and waits for the answer."""
    machines.cloud.client("sqs").create_queue(QueueName="questions")
    arguments = {
        "QueueUrl": machines.cloud.client("sqs").get_queue_url(QueueName="questions")["QueueUrl"],
        "MessageBody": {"token": TOKEN},
    }
    return {"States": {"Ask": task("sqs:sendMessage.waitForTaskToken", arguments, **state)}}


def tokens(machines: Machines) -> list[str]:
    """The tokens asked with so far, oldest first."""
    arn = f"arn:aws:sqs:us-east-1:{machines.cloud.account}:questions"
    return [json.loads(body)["token"] for body in machines.cloud.queues.bodies(arn)]


def ask(machines: Machines, **state: Any) -> tuple[str, str]:
    """Start asking; (execution, token)."""
    arn = machines.start(asking(machines, **state))
    machines.cloud.run_for(10)
    [token] = tokens(machines)
    return arn, token


def refused(machines: Machines, operation: str, **params: Any) -> str:
    """The error code of a call that is refused."""
    with pytest.raises(ClientError) as caught:
        getattr(machines.api, operation)(**params)
    return str(caught.value.response["Error"]["Code"])


def test_success_ends_the_wait_at_once(machines: Machines) -> None:
    arn, token = ask(machines)
    machines.cloud.run_for(7 * 86_400)
    assert machines.look(arn)["status"] == "RUNNING"
    machines.api.send_task_success(taskToken=token, output='{"yes": true}')
    machines.cloud.run_for(0)
    seen = machines.look(arn)
    assert (seen["output"], seen["took_s"]) == ({"yes": True}, 7 * 86_400 + 10)
    kinds = [event["type"] for event in machines.history(arn)]
    assert kinds[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_failure_has_the_name_it_is_sent_with(machines: Machines) -> None:
    catch = [{"ErrorEquals": ["Refused"], "Output": "{% $states.errorOutput %}", "Next": "No"}]
    definition = asking(machines, Catch=catch)
    definition["States"]["No"] = {"Type": "Succeed"}
    arn = machines.start(definition)
    machines.cloud.run_for(1)
    machines.api.send_task_failure(taskToken=tokens(machines)[0], error="Refused", cause="why")
    machines.cloud.run_for(1)
    assert machines.look(arn)["output"] == {"Error": "Refused", "Cause": "why"}


def test_nobody_answers_in_time(machines: Machines) -> None:
    arn, token = ask(machines, TimeoutSeconds=3600)
    machines.cloud.run_for(10_000)
    seen = machines.look(arn)
    assert (seen["status"], seen["error"], seen["took_s"]) == ("FAILED", "States.Timeout", 3600)
    assert refused(machines, "send_task_success", taskToken=token, output="{}") == "TaskTimedOut"


def test_heartbeats_keep_a_task_alive(machines: Machines) -> None:
    arn, token = ask(machines, HeartbeatSeconds=60)
    for _ in range(5):
        machines.cloud.run_for(45)
        machines.api.send_task_heartbeat(taskToken=token)
    assert machines.look(arn)["status"] == "RUNNING"
    machines.cloud.run_for(1000)
    seen = machines.look(arn)
    assert seen["error"] == "States.HeartbeatTimeout"
    assert seen["took_s"] == 10 + 5 * 45 + 60


@pytest.mark.parametrize("listed", ["States.HeartbeatTimeout", "States.Timeout", "States.ALL"])
def test_a_missed_heartbeat_is_caught(machines: Machines, listed: str) -> None:
    catch = [{"ErrorEquals": [listed], "Next": "Silent"}]
    definition = asking(machines, HeartbeatSeconds=30, Catch=catch)
    definition["States"]["Silent"] = {"Type": "Succeed"}
    assert machines.run(definition)["took_s"] == 30


def test_a_heartbeat_limit_alone_is_no_time_limit(machines: Machines) -> None:
    arn, token = ask(machines, HeartbeatSeconds=600)
    for _ in range(50):
        machines.cloud.run_for(500)
        machines.api.send_task_heartbeat(taskToken=token)
    assert machines.look(arn)["status"] == "RUNNING"


def test_each_attempt_asks_with_a_new_token(machines: Machines) -> None:
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 5, "MaxAttempts": 3}]
    arn = machines.start(asking(machines, Retry=retry))
    machines.cloud.run_for(1)
    machines.api.send_task_failure(taskToken=tokens(machines)[0], error="Again")
    machines.cloud.run_for(10)
    first, second = tokens(machines)
    assert first != second
    assert refused(machines, "send_task_success", taskToken=first, output="1") == "TaskTimedOut"
    machines.api.send_task_success(taskToken=second, output="2")
    machines.cloud.run_for(1)
    assert machines.look(arn)["output"] == 2


def test_the_second_answer_comes_too_late(machines: Machines) -> None:
    _, token = ask(machines)
    machines.api.send_task_success(taskToken=token, output="1")
    assert refused(machines, "send_task_success", taskToken=token, output="2") == "TaskTimedOut"
    assert refused(machines, "send_task_heartbeat", taskToken=token) == "TaskTimedOut"


def test_a_stopped_execution_waits_for_nothing(machines: Machines) -> None:
    arn, token = ask(machines)
    machines.api.stop_execution(executionArn=arn)
    assert refused(machines, "send_task_failure", taskToken=token) == "TaskTimedOut"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"taskToken": "no such token", "output": "{}"}, "InvalidToken", id="token"),
        pytest.param({"taskToken": "?", "output": "{"}, "InvalidOutput", id="not JSON"),
        pytest.param(
            {"taskToken": "?", "output": f'"{"x" * 262_143}"'}, "ValidationException", id="size"
        ),
    ],
)
def test_answers_that_are_refused(machines: Machines, params: dict[str, str], code: str) -> None:
    assert refused(machines, "send_task_success", **params) == code


def test_a_function_may_answer_its_own_token(deployed: Machines) -> None:
    arguments = {
        "FunctionName": deployed.physical_id("Worker"),
        "Payload": {"do": "answer", "token": TOKEN},
    }
    definition = {"States": {"Ask": task("lambda:invoke.waitForTaskToken", arguments)}}
    assert deployed.output(definition) == {"by": "the function itself"}


def test_forty_wait_side_by_side(machines: Machines) -> None:
    asked = asking(machines)["States"]["Ask"]
    processor = {"StartAt": "Ask", "States": {"Ask": asked}}
    definition = {
        "States": {
            "Each": {
                "Type": "Map",
                "Items": "{% [1..40] %}",
                "ItemProcessor": processor,
                "End": True,
            }
        }
    }
    arn = machines.start(definition)
    machines.cloud.run_for(60)
    asked_with = tokens(machines)
    assert len(set(asked_with)) == 40
    for number, token in reversed(list(enumerate(asked_with))):
        machines.api.send_task_success(taskToken=token, output=str(number))
        machines.cloud.run_for(60)
    assert machines.look(arn)["output"] == list(range(40))
