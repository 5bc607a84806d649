"""Roles are enforced on every call a function makes; faults strike where they are told to."""

from __future__ import annotations

from typing import Any

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud
from icscaler_localcloud.iam import Iam, Role, resource_policy_allows
from icscaler_localcloud.permissions import Need, needs_of
from icscaler_localcloud.wire import ApiRequest

from .conftest import Plumbing

ROLE = "arn:aws:iam::123456789012:role/r"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def judge(*statements: dict[str, Any]) -> Iam:
    iam = Iam()
    iam.add_role(Role("r", ROLE, {}, {"p": {"Statement": list(statements)}}))
    return iam


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        pytest.param([], False, id="nothing allows"),
        pytest.param([allow("dynamodb:PutItem", TABLE)], True, id="exactly"),
        pytest.param([allow("DynamoDB:putitem", TABLE)], True, id="actions ignore case"),
        pytest.param([allow("dynamodb:Put*", f"{TABLE[:-1]}?")], True, id="wildcards"),
        pytest.param([allow("dynamodb:PutItem", f"{TABLE}/index/*")], False, id="other resource"),
        pytest.param([allow("dynamodb:GetItem", "*")], False, id="other action"),
        pytest.param([allow(["sqs:*", "dynamodb:PutItem"], ["x", TABLE])], True, id="lists"),
        pytest.param(
            [allow("*", "*"), {"Effect": "Deny", "Action": "dynamodb:*", "Resource": TABLE}],
            False,
            id="deny wins",
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "dynamodb:DeleteTable", "NotResource": "x"}],
            True,
            id="all but",
        ),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "dynamodb:Put*", "Resource": "*"}], False, id="but it"
        ),
    ],
)
def test_identity_policies(statements: list[dict[str, Any]], allowed: bool) -> None:
    assert judge(*statements).allows(ROLE, "dynamodb:PutItem", TABLE) is allowed


def test_a_role_that_does_not_exist_may_nothing() -> None:
    assert not Iam().allows(ROLE, "dynamodb:PutItem", TABLE)


@pytest.mark.parametrize(
    ("operator", "wanted", "met"),
    [
        ("StringEquals", "icscaler", True),
        ("StringEquals", ["a", "b"], False),
        ("StringLike", "ics*", True),
        ("StringNotEquals", "icscaler", False),
        ("ForAllValues:StringEquals", ["icscaler", "b"], True),
        ("ForAnyValue:StringEquals", ["b"], False),
    ],
)
def test_conditions_on_what_the_request_tells(operator: str, wanted: Any, met: bool) -> None:
    condition = {operator: {"events:Source": wanted}}
    iam = judge(allow("events:PutEvents", "*", Condition=condition))
    need = Need("events:PutEvents", "bus", (("events:source", ("icscaler",)),))
    assert (iam.refusal(ROLE, need) is None) is met
    assert iam.unchecked_conditions == set()


def test_conditions_on_anything_else_are_listed() -> None:
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    denying = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    iam = judge(allow("s3:GetObject", "*", Condition=condition), denying)
    assert iam.allows(ROLE, "s3:GetObject", "arn")
    assert iam.unchecked_conditions == {("IpAddress", "aws:SourceIp")}


@pytest.mark.parametrize(
    ("service", "operation", "body", "expected"),
    [
        pytest.param(
            "dynamodb",
            "Query",
            b'{"TableName": "t", "IndexName": "i"}',
            [("dynamodb:Query", f"{TABLE}/index/i")],
            id="index",
        ),
        pytest.param(
            "dynamodb",
            "TransactWriteItems",
            b'{"TransactItems": [{"Put": {"TableName": "t"}}, '
            b'{"ConditionCheck": {"TableName": "t"}}]}',
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
            id="transaction",
        ),
        pytest.param(
            "dynamodb",
            "BatchGetItem",
            b'{"RequestItems": {"t": {}}}',
            [("dynamodb:BatchGetItem", TABLE)],
            id="batch",
        ),
        pytest.param(
            "sqs",
            "SendMessageBatch",
            b'{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo"}',
            [("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q.fifo")],
            id="queue",
        ),
        pytest.param(
            "events",
            "PutEvents",
            b'{"Entries": [{"EventBusName": "b"}, {}]}',
            [
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/b"),
                ("events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default"),
            ],
            id="buses",
        ),
        pytest.param(
            "sagemaker",
            "UpdateInferenceComponentRuntimeConfig",
            b'{"InferenceComponentName": "m"}',
            [
                (
                    "sagemaker:UpdateInferenceComponentRuntimeConfig",
                    "arn:aws:sagemaker:us-east-1:123456789012:inference-component/m",
                )
            ],
            id="component",
        ),
        pytest.param(
            "sagemaker",
            "ListInferenceComponents",
            b'{"EndpointNameEquals": "e"}',
            [("sagemaker:ListInferenceComponents", "*")],
            id="list",
        ),
        pytest.param(
            "cloudwatch",
            "PutMetricAlarm",
            b'{"AlarmName": "a"}',
            [
                (
                    "cloudwatch:PutMetricAlarm",
                    "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a",
                )
            ],
            id="alarm",
        ),
        pytest.param("sts", "GetCallerIdentity", b"", [], id="free"),
        pytest.param("logs", "PutLogEvents", b"{}", [("logs:PutLogEvents", "*")], id="untold"),
    ],
)
def test_what_a_request_needs(
    service: str, operation: str, body: bytes, expected: list[tuple[str, str]]
) -> None:
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=A/20260601/us-east-1/x/aws4_request, x=y",
        "x-amz-target": f"X.{operation}",
    }
    needs = needs_of(ApiRequest(service, "POST", "https://x/", headers, body), operation)
    assert [(need.action, need.resource) for need in needs] == expected


