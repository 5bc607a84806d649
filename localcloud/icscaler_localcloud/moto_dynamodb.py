"""A short way into moto's DynamoDB: its own handlers, without what HTTP and repetition cost.

A look makes about ten calls to DynamoDB, and moto spent nearly all the time of a look on them:
building a web request and taking it apart again, writing the answer by way of every alias a member
might have, tokenising the same few expressions. What is here changes none of moto's answers
(tests/contract/localcloud_runtime/test_moto_dynamodb.py asks both):

* the item operations go to moto's handler directly; it is given what it would have found in the
  request, and its answer, already plain JSON, is written as such;
* update expressions are parsed once, and conditions are cut into words once;
* trees without cycles (values, items, parsed expressions) are copied without looking for cycles.
"""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from moto.core import utils
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.parse import JSONParser
from moto.core.responses import ActionResult, BaseResponse
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.exceptions import TooManyClauses
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing import ast_nodes, expressions
from moto.dynamodb.parsing.validators import ActionCountValidator
from moto.dynamodb.responses import DynamoHandler
from moto.moto_api._internal import mock_random
from werkzeug.http import http_date

from icscaler_localcloud.moto_replacing import replace

# moto does not type these two modules.
_nodes: Any = ast_nodes
_expressions: Any = expressions
Node: Any = _nodes.Node
UpdateExpressionParser: Any = _expressions.UpdateExpressionParser

ITEM_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "UpdateItem",
    }
)
_EXPRESSIONS = 1024

Reply = tuple[int, dict[str, Any], Any]


def answer(operation: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
    """moto's answer to one request; None where only its web front can give it."""
    place = BaseResponse.region_regex.search(url)
    if operation not in ITEM_OPERATIONS or place is None:
        return None
    reply: Reply = _Handler(operation, place["region"], headers, body).call_action()
    return reply


@cache
def _operation_model(operation: str) -> Any:
    return utils.get_service_model("dynamodb").operation_model(operation)


@cache
def _output_members(operation: str) -> frozenset[str]:
    return frozenset(_operation_model(operation).output_shape.members)


class _Handler(DynamoHandler):
    """moto's handler of one request that never was a web request."""

    def __init__(
        self, operation: str, region: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        super().__init__()
        self._operation = operation
        self.region = region
        self.current_account = headers.get("x-moto-account-id", DEFAULT_ACCOUNT_ID)
        self.headers = {**headers, "Content-Type": headers.get("content-type", "")}
        self.querystring: dict[str, Any] = {}
        self.response_headers = {"server": "amazon.com", "date": http_date(utils.utcnow())}
        parser: Any = JSONParser(_operation_model(operation))
        self.params = parser.parse({"body": body})

    def serialized(self, action_result: ActionResult) -> Any:
        result: Any = action_result.result
        if not isinstance(result, dict):
            return super().serialized(action_result)
        known = _output_members(self._operation)
        members = {k: v for k, v in result.items() if k in known and v is not None}
        headers = {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}
        return 200, headers, json.dumps(members, default=_base64)

    @staticmethod
    def _enrich_response(headers: dict[str, str], body: Any) -> Any:
        headers["x-amzn-requestid"] = str(mock_random.uuid4())
        if "status" in headers:
            headers["status"] = str(headers["status"])
        return headers, body


def _base64(value: Any) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"moto answered with a {type(value).__name__}")


# -- expressions ----------------------------------------------------------------------------------

_make_update: Any = UpdateExpressionParser.make
_lex_one_node: Any = ConditionExpressionParser._lex_one_node


_counts_of_clauses: Any = ActionCountValidator.traverse


@lru_cache(_EXPRESSIONS)
def _parsed_update(expression: str) -> Any:
    """Shared: moto's validators work on a copy of the tree.

    That no clause is there twice takes them longest to see, and depends on nothing else: that it
    holds is noted on the tree.
    """
    tree = _make_update(expression)
    try:
        _counts_of_clauses(ActionCountValidator(), tree)
    except TooManyClauses:
        return tree
    tree.icscaler_counted = True
    return tree


def _count_clauses(validator: Any, tree: Any) -> Any:
    counted = tree.__dict__.get("icscaler_counted", False)
    return tree if counted else _counts_of_clauses(validator, tree)


@lru_cache(_EXPRESSIONS)
def _first_word(remaining_expression: str) -> Any:
    return _lex_one_node(ConditionExpressionParser, remaining_expression)


_children_are_prepared: Any = _nodes.DepthFirstTraverser.pre_processing_of_child


@cache
def _is_one_of(kind: Any, kinds: Any) -> bool:
    return issubclass(kind, kinds)


def _traverse(traverser: Any, node: Any, child_id: int = -1) -> Any:
    """moto's own walk; it asks abstract classes, and for what it looks, at every node."""
    prepares = type(traverser).pre_processing_of_child is not _children_are_prepared
    return _walk(traverser, traverser.nodes_to_be_processed(), prepares, node, child_id)


def _walk(traverser: Any, kinds: Any, prepares: bool, node: Any, child_id: int) -> Any:
    kind: Any = type(node)
    if not _is_one_of(kind, Node):
        return node
    parent = node.parent
    for index, child in enumerate(node.children or ()):
        if prepares:
            traverser.pre_processing_of_child(node, index)
        if type(child) is not str:
            _walk(traverser, kinds, prepares, child, index)
    if _is_one_of(kind, kinds):
        node = traverser.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


# -- copies ---------------------------------------------------------------------------------------


def _copied_node(node: Any, memo: dict[int, Any]) -> Any:
    """A subtree; its root keeps no parent outside of it."""
    twin = object.__new__(type(node))
    twin.__dict__.update(node.__dict__)
    twin.parent = None
    if node.children is not None:
        twin.children = [_copied_child(child, twin, memo) for child in node.children]
    return twin


def _copied_child(child: Any, parent: Any, memo: dict[int, Any]) -> Any:
    if not isinstance(child, Node):
        return copy.deepcopy(child, memo)
    twin = _copied_node(child, memo)
    if child.parent is not None:
        twin.parent = parent
    return twin


def _copied_value(value: DynamoType, memo: dict[int, Any] | None = None) -> DynamoType:
    twin = DynamoType.__new__(DynamoType)
    twin.type, inner = value.type, value.value
    if isinstance(inner, list):
        twin.value = [_copied_value(v) if isinstance(v, DynamoType) else v for v in inner]
    elif isinstance(inner, dict):
        twin.value = {
            k: _copied_value(v) if isinstance(v, DynamoType) else v for k, v in inner.items()
        }
    else:
        twin.value = inner
    return twin


def _copied_item(item: Item, memo: dict[int, Any]) -> Item:
    twin: Any = Item.__new__(Item)
    twin.hash_key = _copied_value(item.hash_key)
    twin.range_key = None if item.range_key is None else _copied_value(item.range_key)
    twin.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(twin.attrs, {key: _copied_value(value) for key, value in item.attrs.items()})
    copied: Item = twin
    return copied


def install() -> None:
    """Put the replacements in place, once."""
    replace(UpdateExpressionParser, "make", _parsed_update)
    replace(
        ConditionExpressionParser, "_lex_one_node", lambda self, remaining: _first_word(remaining)
    )
    replace(ActionCountValidator, "traverse", _count_clauses)
    replace(_nodes.DepthFirstTraverser, "traverse_node_recursively", _traverse)
    replace(Node, "__deepcopy__", _copied_node)
    replace(DynamoType, "__deepcopy__", _copied_value)
    replace(Item, "__deepcopy__", _copied_item)
