"""IAM roles and policies: created in moto, and kept for the evaluator that enforces them."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud.deployer.properties import Properties, as_json
from icscaler_localcloud.deployer.stack import Created, Deployment, Handler
from icscaler_localcloud.deployer.template import MANAGED_POLICIES
from icscaler_localcloud.iam import Role


def _statement(*actions: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_XRAY = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)
_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
# What the AWS managed policies that we accept allow (AWS Managed Policy Reference).
_MANAGED_DOCUMENTS = {
    MANAGED_POLICIES["AWSLambdaBasicExecutionRole"]: _statement(*_LOGS),
    MANAGED_POLICIES["AWSLambdaSQSQueueExecutionRole"]: _statement(*_QUEUE, *_LOGS),
    MANAGED_POLICIES["AWSXrayWriteOnlyAccess"]: _statement(*_XRAY),
    MANAGED_POLICIES["AWSXRayDaemonWriteAccess"]: _statement(*_XRAY),
}


def _role(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("RoleName", None) or deployment.physical_name(properties.logical_id)
    trust = properties.take("AssumeRolePolicyDocument")
    params: dict[str, Any] = {"RoleName": name, "AssumeRolePolicyDocument": as_json(trust)}
    for member in ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"):
        value = properties.take(member, None)
        if value is not None:
            params[member] = value
    inline = properties.take("Policies", [])
    managed = properties.take("ManagedPolicyArns", [])
    created = properties.call(deployment.cloud, "iam", "CreateRole", params)["Role"]
    arn = str(created["Arn"])
    role = Role(name, arn, trust)
    for policy in inline:
        properties.only("Policies", policy, {"PolicyName", "PolicyDocument"})
        _put_inline(deployment, properties, name, policy["PolicyName"], policy["PolicyDocument"])
        role.documents[policy["PolicyName"]] = policy["PolicyDocument"]
    deployment.cloud.iam.add_role(role)
    for policy_arn in managed:
        _attach_managed(deployment, properties, role, policy_arn)
    return name, {"Arn": arn, "RoleId": str(created["RoleId"])}


def _put_inline(
    deployment: Deployment, properties: Properties, role: str, policy: str, document: Any
) -> None:
    # AWS takes any version and none (SAM writes none); moto takes only the current one.
    versioned = {**document, "Version": "2012-10-17"}
    params = {"RoleName": role, "PolicyName": policy, "PolicyDocument": as_json(versioned)}
    properties.call(deployment.cloud, "iam", "PutRolePolicy", params)


def _attach_managed(
    deployment: Deployment, properties: Properties, role: Role, policy_arn: str
) -> None:
    document = _MANAGED_DOCUMENTS.get(policy_arn) or deployment.cloud.iam.managed.get(policy_arn)
    if document is None:
        raise properties.error(
            "ManagedPolicyArns", f"{policy_arn} is not known to the local deployer"
        )
    deployment.cloud.iam.attach(role.arn, policy_arn, document)


def _policy(deployment: Deployment, properties: Properties) -> Created:
    name = str(properties.take("PolicyName"))
    document = properties.take("PolicyDocument")
    for role_name in properties.take("Roles"):
        _put_inline(deployment, properties, role_name, name, document)
        deployment.cloud.iam.attach(_role_arn(deployment, properties, role_name), name, document)
    return name, {}


def _managed_policy(deployment: Deployment, properties: Properties) -> Created:
    name = properties.take("ManagedPolicyName", None) or deployment.physical_name(
        properties.logical_id
    )
    document = properties.take("PolicyDocument")
    versioned = {**document, "Version": "2012-10-17"}
    params: dict[str, Any] = {"PolicyName": name, "PolicyDocument": as_json(versioned)}
    for member in ("Path", "Description"):
        value = properties.take(member, None)
        if value is not None:
            params[member] = value
    created = properties.call(deployment.cloud, "iam", "CreatePolicy", params)
    arn = str(created["Policy"]["Arn"])
    deployment.cloud.iam.managed[arn] = document
    for role_name in properties.take("Roles", []):
        deployment.cloud.iam.attach(_role_arn(deployment, properties, role_name), arn, document)
    return arn, {"PolicyArn": arn}


def _role_arn(deployment: Deployment, properties: Properties, name: str) -> str:
    try:
        return deployment.cloud.iam.role_named(name).arn
    except KeyError as absent:
        raise properties.error("Roles", str(absent)) from None


HANDLERS: dict[str, Handler] = {
    "AWS::IAM::Role": _role,
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::ManagedPolicy": _managed_policy,
}
