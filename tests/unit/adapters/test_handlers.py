"""The handlers, on ports in memory: real payloads in, looks done, bugs kept for people."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.dispatch import app as dispatch_app
from functions.reconcile import app as reconcile_app
from icscaler import bootstrap, dispatch, reconcile
from icscaler.adapters.codec import encode
from icscaler.adapters.memory import (
    MemoryEndpoints,
    MemoryLookQueue,
    MemoryMetrics,
    MemoryNotifier,
    MemoryStateStore,
)
from icscaler.entities import EndpointConfig
from icscaler.ports import PortError

ENDPOINT = "code-generation"
T0 = 1_780_304_460

pytestmark = pytest.mark.filterwarnings("ignore:This metric doesn't meet the requirements")


@dataclass
class Context:
    """As much of a Lambda context as Powertools and the handlers read."""

    function_name: str = "function"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class RetryQueue:
    """Remembers which messages should come back soon."""

    def __init__(self) -> None:
        self.retried: list[str] = []

    def retry_soon(self, receipt_handle: str) -> None:
        self.retried.append(receipt_handle)


@pytest.fixture
def store() -> MemoryStateStore:
    store = MemoryStateStore()
    store.publish({ENDPOINT: EndpointConfig(ENDPOINT, "v1", {}, {})}, "v1", None)
    return store


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "icscaler")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch, store: MemoryStateStore) -> MemoryLookQueue:
    queue = MemoryLookQueue()
    monkeypatch.setattr(
        bootstrap, "dispatch_deps", lambda: dispatch.Deps(store, queue, MemoryNotifier())
    )
    return queue


@pytest.fixture
def retries(monkeypatch: pytest.MonkeyPatch, store: MemoryStateStore) -> RetryQueue:
    deps = reconcile.Deps(store, MemoryEndpoints(), MemoryMetrics(), MemoryNotifier(), encode)
    retries = RetryQueue()
    monkeypatch.setattr(bootstrap, "reconcile_deps", lambda: deps)
    monkeypatch.setattr(bootstrap, "look_queue", lambda: retries)
    return retries


def sample(repository: Path, name: str) -> Any:
    return json.loads((repository / "events" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("dispatch_tick.json", "Tick"),
        ("dispatch_endpoint_state_change.json", "EndpointChanged"),
        ("dispatch_asked.json", "Asked"),
    ],
)
def test_dispatch_queues_a_look(
    repository: Path, queue: MemoryLookQueue, name: str, cause: str
) -> None:
    event = sample(repository, name)
    event.pop("InferenceComponentNames", None)
    answer = dispatch_app.lambda_handler(event, Context())
    assert answer["queued"] == [ENDPOINT]
    ((endpoint, _, queued_cause),) = queue.messages
    assert (endpoint, queued_cause) == (ENDPOINT, cause)


def test_dispatch_answers_a_broken_event_without_a_retry(queue: MemoryLookQueue) -> None:
    assert dispatch_app.lambda_handler({"detail-type": "Tick"}, Context()) == {
        "rejected": "time: None is not an ISO 8601 time"
    }
    assert queue.messages == []


def test_dispatch_lets_lambda_retry_when_the_table_fails(
    repository: Path, monkeypatch: pytest.MonkeyPatch, queue: MemoryLookQueue
) -> None:
    def fail() -> None:
        raise PortError("dynamodb GetItem: InternalServerError")

    monkeypatch.setattr(bootstrap.dispatch_deps().store, "fleet_pointer", fail, raising=False)
    with pytest.raises(PortError):
        dispatch_app.lambda_handler(sample(repository, "dispatch_tick.json"), Context())


def test_reconcile_looks(repository: Path, retries: RetryQueue, store: MemoryStateStore) -> None:
    answer = reconcile_app.lambda_handler(sample(repository, "reconcile_look.json"), Context())
    assert answer == {"batchItemFailures": []}
    (summary,) = store.fleet(T0, summaries=True).summaries
    assert (summary.endpoint, summary.at_s) == (ENDPOINT, T0)
    assert retries.retried == []


def test_a_repeated_message_is_harmless(
    repository: Path, retries: RetryQueue, store: MemoryStateStore
) -> None:
    event = sample(repository, "reconcile_look.json")
    reconcile_app.lambda_handler(event, Context())
    before = store.load(ENDPOINT, "v1")
    assert reconcile_app.lambda_handler(event, Context()) == {"batchItemFailures": []}
    assert store.load(ENDPOINT, "v1").state == before.state


def test_a_table_that_fails_ends_the_look_without_blocking_the_endpoint(
    repository: Path, retries: RetryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise PortError("dynamodb GetItem: InternalServerError")

    monkeypatch.setattr(bootstrap.reconcile_deps().store, "fleet_pointer", fail)
    event = sample(repository, "reconcile_look.json")
    assert reconcile_app.lambda_handler(event, Context()) == {"batchItemFailures": []}


@pytest.mark.parametrize("kind", ["bug", "message"])
def test_bugs_and_broken_messages_come_back_soon_then_become_dead_letters(
    repository: Path, retries: RetryQueue, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    event = sample(repository, "reconcile_look.json")
    if kind == "bug":
        monkeypatch.setattr(reconcile, "look", lambda *_: 1 / 0)
    else:
        event["Records"][0]["body"] = "hello"
    with pytest.raises(BatchProcessingError):
        reconcile_app.lambda_handler(event, Context())
    assert retries.retried == [event["Records"][0]["receiptHandle"]]
