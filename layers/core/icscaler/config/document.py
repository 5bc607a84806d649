"""A YAML text as plain data that remembers where each key and value stood.

Scalars follow YAML 1.2's core schema, not 1.1's: only `true` and `false` are booleans (so `no` and
`on` stay words), `010` is ten, and times stay text. Keys are always text. Duplicate keys are
problems, aliases are fine until they multiply beyond reason, `<<` merges mappings.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from icscaler.config.problems import Path, Problem, key_path

MAX_BYTES = 2_000_000
MAX_VALUES = 200_000
MAX_DEPTH = 30
_MERGE = "<<"
_PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
)


class _Loader(yaml.SafeLoader):
    """Composes nodes with YAML 1.2's rules for plain scalars; constructs nothing."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _kind, _regex, _first in _SCALARS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}",
        re.compile(rf"(?:{_regex})\Z"),
        [character.replace("\0", "") for character in _first],
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """`data` as dicts, lists and scalars; `places` maps paths to where their key or item begins.

    `origins` names where parts of `data` came from that do not stand in the text.

    `problems` are those of reading; with any of them `data` is what could be made out, and None
    when that is nothing.
    """

    name: str
    data: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    origins: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where `path` stands, or the nearest thing around it that does stand somewhere."""
        for length in range(len(path), -1, -1):
            if found := self.places.get(path[:length]):
                return found
        return Place(1, 1)

    def problem(
        self, path: Path, problem: str, remedy: str = "", *, warning: bool = False
    ) -> Problem:
        """A problem at `path`."""
        severity: Literal["error", "warning"] = "warning" if warning else "error"
        if origin := self.origins.get(path[:2]):
            return Problem(origin, 0, 0, key_path(path[2:]), problem, remedy, severity)
        place = self.place(path)
        return Problem(
            self.name, place.line, place.column, key_path(path), problem, remedy, severity
        )


def read_document(text: str, name: str) -> Document:
    """Read one YAML document; nothing is raised, `problems` says what is wrong."""
    document = Document(name)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        document.problems.append(
            Problem(
                name,
                0,
                0,
                "",
                f"the file is larger than {MAX_BYTES:,} bytes",
                "a fleet file is a few pages: use patterns and classes, or split the fleet",
            )
        )
        return document
    try:
        node = _compose(text)
    except yaml.reader.ReaderError as error:
        document.problems.append(_character_problem(error, text, name))
        return document
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(error, name))
        return document
    except RecursionError:
        document.problems.append(Problem(name, 0, 0, "", "nested too deeply", "flatten the file"))
        return document
    if node is not None:
        _Reader(document).read(node)
    return document


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _character_problem(error: yaml.reader.ReaderError, text: str, name: str) -> Problem:
    before = text[: error.position].split("\n")
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return Problem(
        name,
        len(before),
        len(before[-1]) + 1,
        "",
        f"YAML allows no character U+{code:04X}",
        "take it out; control characters get into files by copying or by a wrong encoding",
    )


def _syntax_problem(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    text = f"not valid YAML: {said}" + (f" ({context})" if context else "")
    remedy = "check the indentation, and quote text that has ': ', '#' or begins with * & ! @ %"
    if "\\t" in said:
        remedy = "indent with spaces: YAML allows no tabs there"
    if mark is None:
        return Problem(name, 0, 0, "", text, "save the file as UTF-8 text")
    return Problem(name, mark.line + 1, mark.column + 1, "", text, remedy)


class _Reader:
    """Turns nodes into data, counting values so that aliases can't multiply without end."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._values = 0

    def read(self, root: yaml.Node) -> None:
        try:
            self._document.data = self._value(root, (), root)
        except _TooMuchError as error:
            self._document.data = None
            self._document.problems.append(
                self._document.problem(
                    (), str(error), "an alias repeats too much, or contains itself: write it out"
                )
            )

    def _value(self, node: yaml.Node, path: Path, at: yaml.Node) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _TooMuchError(f"more than {MAX_VALUES:,} values")
        if len(path) > MAX_DEPTH:
            raise _TooMuchError(f"more than {MAX_DEPTH} levels deep")
        mark = at.start_mark
        self._document.places.setdefault(path, Place(mark.line + 1, mark.column + 1))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            self._complain(path, node, f"unknown YAML tag {node.tag}", "take the tag out")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i), item) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(path, key_node, "a key must be plain text", "write `key: value`")
                continue
            key = key_node.value
            if key == _MERGE and key_node.style is None:
                merges.append(value_node)
            elif key in data:
                first = self._document.places[(*path, key)].line
                self._complain(
                    (*path, key),
                    key_node,
                    f"the key is here twice, first in line {first}",
                    "keep one of them",
                )
            else:
                data[key] = self._value(value_node, (*path, key), key_node)
        for merged in merges:
            self._merge(merged, path, data)
        return data

    def _merge(self, node: yaml.Node, path: Path, data: dict[str, Any]) -> None:
        """`<<`: keys of other mappings that are not written here; earlier mappings win."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._complain(path, part, "`<<` needs a mapping", "merge an alias of a mapping")
                continue
            for key, value in self._mapping(part, path).items():
                data.setdefault(key, value)

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        kind, text = node.tag.rpartition(":")[2], str(node.value)
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            if kind == "int":
                return int(text)
            if kind == "float":
                return float(text)
        except ValueError:
            self._complain(path, node, f"not a number: {text!r}", "write it in decimal digits")
            return text
        self._complain(path, node, f"unknown YAML tag {node.tag}", "take the tag out")
        return text

    def _complain(self, path: Path, node: yaml.Node, problem: str, remedy: str) -> None:
        mark = node.start_mark
        self._document.problems.append(
            Problem(
                self._document.name,
                mark.line + 1,
                mark.column + 1,
                key_path(path),
                problem,
                remedy,
            )
        )


class _TooMuchError(Exception):
    """The text stands for more data than any fleet needs."""
