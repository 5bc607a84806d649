"""A real boto3 runtime client whose answers are scripted, and time that only sleeps move."""

import io
import json
from collections.abc import Iterable
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from icscaler.client import Timing

REFUSED = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
    "in-progress (if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API."
)
Reply = tuple[int, dict[str, str], bytes]


def error(status: int, code: str, message: str) -> Reply:
    """An error as SageMaker Runtime sends it."""
    return status, {"x-amzn-ErrorType": code}, json.dumps({"message": message}).encode()


AT_ZERO = error(400, "ValidationError", REFUSED)
SERVED: Reply = (200, {"Content-Type": "application/json"}, b'{"generated_text": "x"}')


class Raw(io.BytesIO):
    """A body as urllib3 streams it."""

    def stream(self, *_: Any, **__: Any) -> Iterable[bytes]:
        yield self.read()


class Wire:
    """Answers requests in order, the last reply for ever; keeps the bodies it was sent."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.bodies, self.paths = list(replies), [], []

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        body = request.body
        self.bodies.append(body.read() if hasattr(body, "read") else body and bytes(body))
        self.paths.append(request.url.rpartition("/")[2])
        status, headers, content = self.replies.pop(0) if self.replies[1:] else self.replies[0]
        return AWSResponse(request.url, status, headers, Raw(content))


def runtime(wire: Wire, mode: str = "standard", **settings: Any) -> Any:
    """A client of SageMaker Runtime that talks to the wire."""
    client = boto3.client(
        "sagemaker-runtime",
        region_name="us-east-1",
        aws_access_key_id="AKIATEST",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": mode, "total_max_attempts": 3}, **settings),
    )
    client.meta.events.register_first("before-send", wire)
    return client


class Time:
    """Seconds that pass only in `sleep`; chance is the upper end, or what `chance` says."""

    def __init__(self, chance: float = 1.0) -> None:
        self.now_s, self.slept, self.chance = 1000.0, [], chance

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.chance

    @property
    def timing(self) -> Timing:
        return Timing(now=lambda: self.now_s, sleep=self.sleep, uniform=self.uniform)


class Bus:
    """PutEvents that remembers, and fails as often as `failures` says."""

    def __init__(self, failures: int = 0, *, partly: bool = False) -> None:
        self.entries: list[dict[str, Any]] = []
        self.failures, self.partly = failures, partly

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.entries += Entries
        if self.failures > 0:
            self.failures -= 1
            if not self.partly:
                raise ConnectionError("no route to EventBridge")
            failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}
            return {"FailedEntryCount": 1, "Entries": [failed]}
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}

    @property
    def asked(self) -> list[str]:
        names = [json.loads(e["Detail"])["InferenceComponentNames"] for e in self.entries]
        return [name for each in names for name in each]
