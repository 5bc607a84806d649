"""SQS queues, SNS topics, and the policies on them."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud.deployer.properties import Properties, as_json, tags_of, text
from icscaler_localcloud.deployer.stack import Created, Deployment, Handler

_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def _queue(deployment: Deployment, properties: Properties) -> Created:
    attributes = {
        name: text(value)
        for name in _QUEUE_ATTRIBUTES
        if (value := properties.take(name, None)) is not None
    }
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        value = properties.take(name, None)
        if value is not None:
            attributes[name] = as_json(value)
    suffix = ".fifo" if attributes.get("FifoQueue") == "true" else ""
    name = properties.take("QueueName", None) or deployment.physical_name(
        properties.logical_id, limit=80, suffix=suffix
    )
    params: dict[str, Any] = {"QueueName": name, "Attributes": attributes}
    tags = tags_of(properties.take("Tags", None))
    if tags:
        params["tags"] = tags
    url = str(properties.call(deployment.cloud, "sqs", "CreateQueue", params)["QueueUrl"])
    return url, {"Arn": deployment.arn("sqs", name), "QueueName": name, "QueueUrl": url}


def _queue_policy(deployment: Deployment, properties: Properties) -> Created:
    document = as_json(properties.take("PolicyDocument"))
    for url in properties.take("Queues"):
        params = {"QueueUrl": url, "Attributes": {"Policy": document}}
        properties.call(deployment.cloud, "sqs", "SetQueueAttributes", params)
    return deployment.physical_name(properties.logical_id), {}


def _topic(deployment: Deployment, properties: Properties) -> Created:
    attributes = {
        name: text(value)
        for name in (
            "ContentBasedDeduplication",
            "DisplayName",
            "FifoTopic",
            "KmsMasterKeyId",
            "SignatureVersion",
            "TracingConfig",
        )
        if (value := properties.take(name, None)) is not None
    }
    suffix = ".fifo" if attributes.get("FifoTopic") == "true" else ""
    name = properties.take("TopicName", None) or deployment.physical_name(
        properties.logical_id, limit=256, suffix=suffix
    )
    tags = properties.take("Tags", [])
    params = {"Name": name, "Attributes": attributes, "Tags": tags}
    arn = str(properties.call(deployment.cloud, "sns", "CreateTopic", params)["TopicArn"])
    for subscription in properties.take("Subscription", []):
        properties.only("Subscription", subscription, {"Endpoint", "Protocol"})
        properties.call(deployment.cloud, "sns", "Subscribe", {"TopicArn": arn, **subscription})
    return arn, {"TopicArn": arn, "TopicName": name}


def _topic_policy(deployment: Deployment, properties: Properties) -> Created:
    document = as_json(properties.take("PolicyDocument"))
    for arn in properties.take("Topics"):
        params = {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": document}
        properties.call(deployment.cloud, "sns", "SetTopicAttributes", params)
    return deployment.physical_name(properties.logical_id), {}


def _subscription(deployment: Deployment, properties: Properties) -> Created:
    params: dict[str, Any] = {
        "TopicArn": properties.take("TopicArn"),
        "Protocol": properties.take("Protocol"),
        "Endpoint": properties.take("Endpoint", ""),
        "ReturnSubscriptionArn": True,
    }
    attributes = {
        name: as_json(value) if isinstance(value, dict) else text(value)
        for name in (
            "DeliveryPolicy",
            "FilterPolicy",
            "FilterPolicyScope",
            "RawMessageDelivery",
            "RedrivePolicy",
        )
        if (value := properties.take(name, None)) is not None
    }
    if attributes:
        params["Attributes"] = attributes
    answer = properties.call(deployment.cloud, "sns", "Subscribe", params)
    return str(answer["SubscriptionArn"]), {}


HANDLERS: dict[str, Handler] = {
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SNS::Subscription": _subscription,
}
