"""One DynamoDB table as Python values: typed calls, refusals as answers, failures as `PortError`.

Attributes are str, int, float, bool, bytes, lists, string sets and string-keyed dicts. DynamoDB
takes items up to 400 KB; a larger one is refused here with its key, never cut.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler.adapters.clients import code_and_message, port_errors
from icscaler.ports import PortError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = dict[str, Any]

MAX_ITEM_BYTES = 390_000
BATCH_ITEMS = 25
BATCH_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Update:
    """A conditional update. `item`: the attributes changed, or what stood there when refused."""

    done: bool
    item: Item


@dataclass(slots=True)
class Table:
    """Consistent reads, conditional writes, batches. Safe to share between threads."""

    client: "DynamoDBClient"
    name: str
    pause: Callable[[float], None] = lambda seconds: time.sleep(seconds)

    def get(self, pk: str, sk: str) -> Item | None:
        with port_errors("dynamodb", "GetItem"):
            answer = self.client.get_item(
                TableName=self.name, Key=_key(pk, sk), ConsistentRead=True
            )
        item = answer.get("Item")
        return _from_item(item) if item else None

    def query(self, pk: str, sk_prefix: str = "") -> list[Item]:
        """All items of a partition whose sort key begins with `sk_prefix`, in key order."""
        condition, values = "pk = :pk", {":pk": pk}
        if sk_prefix:
            condition, values = condition + " AND begins_with(sk, :sk)", values | {":sk": sk_prefix}
        return list(self._pages(condition, values))

    def between(self, pk: str, sk_from: str, sk_to: str) -> list[Item]:
        """Items of a partition with `sk_from` <= sort key <= `sk_to`, in key order."""
        values = {":pk": pk, ":from": sk_from, ":to": sk_to}
        return list(self._pages("pk = :pk AND sk BETWEEN :from AND :to", values))

    def last_key(self, pk: str, sk_before: str) -> str | None:
        """The greatest sort key of a partition below `sk_before`; None: there is none."""
        with port_errors("dynamodb", "Query"):
            page = self.client.query(
                TableName=self.name,
                KeyConditionExpression="pk = :pk AND sk < :before",
                ExpressionAttributeValues=_to_item({":pk": pk, ":before": sk_before}),
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
                ProjectionExpression="sk",
            )
        return next((str(_from_item(item)["sk"]) for item in page["Items"]), None)

    def put(self, item: Item, condition: str = "", values: Mapping[str, Any] | None = None) -> bool:
        """Replace an item; False when `condition` does not hold."""
        arguments: dict[str, Any] = {"TableName": self.name, "Item": _checked(item)}
        if condition:
            arguments["ConditionExpression"] = condition
        if values:
            arguments["ExpressionAttributeValues"] = _to_item(values)
        return self._conditional("PutItem", self.client.put_item, arguments).done

    def update(
        self,
        pk: str,
        sk: str,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        names: Mapping[str, str] | None = None,
        condition: str = "",
    ) -> Update:
        """Update (or create) an item if `condition` holds."""
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "Key": _key(pk, sk),
            "UpdateExpression": expression,
            "ReturnValues": "UPDATED_NEW",
        }
        if values:
            arguments["ExpressionAttributeValues"] = _to_item(values)
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        if condition:
            arguments["ConditionExpression"] = condition
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return self._conditional("UpdateItem", self.client.update_item, arguments)

    def delete(self, pk: str, sk: str, condition: str, values: Mapping[str, Any]) -> bool:
        """Delete an item; False when `condition` does not hold (any more)."""
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "Key": _key(pk, sk),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": _to_item(values),
        }
        return self._conditional("DeleteItem", self.client.delete_item, arguments).done

    def write_all(self, puts: Sequence[Item] = (), deletes: Sequence[tuple[str, str]] = ()) -> None:
        """Unconditional writes in batches of 25; what DynamoDB left undone is tried again."""
        requests: list[Any] = [{"PutRequest": {"Item": _checked(item)}} for item in puts]
        requests += [{"DeleteRequest": {"Key": _key(pk, sk)}} for pk, sk in deletes]
        for start in range(0, len(requests), BATCH_ITEMS):
            self._write_batch(requests[start : start + BATCH_ITEMS])

    def _write_batch(self, requests: list[Any]) -> None:
        for attempt in range(BATCH_ATTEMPTS):
            with port_errors("dynamodb", "BatchWriteItem"):
                answer = self.client.batch_write_item(RequestItems={self.name: requests})
            requests = list(answer.get("UnprocessedItems", {}).get(self.name, ()))
            if not requests:
                return
            self.pause(random.uniform(0, 0.05 * 2**attempt))
        raise PortError(f"dynamodb BatchWriteItem: {len(requests)} items were never accepted")

    def _pages(self, condition: str, values: Mapping[str, Any]) -> Iterator[Item]:
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": _to_item(values),
            "ConsistentRead": True,
        }
        while True:
            with port_errors("dynamodb", "Query"):
                page = self.client.query(**arguments)
            yield from map(_from_item, page["Items"])
            if not page.get("LastEvaluatedKey"):
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _conditional(
        self, call: str, method: Callable[..., Any], arguments: dict[str, Any]
    ) -> Update:
        from botocore.exceptions import ClientError

        with port_errors("dynamodb", call):
            try:
                answer = method(**arguments)
            except ClientError as error:
                if code_and_message(error)[0] != "ConditionalCheckFailedException":
                    raise
                found: Any = error.response.get("Item", {})
                return Update(False, _from_item(found))
        return Update(True, _from_item(answer.get("Attributes", {})))


class TableItems:
    """Some of the table's items; the base of the classes that make up the state store."""

    def __init__(self, table: Table, record_retention_days: int = 30) -> None:
        self._table = table
        self._record_retention_days = record_retention_days


def _checked(item: Item) -> dict[str, Any]:
    attributes = _to_item(item)
    size = item_bytes(attributes)
    if size > MAX_ITEM_BYTES:
        raise PortError(
            f"dynamodb: item {item['pk']} / {item['sk']} has {size} bytes, more than the "
            f"{MAX_ITEM_BYTES} that fit"
        )
    return attributes


def item_bytes(attributes: Mapping[str, Any]) -> int:
    """What DynamoDB counts as the size of an item (its Developer Guide, "Item sizes")."""
    return sum(len(name) + _size(value) for name, value in attributes.items())


def _size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return 3 + sum(len(name) + _size(each) + 1 for name, each in value.items())
    if kind == "L":
        return 3 + sum(_size(each) + 1 for each in value)
    if kind == "SS":
        return sum(len(each.encode()) for each in value)
    if kind == "S":
        return len(value.encode())
    return len(value) if kind == "B" else 21


def _key(pk: str, sk: str) -> dict[str, Any]:
    return _to_item({"pk": pk, "sk": sk})


def _to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_attribute(value) for name, value in values.items()}


def _to_attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": repr(value)}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": _to_item(value)}
    if isinstance(value, (set, frozenset)):
        return {"SS": sorted(value)}
    if isinstance(value, (list, tuple)):
        return {"L": [_to_attribute(each) for each in value]}
    raise TypeError(f"no DynamoDB attribute for {type(value).__name__}")


def _from_item(attributes: Mapping[str, Any]) -> Item:
    return {name: _from_attribute(value) for name, value in attributes.items()}


def _from_attribute(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "M":
        return _from_item(value)
    if kind == "L":
        return [_from_attribute(each) for each in value]
    if kind == "SS":
        return frozenset(value)
    return bytes(value) if kind == "B" else value
