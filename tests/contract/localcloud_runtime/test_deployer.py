"""The deployer: what is created from a template, and what a function must have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import DeployError

from .conftest import QUEUE, TEMPLATES, Plumbing, deploy, resources


def test_resources_exist_as_described(plumbing: Plumbing) -> None:
    cloud, stack = plumbing.cloud, plumbing.stack
    sqs = cloud.client("sqs")
    attributes = sqs.get_queue_attributes(
        QueueUrl=stack.physical_id("Work"), AttributeNames=["All"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert attributes["FifoQueue"] == "true"
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": stack.attribute("WorkDead", "Arn"),
        "maxReceiveCount": 2,
    }
    dynamodb = cloud.client("dynamodb")
    name = stack.outputs["TableName"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at_s"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert status == "ENABLED"
    assert dynamodb.describe_table(TableName=name)["Table"]["SSEDescription"]["Status"] == "ENABLED"
    assert {
        r["Name"] for r in cloud.client("events").list_rules(EventBusName="test-bus")["Rules"]
    } >= {stack.physical_id("ToInbox").split("|")[1]}
    assert "OnlyLive" not in stack.outputs
    (described,) = cloud.client("cloudformation").describe_stacks(StackName="test")["Stacks"]
    found = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert found == stack.outputs


def test_a_function_gets_its_configuration(plumbing: Plumbing) -> None:
    function = plumbing.cloud.functions.get("Worker")
    assert (function.timeout_s, function.memory_mb, function.runtime) == (30, 128, "python3.13")
    assert function.code_path == TEMPLATES / "functions" / "worker"
    assert function.layer_paths == (TEMPLATES / "layer",)
    assert function.on_failure_arn == plumbing.stack.attribute("Undelivered", "Arn")
    (mapping,) = plumbing.cloud.poller.mappings()
    assert (mapping.batch_size, mapping.maximum_concurrency) == (10, 10)
    assert mapping.report_batch_item_failures


def function_template(**properties: Any) -> dict[str, Any]:
    template = resources(
        Function={
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "code",
                "Handler": "app.handler",
                "Runtime": "python3.13",
                **properties,
            },
        },
        Queue={"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}},
    )
    template["Transform"] = "AWS::Serverless-2016-10-31"
    return template


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        pytest.param(
            {"Runtime": "nodejs22.x"}, "Runtime: nodejs22.x cannot run here", id="runtime"
        ),
        pytest.param({"CodeUri": "nowhere"}, "nowhere is not a folder", id="code"),
        pytest.param({"Timeout": 901}, "Timeout: 901 is not within 1-900", id="timeout"),
        pytest.param({"MemorySize": 64}, "MemorySize: 64 is not within", id="memory"),
        pytest.param({"EphemeralStorage": {"Size": 1024}}, "EphemeralStorage", id="unknown"),
        pytest.param(
            {"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}, "Layers: arn:", id="layer"
        ),
        pytest.param({"Colour": "red"}, "the SAM transform refuses", id="unknown to SAM"),
        pytest.param(
            {
                "Timeout": 60,
                "Events": {
                    "Q": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}}
                },
            },
            "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
            id="visibility timeout",
        ),
        pytest.param(
            {
                "Role": {"Fn::GetAtt": ["Bare", "Arn"]},
                "Events": {
                    "Q": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}}
                },
            },
            "does not have permissions to call ReceiveMessage on SQS",
            id="poller permissions",
        ),
        pytest.param(
            {
                "Role": {"Fn::GetAtt": ["Bare", "Arn"]},
                "EventInvokeConfig": {
                    "DestinationConfig": {
                        "OnFailure": {
                            "Type": "SQS",
                            "Destination": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    }
                },
            },
            "DestinationConfig: The function execution role does not have permissions",
            id="destination permissions",
        ),
        pytest.param(
            {"Policies": ["AmazonS3FullAccess"]}, "AmazonS3FullAccess", id="managed policy"
        ),
    ],
)
def test_function_faults_are_named(
    cloud: LocalCloud, tmp_path: Path, properties: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "code").mkdir()
    template = function_template(**properties)
    template["Resources"]["Bare"] = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Statement": []}},
    }
    with pytest.raises(DeployError, match=complaint):
        deploy(cloud, tmp_path, template)


def test_a_layer_without_build_method_brings_a_python_folder(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "layer").mkdir()
    template = function_template()
    template["Resources"]["Layer"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {"ContentUri": "layer"},
    }
    with pytest.raises(DeployError, match="property Content: has no python folder"):
        deploy(cloud, tmp_path, template)


def test_a_state_machine_is_registered(cloud: LocalCloud, tmp_path: Path) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "${Q}", "End": True}}}
    (tmp_path / "machine.asl.json").write_text(json.dumps(definition), encoding="utf-8")
    template = resources(
        Queue=QUEUE,
        Machine={
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "DefinitionUri": "machine.asl.json",
                "DefinitionSubstitutions": {"Q": {"Ref": "Queue"}},
                "Policies": [
                    {"SQSSendMessagePolicy": {"QueueName": {"Fn::GetAtt": "Queue.QueueName"}}}
                ],
            },
        },
    )
    template["Transform"] = "AWS::Serverless-2016-10-31"
    stack = deploy(cloud, tmp_path, template)
    described = cloud.client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.physical_id("Machine")
    )
    assert json.loads(described["definition"])["States"]["A"]["Comment"] == stack.physical_id(
        "Queue"
    )
    assert described["roleArn"] == stack.attribute("MachineRole", "Arn")


def test_alarms_dashboards_parameters_and_topics(cloud: LocalCloud, tmp_path: Path) -> None:
    stack = deploy(
        cloud,
        tmp_path,
        resources(
            Alarm={
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "Namespace": "N",
                    "MetricName": "M",
                    "Dimensions": [{"Name": "a", "Value": "b"}],
                    "Statistic": "Sum",
                    "Period": "60",
                    "EvaluationPeriods": "5",
                    "Threshold": "1.5",
                    "ComparisonOperator": "LessThanThreshold",
                    "ActionsEnabled": "false",
                },
            },
            Parameter={
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": "v", "Tags": {"a": "b"}},
            },
            Topic={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "d"}},
            Subscription={
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "email",
                    "Endpoint": "a@example.com",
                    "FilterPolicy": {"kind": ["x"]},
                },
            },
            Logs={
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": "/g", "RetentionInDays": "30"},
            },
        ),
    )
    (alarm,) = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["Period"], alarm["Threshold"], alarm["ActionsEnabled"]) == (60, 1.5, False)
    assert alarm["AlarmArn"] == stack.attribute("Alarm", "Arn")
    name = stack.physical_id("Parameter")
    assert cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "v"
    (group,) = cloud.client("logs").describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 30
    assert f"{group['arn'].removesuffix(':*')}:*" == stack.attribute("Logs", "Arn")
    sns = cloud.client("sns")
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=stack.physical_id("Topic"))[
        "Subscriptions"
    ]
    assert subscription["Endpoint"] == "a@example.com"


@pytest.mark.parametrize("mode", ["act", "observe"])
def test_the_products_template_deploys(cloud: LocalCloud, repository: Path, mode: str) -> None:
    stack = cloud.deploy(repository / "template.yaml", parameters={"Mode": mode})
    role = cloud.iam.roles[stack.attribute("ReconcileRole", "Arn")]
    actions = {
        action
        for statement in role.statements()
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert ("sagemaker:UpdateInferenceComponentRuntimeConfig" in actions) is (mode == "act")
    cloud.run_for(150)
    ticks = [done for done in cloud.lambda_log if done.logical_id == "DispatchFunction"]
    assert [done.ok for done in ticks] == [True, True]
    assert (cloud.undelivered, cloud.iam.denials) == ([], [])
