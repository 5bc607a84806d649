"""`make validate` and the gate: findings fail, missing prerequisites are said and counted."""

from collections.abc import Callable
from pathlib import Path

import gate
import pytest
import toolbox
import validate


def finding() -> str:
    raise validate.FindingError("two findings")


def missing() -> str:
    raise toolbox.MissingError("no such tool; get it from there")


def nothing() -> str:
    raise validate.NothingToCheck("no state machines")


def fine() -> str:
    return "all is well"


@pytest.mark.parametrize(
    ("check", "arguments", "code", "says"),
    [
        pytest.param(fine, [], 0, "ok       one", id="ok"),
        pytest.param(nothing, [], 0, "none     one", id="nothing to check"),
        pytest.param(finding, [], 1, "1 with findings, 0 could not run", id="finding"),
        pytest.param(missing, [], 0, "0 with findings, 1 could not run", id="missing is counted"),
        pytest.param(missing, [], 0, "no such tool; get it from there", id="missing is said"),
        pytest.param(missing, ["one"], 1, "1 could not run", id="asked for by name and missing"),
    ],
)
def test_outcome(
    check: Callable[[], str],
    arguments: list[str],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(validate, "CHECKS", {"one": check, "two": fine})
    assert validate.main(arguments) == code
    out = capsys.readouterr().out
    assert says in out
    assert ("ok       two" in out) is not bool(arguments), "a finding does not stop the others"


def test_an_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        validate.main(["sam-fly"])
    assert "sam-fly" in capsys.readouterr().err


@pytest.fixture
def no_pythons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "MISE_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def play(program: Path, body: str) -> Path:
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


def test_no_runtime_python_is_said(no_pythons: Path) -> None:
    with pytest.raises(toolbox.MissingError, match=r"no Python 3\.13 with pip"):
        toolbox.python_of("3.13")


@pytest.mark.parametrize(
    "where",
    [
        "bin/python3.13",
        "PYENV_ROOT/versions/3.13.0/bin/python3.13",
        "UV_PYTHON_INSTALL_DIR/cpython-3.13.1-linux/bin/python3.13",
        "MISE_DATA_DIR/installs/python/3.13.2/bin/python3.13",
    ],
)
def test_runtime_python_is_found_where_version_managers_keep_it(
    no_pythons: Path, where: str
) -> None:
    program = play(no_pythons / where, "exit 0")
    assert toolbox.python_of("3.13") == program


def test_a_shim_that_does_not_run_is_passed_over(no_pythons: Path) -> None:
    play(no_pythons / "bin/python3.13", "exit 127")
    program = play(no_pythons / "PYENV_ROOT/versions/3.13.0/bin/python3.13", "exit 0")
    assert toolbox.python_of("3.13") == program


def test_every_check_of_the_gate_runs_though_one_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    first = gate.Check("First", "python", ("-c", "raise SystemExit(3)"))
    second = gate.Check("Second", "python", ("-c", "print('second ran')"))
    monkeypatch.setattr(gate, "STATIC_CHECKS", (first, second))
    assert gate.main(["--no-tests"]) == 1
    out = capfd.readouterr().out
    assert "second ran" in out
    assert "FAIL  First" in out
    assert "ok    Second" in out


def test_the_gate_passes_when_all_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "STATIC_CHECKS", (gate.Check("Fine", "python", ("-c", "")),))
    assert gate.main(["--no-tests"]) == 0
