"""Clients without sockets; own services in every protocol their callers speak."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.endpoint
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud
from icscaler_localcloud.gateway import answer_own
from icscaler_localcloud.services import OWN_SERVICES, ServiceError
from icscaler_localcloud.session import OPERATOR_ACCESS_KEY
from icscaler_localcloud.wire import ApiRequest, codec


class Recorder:
    """An own service that remembers its call and answers what it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.answer: Any = None

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.calls.append((operation, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def recorder(cloud: LocalCloud) -> Recorder:
    service = Recorder()
    for name in OWN_SERVICES:
        cloud.gateway.own(name, service)
    return service


def speak_cbor(service: Recorder, operation: str, params: Mapping[str, Any]) -> Any:
    """One call in smithy-rpc-v2-cbor: (status, parsed answer)."""
    model: Any = codec("cloudwatch").model.operation_model(operation)
    sent = create_serializer("smithy-rpc-v2-cbor", False).serialize_to_request(params, model)
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    url = f"https://monitoring.us-east-1.amazonaws.com{sent['url_path']}"
    reply = answer_own(service, ApiRequest("cloudwatch", "POST", url, headers, sent["body"]))
    response = {
        "headers": {name.lower(): value for name, value in reply.headers.items()},
        "body": reply.body,
        "status_code": reply.status,
    }
    parser: Any = create_parser("smithy-rpc-v2-cbor")
    return reply.status, parser.parse(response, model.output_shape)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(lambda cloud: cloud.client("sqs"), id="cloud.client"),
        pytest.param(lambda _: boto3.client("sqs"), id="boto3.client"),
        pytest.param(lambda _: boto3.Session(region_name="us-east-1").client("sqs"), id="Session"),
        pytest.param(lambda _: boto3.resource("sqs").meta.client, id="resource"),
        pytest.param(
            lambda _: botocore.session.get_session().create_client("sqs"), id="botocore session"
        ),
    ],
)
def test_every_client_of_this_process_talks_to_the_cloud(cloud: LocalCloud, client: Any) -> None:
    cloud.client("sqs").create_queue(QueueName="q")
    assert client(cloud).list_queues()["QueueUrls"][0].endswith("/123456789012/q")


def test_what_the_host_has_configured_for_aws_does_not_matter(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n", encoding="utf-8")
    for name, value in {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": "https://localhost:1",
        "AWS_ENDPOINT_URL_SQS": "https://localhost:2",
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
        "AWS_REGION": "eu-west-2",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="q")["QueueUrl"]
    assert url == "https://sqs.us-east-1.amazonaws.com/123456789012/q"


def test_closing_gives_botocore_back() -> None:
    before = (botocore.session.get_session, botocore.endpoint.time, boto3.DEFAULT_SESSION)
    with LocalCloud():
        assert botocore.session.get_session is not before[0]
        boto3.client("sqs")
    after = (botocore.session.get_session, botocore.endpoint.time, boto3.DEFAULT_SESSION)
    assert after == before


def test_one_cloud_is_open_at_a_time(cloud: LocalCloud) -> None:
    with pytest.raises(RuntimeError, match="already open"):
        LocalCloud()
    cloud.close()
    LocalCloud().close()


def test_another_account_and_region() -> None:
    with LocalCloud(account="210987654321", region="eu-west-1") as cloud:
        url = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        assert url == "https://sqs.eu-west-1.amazonaws.com/210987654321/q"
        assert cloud.queues.exists("arn:aws:sqs:eu-west-1:210987654321:q")


def test_waiting_between_retries_takes_virtual_time_only(cloud: LocalCloud) -> None:
    cloud.faults.fail("sqs", "ListQueues", times=2)
    started_ms = cloud.real_ms()
    cloud.client("sqs").list_queues()
    assert cloud.real_ms() - started_ms < 500
    assert cloud.clock.now_s > DEFAULT_START_S
    assert cloud.gateway.calls["sqs", "ListQueues"] == 3


def test_a_dropped_reply_has_its_effect(cloud: LocalCloud) -> None:
    sqs = cloud.client("sqs", config=Config(retries={"max_attempts": 0}))
    switch = cloud.faults.drop_reply("sqs", "CreateQueue")
    with pytest.raises(ReadTimeoutError):
        sqs.create_queue(QueueName="q")
    assert switch.hits == 1
    assert len(sqs.list_queues()["QueueUrls"]) == 1


# -- own services


def test_json_in_and_out(cloud: LocalCloud, recorder: Recorder) -> None:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    recorder.answer = {
        "InferenceComponents": [{"InferenceComponentName": "a", "CreationTime": at.timestamp()}],
        "NextToken": None,
    }
    sagemaker = cloud.client("sagemaker")
    answer = sagemaker.list_inference_components(CreationTimeAfter=at, EndpointNameEquals="e")
    assert recorder.calls == [
        (
            "ListInferenceComponents",
            {"CreationTimeAfter": at.timestamp(), "EndpointNameEquals": "e"},
        )
    ]
    assert answer["InferenceComponents"][0]["CreationTime"] == at
    assert "NextToken" not in answer
    assert answer["ResponseMetadata"]["RequestId"]


def test_cbor_in_and_out() -> None:
    """What newer clients speak to CloudWatch: asked and understood by botocore's own code."""
    recorder = Recorder()
    at = datetime(2026, 6, 1, 12, 0, 1, 500_000, tzinfo=UTC)
    recorder.answer = {
        "MetricDataResults": [
            {
                "Id": "a",
                "Timestamps": [at.timestamp(), 1_780_000_000],
                "Values": [1.5, 2],
                "Label": "é",
            }
        ]
    }
    query = {"Id": "a", "Expression": "SUM([b])", "ReturnData": True}
    asked = {"MetricDataQueries": [query], "StartTime": at, "EndTime": at}
    status, answer = speak_cbor(recorder, "GetMetricData", asked)
    assert status == 200
    params = {"MetricDataQueries": [query], "StartTime": at.timestamp(), "EndTime": at.timestamp()}
    assert recorder.calls == [("GetMetricData", params)]
    (result,) = answer["MetricDataResults"]
    assert result["Timestamps"] == [at, datetime.fromtimestamp(1_780_000_000, UTC)]
    assert (result["Values"], result["Label"]) == ([1.5, 2.0], "é")


def test_rest_in_and_out(cloud: LocalCloud, recorder: Recorder) -> None:
    recorder.answer = {
        "Body": b"\x00answer",
        "ContentType": "text/plain",
        "InvokedProductionVariant": "v",
    }
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="my-endpoint", Body=b"\xffquestion", InferenceComponentName="a"
    )
    assert recorder.calls == [
        (
            "InvokeEndpoint",
            {"EndpointName": "my-endpoint", "Body": b"\xffquestion", "InferenceComponentName": "a"},
        )
    ]
    assert answer["Body"].read() == b"\x00answer"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "v")


