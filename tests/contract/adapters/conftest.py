"""The ports' implementations under test: the in-memory ones and the AWS ones on moto."""

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend

from icscaler.adapters import clients
from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.table import Table
from icscaler.adapters.memory import MemoryStateStore

TABLE = "state"
REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """moto in this process, with an account and a Region; nothing leaves the machine."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        # boto3's default session outlives a test and would keep the credentials of the first.
        boto3.setup_default_session()
        yield


@pytest.fixture(autouse=True)
def atomic_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB writes an item atomically; moto checks and writes in two steps between threads."""
    lock = Lock()

    def locked(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: DynamoDBBackend, *args: Any, **kwargs: Any) -> Any:
            with lock:
                return original(self, *args, **kwargs)

        return call

    for name in ("update_item", "put_item", "delete_item"):
        monkeypatch.setattr(DynamoDBBackend, name, locked(getattr(DynamoDBBackend, name)))


@pytest.fixture
def table_client(aws: None) -> Any:
    """A DynamoDB client on a fresh table shaped like the template's."""
    client = clients.client("dynamodb", max_connections=32)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    return client


@pytest.fixture
def table(table_client: Any) -> Table:
    return Table(table_client, TABLE)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> MemoryStateStore | DynamoStateStore:
    """`ports.StateStore`, empty, in both implementations."""
    if request.param == "memory":
        return MemoryStateStore()
    return DynamoStateStore(request.getfixturevalue("table"))
