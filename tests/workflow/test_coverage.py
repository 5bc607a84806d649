"""Every state and every Catch of the state machines is entered by some test."""

from pathlib import Path

import pytest

from tests.workflow.conftest import NAMED
from tests.workflow.entered import entered, to_enter


def test_every_state_and_catch_is_entered_by_some_test(pytestconfig: pytest.Config) -> None:
    """Tests say what they enter and are held to it (conftest), so it is enough to read that."""
    named = pytestconfig.stash[NAMED]
    modules = {file.name for file in Path(__file__).parent.glob("test_*.py")}
    if modules - set(named):
        pytest.skip("only some of the workflow tests were collected")
    said = set().union(*named.values())
    assert to_enter() - said == set(), "no test enters these"
    assert said - to_enter() == set(), "tests name what is not in any machine"


def test_a_catch_is_told_from_a_transition() -> None:
    def event(number: int, previous: int, kind: str, name: str) -> dict[str, object]:
        way = "stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"
        return {"id": number, "previousEventId": previous, "type": kind, way: {"name": name}}

    events = [
        event(1, 0, "TaskStateEntered", "Work"),
        {"id": 2, "previousEventId": 1, "type": "TaskFailed"},
        event(3, 2, "TaskStateExited", "Work"),
        event(4, 3, "TaskStateEntered", "RecordFailure"),
        {"id": 5, "previousEventId": 4, "type": "TaskSucceeded"},
        event(6, 5, "TaskStateExited", "RecordFailure"),
        event(7, 6, "FailStateEntered", "Broken"),
    ]
    assert entered("m", events) == {
        "m:Work",
        "m:RecordFailure",
        "m:Work!RecordFailure",
        "m:Broken",
    }