def test_cbor_refusals() -> None:
    recorder = Recorder()
    recorder.answer = ServiceError("InvalidNextToken", "bad token")
    status, answer = speak_cbor(recorder, "DescribeAlarms", {})
    assert (status, answer["Error"]["Code"]) == (400, "InvalidNextToken")
    assert answer["Error"]["Message"] == "bad token"


@pytest.mark.parametrize(
    ("service", "call", "error", "status"),
    [
        pytest.param(
            "sagemaker",
            lambda c: c.describe_endpoint(EndpointName="e"),
            ServiceError("ValidationException", 'Could not find "e".'),
            400,
            id="json, not modelled",
        ),
        pytest.param(
            "sagemaker",
            lambda c: c.create_endpoint(EndpointName="e", EndpointConfigName="c"),
            ServiceError("ResourceLimitExceeded", "too many"),
            400,
            id="json, modelled",
        ),
        pytest.param(
            "cloudwatch",
            lambda c: c.describe_alarms(),
            ServiceError("InvalidNextToken", "bad token"),
            400,
            id="cloudwatch, modelled",
        ),
        pytest.param(
            "cloudwatch",
            lambda c: c.describe_alarms(),
            ServiceError("Throttled", "slow", status=429),
            429,
            id="cloudwatch, not modelled",
        ),
        pytest.param(
            "sagemaker-runtime",
            lambda c: c.invoke_endpoint(EndpointName="e", Body=b""),
            ServiceError("ModelError", "broken", OriginalStatusCode=500, OriginalMessage="oom"),
            424,
            id="rest, with fields",
        ),
    ],
)
def test_refusals_in_every_protocol(
    cloud: LocalCloud, recorder: Recorder, service: str, call: Any, error: ServiceError, status: int
) -> None:
    recorder.answer = error
    client = cloud.client(service, config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ClientError) as refused:
        call(client)
    response = refused.value.response
    assert response["Error"]["Code"] == error.code
    assert response["Error"]["Message"] == error.message
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    for name, value in error.fields.items():
        assert response[name] == value


def test_a_bug_in_a_service_is_not_retried(cloud: LocalCloud, recorder: Recorder) -> None:
    recorder.answer = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cloud.client("sagemaker").list_endpoints()
    assert len(recorder.calls) == 1


def test_a_member_the_model_does_not_have_is_a_bug(cloud: LocalCloud, recorder: Recorder) -> None:
    recorder.answer = {"EndpointNmae": "typo"}
    with pytest.raises(KeyError, match="EndpointNmae"):
        cloud.client("sagemaker").describe_endpoint(EndpointName="e")


def test_json_callers_of_a_cbor_service_are_understood(
    cloud: LocalCloud, recorder: Recorder
) -> None:
    recorder.answer = {"Metrics": [{"Namespace": "N", "MetricName": "m"}]}
    request = ApiRequest(
        "cloudwatch",
        "POST",
        "https://monitoring.us-east-1.amazonaws.com/",
        {"x-amz-target": "GraniteServiceVersion20100801.ListMetrics"},
        b'{"Namespace": "N"}',
    )
    reply = answer_own(recorder, request)
    assert recorder.calls == [("ListMetrics", {"Namespace": "N"})]
    assert json.loads(reply.body) == recorder.answer


@pytest.mark.parametrize(
    ("headers", "path", "code"),
    [
        ({"x-amz-target": "SageMaker.Dance"}, "/", "UnknownOperationException"),
        ({"content-type": "application/x-www-form-urlencoded"}, "/", "InvalidAction"),
        ({}, "/no/such/path", "UnknownOperationException"),
    ],
)
def test_requests_for_nothing_are_refused(headers: dict[str, str], path: str, code: str) -> None:
    request = ApiRequest("sagemaker", "POST", f"https://api.sagemaker{path}", headers, b"{}")
    reply = answer_own(Recorder(), request)
    assert reply.status == 400
    assert code.encode() in reply.body


def test_clients_sign_as_the_operator(cloud: LocalCloud) -> None:
    session = botocore.session.get_session()
    credentials: Any = session.get_credentials()
    assert credentials.access_key == OPERATOR_ACCESS_KEY
