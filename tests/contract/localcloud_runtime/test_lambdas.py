"""Functions: environments, context, time, failures, asynchronous semantics."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud

from .conftest import TEMPLATES, Plumbing


def test_the_host_is_left_as_it_was(plumbing: Plumbing) -> None:
    def state() -> tuple[Any, ...]:
        modules = {n for n in sys.modules if n.partition(".")[0] in ("app", "shared_code")}
        tree = (logging.root, logging.Logger.root, logging.Logger.manager)
        streams = (sys.stdout, sys.stderr)
        return modules, tuple(sys.path), tree, streams, time.time, time.sleep, boto3.DEFAULT_SESSION

    before = state()
    plumbing.call({"do": "log"})
    plumbing.call({"do": "raise"})
    assert state() == before


def test_threads_run_while_another_function_is_held(plumbing: Plumbing) -> None:
    """The held call must not keep the gateway's lock from the other function's threads."""
    cloud = plumbing.cloud
    cloud.faults.pause_before_call("Worker", "dynamodb", "PutItem", seconds=5)
    cloud.functions.invoke_async("Worker", {"do": "put", "key": "held"}, trigger="test")
    many = {"do": "put many", "key": "k"}
    cloud.loop.call_in(1, lambda: cloud.functions.invoke("Worker", many))
    cloud.run_for(10)
    assert len(plumbing.keys()) == 18


# -- through the API


def test_invoke_waits_for_the_answer(plumbing: Plumbing) -> None:
    client = plumbing.cloud.client("lambda")
    name = plumbing.stack.physical_id("Worker")
    answer = client.invoke(FunctionName=name, Payload=b'{"do": "log"}', LogType="Tail")
    assert json.loads(answer["Payload"].read())["calls"] == 1
    assert (answer["StatusCode"], "FunctionError" in answer) == (200, False)
    failed = client.invoke(FunctionName=name, Payload=b'{"do": "raise"}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "RuntimeError"


def test_looking_at_functions(plumbing: Plumbing) -> None:
    client = plumbing.cloud.client("lambda")
    name = plumbing.stack.physical_id("Worker")
    configuration = client.get_function_configuration(FunctionName=name)
    assert configuration["Timeout"] == 30
    assert configuration["Role"] == plumbing.stack.attribute("WorkerRole", "Arn")
    assert len(client.list_functions()["Functions"]) == 3
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert mapping["EventSourceArn"] == plumbing.stack.attribute("Work", "Arn")
    statements = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert {s["Principal"]["Service"] for s in statements} == {"events.amazonaws.com"}
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Function not found"):
        client.get_function(FunctionName="nobody")


def test_without_concurrency_a_call_is_throttled(plumbing: Plumbing) -> None:
    client = plumbing.cloud.client("lambda")
    name = plumbing.stack.physical_id("Worker")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=name)
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    client.delete_function_concurrency(FunctionName=name)
    assert client.invoke(FunctionName=name)["StatusCode"] == 200


# -- asynchronous


def test_an_async_error_is_retried_twice_and_then_sent_away(plumbing: Plumbing) -> None:
    client = plumbing.cloud.client("lambda")
    name = plumbing.stack.physical_id("Worker")
    event = {"do": "raise"}
    accepted = client.invoke(
        FunctionName=name, Payload=json.dumps(event).encode(), InvocationType="Event"
    )
    assert accepted["StatusCode"] == 202
    plumbing.cloud.run_for(290)
    attempts = plumbing.log(trigger="invoke")
    assert [round(a.at_s - attempts[0].at_s) for a in attempts] == [0, 60, 180]
    assert len({a.request_id for a in attempts}) == 1
    (record,) = plumbing.queued("Undelivered")
    assert record["requestPayload"] == event
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestContext"]["functionArn"].endswith(f"{name}:$LATEST")
    assert record["responsePayload"]["errorType"] == "RuntimeError"
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_retries_are_as_many_as_the_template_says(cloud: LocalCloud) -> None:
    template = TEMPLATES / "plumbing.yaml"
    plumbing = Plumbing(cloud, cloud.deploy(template, parameters={"Retries": "0"}))
    cloud.functions.invoke_async("Worker", {"do": "raise"}, trigger="test")
    cloud.run_for(250)
    assert len(plumbing.log(trigger="test")) == 1
    assert len(plumbing.queued("Undelivered")) == 1


def test_a_throttled_event_waits_and_is_not_counted_as_an_attempt(plumbing: Plumbing) -> None:
    function = plumbing.cloud.functions.get("Worker")
    function.reserved_concurrency = 0
    plumbing.cloud.functions.invoke_async("Worker", {}, trigger="test")
    plumbing.cloud.run_for(20)
    assert plumbing.log(trigger="test") == []
    function.reserved_concurrency = None
    plumbing.cloud.run_for(20)
    (done,) = plumbing.log(trigger="test")
    assert (done.ok, done.attempt) == (True, 1)


def test_an_event_that_grew_too_old_is_sent_away(plumbing: Plumbing) -> None:
    function = plumbing.cloud.functions.get("Worker")
    function.reserved_concurrency, function.max_event_age_s = 0, 60
    plumbing.cloud.functions.invoke_async("Worker", {"do": "log"}, trigger="test")
    plumbing.cloud.run_for(120)
    (record,) = plumbing.queued("Undelivered")
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert "responsePayload" not in record


def test_a_topic_invokes_a_function(plumbing: Plumbing) -> None:
    sns = plumbing.cloud.client("sns")
    topic = plumbing.stack.physical_id("Topic")
    function = plumbing.stack.attribute("Worker", "Arn")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.publish(TopicArn=topic, Message='{"do": "log"}', Subject="subject")
    plumbing.cloud.run_for(1)
    (done,) = plumbing.log(trigger="sns")
    (record,) = done.event["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["Sns"]["Subject"] == "subject"


def test_lambda_measures_itself(plumbing: Plumbing) -> None:
    plumbing.call({})
    plumbing.call({"do": "raise"})
    name = plumbing.stack.physical_id("Worker")
    at_s = DEFAULT_START_S
    for metric, expected in (("Invocations", 2.0), ("Errors", 1.0)):
        points = plumbing.cloud.metrics.statistics(
            "AWS/Lambda", metric, {"FunctionName": name}, "Sum", 60, at_s, at_s + 60, at_s + 60
        )
        assert points == [(at_s, expected)]
