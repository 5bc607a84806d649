"""The short way into moto's DynamoDB answers what moto answers over HTTP, refusals included."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from icscaler_localcloud import moto_dynamodb, moto_seams, moto_tables
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.moto_dynamodb import Node, UpdateExpressionParser
from icscaler_localcloud.moto_replacing import REPLACED

VALUES = {
    "n": {"N": "3"},
    "s": {"S": "text"},
    "b": {"B": b"\x00\x01"},
    "flag": {"BOOL": True},
    "nothing": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": [b"x", b"y"]},
    "l": {"L": [{"N": "1"}, {"M": {"k": {"B": b"in"}}}]},
    "m": {"M": {"a": {"N": "1"}, "deep": {"M": {"x": {"L": [{"S": "y"}]}}}}},
}


def key(sk: str, pk: str = "p") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


Calls = list[tuple[str, dict[str, Any]]]
"""(operation, arguments)"""


def calls() -> Calls:
    """What succeeds and what is refused, in an order that matters."""
    return [
        *puts(),
        *gets(),
        *[("update_item", {"ReturnValues": "UPDATED_NEW", **update}) for update in updates()],
        *queries(),
        ("scan", {"ConsistentRead": True}),
        ("scan", {"FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}),
        ("delete_item", {"Key": key("k#3"), "ReturnValues": "ALL_OLD"}),
        (
            "delete_item",
            {
                "Key": key("k#4"),
                "ConditionExpression": "n = :one",
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
        ),
        ("put_item", {"TableName": "another", "Item": key("k")}),
        *batches(),
    ]


def puts() -> Calls:
    first = [{"Item": {**key(f"k#{n}"), **VALUES, "n": {"N": str(n)}}} for n in range(5)]
    condition = {
        "ConditionExpression": "attribute_not_exists(n) OR (n <= :n AND n <= :n)",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    more: list[dict[str, Any]] = [
        {"Item": key("k#1"), "ReturnValues": "ALL_OLD"},
        {"Item": key("k#2"), **condition},
        {"Item": {"pk": {"S": ""}, "sk": {"S": "k"}}},
        {"Item": key("k"), "ReturnConsumedCapacity": "TOTAL"},
    ]
    return [("put_item", arguments) for arguments in (*first, *more)]


def gets() -> Calls:
    arguments: list[dict[str, Any]] = [
        {"Key": key("k#3"), "ConsistentRead": True},
        {"Key": key("k#3"), "ProjectionExpression": "n, m.a"},
        {"Key": key("nowhere")},
        {"Key": {"pk": {"S": "p"}}},
    ]
    return [("get_item", each) for each in arguments]


def updates() -> list[dict[str, Any]]:
    one, two, things = {"N": "1"}, {"N": "2"}, VALUES["l"]
    values = {":one": one, ":two": two, ":l": things, ":m": {"M": {}}, ":ss": VALUES["ss"]}

    def update(expression: str, used: str, **more: Any) -> dict[str, Any]:
        named = {name: values[name] for name in used.split()}
        given = {"ExpressionAttributeValues": named} if named else {}
        return {"Key": key("u"), "UpdateExpression": expression, **given, **more}

    return [
        update("SET a = :one, m = if_not_exists(m, :m) ADD n :one", ":one :m"),
        update(
            "SET m.#x = :two, a = a + :two, l = :l REMOVE n",
            ":two :l",
            ExpressionAttributeNames={"#x": "x"},
        ),
        update(
            "SET l = list_append(l, :l) ADD names :ss DELETE names :ss",
            ":l :ss",
            ReturnValues="ALL_OLD",
        ),
        update(
            "SET a = :one",
            ":one",
            ConditionExpression="attribute_not_exists(a) OR a = :one OR n < :one",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        ),
        update(
            "SET b = :m, #left = :one REMOVE gone",
            ":m :one",
            Key=key("new"),
            ReturnValues="ALL_NEW",
            ConditionExpression="attribute_not_exists(pk)",
            ExpressionAttributeNames={"#left": "left"},
        ),
        update("SET a = :missing", ""),
        update("SET pk = :one", ":one"),
        update("LET a = 1", ""),
        update("ADD a :one ADD n :one", ":one"),
        update("SET a = :one", ":one :two"),
    ]


def queries() -> Calls:
    values = {":pk": {"S": "p"}, ":a": {"S": "k#1"}, ":z": {"S": "k#3"}, ":k": {"S": "k"}}
    conditions = {
        "pk = :pk": (":pk",),
        "pk = :pk AND sk BETWEEN :a AND :z": (":pk", ":a", ":z"),
        "pk = :pk AND sk BETWEEN :z AND :a": (":pk", ":a", ":z"),
        "pk = :pk AND begins_with(sk, :k)": (":pk", ":k"),
        "pk = :pk AND sk < :a": (":pk", ":a"),
        "pk = :pk AND sk <= :a": (":pk", ":a"),
        "pk = :pk AND sk > :a": (":pk", ":a"),
        "pk = :pk AND sk >= :a": (":pk", ":a"),
        "pk = :pk AND sk = :a": (":pk", ":a"),
        "pk = :a": (":a",),
        "sk = :a": (":a",),
    }
    return [
        (
            "query",
            {
                "KeyConditionExpression": condition,
                "ExpressionAttributeValues": {name: values[name] for name in names},
                "ScanIndexForward": forward,
                **limit,
            },
        )
        for condition, names in conditions.items()
        for forward in (True, False)
        for limit in ({}, {"Limit": 1}, {"Limit": 3, "ExclusiveStartKey": key("k#2")})
    ]


def batches() -> Calls:
    put = {"PutRequest": {"Item": {**key("b"), **VALUES}}}
    delete = {"DeleteRequest": {"Key": key("k#1")}}
    return [
        ("batch_write_item", {"RequestItems": {"t": [put, delete]}}),
        ("batch_write_item", {"RequestItems": {"t": [put, put]}}),
        ("batch_get_item", {"RequestItems": {"t": {"Keys": [key("b"), key("k#1"), key("k#0")]}}}),
        ("scan", {}),
    ]


def answers() -> Iterator[Any]:
    """What a new cloud answers to all calls, one after the other."""
    with LocalCloud(seed=1) as cloud:
        client = cloud.client("dynamodb")
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        replies: list[Any] = []
        cloud.gateway.listen(lambda call: replies.append(call.reply))
        for operation, arguments in calls():
            table = {} if operation.startswith("batch") else {"TableName": "t"}
            try:
                parsed = getattr(client, operation)(**{**table, **arguments})
            except client.exceptions.ClientError as error:
                parsed = error.response
            parsed.pop("ResponseMetadata")
            reply = replies[-1]
            assert reply.headers["x-amz-crc32"]
            kind = reply.headers["Content-Type"]
            yield operation, arguments, reply.status, kind, json.loads(reply.body), parsed


def test_it_answers_as_moto_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also: expressions parsed once, values and items copied quickly, keys kept in order."""
    short = list(answers())
    assert {status for _, _, status, *_ in short} == {200, 400}
    assert any("LastEvaluatedKey" in parsed for *_, parsed in short)
    with monkeypatch.context() as originals:
        originals.setattr(moto_dynamodb, "answer", lambda *_: None)
        for kind, name, original in REPLACED:
            if original is None:
                originals.delattr(kind, name)
            else:
                originals.setattr(kind, name, original)
        long = list(answers())
    for ours, motos in zip(short, long, strict=True):
        assert ours == motos


