"""Service integrations: what is called, in whose name, with what, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icscaler_localcloud.stepfunctions.integrations import exception_name, sdk_prefix
from tests.contract.stepfunctions.conftest import ROLE, START_S, Machines, task


def run_task(machines: Machines, resource: str, arguments: Any, **state: Any) -> Any:
    """Describe the execution of a machine with one task."""
    return machines.run({"States": {"Do": task(resource, arguments, **state)}}, seconds=60)


# -- Lambda ---------------------------------------------------------------------------------------


def test_lambda_invoke_gives_payload_and_status(deployed: Machines) -> None:
    arguments = {"FunctionName": deployed.physical_id("Worker"), "Payload": {"a": [1, None, "ü"]}}
    seen = run_task(deployed, "lambda:invoke", arguments)
    assert seen["output"]["StatusCode"] == 200
    assert seen["output"]["Payload"] == {"event": {"a": [1, None, "ü"]}, "now_s": START_S}


def test_a_functions_arn_may_be_the_resource(deployed: Machines) -> None:
    arn = deployed.cloud.functions.get("Worker").arn
    state = {
        "Type": "Task",
        "Resource": arn,
        "Arguments": {"do": "return", "value": 7},
        "End": True,
    }
    assert deployed.output({"States": {"Do": state}}) == 7


def test_a_function_arn_fails_by_the_same_names(deployed: Machines) -> None:
    arn = deployed.cloud.functions.get("Worker").arn
    catch = [{"ErrorEquals": ["OutOfRoomError"], "Next": "Caught"}]
    state = {"Type": "Task", "Resource": arn, "Arguments": {"do": "raise"}, "Catch": catch}
    definition = {"States": {"Do": {**state, "End": True}, "Caught": {"Type": "Succeed"}}}
    assert deployed.run(definition)["status"] == "SUCCEEDED"


def test_a_function_that_sleeps_takes_virtual_time_and_others_go_on(deployed: Machines) -> None:
    slow = deployed.start({"States": {"S": deployed.invoke({"do": "sleep", "seconds": 20})}})
    quick = deployed.start({"States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}})
    deployed.cloud.run_for(60)
    assert deployed.look(slow)["took_s"] == 20
    assert deployed.look(quick)["took_s"] == 5


def test_a_function_may_be_asked_without_waiting(deployed: Machines) -> None:
    arguments = {
        "FunctionName": deployed.physical_id("Worker"),
        "InvocationType": "Event",
        "Payload": {"do": "sleep", "seconds": 30},
    }
    seen = run_task(deployed, "lambda:invoke", arguments)
    assert (seen["output"]["StatusCode"], seen["took_s"]) == (202, 0)
    assert len(deployed.asked("sleep")) == 1


def test_a_function_may_start_executions(deployed: Machines) -> None:
    inner = deployed.create({"States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}}, "inner")
    deployed.cloud.faults.pause_before_call("Worker", "dynamodb", "PutItem", seconds=30)
    outer = deployed.start({"States": {"P": deployed.invoke({"do": "put", "key": "k"})}})
    deployed.cloud.run_for(1)
    started = deployed.api.start_execution(stateMachineArn=inner)["executionArn"]
    deployed.cloud.run_for(60)
    # Started while the function was held: it ended before the function did.
    assert deployed.look(started)["status"] == deployed.look(outer)["status"] == "SUCCEEDED"


# -- optimized integrations -----------------------------------------------------------------------


def test_dynamodb(deployed: Machines) -> None:
    table = deployed.physical_id("Table")
    put = {"TableName": table, "Item": {"pk": {"S": "a"}, "on": {"BOOL": True}, "n": {"N": "1"}}}
    get = {"TableName": table, "Key": {"pk": {"S": "{% $states.context.Execution.Input.key %}"}}}
    definition = {
        "States": {
            "Put": task("dynamodb:putItem", put, Next="Get"),
            "Get": task("dynamodb:getItem", get, Output="{% $states.result.Item %}"),
        }
    }
    assert deployed.output(definition, {"key": "a"}) == put["Item"]


def test_a_condition_that_does_not_hold(deployed: Machines) -> None:
    put = {
        "TableName": deployed.physical_id("Table"),
        "Item": {"pk": {"S": "a"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    optimized = run_task(deployed, "dynamodb:putItem", put)
    assert optimized["error"] == "DynamoDB.ConditionalCheckFailedException"
    sdk = run_task(deployed, "aws-sdk:dynamodb:putItem", put)
    assert sdk["error"] == "DynamoDb.ConditionalCheckFailedException"


def test_a_dynamodb_task_that_times_out_is_a_timeout(deployed: Machines) -> None:
    deployed.cloud.faults.pause_before_call("machine-0", "dynamodb", "PutItem", seconds=30)
    put = {"TableName": deployed.physical_id("Table"), "Item": {"pk": {"S": "a"}}}
    seen = run_task(deployed, "dynamodb:putItem", put, TimeoutSeconds=5)
    assert (seen["error"], seen["took_s"]) == ("States.Timeout", 5)


def test_sqs_sns_and_events(deployed: Machines) -> None:
    inbox, topic = deployed.physical_id("Inbox"), deployed.physical_id("Topic")
    entry = {"Source": "mine", "DetailType": "Said", "Detail": {"n": "{% $states.input.n %}"}}
    definition = {
        "States": {
            "Send": task(
                "sqs:sendMessage",
                {"QueueUrl": inbox, "MessageBody": {"from": "sqs"}},
                Output="{% $states.input %}",
                Next="Publish",
            ),
            "Publish": task(
                "sns:publish",
                {"TopicArn": topic, "Message": {"from": "sns"}},
                Output="{% $states.input %}",
                Next="Put",
            ),
            "Put": task("events:putEvents", {"Entries": [entry]}),
        }
    }
    events = deployed.cloud.client("events")
    events.put_rule(Name="said", EventPattern=json.dumps({"source": ["mine"]}))
    inbox_arn = deployed.stack.attribute("Inbox", "Arn") if deployed.stack else ""
    events.put_targets(Rule="said", Targets=[{"Id": "inbox", "Arn": inbox_arn}])
    arn = deployed.start(definition, {"n": 5})
    deployed.cloud.run_for(60)
    assert deployed.look(arn)["output"]["FailedEntryCount"] == 0
    sent, published, said = [json.loads(b) for b in deployed.cloud.queues.bodies(inbox_arn)]
    assert sent == {"from": "sqs"}
    assert json.loads(published["Message"]) == {"from": "sns"}
    assert said["detail"] == {"n": 5}
    machine_arn = deployed.look(arn)["stateMachineArn"]
    assert said["resources"] == [machine_arn, arn]


def test_an_event_that_is_refused_fails_the_task(deployed: Machines) -> None:
    entry = {"Source": "aws.mine", "DetailType": "Said", "Detail": {}}
    seen = run_task(deployed, "events:putEvents", {"Entries": [entry]})
    assert seen["error"] == "EventBridge.FailedEntry"
    assert "NotAuthorizedForSourceException" in seen["cause"]


# -- SDK integrations -----------------------------------------------------------------------------


def test_sagemaker_answers_in_json(machines: Machines) -> None:
    sagemaker = machines.cloud.client("sagemaker")
    sagemaker.create_endpoint_config(
        EndpointConfigName="config",
        ExecutionRoleArn=ROLE,
        ProductionVariants=[
            {"VariantName": "v", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}
        ],
    )
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="config")
    seen = run_task(machines, "aws-sdk:sagemaker:describeEndpoint", {"EndpointName": "e"})
    assert seen["output"]["EndpointStatus"] == "Creating"
    assert seen["output"]["CreationTime"] == "2026-06-01T00:00:00Z"
    assert "ResponseMetadata" not in seen["output"]


def test_cloudwatch(machines: Machines) -> None:
    data = {"Namespace": "Mine", "MetricData": [{"MetricName": "Waves", "Value": 3}]}
    assert run_task(machines, "aws-sdk:cloudwatch:putMetricData", data)["status"] == "SUCCEEDED"
    [metric] = machines.cloud.client("cloudwatch").list_metrics(Namespace="Mine")["Metrics"]
    assert metric["MetricName"] == "Waves"


def test_members_are_pascal_case_even_where_the_api_is_not(machines: Machines) -> None:
    inner = machines.create({"States": {"D": {"Type": "Succeed"}}}, "inner")
    started = run_task(
        machines,
        "aws-sdk:sfn:startExecution",
        {"StateMachineArn": inner, "Name": "n", "Input": "{}"},
    )["output"]
    assert started["ExecutionArn"].endswith(":execution:inner:n")
    assert started["StartDate"] == "2026-06-01T00:00:00Z"
    listed = run_task(machines, "aws-sdk:sfn:listExecutions", {"StateMachineArn": inner})["output"]
    assert [e["Status"] for e in listed["Executions"]] == ["SUCCEEDED"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"EndpointName": "e"}, "DesiredWeightsAndCapacities", id="missing"),
        pytest.param(
            {"EndpointName": "e", "DesiredWeightsAndCapacities": 5}, "Invalid type", id="wrong type"
        ),
        pytest.param(
            {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"Wait": 5}]},
            "Wait",
            id="unknown",
        ),
    ],
)
def test_arguments_that_do_not_fit(machines: Machines, arguments: Any, says: str) -> None:
    seen = run_task(machines, "aws-sdk:sagemaker:updateEndpointWeightsAndCapacities", arguments)
    assert (seen["status"], seen["error"]) == ("FAILED", "States.Runtime")
    assert says in seen["cause"]


@pytest.mark.parametrize(
    ("service", "prefix"),
    [
        ("sagemaker", "SageMaker"),
        ("sagemaker-runtime", "SageMakerRuntime"),
        ("dynamodb", "DynamoDb"),
        ("cloudwatch", "CloudWatch"),
        ("events", "EventBridge"),
        ("sns", "Sns"),
        ("sqs", "Sqs"),
        ("stepfunctions", "Sfn"),
        ("application-autoscaling", "ApplicationAutoScaling"),
        ("lambda", "Lambda"),
    ],
)
def test_services_are_called_as_in_the_java_sdk(service: str, prefix: str) -> None:
    assert sdk_prefix(service) == prefix


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ("ResourceNotFound", "ResourceNotFoundException"),
        ("ConditionalCheckFailedException", "ConditionalCheckFailedException"),
        ("LimitExceededFault", "LimitExceededException"),
        ("ModelError", "ModelErrorException"),
    ],
)
def test_errors_are_called_as_in_the_java_sdk(shape: str, name: str) -> None:
    assert exception_name(shape) == name


# -- roles ----------------------------------------------------------------------------------------


def test_a_machine_may_only_do_what_its_role_allows(deployed: Machines) -> None:
    seen = run_task(deployed, "aws-sdk:sagemaker:deleteEndpoint", {"EndpointName": "e"})
    assert seen["error"] == "SageMaker.SageMakerException"
    assert "is not authorized to perform: sagemaker:DeleteEndpoint" in seen["cause"]
    assert "assumed-role/test-MachineRole-" in seen["cause"]
    assert len(deployed.cloud.iam.denials) == 1


def test_a_function_that_is_not_the_roles_to_invoke(deployed: Machines) -> None:
    role = deployed.stack.attribute("PowerlessRole", "Arn") if deployed.stack else ""
    powerless = Machines(deployed.cloud, role, deployed.stack)
    catch = [{"ErrorEquals": ["Lambda.AWSLambdaException"], "Next": "Caught"}]
    definition = {
        "States": {"Do": powerless.invoke({}, Catch=catch), "Caught": {"Type": "Succeed"}}
    }
    assert powerless.run(definition)["status"] == "SUCCEEDED"
    assert deployed.asked(None) == []


def test_without_enforcement_every_role_may_do_everything(machines: Machines) -> None:
    seen = run_task(machines, "aws-sdk:sagemaker:listEndpoints", {})
    assert seen["output"] == {"Endpoints": []}


def test_a_bug_behind_a_call_is_not_an_error_of_the_workflow(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(operation: str, params: Any) -> Any:
        raise ZeroDivisionError(f"a bug in {operation}")

    monkeypatch.setattr(machines.cloud.service("sagemaker"), "call", broken)
    machines.start({"States": {"Do": task("aws-sdk:sagemaker:listEndpoints", {})}})
    with pytest.raises(ZeroDivisionError, match="a bug in ListEndpoints"):
        machines.cloud.run_for(1)
