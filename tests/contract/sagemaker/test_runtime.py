"""InvokeEndpoint: what is served, what is refused, and what the metrics show of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import ServiceProfile
from tests.contract.sagemaker.steps import (
    component,
    copies_of,
    make_component,
    make_endpoint,
    refused,
    set_copies,
    status_of,
    variant,
    wait_until,
)

NO_CAPACITY = (
    "ValidationError",
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
    "in-progress (if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API.",
)


def request(max_new_tokens: int = 10, words: str = "x" * 400, **more: Any) -> dict[str, Any]:
    body = {"inputs": words, "parameters": {"max_new_tokens": max_new_tokens}}
    return {
        "EndpointName": "codegen",
        "InferenceComponentName": "inline",
        "ContentType": "application/json",
        "Body": json.dumps(body).encode(),
    } | more


def total(cloud: LocalCloud, metric: str, name: str = "inline", minutes: int = 10) -> list[float]:
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": "InferenceComponentName", "Value": name}],
        StartTime=datetime.fromtimestamp(cloud.clock.now_s - 60 * minutes, tz=UTC),
        EndTime=datetime.fromtimestamp(cloud.clock.now_s + 60, tz=UTC),
        Period=60,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in answer["Datapoints"]]


def test_a_request_is_served(serving: LocalCloud, runtime: Any) -> None:
    answer = runtime.invoke_endpoint(**request(CustomAttributes="trace=1"))
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace=1"
    body = json.loads(answer["Body"].read())
    assert body["usage"] == {
        "prompt_tokens": -(-len(request()["Body"]) // 4),
        "completion_tokens": 10,
    }
    assert body["latency_s"] > 0


def test_longer_answers_take_longer(endpoint: LocalCloud, runtime: Any) -> None:
    endpoint.world.profiles.set("inline", ServiceProfile(base_s=0.0, output_token_s=1.0))
    make_component(endpoint)

    def latency(tokens: int) -> float:
        body = json.loads(runtime.invoke_endpoint(**request(tokens))["Body"].read())
        return float(body["latency_s"])

    assert latency(20) == pytest.approx(20, abs=1)
    assert latency(2) == pytest.approx(2, abs=1)


@pytest.mark.parametrize(
    ("body", "completion"),
    [
        (b'{"messages": [], "max_tokens": 77}', 77),
        (b'{"prompt": "x", "max_completion_tokens": 5}', 5),
        (b"plain text", 128),
        (b'["a list"]', 128),
        (b'{"parameters": "odd"}', 128),
    ],
)
def test_how_a_request_is_read(
    serving: LocalCloud, runtime: Any, body: bytes, completion: int
) -> None:
    answer = runtime.invoke_endpoint(**request(Body=body))
    usage = json.loads(answer["Body"].read())["usage"]
    assert usage["completion_tokens"] == completion


def test_at_zero_copies_the_documented_text_and_the_metric_after_its_lag(
    serving: LocalCloud, runtime: Any
) -> None:
    set_copies(serving, 0)
    wait_until(serving, lambda: status_of(serving) == "InService")
    minute_s = (serving.clock.now_s // 60 + 1) * 60
    serving.run_until(minute_s + 10)
    assert refused(runtime.invoke_endpoint, **request()) == NO_CAPACITY
    assert refused(runtime.invoke_endpoint, **request()) == NO_CAPACITY
    serving.run_until(minute_s + 60 + 29)
    assert total(serving, "NoCapacityInvocationFailures") == []
    serving.run_until(minute_s + 60 + 31)
    assert total(serving, "NoCapacityInvocationFailures") == [2.0]
    set_copies(serving, 1)
    assert refused(runtime.invoke_endpoint, **request()) == NO_CAPACITY
    wait_until(serving, lambda: copies_of(serving) == (1, 1))
    runtime.invoke_endpoint(**request())


def test_served_requests_are_counted(serving: LocalCloud, runtime: Any) -> None:
    serving.run_until((serving.clock.now_s // 60 + 1) * 60)
    for _ in range(3):
        runtime.invoke_endpoint(**request())
    serving.run_for(120)
    assert sum(total(serving, "Invocations", minutes=3)) == 3.0


def test_an_adapter_that_loads_is_not_ready(
    serving: LocalCloud, sagemaker: Any, runtime: Any
) -> None:
    adapter = {
        "BaseInferenceComponentName": "inline",
        "Container": {"ArtifactUrl": "s3://lora/customer-a/"},
    }
    sagemaker.create_inference_component(**component("customer-a", Specification=adapter))
    asked = request(InferenceComponentName="customer-a")
    with pytest.raises(runtime.exceptions.ModelNotReadyException) as caught:
        runtime.invoke_endpoint(**asked)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    wait_until(serving, lambda: status_of(serving, "customer-a") == "InService")
    runtime.invoke_endpoint(**asked)


def test_errors_of_the_model(endpoint: LocalCloud, runtime: Any) -> None:
    endpoint.world.profiles.set("inline", ServiceProfile(error_fraction=1.0))
    make_component(endpoint)
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(**request())
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == 500
    assert answer["OriginalMessage"]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"EndpointName": "ghost"}, "Endpoint ghost of account 123456789012 not found."),
        ({"InferenceComponentName": "ghost"}, "Inference component ghost of endpoint codegen"),
        ({"TargetModel": "m.tar.gz"}, "TargetModel is not supported by the local cloud."),
        ({"SessionId": "NEW_SESSION"}, "SessionId is not supported by the local cloud."),
        ({"InferenceComponentName": "x_y"}, "failed to satisfy constraint"),
    ],
)
def test_requests_that_are_refused(
    serving: LocalCloud, runtime: Any, params: dict[str, Any], text: str
) -> None:
    code, message = refused(runtime.invoke_endpoint, **request(**params))
    assert (code, text in message) == ("ValidationError", True), message


def test_the_component_must_be_named(serving: LocalCloud, runtime: Any) -> None:
    params = request()
    del params["InferenceComponentName"]
    code, message = refused(runtime.invoke_endpoint, **params)
    assert code == "ValidationError"
    assert message.startswith("Inference Component Name header is required for endpoints")


def test_streams_are_refused_by_name(serving: LocalCloud, runtime: Any) -> None:
    assert refused(runtime.invoke_endpoint_with_response_stream, **request()) == (
        "ValidationError",
        "InvokeEndpointWithResponseStream is not supported by the local cloud.",
    )


def test_classic_variants_share_by_weight(cloud: LocalCloud, runtime: Any) -> None:
    cloud.client("sagemaker").create_model(ModelName="m", PrimaryContainer={"Image": "i"})
    classic = {"ModelName": "m", "ManagedInstanceScaling": None, "InstanceType": "ml.g6e.xlarge"}
    make_endpoint(
        cloud,
        variant(VariantName="blue", InitialVariantWeight=3.0, **classic),
        variant(VariantName="green", InitialVariantWeight=1.0, **classic),
    )
    params = request()
    del params["InferenceComponentName"]
    served = [runtime.invoke_endpoint(**params)["InvokedProductionVariant"] for _ in range(8)]
    assert (served.count("blue"), served.count("green")) == (6, 2)
    chosen = runtime.invoke_endpoint(**params, TargetVariant="green")
    assert chosen["InvokedProductionVariant"] == "green"
    assert "red" in refused(runtime.invoke_endpoint, **params, TargetVariant="red")[1]


def test_a_component_of_another_endpoint_is_not_found(cloud: LocalCloud, runtime: Any) -> None:
    make_endpoint(cloud)
    make_endpoint(cloud, name="other")
    make_component(cloud)
    code, message = refused(runtime.invoke_endpoint, **request(EndpointName="other"))
    assert (code, "not found" in message) == ("ValidationError", True)
