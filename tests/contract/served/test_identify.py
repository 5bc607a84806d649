"""Requests of real clients are told apart without looking at the host."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.door import Door
from icscaler_localcloud.http_front import HttpRequest
from icscaler_localcloud.identify import identify
from icscaler_localcloud.services import ServiceError

SPEC: dict[str, Any] = {"InferenceComponentName": "ic", "DesiredRuntimeConfig": {"CopyCount": 1}}
INVOKE = {"EndpointName": "e", "Body": b"{}"}
QUERIES = {"MetricDataQueries": [], "StartTime": 0, "EndTime": 60}
OBJECT = {"Bucket": "my-bucket", "Key": "a/key"}
PART = {"PartNumber": 1, "UploadId": "u"}
# (service, method, parameters): one of each protocol, and those that share a signing name.
CALLS = [
    ("sagemaker", "update_inference_component_runtime_config", SPEC),
    ("sagemaker-runtime", "invoke_endpoint", INVOKE),
    ("cloudwatch", "get_metric_data", QUERIES),
    ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "sagemaker"}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "k"}}}),
    ("sqs", "list_queues", {}),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"}),
    ("events", "put_events", {"Entries": [{"Source": "s"}]}),
    ("scheduler", "get_schedule", {"Name": "s"}),
    ("stepfunctions", "list_state_machines", {}),
    ("lambda", "invoke", {"FunctionName": "f"}),
    ("iam", "list_roles", {}),
    ("sts", "get_caller_identity", {}),
    ("cloudformation", "describe_stacks", {"StackName": "s"}),
    ("logs", "describe_log_groups", {}),
    ("ssm", "get_parameter", {"Name": "p"}),
    ("s3", "list_buckets", {}),
    ("s3", "list_objects_v2", {"Bucket": "my-bucket"}),
    ("s3", "get_bucket_location", {"Bucket": "my-bucket"}),
    ("s3", "put_object", OBJECT),
    ("s3", "copy_object", {**OBJECT, "CopySource": "other/key"}),
    ("s3", "upload_part", {**OBJECT, **PART}),
    ("s3", "head_object", OBJECT),
]


def sent(service: str, method: str, params: dict[str, Any], **config: Any) -> HttpRequest:
    """What a client would send to one address for all services."""
    caught: list[HttpRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        body: Any = request.body or b""
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        caught.append(
            HttpRequest(
                request.method or "",
                url.path + (f"?{url.query}" if url.query else ""),
                headers,
                body if isinstance(body, bytes) else str(body).encode(),
            )
        )
        return AWSResponse(request.url, 500, {}, None)  # type: ignore[arg-type]

    session: Any = boto3.Session(botocore_session=botocore.session.Session())
    client = session.client(
        service,
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )
    client.meta.events.register_first("before-send", catch)
    with pytest.raises(Exception):  # noqa: B017, PT011  (there was no reply)
        getattr(client, method)(**params)
    return caught[0]


def api_name(service: str, method: str) -> str:
    session: Any = botocore.session.Session()
    client = session.create_client(service, region_name="us-east-1")
    return str(client.meta.method_to_api_mapping[method])


@pytest.mark.parametrize(
    ("service", "method", "params"), CALLS, ids=[f"{call[0]}-{call[1]}" for call in CALLS]
)
def test_signed_and_unsigned_calls(service: str, method: str, params: dict[str, Any]) -> None:
    expected = (service, api_name(service, method))
    assert identify(sent(service, method, params)) == expected
    assert identify(sent(service, method, params, signature_version=UNSIGNED)) == expected


def test_a_presigned_url() -> None:
    session: Any = boto3.Session(botocore_session=botocore.session.Session())
    client = session.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    url = urlsplit(client.generate_presigned_url("get_object", Params=OBJECT))
    request = HttpRequest("GET", f"{url.path}?{url.query}", {"host": "x"}, b"")
    assert identify(request) == ("s3", "GetObject")


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
PUT_METRIC = (
    b"Action=PutMetricData&Version=2010-08-01&Namespace=Mine"
    b"&MetricData.member.1.MetricName=m&MetricData.member.1.Value=7"
    b"&MetricData.member.1.Timestamp=2026-06-01T00:00:00Z"
    b"&MetricData.member.1.Dimensions.member.1.Name=d"
    b"&MetricData.member.1.Dimensions.member.1.Value=v"
)


def test_older_clients_speak_query_to_cloudwatch() -> None:
    with LocalCloud() as cloud:
        door = Door(cloud)
        put = HttpRequest("POST", "/", FORM, PUT_METRIC)
        assert identify(put) == ("cloudwatch", "PutMetricData")
        stored = door.answer(put)
        assert stored is not None
        assert stored.status == 200
        cloud.run_for(300)
        asked = HttpRequest(
            "POST", "/", FORM, b"Action=ListMetrics&Version=2010-08-01&Namespace=Mine"
        )
        listed = door.answer(asked)
        assert listed is not None
        assert b"<MetricName>m</MetricName>" in listed.body
        assert b"<Value>v</Value>" in listed.body
        alarm = b"Action=PutMetricAlarm&Version=2010-08-01&AlarmName=a"
        refused = door.answer(HttpRequest("POST", "/", FORM, alarm))
        assert refused is not None
        assert refused.status == 400
        assert b"<ErrorResponse><Error><Type>Sender</Type>" in refused.body


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        pytest.param(
            HttpRequest("POST", "/", {"x-amz-target": "SageMaker.Dance"}, b"{}"),
            "POST /",
            id="no such operation",
        ),
        pytest.param(
            HttpRequest("POST", "/", FORM, b"Action=Dance&Version=2010-08-01"),
            "POST /",
            id="no such action",
        ),
        pytest.param(
            HttpRequest(
                "POST",
                "/x",
                {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/nosuch/aws4_request"},
                b"",
            ),
            "POST /x",
            id="no such service",
        ),
    ],
)
def test_calls_of_nothing(request_: HttpRequest, says: str) -> None:
    with pytest.raises(ServiceError, match=says) as refused:
        identify(request_)
    assert refused.value.status == 404
