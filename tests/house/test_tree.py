"""Only what belongs to the project is tracked, and the check that says so can fail."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.tracked import MAX_BYTES, faults

# Their patterns and examples are what they look for.
OWN_FILES = {"tests/house/tracked.py", "tests/house/test_tree.py"}


def git(repository: Path, *arguments: str) -> str:
    if shutil.which("git") is None or not (repository / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", *arguments], cwd=repository, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_tracked_files_belong_to_the_project(repository: Path) -> None:
    private = [str(folder) for folder in {repository, Path.home()} if len(folder.parts) > 2]
    listed = [name for name in git(repository, "ls-files", "-z").split("\0") if name]
    files = [repository / name for name in listed if name not in OWN_FILES]
    found = [
        fault
        for file in files
        if file.is_file()
        for fault in faults(file.relative_to(repository).as_posix(), file.read_bytes(), private)
    ]
    assert len(files) > 50, "the rules were checked on too few files to mean anything"
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(".venv/pyvenv.cfg", id="environment"),
        pytest.param("build/demo/summary.json", id="demo"),
        pytest.param("build/sam/template.yaml", id="sam build"),
        pytest.param(".aws-sam/build.toml", id="sam build by hand"),
        pytest.param(".mypy_cache/x", id="types"),
        pytest.param(".ruff_cache/x", id="lint"),
        pytest.param(".pytest_cache/x", id="tests"),
        pytest.param(".hypothesis/x", id="properties"),
        pytest.param("layers/core/icscaler/__pycache__/ports.cpython-313.pyc", id="bytecode"),
    ],
)
def test_what_the_targets_make_is_ignored(repository: Path, made: str) -> None:
    assert git(repository, "check-ignore", "--no-index", made).strip() == made


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        pytest.param("a.bin", b"x" * (MAX_BYTES + 1), "2000001 bytes", id="large"),
        pytest.param("uv.lock", b"", "records index addresses", id="uv.lock"),
        pytest.param("tools/uv.lock", b"", "records index addresses", id="uv.lock in a folder"),
        pytest.param("build/x.json", b"", "is generated", id="output"),
        pytest.param("a/__pycache__/b.pyc", b"", "is generated", id="bytecode"),
        pytest.param("t/azure2023_code.csv.gz", b"", "recorded traffic", id="trace by name"),
        pytest.param(
            "t/x.csv",
            b"model,t_start_s,requests\n" + b"m,0,1\n" * 300,
            "recorded traffic",
            id="trace by content",
        ),
        pytest.param(
            "a.lock", b"six==1\n--index-url https://a.example/simple\n", "line 2", id="index option"
        ),
        pytest.param("a.json", b'{"resolved": "https://x"}', "names an index", id="npm address"),
        pytest.param(
            "README.md", b"see https://" + b"pypi" + b".org/x", "names an index", id="host"
        ),
        pytest.param("a.py", b"x = '/home/ada/code/x.py'", "home folder", id="home folder"),
        pytest.param("a.md", b"cd /srv/checkout/x", "folder of this machine", id="this checkout"),
    ],
)
def test_a_breach_is_found(path: str, content: bytes, says: str) -> None:
    [fault] = faults(path, content, private=["/srv/checkout"])
    assert fault.startswith(path)
    assert says in fault


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("a.sh", b"#!/usr/bin/env bash\ncd $HOME/x", id="script"),
        pytest.param("docs/x.csv", b"model,t_start_s,requests\nm,0,1\n", id="short sample"),
        pytest.param("scripts/build_x.py", b"build/demo", id="a name with build in it"),
    ],
)
def test_what_is_allowed_passes(path: str, content: bytes) -> None:
    assert faults(path, content, private=["/srv/checkout"]) == []
