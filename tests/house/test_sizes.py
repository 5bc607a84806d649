"""Files and functions stay small enough to be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 60
ROOTS = ("layers", "localcloud", "functions", "cli", "scripts", "benchmarks", "tests")


def too_long(source: str) -> Iterator[str]:
    lines = source.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{lines} lines, at most {MAX_FILE_LINES}: it may be two things"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def test_nothing_is_too_long(repository: Path) -> None:
    found = [
        f"{file.relative_to(repository)}: {what}"
        for root in ROOTS
        for file in sorted((repository / root).rglob("*.py"))
        for what in too_long(file.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("x = 1\n" * 451, "451 lines", id="file"),
        pytest.param("def f():\n" + "    x = 1\n" * 60, "f has 61 lines", id="function"),
        pytest.param(
            "class A:\n    async def f(self):\n" + "        x = 1\n" * 60,
            "f has 61 lines",
            id="method",
        ),
    ],
)
def test_too_long_is_found(source: str, says: str) -> None:
    [fault] = too_long(source)
    assert says in fault
