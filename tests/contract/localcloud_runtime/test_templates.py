"""Templates: intrinsics, parameters, and what is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import DeployError
from icscaler_localcloud.deployer.template import resolve_parameters

from .conftest import QUEUE, deploy, resources


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
