"""The deployer: templates in, resources out; anything unknown is an error that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import DeployError, Stack
from icscaler_localcloud.deployer.template import resolve_parameters

from .conftest import TEMPLATES, Plumbing


def deploy(cloud: LocalCloud, folder: Path, template: dict[str, Any], **parameters: str) -> Stack:
    path = folder / "template.yaml"
    path.write_text(yaml.safe_dump(template), encoding="utf-8")
    return cloud.deploy(path, parameters=parameters, name="s")


def resources(**of: Any) -> dict[str, Any]:
    return {"Resources": of}


QUEUE = {"Type": "AWS::SQS::Queue"}


def with_output(value: Any, **more: Any) -> dict[str, Any]:
    queue = {**QUEUE, "Properties": {"QueueName": "named"}}
    return {**resources(Queue=queue), "Outputs": {"Out": {"Value": value}}, **more}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "P"}, "x,y"),
        ({"Fn::GetAtt": ["Queue", "QueueName"]}, "named"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "named"),
        (
            {"Fn::Sub": "${AWS::AccountId}/${Queue.QueueName}/${!Kept}"},
            "123456789012/named/${Kept}",
        ),
        ({"Fn::Sub": ["${A}-${P}", {"A": {"Ref": "AWS::StackName"}}]}, "s-x,y"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Partition"}]]}, "a-aws"),
        ({"Fn::Select": [1, {"Fn::Split": [",", {"Ref": "P"}]}]}, "y"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", "else"]}, "else"),
        ({"Fn::FindInMap": ["Map", {"Ref": "AWS::Region"}, "Key"]}, "mapped"),
        ({"Fn::Base64": "abc"}, "YWJj"),
    ],
)
def test_intrinsics(cloud: LocalCloud, tmp_path: Path, value: Any, expected: str) -> None:
    template = with_output(
        value,
        Parameters={"P": {"Type": "String", "Default": "x,y"}},
        Mappings={"Map": {"us-east-1": {"Key": "mapped"}}},
        Conditions={
            "Yes": {"Fn::Equals": [{"Ref": "P"}, "x,y"]},
            "No": {"Fn::Not": [{"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Yes"}]}]},
        },
    )
    assert deploy(cloud, tmp_path, template).outputs == {"Out": expected}


def test_conditions_no_value_and_order(cloud: LocalCloud, tmp_path: Path) -> None:
    template = resources(
        First={
            "Type": "AWS::SQS::Queue",
            "DependsOn": "Last",
            "Properties": {
                "QueueName": {"Fn::If": ["Never", "named", {"Ref": "AWS::NoValue"}]},
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["Middle", "Arn"]},
                    "maxReceiveCount": "3",
                },
            },
        },
        Middle=QUEUE,
        Skipped={**QUEUE, "Condition": "Never"},
        Last=QUEUE,
    )
    template["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    template["Outputs"] = {"No": {"Condition": "Never", "Value": {"Ref": "Skipped"}}}
    stack = deploy(cloud, tmp_path, template)
    assert list(stack.resources) == ["Last", "Middle", "First"]
    assert stack.attribute("First", "QueueName").startswith("s-First-")
    assert stack.outputs == {}


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        pytest.param({}, "has no Resources section", id="empty"),
        pytest.param({**resources(Q=QUEUE), "Rules": {}}, "section Rules", id="section"),
        pytest.param(
            resources(Box={"Type": "AWS::S3::Bucket"}),
            r"Box \(AWS::S3::Bucket\): this resource type is not supported",
            id="type",
        ),
        pytest.param(
            resources(Q={**QUEUE, "CreationPolicy": {}}), "attribute CreationPolicy", id="attribute"
        ),
        pytest.param(
            resources(Q={**QUEUE, "Properties": {"Colour": "red"}}),
            r"Q \(AWS::SQS::Queue\), property Colour: is not supported",
            id="property",
        ),
        pytest.param(
            resources(T={"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchmea": []}}),
            r"T \(AWS::DynamoDB::Table\), property KeySchmea",
            id="property of a passed-through resource",
        ),
        pytest.param(
            resources(
                S={
                    "Type": "AWS::Scheduler::Schedule",
                    "Properties": {
                        "ScheduleExpression": "rate(1 minute)",
                        "FlexibleTimeWindow": {"Mode": "OFF", "Width": 5},
                        "Target": {"Arn": "arn:x", "RoleArn": "arn:y"},
                    },
                }
            ),
            "property FlexibleTimeWindow.Width: Unknown parameter",
            id="nested property",
        ),
        pytest.param(
            resources(
                R={"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "often"}}
            ),
            r"R \(AWS::Events::Rule\), property ScheduleExpression: often: neither rate",
            id="schedule",
        ),
        pytest.param(
            resources(A={"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": []}}),
            "property PolicyDocument: is required",
            id="missing property",
        ),
        pytest.param(
            resources(
                Q={
                    **QUEUE,
                    "Properties": {
                        "RedrivePolicy": {"deadLetterTargetArn": "arn:none:x", "maxReceiveCount": 1}
                    },
                }
            ),
            r"Q \(AWS::SQS::Queue\): .*Could not find DLQ",
            id="refused by the service",
        ),
        pytest.param(
            resources(Q={**QUEUE, "Properties": {"QueueName": {"Ref": "Nobody"}}}),
            r"Q \(AWS::SQS::Queue\): Ref to Nobody",
            id="reference",
        ),
        pytest.param(
            resources(
                A=QUEUE, B={**QUEUE, "Properties": {"QueueName": {"Fn::GetAtt": ["A", "Colour"]}}}
            ),
            r"A \(AWS::SQS::Queue\): has no attribute Colour",
            id="attribute of a resource",
        ),
        pytest.param(
            resources(Q={**QUEUE, "Properties": {"QueueName": {"Fn::ImportValue": "x"}}}),
            "Fn::ImportValue is not supported",
            id="intrinsic",
        ),
        pytest.param(
            resources(A={**QUEUE, "DependsOn": "B"}, B={**QUEUE, "DependsOn": "A"}),
            "circular dependency: A -> B -> A",
            id="circle",
        ),
        pytest.param(
            {**resources(Q={**QUEUE, "Condition": "Maybe"})}, "no condition Maybe", id="condition"
        ),
        pytest.param(
            {**resources(Q=QUEUE), "Transform": "AWS::Include"},
            "transform AWS::Include",
            id="transform",
        ),
    ],
)
def test_faults_are_named(
    cloud: LocalCloud, tmp_path: Path, template: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DeployError, match=complaint):
        deploy(cloud, tmp_path, template)


def test_broken_yaml_is_told_with_its_place(cloud: LocalCloud, tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("Resources: {a: [}", encoding="utf-8")
    with pytest.raises(DeployError, match=r"template.yaml is not readable YAML: [\s\S]*line 1"):
        cloud.deploy(path)


@pytest.mark.parametrize(
    ("declared", "given", "complaint"),
    [
        ({}, {"Stge": "x"}, r"no parameter Stge \(it has: P\)"),
        ({}, {}, "P has no default"),
        ({"AllowedValues": ["a", "b"]}, {"P": "c"}, "P: 'c' is not one of a, b"),
        ({"AllowedPattern": "[a-z]+"}, {"P": "A1"}, r"P: 'A1' does not match \[a-z\]\+"),
        (
            {"AllowedPattern": "[a-z]+", "ConstraintDescription": "letters"},
            {"P": "1"},
            r"\(letters\)",
        ),
        ({"MinLength": 3}, {"P": "ab"}, "has a length that is below the minimum of 3"),
        ({"MaxLength": 1}, {"P": "ab"}, "has a length that is above the maximum of 1"),
        ({"Type": "Number"}, {"P": "many"}, "P: 'many' is not a number"),
        ({"Type": "Number", "MinValue": 2}, {"P": "1"}, "is below the minimum of 2"),
        ({"Type": "Number", "MaxValue": 2}, {"P": "3"}, "is above the maximum of 2"),
        ({"Type": "List<Number>"}, {"P": "1,x"}, "'x' is not a number"),
        ({"Type": "AWS::SSM::Parameter::Value<String>"}, {"P": "x"}, "is not supported"),
        ({"Kind": "String"}, {"P": "x"}, "P: Kind is not supported"),
    ],
)
def test_bad_parameters(declared: dict[str, Any], given: dict[str, str], complaint: str) -> None:
    with pytest.raises(DeployError, match=complaint):
        resolve_parameters({"P": declared}, given)


def test_good_parameters() -> None:
    declared = {
        "Text": {"Type": "String", "Default": "d"},
        "List": {"Type": "CommaDelimitedList", "Default": ""},
        "Number": {"Type": "Number", "MinValue": 1, "MaxValue": 9},
    }
    values = resolve_parameters(declared, {"List": "a, b", "Number": "5"})
    assert values == {"Text": "d", "List": ["a", "b"], "Number": "5"}


# -- what is deployed


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
