"""JSONata as Step Functions evaluates it.

The evaluator is jsonata-python (the same results as the reference implementation on the
expressions of our contract tests). Around it, what Step Functions adds or forbids (Developer
Guide, "Transforming data with JSONata in Step Functions"):

* variables and `$states` are all there is: the top-level context `$`, the root `$$` and `$eval`
  are refused when a definition is created;
* `$partition`, `$range`, `$hash`, `$random`, `$uuid` and `$parse` are added;
* an expression that returns nothing (undefined) is an error, one that returns null is not; a
  function or a regular expression is no result either;
* `$now` and `$millis` are the virtual clock's, `$random`, `$shuffle` and `$uuid` are seeded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from jsonata import Jsonata  # type: ignore[import-untyped]
from jsonata.functions import Functions  # type: ignore[import-untyped]
from jsonata.jexception import JException  # type: ignore[import-untyped]
from jsonata.utils import Utils  # type: ignore[import-untyped]

_NULL = Utils.NULL_VALUE
_ALGORITHMS = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
# Attributes of a syntax node whose children have a context of their own, in which `$` is legal.
_INNER = ("predicate", "stages", "group", "terms", "pattern", "update", "delete")
# JavaScript writes whole numbers below this without an exponent.
_WHOLE_BELOW = 1e21
_HIDDEN = ("_outer_instance", "symbol")


class ExpressionError(Exception):
    """An expression cannot be used, or has no result: `cause` in Step Functions' words."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Expressions:
    """Evaluates JSONata for one local cloud: one clock, one source of randomness."""

    def __init__(self, now_s: Callable[[], float], random: Random) -> None:
        self._now_s = now_s
        self._random = random

    def evaluate(self, expression: str, variables: Mapping[str, Any]) -> Any:
        """The expression's value as JSON data; ExpressionError when it has none.

        `variables` are bound by name without the dollar sign; `states` is among them.
        """
        program = _compiled(expression)
        bindings = {name: _NULL if value is None else value for name, value in variables.items()}
        for name, function in self._functions().items():
            bindings.setdefault(name, Jsonata.JLambda(function))
        # The evaluator looks here, per thread, for the expression that runs; programs are shared.
        Jsonata.CURRENT.jsonata = program
        try:
            result = program.evaluate(None, bindings)
        except (JException, ArithmeticError, RecursionError, TypeError, ValueError) as error:
            raise ExpressionError(
                f"The JSONata expression '{expression}' threw an error during evaluation. {error}"
            ) from None
        if result is None:
            raise ExpressionError(
                f"The JSONata expression '{expression}' returned nothing (undefined)."
            )
        return _as_json(result, expression)

    def _functions(self) -> dict[str, Callable[..., Any]]:
        now_ms = int(self._now_s() * 1000)

        def now(picture: str | None = None, timezone: str | None = None) -> Any:
            return Functions.datetime_from_millis(now_ms, picture, timezone)

        return {
            "now": now,
            "millis": lambda: now_ms,
            "random": self._draw,
            "shuffle": self._shuffle,
            "uuid": self._uuid,
            "hash": _hash,
            "parse": _parse,
            "partition": _partition,
            "range": _range,
        }

    def _draw(self, seed: float | None = None) -> float:
        return self._random.random() if seed is None else Random(seed).random()

    def _shuffle(self, array: Any = None) -> Any:
        if array is None:
            return None
        values = _items(array)
        self._random.shuffle(values)
        return values

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def check(expression: str) -> None:
    """Refuse what Step Functions refuses when a definition is created (ExpressionError)."""
    _compiled(expression)


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Jsonata:
    try:
        program = Jsonata(expression)
    except JException as error:
        raise ExpressionError(f"Invalid JSONata expression '{expression}': {error}") from None
    program.set_output_convert_nulls(False)
    for name, inner in _variables(program.ast, inner=False):
        if name == "eval":
            raise ExpressionError(f"'{expression}': the function $eval is not supported")
        if name == "$":
            raise ExpressionError(f"'{expression}': $$ is not available, use $states.input")
        if name == "" and not inner:
            raise ExpressionError(
                f"'{expression}': the top-level $ is not available, use $states.input"
            )
    return program


def _variables(node: Any, *, inner: bool) -> Iterator[tuple[str, bool]]:
    """(variable name, is it inside a context of its own) of all references below `node`."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _variables(item, inner=inner)
        return
    if not hasattr(node, "type"):
        return
    if node.type == "variable":
        yield str(node.value), inner
    for attribute, child in vars(node).items():
        if attribute in _HIDDEN or child is None or isinstance(child, (str, int, float)):
            continue
        if attribute == "steps":
            yield from _variables(child[:1], inner=inner)
            yield from _variables(child[1:], inner=True)
        else:
            yield from _variables(child, inner=inner or attribute in _INNER)


def _as_json(value: Any, expression: str) -> Any:
    """The evaluator's value as plain JSON data."""
    if value is _NULL or value is None:
        return None
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _WHOLE_BELOW else value
    if isinstance(value, Mapping):
        return {str(key): _as_json(item, expression) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item, expression) for item in _items(value)]
    raise ExpressionError(
        f"The JSONata expression '{expression}' returned an unsupported result type."
    )


def _items(array: Any) -> list[Any]:
    """The members of an array; the evaluator's lazy ranges store none."""
    if isinstance(array, Utils.RangeList):
        return [array[index] for index in range(len(array))]
    return list(array) if isinstance(array, list) else [array]


# -- the functions Step Functions adds: an argument that is missing or undefined is None ----------


def _partition(array: Any = None, size: Any = None) -> Any:
    if array is None:
        return None
    length = _whole("$partition", "size", size)
    if length < 1:
        raise ValueError("$partition: the size must be a positive integer")
    values = _items(array)
    return [values[start : start + length] for start in range(0, len(values), length)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    start, end = _whole("$range", "first", first), _whole("$range", "last", last)
    by = _whole("$range", "step", step)
    if by == 0:
        raise ValueError("$range: the step must not be 0")
    return list(range(start, end + (1 if by > 0 else -1), by))


def _whole(function: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError(f"{function}: the {name} must be an integer")
    return int(value)


def _hash(data: Any = None, algorithm: Any = "SHA-256") -> Any:
    if data is None:
        return None
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"$hash: {algorithm!r} is none of {', '.join(_ALGORITHMS)}")
    text = data if isinstance(data, str) else json.dumps(_as_json(data, "$hash"))
    return hashlib.new(_ALGORITHMS[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("$parse: the argument must be a string")
    value = json.loads(text)
    return _NULL if value is None else value
