"""Plain boto3 in a process that knows nothing of this project; run by test_processes.py.

Prints what it saw as JSON. Virtual time stands still meanwhile, except where asked.
"""

import json
import os
import sys
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

SEEN = {}
NAME = "llm"


def advance(seconds):
    """What `icscaler local advance` does."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_icscaler/advance"
    urllib.request.urlopen(url, json.dumps({"seconds": seconds}).encode()).read()


def create(sagemaker):
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    variant = {
        "VariantName": "main",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": scaling,
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/models",
        ProductionVariants=[variant],
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    advance(600)
    sagemaker.create_inference_component(
        InferenceComponentName=NAME,
        EndpointName=NAME,
        VariantName="main",
        Specification={
            "Container": {"Image": "registry/llm:1", "ArtifactUrl": "s3://models/llm/"},
            "ComputeResourceRequirements": {
                "NumberOfAcceleratorDevicesRequired": 1,
                "NumberOfCpuCoresRequired": 2,
                "MinMemoryRequiredInMb": 1024,
            },
        },
        RuntimeConfig={"CopyCount": 1},
    )
    advance(900)


def models(session):
    sagemaker = session.client("sagemaker")
    create(sagemaker)
    seen = sagemaker.describe_inference_component(InferenceComponentName=NAME)
    SEEN["status"] = seen["InferenceComponentStatus"]
    SEEN["created"] = seen["CreationTime"].isoformat()
    runtime = session.client("sagemaker-runtime", config=Config(signature_version=UNSIGNED))
    answer = runtime.invoke_endpoint(EndpointName=NAME, InferenceComponentName=NAME, Body=b"{}")
    SEEN["unsigned answer"] = sorted(json.loads(answer["Body"].read()))
    try:
        sagemaker.delete_endpoint(EndpointName=NAME)
    except ClientError as error:
        SEEN["refused"] = error.response["Error"]["Code"]
    pages = sagemaker.get_paginator("list_inference_components").paginate(EndpointNameEquals=NAME)
    SEEN["listed"] = [c["InferenceComponentName"] for p in pages for c in p["InferenceComponents"]]


def metrics(session):
    cloudwatch = session.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 7.0, "Unit": "Count"}]
    )
    SEEN["metrics"] = [
        m["MetricName"] for m in cloudwatch.list_metrics(Namespace="Mine")["Metrics"]
    ]


def other_services(session):
    SEEN["account"] = session.client("sts").get_caller_identity()["Account"]
    s3 = session.client("s3")
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="models", Key="llm/a file", Body=b"weights" * 1000)
    (listed,) = s3.list_objects_v2(Bucket="models")["Contents"]
    read = s3.get_object(Bucket="models", Key="llm/a file")["Body"].read()
    SEEN["s3"] = [listed["Key"], listed["Size"], len(read)]
    sqs = session.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    SEEN["sqs"] = sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"]
    SEEN["sns"] = session.client("sns").create_topic(Name="t")["TopicArn"]
    table = session.resource("dynamodb").create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    table.put_item(Item={"pk": "k", "n": 1})
    SEEN["dynamodb"] = int(table.get_item(Key={"pk": "k"})["Item"]["n"])
    SEEN["iam"] = session.client("iam").list_roles()["Roles"]
    SEEN["logs"] = session.client("logs").describe_log_groups()["logGroups"]
    try:
        session.client("bedrock-agent").list_agents()
    except ClientError as error:
        SEEN["unknown"] = error.response["Error"]["Code"]


if __name__ == "__main__":
    whole = boto3.Session()
    for part in (models, metrics, other_services):
        part(whole)
    json.dump(SEEN, sys.stdout)
