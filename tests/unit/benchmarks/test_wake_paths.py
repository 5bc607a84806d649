"""The tables of docs/waking.md are the benchmark's, row by row; its figures are counted right."""

import re
from pathlib import Path

import pytest

from benchmarks import wake_paths


@pytest.mark.parametrize(
    ("values", "percent", "shown"),
    [
        pytest.param([5.0, 1.0, 3.0, 2.0, 4.0], 50, "3", id="median"),
        pytest.param([float(n) for n in range(1, 25)], 90, "22", id="nearest rank"),
        pytest.param([1.4], 90, "1", id="one"),
        pytest.param([1.0, None], 50, "1", id="half of them never came, the other half did"),
        pytest.param([1.0, None, None], 50, "never", id="most never came"),
    ],
)
def test_quantiles(values: list[float | None], percent: int, shown: str) -> None:
    assert wake_paths.quantile(values, percent) == shown


def rows(repository: Path, table: str) -> list[list[str]]:
    text = (repository / "docs" / "waking.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- begin {table} -->\n(.+?)<!-- end {table} -->", text, re.DOTALL)
    assert found is not None
    lines = [line.strip("|").split("|") for line in found[1].splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_the_document_has_a_row_for_each_path(repository: Path) -> None:
    found = rows(repository, "wakes")
    assert [row[0] for row in found] == [path.name for path in wake_paths.PATHS]
    for row in found:
        woken, _, of = row[1].partition(" of ")
        assert int(woken) <= int(of) == wake_paths.GROUPS * wake_paths.MODELS >= 20
        raised50, raised90, answered50, answered90 = map(float, row[2:])
        assert raised50 <= raised90
        assert raised50 < answered50 <= answered90


def test_the_document_tells_the_cost_of_each_size(repository: Path) -> None:
    found = {row[0]: row[1:] for row in rows(repository, "cost")}
    assert found["refused requests, all models"] == ["1: $1.00", "1: $10.00", "1: $100.00"]
    assert found["spikes, if every model has one"] == ["10: $3.00", "100: $30.00", "1,000: $300.00"]


def test_what_alarms_cost_is_counted_in_cloudwatch() -> None:
    ours = wake_paths.alarms_of(3)
    assert ours["refused requests, all models"] == (1, pytest.approx(0.3))
    assert ours["spikes, if every model has one"] == (3, pytest.approx(0.9))
    theirs = ours["Application Auto Scaling, as most samples have it"]
    assert theirs == (9, pytest.approx(3 * 0.7))
