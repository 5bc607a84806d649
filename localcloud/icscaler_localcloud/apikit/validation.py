"""Request validation as AWS front ends do it, from botocore's own model of the service.

botocore's client checks required members and lower bounds only; AWS also enforces upper bounds,
patterns and enumerations, and words each violation the same way in every JSON service::

    1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint:
    Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}

All violations of a request are listed in one message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.wire import OperationModel, Shape, codec

# Java's character classes in AWS patterns, as the inside of a class of `re`. \w is \p{L} plus
# digits and underscore, which every such pattern allows too; marks, symbols, punctuation are one.
_NOT_WORDS = r"!-/:-@\[-`{-~\u00a1-\U0010FFFF"
_CLASSES = {
    "L": r"\w",
    "N": r"\d",
    "Z": r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    "Zs": r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000",
    "M": _NOT_WORDS,
    "P": _NOT_WORDS,
    "S": _NOT_WORDS,
    "Alnum": "A-Za-z0-9",
    "ASCII": r"\x00-\x7f",
    "Print": " -~",
}
# Java reads a pair of surrogates as one character beyond the basic plane.
_BEYOND_BASIC = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
_PIECE = re.compile(r"\\p\{(\w+)\}|\\.|\[|\]|[^\\\[\]]+", re.DOTALL)


def operation_model(service: str, operation: str) -> OperationModel | None:
    """botocore's model of one operation, or None where the service has no such operation."""
    model = codec(service).model
    return model.operation_model(operation) if operation in model.operation_names else None


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """An AWS pattern (Java's dialect) as one of `re`."""
    translated, inside = "", False
    for piece in _PIECE.finditer(pattern.replace(*_BEYOND_BASIC)):
        text = piece.group()
        if piece.group(1):
            text = _CLASSES[piece.group(1)] if inside else f"[{_CLASSES[piece.group(1)]}]"
        elif text in "[]":
            inside = text == "["
        elif text == r"\z":
            text = r"\Z"
        translated += text
    return re.compile(translated)


def validate(
    service: str, operation: str, params: Mapping[str, Any], *, code: str = "ValidationException"
) -> None:
    """Raise ServiceError(code) listing every violation of the operation's input model."""
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return
    problems = list(_structure(model.input_shape, params, ""))
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        raise ServiceError(
            code, f"{len(problems)} validation {noun} detected: " + "; ".join(problems)
        )


def constraint(path: str, value: object, requirement: str) -> str:
    """One violation in AWS's words; `path` is lowerCamelCase as AWS prints it."""
    shown = "null" if value is None else f"'{_printed(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {requirement}"


def _printed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}={_printed(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ", ".join(_printed(v) for v in value) + "]"
    return str(value)


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    checker = _CHECKERS.get(shape.type_name)
    if checker is not None:
        yield from checker(shape, value, path)


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield constraint(_join(path, name), None, "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _check(member, value[name], _join(path, name))


def _join(path: str, name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{path}.{lowered}" if path else lowered


def _list(shape: Any, value: Sequence[Any], path: str) -> Iterator[str]:
    yield from _length(shape, value, path)
    for index, item in enumerate(value, start=1):
        yield from _check(shape.member, item, f"{path}.{index}.member")


def _map(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _length(shape, value, path)
    for kind, items, member in (
        ("keys", value.keys(), shape.key),
        ("value", value.values(), shape.value),
    ):
        broken = {
            problem.partition("failed to satisfy constraint: ")[2]
            for item in items
            for problem in _check(member, item, "")
        }
        if broken:
            yield constraint(
                path, value, f"Map {kind} must satisfy constraint: [{', '.join(sorted(broken))}]"
            )


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _length(shape, value, path)
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield constraint(path, value, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and compiled(pattern).fullmatch(value) is None:
        yield constraint(path, value, f"Member must satisfy regular expression pattern: {pattern}")


def _length(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _bounds(shape, value, len(value), "length", path)


def _number(shape: Shape, value: float, path: str) -> Iterator[str]:
    yield from _bounds(shape, value, value, "value", path)


def _bounds(shape: Shape, value: Any, size: float, what: str, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if high is not None and size > high:
        yield constraint(path, value, f"Member must have {what} less than or equal to {high}")
    if low is not None and size < low:
        yield constraint(path, value, f"Member must have {what} greater than or equal to {low}")


_CHECKERS: Mapping[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
}
