"""A seam into moto's DynamoDB tables: a Query reads its partition, not the whole table.

moto's `Table.query` sorts every item of the table and then drops those of other partitions, so
each query costs as much as everything ever written. `Table.query` is replaced by itself with
`all_items` narrowed to the partition asked for; what it returns is the same.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

_query = Table.query
_signature = signature(_query)
_all_items = Table.all_items
# The partition a running query reads; queries of one account never run at the same time, because
# the gateway answers one call after the other.
_partition: DynamoType | None = None


def _query_partition(table: Table, *args: Any, **more: Any) -> Any:
    global _partition
    asked = _signature.bind(table, *args, **more).arguments
    _partition = asked["hash_key"] if asked.get("index_name") is None else None
    try:
        return _query(table, *args, **more)
    finally:
        _partition = None


def _items_of_partition(table: Table) -> list[Item]:
    if _partition is None or not table.range_key_attr:
        return _all_items(table)
    return list(table.items.get(_partition, {}).values())


def install() -> None:
    """Put the replacements in place; once is enough, again does no harm."""
    Table.query = _query_partition  # type: ignore[method-assign, assignment]
    Table.all_items = _items_of_partition  # type: ignore[method-assign, assignment]
