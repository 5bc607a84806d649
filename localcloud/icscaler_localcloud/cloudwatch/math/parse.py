"""Metric math text to a syntax tree.

Precedence, weakest first: OR, AND, comparison, + -, * /, unary -, ^ (right-associative).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from icscaler_localcloud.cloudwatch.math.errors import MathError


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A query id (`m1`) or a keyword argument (`REPEAT`)."""

    value: str


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    items: tuple[Node, ...]


Node = Number | Text | Name | Negative | Binary | Call | ArrayLiteral

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<symbol>&&|\|\||==|!=|<=|>=|[-+*/^<>()\[\],]))"
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"OR"}),
    frozenset({"AND"}),
    frozenset({"==", "!=", "<", "<=", ">", ">="}),
    frozenset({"+", "-"}),
    frozenset({"*", "/"}),
)
_SPELLINGS = {"&&": "AND", "||": "OR"}
_MAX_DEPTH = 50


def parse(expression: str) -> Node:
    """The syntax tree of a metric math expression; MathError where it is not one."""
    if re.match(r"\s*SELECT\b", expression, re.IGNORECASE):
        raise MathError("a Metrics Insights query (SELECT) cannot be a part of metric math")
    parser = _Parser(list(_tokens(expression)))
    tree = parser.level(0)
    parser.end()
    return tree


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens = []
    position = 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise MathError(f"Syntax error in expression at '{text[position:].strip()}'")
        kind, value = match.lastgroup, match.group(match.lastgroup)
        value = _SPELLINGS.get(value, value)
        tokens.append(("symbol", value) if value in ("AND", "OR") else (kind, value))
        position = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def level(self, index: int) -> Node:
        """One precedence level: operands of the next one, joined by this one's operators."""
        if index == len(_LEVELS):
            return self._unary()
        node = self.level(index + 1)
        while (operator := self._take(_LEVELS[index])) is not None:
            node = Binary(operator, node, self.level(index + 1))
        return node

    def _whole(self) -> Node:
        return self.level(0)

    def end(self) -> None:
        """Refuse what is left over."""
        if self._position < len(self._tokens):
            self._fail()

    def _unary(self) -> Node:
        if self._take({"-"}):
            return Negative(self._nested(self._unary))
        base = self._primary()
        if self._take({"^"}):
            return Binary("^", base, self._nested(self._unary))
        return base

    def _nested(self, rule: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise MathError("Expression is nested too deeply")
        node = rule()
        self._depth -= 1
        return node

    def _primary(self) -> Node:
        if self._position >= len(self._tokens):
            raise MathError("Syntax error: expression ends unexpectedly")
        kind, value = self._tokens[self._position]
        self._position += 1
        if kind == "number":
            return Number(float(value))
        if kind == "text":
            return Text(value[1:-1])
        if kind == "name":
            if self._take({"("}):
                return Call(value.upper(), self._list(")"))
            return Name(value)
        if value == "(":
            node = self._nested(self._whole)
            self._expect(")")
            return node
        if value == "[":
            return ArrayLiteral(self._list("]"))
        self._position -= 1
        return self._fail()

    def _list(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._take({closing}):
            return ()
        while True:
            items.append(self._nested(self._whole))
            if self._take({closing}):
                return tuple(items)
            self._expect(",")

    def _take(self, symbols: frozenset[str] | set[str]) -> str | None:
        if self._position < len(self._tokens):
            kind, value = self._tokens[self._position]
            if kind == "symbol" and value in symbols:
                self._position += 1
                return value
        return None

    def _expect(self, symbol: str) -> None:
        if self._take({symbol}) is None:
            self._fail(f", expected '{symbol}'")

    def _fail(self, hint: str = "") -> NoReturn:
        rest = " ".join(value for _, value in self._tokens[self._position :])
        raise MathError(f"Syntax error in expression at '{rest or 'its end'}'{hint}")