def test_resource_policies() -> None:
    policy = (
        '{"Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},'
        '"Action": "sqs:SendMessage", "Resource": "q",'
        '"Condition": {"ArnEquals": {"aws:SourceArn": ["arn:one", "arn:two*"]}}}}'
    )

    def allowed(service: str, source: str) -> bool:
        return resource_policy_allows(
            policy,
            service=service,
            action="sqs:SendMessage",
            resource="q",
            source_arn=source,
        )

    assert allowed("events.amazonaws.com", "arn:one")
    assert allowed("events.amazonaws.com", "arn:two/x")
    assert not allowed("events.amazonaws.com", "arn:three")
    assert not allowed("sns.amazonaws.com", "arn:one")
    assert not resource_policy_allows(None, service="x", action="y", resource="z", source_arn="w")


# -- in a cloud


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("dynamodb", "list_tables", "AccessDeniedException"),
        ("sns", "list_topics", "AuthorizationError"),
        ("cloudwatch", "list_metrics", "AccessDenied"),
        ("scheduler", "list_schedules", "AccessDeniedException"),
    ],
)
def test_denials_in_every_protocol(
    plumbing: Plumbing, service: str, method: str, code: str
) -> None:
    done = plumbing.call({"do": "call", "service": service, "method": method})
    assert done.error is not None
    assert f"({code})" in done.error


def test_what_roles_used_is_kept(plumbing: Plumbing) -> None:
    plumbing.call({"do": "put"})
    arn = plumbing.stack.attribute("WorkerRole", "Arn")
    table = plumbing.stack.attribute("Table", "Arn")
    assert plumbing.cloud.iam.used[arn] == {("dynamodb:PutItem", table)}


def test_enforcement_can_be_switched_off(plumbing: Plumbing) -> None:
    plumbing.cloud.enforce_iam = False
    assert plumbing.call({"do": "call", "service": "sqs", "method": "list_queues"}).ok


def test_roles_can_be_read(plumbing: Plumbing) -> None:
    role = plumbing.cloud.iam.role_named(plumbing.stack.physical_id("MinutelyRole"))
    assert role.trust["Statement"][0]["Principal"] == {"Service": "scheduler.amazonaws.com"}
    (statement,) = role.statements()
    assert statement["Action"] == "lambda:InvokeFunction"
    with pytest.raises(KeyError, match="no role named nobody"):
        plumbing.cloud.iam.role_named("nobody")


# -- faults


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("dynamodb", "list_tables", "ThrottlingException"),
        ("sqs", "list_queues", "RequestThrottled"),
        ("sns", "list_topics", "Throttled"),
        ("cloudwatch", "list_metrics", "Throttling"),
        ("sagemaker", "list_endpoints", "ThrottlingException"),
    ],
)
def test_throttling_in_the_services_own_words(
    cloud: LocalCloud, service: str, method: str, code: str
) -> None:
    switch = cloud.faults.throttle(service, times=100)
    client = cloud.client(service)
    with pytest.raises(client.exceptions.ClientError, match="Rate exceeded") as refused:
        getattr(client, method)()
    assert refused.value.response["Error"]["Code"] == code
    assert switch.hits > 1  # botocore retried
    assert cloud.clock.now_s > DEFAULT_START_S
    switch.off()
    cloud.client("dynamodb").list_tables()


def test_a_fault_strikes_its_function_only(plumbing: Plumbing) -> None:
    plumbing.cloud.faults.throttle("dynamodb", "PutItem", times=50, function="Second")
    assert plumbing.call({"do": "put"}).ok
    plumbing.cloud.faults.fail(
        "dynamodb",
        "PutItem",
        code="ItemCollectionSizeLimitExceededException",
        status=400,
        function="Worker",
    )
    done = plumbing.call({"do": "put"})
    assert "ItemCollectionSizeLimitExceededException" in str(done.error)


def test_cleared_faults_strike_no_more(cloud: LocalCloud) -> None:
    cloud.faults.fail("sqs", times=1000)
    cloud.faults.clear()
    cloud.client("sqs").list_queues()
