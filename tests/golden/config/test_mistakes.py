"""What a broken fleet file says to its author, word for word.

Each `<case>.yaml` has a `<case>.txt` with the whole message. After a change that is meant to be
seen, run with ICSCALER_GOLDEN=1 to write them anew, and read the difference.
"""

import os
from pathlib import Path

import pytest

from icscaler.config.load import load_fleet
from icscaler.config.problems import FleetFileError

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*.yaml"))
AT_S = 1_795_000_000  # 2026-11-18, so that overrides expire on the same day for ever
# Odd but usable: these load, and say what is odd.
ACCEPTED = {"warnings", "floors-too-tight"}


def test_there_are_cases_and_no_orphans() -> None:
    assert len(CASES) >= 20
    assert {case.stem for case in CASES} == {text.stem for text in HERE.glob("*.txt")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_message(case: Path) -> None:
    text, golden = case.read_text("utf-8"), case.with_suffix(".txt")
    if case.stem in ACCEPTED:
        problems = load_fleet(text, at_s=AT_S).warnings
    else:
        with pytest.raises(FleetFileError) as raised:
            load_fleet(text, at_s=AT_S)
        problems = raised.value.problems
        assert any(problem.severity == "error" for problem in problems)
    said = "".join(f"{problem}\n" for problem in problems)
    if os.environ.get("ICSCALER_GOLDEN"):
        golden.write_text(said, "utf-8")
    assert said == golden.read_text("utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_problem_has_a_place_and_says_something(case: Path) -> None:
    lines = len(case.read_text("utf-8").splitlines())
    try:
        problems = load_fleet(case.read_text("utf-8"), at_s=AT_S).warnings
    except FleetFileError as error:
        problems = error.problems
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= lines + 1
        assert problem.column >= 1
        assert problem.problem
        assert "pydantic" not in str(problem).lower()
    assert list(problems) == sorted(problems, key=lambda one: one.line)
