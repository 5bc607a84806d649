"""Models, endpoint configurations, endpoints, tags."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.sagemaker import SageMakerService
from tests.contract.sagemaker.steps import (
    ARN,
    IMAGE,
    config,
    make_component,
    make_endpoint,
    refused,
    set_copies,
    status_of,
    variant,
    wait_until,
)


def shown(cloud: LocalCloud, name: str = "codegen") -> dict[str, Any]:
    return cloud.client("sagemaker").describe_endpoint(EndpointName=name)


def instances(cloud: LocalCloud) -> tuple[int, int]:
    (only,) = shown(cloud)["ProductionVariants"]
    return only["DesiredInstanceCount"], only["CurrentInstanceCount"]


def make_classic(cloud: LocalCloud, instances_: int = 1) -> None:
    cloud.client("sagemaker").create_model(
        ModelName="m",
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://models/m.tar.gz"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    )
    make_endpoint(
        cloud,
        variant(
            ModelName="m",
            ManagedInstanceScaling=None,
            InitialInstanceCount=instances_,
            InstanceType="ml.g6e.xlarge",
            InitialVariantWeight=2.0,
        ),
    )


def test_an_endpoint_is_created_from_its_config(cloud: LocalCloud, sagemaker: Any) -> None:
    arn = sagemaker.create_endpoint_config(**config())["EndpointConfigArn"]
    assert arn == f"{ARN}:endpoint-config/config"
    created = sagemaker.create_endpoint(EndpointName="codegen", EndpointConfigName="config")
    assert created["EndpointArn"] == f"{ARN}:endpoint/codegen"
    answer = shown(cloud)
    assert answer["EndpointStatus"] == "Creating"
    assert answer["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating"
    assert instances(cloud) == (1, 0)
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    assert instances(cloud) == (1, 1)
    answer = shown(cloud)
    assert answer["EndpointConfigName"] == "config"
    (only,) = answer["ProductionVariants"]
    assert "VariantStatus" not in only
    assert only["ManagedInstanceScaling"] == variant()["ManagedInstanceScaling"]
    assert only["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    assert (only["CurrentWeight"], only["DesiredWeight"]) == (1.0, 1.0)


def test_a_config_is_shown_as_it_was_given(sagemaker: Any) -> None:
    given = variant(
        InstanceType=None,
        InstancePools=[
            {"InstanceType": "ml.p4d.24xlarge", "Priority": 1},
            {"InstanceType": "ml.p5.48xlarge", "Priority": 2},
        ],
        RoutingConfig={
            "RoutingStrategy": "PREFIX_AWARE",
            "PrefixAwareRoutingConfig": {"PrefixLength": 2048, "ConcurrencyThreshold": 64},
        },
        ManagedInstanceScaling={
            "Status": "ENABLED",
            "MinInstanceCount": 0,
            "MaxInstanceCount": 4,
            "ScaleInPolicy": {
                "Strategy": "CONSOLIDATION",
                "MaximumStepSize": 2,
                "CooldownInMinutes": 10,
            },
        },
        InferenceAmiVersion="al2023-ami-sagemaker-inference-gpu-4-1",
    )
    metrics = {"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 10}
    sagemaker.create_endpoint_config(**config("c", given, MetricsConfig=metrics))
    answer = sagemaker.describe_endpoint_config(EndpointConfigName="c")
    assert answer["ProductionVariants"] == [given]
    assert answer["MetricsConfig"] == metrics
    assert answer["EndpointConfigArn"] == f"{ARN}:endpoint-config/c"


def test_pools_are_shown_with_their_instances(cloud: LocalCloud) -> None:
    pools = [
        {"InstanceType": "ml.p5.48xlarge", "Priority": 2},
        {"InstanceType": "ml.p4d.24xlarge", "Priority": 1},
    ]
    make_endpoint(cloud, variant(InstanceType=None, InstancePools=pools))
    (only,) = shown(cloud)["ProductionVariants"]
    assert only["InstancePools"] == [
        {"InstanceType": "ml.p5.48xlarge", "CurrentInstanceCount": 0},
        {"InstanceType": "ml.p4d.24xlarge", "CurrentInstanceCount": 1},
    ]


@pytest.mark.parametrize(
    ("operation", "params", "kind", "resource"),
    [
        (
            "create_endpoint_config",
            config("codegen-config"),
            "endpoint configuration",
            "endpoint-config/codegen-config",
        ),
        (
            "create_endpoint",
            {"EndpointName": "codegen", "EndpointConfigName": "codegen-config"},
            "endpoint",
            "endpoint/codegen",
        ),
        (
            "create_model",
            {"ModelName": "m", "PrimaryContainer": {"Image": "i"}},
            "model",
            "model/m",
        ),
    ],
)
def test_names_are_taken_once(
    endpoint: LocalCloud,
    sagemaker: Any,
    operation: str,
    params: dict[str, Any],
    kind: str,
    resource: str,
) -> None:
    if kind == "model":
        sagemaker.create_model(**params)
    assert refused(getattr(sagemaker, operation), **params) == (
        "ValidationException",
        f'Cannot create already existing {kind} "{ARN}:{resource}".',
    )


def test_managed_scaling_adds_instances_for_copies_and_frees_them(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=12)
    assert instances(endpoint) == (2, 2)
    set_copies(endpoint, 0)
    wait_until(endpoint, lambda: instances(endpoint) == (0, 0), step_s=60, limit_s=6 * 3600)
    assert status_of(endpoint, endpoint="codegen") == "InService"


def test_limits_change_by_a_new_config(endpoint: LocalCloud, sagemaker: Any) -> None:
    wider = variant(
        ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 6}
    )
    sagemaker.create_endpoint_config(**config("wider", wider))
    sagemaker.update_endpoint(EndpointName="codegen", EndpointConfigName="wider")
    wait_until(endpoint, lambda: status_of(endpoint, endpoint="codegen") == "InService")
    answer = shown(endpoint)
    assert answer["EndpointConfigName"] == "wider"
    scaling = answer["ProductionVariants"][0]["ManagedInstanceScaling"]
    assert scaling["MaxInstanceCount"] == 6
    make_component(endpoint, copies=48)
    assert instances(endpoint) == (6, 6)


@pytest.mark.parametrize(
    "changes",
    [
        {"InstanceType": "ml.p5.48xlarge"},
        {"VariantName": "Other"},
        {"ManagedInstanceScaling": None},
    ],
    ids=["instance type", "variant", "managed scaling off"],
)
def test_a_new_fleet_is_refused_by_name(
    endpoint: LocalCloud, sagemaker: Any, changes: dict[str, Any]
) -> None:
    sagemaker.create_endpoint_config(**config("other", variant(**changes)))
    code, message = refused(
        sagemaker.update_endpoint, EndpointName="codegen", EndpointConfigName="other"
    )
    assert code == "ValidationException"
    assert message.startswith("Replacing the fleet of a running endpoint")
    assert shown(endpoint)["EndpointConfigName"] == "codegen-config"


def test_an_endpoint_in_progress_is_not_updated(cloud: LocalCloud, sagemaker: Any) -> None:
    sagemaker.create_endpoint_config(**config())
    sagemaker.create_endpoint(EndpointName="codegen", EndpointConfigName="config")
    assert refused(
        sagemaker.update_endpoint, EndpointName="codegen", EndpointConfigName="config"
    ) == ("ValidationException", f'Cannot update in-progress endpoint "{ARN}:endpoint/codegen".')


def test_capacity_and_weight_of_a_classic_variant(cloud: LocalCloud, sagemaker: Any) -> None:
    make_classic(cloud)
    (only,) = shown(cloud)["ProductionVariants"]
    assert only["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    assert only["CurrentWeight"] == 2.0
    change = {"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 1.0}
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="codegen", DesiredWeightsAndCapacities=[change]
    )
    assert instances(cloud)[0] == 3
    wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
    assert instances(cloud) == (3, 3)
    assert shown(cloud)["ProductionVariants"][0]["DesiredWeight"] == 1.0


def test_initial_counts_of_a_new_config_may_be_left_alone(
    cloud: LocalCloud, sagemaker: Any
) -> None:
    make_classic(cloud)
    given = sagemaker.describe_endpoint_config(EndpointConfigName="codegen-config")
    (classic,) = given["ProductionVariants"]
    for name, retain, expected in (("a", True, (1, 1)), ("b", False, (2, 2))):
        sagemaker.create_endpoint_config(**config(name, classic | {"InitialInstanceCount": 2}))
        sagemaker.update_endpoint(
            EndpointName="codegen", EndpointConfigName=name, RetainAllVariantProperties=retain
        )
        wait_until(cloud, lambda: status_of(cloud, endpoint="codegen") == "InService")
        assert instances(cloud) == expected


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([{"VariantName": "x", "DesiredWeight": 1}], "Could not find variant x"),
        (
            [{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}],
            "must be greater than 0: only endpoints that host inference components",
        ),
        (
            [{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 2}}],
            "ServerlessUpdateConfig is not supported",
        ),
        (
            [{"VariantName": "AllTraffic", "DesiredInstanceCount": n} for n in (1, 2)],
            "only one variant",
        ),
    ],
    ids=["variant", "zero", "serverless", "two capacities"],
)
def test_capacities_that_are_refused(
    cloud: LocalCloud, sagemaker: Any, changes: list[dict[str, Any]], text: str
) -> None:
    make_classic(cloud)
    code, message = refused(
        sagemaker.update_endpoint_weights_and_capacities,
        EndpointName="codegen",
        DesiredWeightsAndCapacities=changes,
    )
    assert (code, text in message) == ("ValidationException", True), message


def test_account_quotas(cloud: LocalCloud, sagemaker: Any) -> None:
    service = cloud.service("sagemaker")
    assert isinstance(service, SageMakerService)
    service.context.quotas["ml.g6e.xlarge"] = 2
    make_classic(cloud)
    code, message = refused(
        sagemaker.update_endpoint_weights_and_capacities,
        EndpointName="codegen",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.g6e.xlarge for endpoint usage' is 2 Instances, with "
        "current utilization of 1 Instances and a request delta of 2 Instances."
    )
    with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded):
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="codegen",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
        )


def test_deletion_and_the_waiters_of_boto3(cloud: LocalCloud, sagemaker: Any) -> None:
    make_endpoint(cloud)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="codegen")
    sagemaker.delete_endpoint(EndpointName="codegen")
    cloud.run_for(1800)
    sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName="codegen", WaiterConfig={"MaxAttempts": 1, "Delay": 1}
    )
    make_endpoint(cloud, name="codegen-2")
    sagemaker.delete_endpoint_config(EndpointConfigName="codegen-2-config")
    assert shown(cloud, "codegen-2")["EndpointConfigName"] == "codegen-2-config"


def test_endpoints_tell_eventbridge(cloud: LocalCloud) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    pattern = '{"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"]}'
    rule = events.put_rule(Name="endpoints", EventPattern=pattern)["RuleArn"]
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={
            "Policy": (
                '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": '
                '{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": '
                '"arn:aws:sqs:us-east-1:123456789012:heard", "Condition": {"ArnEquals": '
                f'{{"aws:SourceArn": "{rule}"}}}}}}]}}'
            )
        },
    )
    target = {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:heard"}
    events.put_targets(Rule="endpoints", Targets=[target])
    make_endpoint(cloud)
    cloud.run_for(60)
    heard = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        heard += [json.loads(message["Body"]) for message in batch]
    assert [event["detail"]["EndpointStatus"] for event in heard] == ["CREATING", "IN_SERVICE"]
    last = heard[-1]
    assert last["source"] == "aws.sagemaker"
    assert last["resources"] == [f"{ARN}:endpoint/codegen"]
    assert last["detail"]["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert last["detail"]["LastModifiedTime"] > 10**12, "epoch milliseconds"


def test_tags(endpoint: LocalCloud, sagemaker: Any) -> None:
    make_component(endpoint, Tags=[{"Key": "team", "Value": "codegen"}])
    arn = f"{ARN}:inference-component/inline"
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "class", "Value": "always warm"}])
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "codegen", "class": "always warm"}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert [tag["Key"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]] == ["class"]
    code, message = refused(sagemaker.list_tags, ResourceArn=f"{ARN}:endpoint/ghost")
    assert (code, "Could not find" in message) == ("ValidationException", True)
    many = [{"Key": f"k{i}", "Value": "v"} for i in range(50)]
    assert "at most 50" in refused(sagemaker.add_tags, ResourceArn=arn, Tags=many)[1]
    reserved = [{"Key": "aws:x", "Value": "v"}]
    assert "aws:" in refused(sagemaker.add_tags, ResourceArn=arn, Tags=reserved)[1]
