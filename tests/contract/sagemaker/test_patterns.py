"""botocore's patterns are Java's; every one that our operations meet is understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud.apikit.validation import compiled
from icscaler_localcloud.wire import codec

OPERATIONS = {
    "sagemaker": (
        "CreateEndpoint|CreateEndpointConfig|CreateInferenceComponent|CreateModel|"
        "UpdateInferenceComponent|UpdateEndpoint|ListInferenceComponents|AddTags|ListTags"
    ),
    "sagemaker-runtime": "InvokeEndpoint|InvokeEndpointWithResponseStream",
    "cloudwatch": "PutMetricData|GetMetricData|GetMetricStatistics|ListMetrics|PutMetricAlarm",
    "application-autoscaling": "RegisterScalableTarget|DescribeScalableTargets|PutScalingPolicy",
}


def patterns(shape: Any, seen: set[str]) -> Iterator[str]:
    if shape.name in seen:
        return
    seen.add(shape.name)
    if "pattern" in shape.metadata:
        yield shape.metadata["pattern"]
    inner = {
        "structure": lambda: shape.members.values(),
        "list": lambda: [shape.member],
        "map": lambda: [shape.key, shape.value],
    }.get(shape.type_name, list)
    for member in inner():
        yield from patterns(member, seen)


@pytest.mark.parametrize("service", OPERATIONS)
def test_every_pattern_is_understood(service: str) -> None:
    seen: set[str] = set()
    found = [
        pattern
        for operation in OPERATIONS[service].split("|")
        for pattern in patterns(codec(service).model.operation_model(operation).input_shape, seen)
    ]
    assert found
    for pattern in found:
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Größe 5/x@y", True),
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "a#b", False),
        (r"\p{ASCII}*", "plain ~", True),
        (r"\p{ASCII}*", "naïve", False),
        (r"\A\S[\p{Print}]*\z", "model.tar.gz", True),
        (r"\A\S[\p{Print}]*\z", " leading", False),
        (r"[\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]+", "\U0001f600", True),
        (r"arn:[\p{Alnum}\-]+:x", "arn:aws-cn:x", True),
    ],
)
def test_java_in_python(pattern: str, text: str, fits: bool) -> None:
    assert (compiled(pattern).fullmatch(text) is not None) is fits
