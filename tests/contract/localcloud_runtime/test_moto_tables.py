"""The seam into moto's tables: queries read one partition and answer what moto answers."""

import random
from typing import Any

import pytest
from moto.dynamodb.models.table import Table

from icscaler_localcloud import moto_tables
from icscaler_localcloud.cloud import LocalCloud

PARTITIONS, ITEMS = 6, 90


@pytest.fixture
def cloud() -> Any:
    with LocalCloud(seed=1) as opened:
        opened.client("dynamodb").create_table(
            TableName="t",
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
        yield opened


def _fill(client: Any) -> None:
    rng = random.Random(5)
    for number in range(ITEMS):
        key = {"pk": {"S": f"p{rng.randrange(PARTITIONS)}"}, "sk": {"S": f"s{number:03d}"}}
        client.put_item(TableName="t", Item={**key, "n": {"N": str(number)}})


def _queries(client: Any) -> list[Any]:
    answers = []
    for partition in range(PARTITIONS + 1):
        values = {":pk": {"S": f"p{partition}"}, ":a": {"S": "s020"}, ":b": {"S": "s070"}}
        for condition, forward in (
            ("pk = :pk AND sk BETWEEN :a AND :b", True),
            ("pk = :pk AND sk BETWEEN :a AND :b", False),
        ):
            answer = client.query(
                TableName="t",
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=forward,
                Limit=7,
            )
            answers.append((answer["Items"], answer.get("LastEvaluatedKey")))
    return answers


def test_queries_answer_as_moto_answers(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = cloud.client("dynamodb")
    _fill(client)
    ours = _queries(client)
    monkeypatch.setattr(Table, "query", moto_tables._query)
    monkeypatch.setattr(Table, "all_items", moto_tables._all_items)
    assert ours == _queries(client)
    assert any(items for items, _ in ours)


def test_a_query_reads_only_its_partition(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when moto's Query no longer goes through `all_items`: then the seam is idle."""
    client = cloud.client("dynamodb")
    _fill(client)
    read: list[int] = []
    original = Table.all_items

    def counting(table: Table) -> Any:
        items = original(table)
        read.append(len(items))
        return items

    monkeypatch.setattr(Table, "all_items", counting)
    _queries(client)
    assert read
    assert max(read) < ITEMS / 2
    assert len(client.scan(TableName="t")["Items"]) == ITEMS