def test_the_calls_of_a_look_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when clients address DynamoDB so that the short way no longer knows it."""
    went: list[str] = []
    call_moto = moto_seams.call_moto

    def counting(method: str, url: str, headers: Any, body: Any) -> Any:
        went.append(headers["x-amz-target"])
        return call_moto(method, url, headers, body)

    monkeypatch.setattr(moto_seams, "call_moto", counting)
    assert list(answers())
    assert [target.rpartition(".")[2] for target in went] == ["CreateTable"]


def nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.children or ():
        if isinstance(child, Node):
            yield from nodes(child)


def test_a_parsed_expression_is_copied_whole() -> None:
    text = "SET m.#x[2] = if_not_exists(a, :a) + :b, l = list_append(l, :l) REMOVE n ADD c :d"
    parsed = UpdateExpressionParser.make(text)
    assert parsed is UpdateExpressionParser.make(text)
    twin = copy.deepcopy(parsed)
    before, after = list(nodes(parsed)), list(nodes(twin))
    assert [type(node) for node in before] == [type(node) for node in after]
    assert not {map(id, before)} & {map(id, after)}
    number = {id(node): n for n, node in enumerate(before)}
    number |= {id(node): n for n, node in enumerate(after)} | {id(None): -1}
    assert [number[id(n.parent)] for n in before] == [number[id(n.parent)] for n in after]


def test_a_copied_item_shares_nothing_that_changes() -> None:
    item = Item(DynamoType({"S": "p"}), DynamoType({"S": "s"}), {**key("s"), **VALUES})
    twin = copy.deepcopy(item)
    assert twin == item
    twin.attrs["m"].value["a"].value = "2"
    twin.attrs["l"].value.append(DynamoType({"N": "9"}))
    twin.attrs["ss"].value.append("c")
    assert item == Item(DynamoType({"S": "p"}), DynamoType({"S": "s"}), {**key("s"), **VALUES})
    assert type(twin.attrs) is type(item.attrs)


def test_a_copied_partition_keeps_its_keys_in_order() -> None:
    partition = moto_tables.Partition()
    for sk in ("b", "c", "a"):
        each = DynamoType({"S": sk})
        partition[each] = Item(DynamoType({"S": "p"}), each, key(sk))
    assert [each.value for each in partition.ordered()] == ["a", "b", "c"]
    partition.pop(DynamoType({"S": "c"}))
    twin = copy.deepcopy(partition)
    assert twin is not partition
    for sk in ("d", "aa", "e"):
        twin[DynamoType({"S": sk})] = twin[DynamoType({"S": "a"})]
        assert [each.value for each in twin.ordered()] == sorted(each.value for each in twin)
    assert [each.value for each in partition.ordered()] == ["a", "b"]
