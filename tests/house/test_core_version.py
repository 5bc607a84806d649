"""The modules whose sources name the core are those that `decide` consists of."""

import ast
from pathlib import Path

from icscaler.adapters.core_version import MODULES, core_version
from tests.house.arrows import imports

PACKAGE = Path(__file__).parents[2] / "layers" / "core" / "icscaler"


def test_they_are_all_that_decide_imports() -> None:
    seen: set[str] = set()
    waiting = ["decide"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        place = PACKAGE / name
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            path = f"layers/core/{file.relative_to(PACKAGE.parent)}"
            for _, dotted in imports(ast.parse(file.read_text("utf-8")), path):
                parts = dotted.split(".")
                if parts[0] == "icscaler" and len(parts) > 1:
                    waiting.append(parts[1])
    assert seen == set(MODULES)


def test_it_is_short_and_stays() -> None:
    assert len(core_version()) == 16
    assert core_version() == core_version()
