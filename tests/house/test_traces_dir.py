"""The recorded-traffic fixture: absent is a skip, incomplete is a failure."""

import hashlib
from pathlib import Path

import pytest

from tests.conftest import TRACE_FILES, trace_faults

pytest_plugins = ["pytester"]


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    lines = []
    for name in TRACE_FILES:
        (tmp_path / name).write_text(name)
        lines.append(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n")
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    return tmp_path


def test_a_complete_folder_has_no_faults(complete: Path) -> None:
    assert trace_faults(complete) == []


def test_checksums_are_not_demanded_where_none_are_listed(complete: Path) -> None:
    (complete / "SHA256SUMS").unlink()
    (complete / TRACE_FILES[0]).write_text("another edition")
    assert trace_faults(complete) == []


def test_a_missing_folder_is_a_fault(tmp_path: Path) -> None:
    assert trace_faults(tmp_path / "nowhere") == [f"{tmp_path / 'nowhere'} is not a folder"]


@pytest.mark.parametrize("name", TRACE_FILES)
def test_each_missing_file_is_named(complete: Path, name: str) -> None:
    (complete / name).unlink()
    assert trace_faults(complete) == [f"{name} is missing"]


def test_a_listed_file_no_test_opens_is_demanded_too(complete: Path) -> None:
    with (complete / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  extra.csv.gz\n")
    assert trace_faults(complete) == ["extra.csv.gz is missing"]


def test_a_changed_file_is_named(complete: Path) -> None:
    (complete / TRACE_FILES[0]).write_text("tampered")
    assert trace_faults(complete) == [f"{TRACE_FILES[0]} differs from its checksum in SHA256SUMS"]


@pytest.mark.parametrize(
    ("folder", "outcome"),
    [
        pytest.param(None, {"skipped": 1}, id="unset skips"),
        pytest.param("", {"skipped": 1}, id="empty skips"),
        pytest.param("nowhere", {"errors": 1}, id="set and absent fails"),
        pytest.param(".", {"errors": 1}, id="set and incomplete fails"),
    ],
)
def test_outcome_of_the_fixture(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
    folder: str | None,
    outcome: dict[str, int],
) -> None:
    monkeypatch.delenv("ICSCALER_TRACES", raising=False)
    if folder is not None:
        monkeypatch.setenv("ICSCALER_TRACES", folder and str(pytester.path / folder))
    pytester.makeconftest((repository / "tests/conftest.py").read_text())
    pytester.makepyfile("def test_reads_traces(traces_dir): pass")
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(**outcome)
