"""Every lock is complete, hashed and free of addresses, and the layer ships what the tests ran."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.arrows import imports

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.lock", *sorted(ROOT.glob("scripts/tools/*/requirements.lock"))]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.M)
LAYER = ROOT / "layers/core"


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    return {canonical(name): version for name, version in PIN.findall(text)}


def entries(lock: Path) -> Iterator[str]:
    """Each requirement of a lock with its continuation lines joined, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.M)
    yield from (line for line in text.replace("\\\n", " ").splitlines() if line.strip())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_line_of_a_lock_is_a_pin_with_hashes(lock: Path) -> None:
    requirements = list(entries(lock))
    assert requirements
    bad = [line for line in requirements if not PIN.match(line) or "--hash=sha256:" not in line]
    assert not bad
    assert "://" not in lock.read_text(), "a lock names no address"


def test_npm_lock_has_integrity_and_no_address() -> None:
    lock = json.loads((ROOT / "scripts/tools/asl-validator/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not [name for name, entry in packages.items() if "resolved" in entry]


@pytest.mark.parametrize(
    "wanted",
    sorted(ROOT.glob("scripts/tools/*/requirements.in")),
    ids=lambda file: file.parent.name,
)
def test_tools_are_locked_at_the_version_asked_for(wanted: Path) -> None:
    locked = pins(wanted.with_suffix(".lock").read_text())
    assert pins(wanted.read_text()).items() <= locked.items()


def test_the_layer_ships_the_versions_the_tests_run() -> None:
    shipped = pins((LAYER / "requirements.txt").read_text())
    locked = pins((ROOT / "requirements.lock").read_text())
    assert shipped
    assert {name: locked.get(name) for name in shipped} == shipped


def reachable_imports() -> set[str]:
    """Top-level packages that the functions load, at import or later, also through icscaler."""
    pending = sorted(ROOT.glob("functions/*/*.py"))
    assert pending, "no functions to look at"
    seen, packages = set(pending), set()
    while pending:
        file = pending.pop()
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for _, name in imports(tree, file.relative_to(ROOT).as_posix()):
            packages.add(name.split(".")[0])
            new = set(files_of(name)) - seen
            seen |= new
            pending.extend(new)
    return packages


def files_of(name: str) -> Iterator[Path]:
    """The files of the layer that an import of `name` executes."""
    parts = name.split(".")
    if parts[0] != "icscaler":
        return
    for depth in range(1, len(parts) + 1):
        base = LAYER.joinpath(*parts[:depth])
        yield from (f for f in (base / "__init__.py", base.with_suffix(".py")) if f.is_file())


def test_the_layer_ships_every_package_the_functions_load() -> None:
    shipped = pins((LAYER / "requirements.txt").read_text())
    distributions = packages_distributions()
    missing = {
        package
        for package in reachable_imports() - sys.stdlib_module_names - {"icscaler"}
        if not package.startswith("mypy_boto3")  # for the type checker only
        and not any(canonical(name) in shipped for name in distributions.get(package, ()))
    }
    assert not missing
