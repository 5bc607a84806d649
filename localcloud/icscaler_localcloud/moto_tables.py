"""A seam into moto's DynamoDB tables: a Query reads the keys it asks for, not the whole table.

moto's `Table.query` sorts every item of the table and then drops those of other partitions and
keys, so each query costs as much as everything ever written. Here a partition remembers its keys
in order, and `Table.query` is replaced by itself with `all_items` narrowed to the asked range of
keys and one neighbour on each side (by which moto sees that there is more); what it returns is
the same.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from moto.dynamodb.models.dynamo_type import DDBType, DynamoType, Item
from moto.dynamodb.models.table import Table

from icscaler_localcloud.moto_replacing import replace

_query = Table.query
_signature = signature(_query)
_all_items = Table.all_items
_init = Table.__init__
# What a running query asks for (its arguments); queries of one account never run at the same time,
# because the gateway answers one call after the other.
_asked: dict[str, Any] | None = None


class Partition(dict[DynamoType, Item]):
    """Items of one partition by range key; knows their order as long as no key comes or goes."""

    _ordered: list[DynamoType] | None = None

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        if self._ordered is not None and key not in self:
            # Most keys begin with a time: the new one is the last.
            if self._ordered and key < self._ordered[-1]:
                self._ordered = None
            else:
                self._ordered.append(key)
        super().__setitem__(key, item)

    def pop(self, *arguments: Any) -> Any:
        self._ordered = None
        return super().pop(*arguments)

    def __delitem__(self, key: DynamoType) -> None:
        self._ordered = None
        super().__delitem__(key)

    def __deepcopy__(self, memo: dict[int, Any]) -> Partition:
        twin = Partition()
        for key, item in self.items():
            twin[copy.deepcopy(key, memo)] = copy.deepcopy(item, memo)
        return twin

    def ordered(self) -> list[DynamoType]:
        """The range keys, ascending."""
        if self._ordered is None:
            self._ordered = sorted(self)
        return self._ordered


def _with_prefix(keys: Sequence[DynamoType], prefix: DynamoType) -> tuple[int, int]:
    length = len(prefix.value)
    end = bisect_right(keys, prefix.value, key=lambda key: key.value[:length])
    return bisect_left(keys, prefix), end


_RANGES: dict[str, Callable[..., tuple[int, int]]] = {
    "=": lambda keys, value: (bisect_left(keys, value), bisect_right(keys, value)),
    "<": lambda keys, value: (0, bisect_left(keys, value)),
    "<=": lambda keys, value: (0, bisect_right(keys, value)),
    ">": lambda keys, value: (bisect_right(keys, value), len(keys)),
    ">=": lambda keys, value: (bisect_left(keys, value), len(keys)),
    "BETWEEN": lambda keys, low, high: (bisect_left(keys, low), bisect_right(keys, high)),
    "BEGINS_WITH": _with_prefix,
}


def _query_range(table: Table, *args: Any, **more: Any) -> Any:
    global _asked
    asked = _signature.bind(table, *args, **more).arguments
    _asked = asked if asked.get("index_name") is None else None
    try:
        return _query(table, *args, **more)
    finally:
        _asked = None


def _items_in_range(table: Table) -> list[Item]:
    if _asked is None or not table.range_key_attr:
        return _all_items(table)
    partition: Any = table.items.get(_asked["hash_key"], {})
    if not partition:
        return []
    keys = partition.ordered()
    start, end = 0, len(keys)
    comparison, values = _asked["range_comparison"], _asked["range_objs"]
    # Anything else is left to moto, which compares what is there with what is asked, or refuses.
    if comparison in _RANGES and all(v.type == DDBType.STRING for v in (*values, keys[0])):
        start, end = _RANGES[comparison](keys, *values)
    return [partition[key] for key in keys[max(0, start - 1) : max(start, end) + 1]]


def _begin_empty(table: Table, *args: Any, **more: Any) -> None:
    _init(table, *args, **more)
    table.items = defaultdict(Partition)


def install() -> None:
    """Put the replacements in place, once."""
    replace(Table, "__init__", _begin_empty)
    replace(Table, "query", _query_range)
    replace(Table, "all_items", _items_in_range)
