"""Why a candidate moves or stays, in a few words."""

import pytest

from icscaler_cli.advise.moving import notes_on, why
from icscaler_sim.advice import NOBODY, Choice, Place, Trial

SHARED = Trial(NOBODY, 649.0, 0.005)
BOTH = frozenset("ab")
DEARER = Trial(BOTH, 676.0, 0.005)
LOSING = Trial(BOTH, 600.0, 0.01)
WORSE = Trial(BOTH, 600.0, 0.005, worse=frozenset("a"))
GOOD = Trial(frozenset("b"), 630.0, 0.005)


@pytest.mark.parametrize(
    ("choice", "own_lost", "moves", "says"),
    [
        pytest.param(
            Choice(DEARER, [DEARER], {"a": 31.0}), 0.0, True, "frees $31.00, costs $25.00", id="it"
        ),
        pytest.param(
            Choice(None, [], {"a": -3.0}), 0.0, False, "frees $0.00, costs $25.00", id="nothing"
        ),
        pytest.param(
            Choice(GOOD, [GOOD], {"a": 26.0}),
            0.0,
            False,
            "frees $26.00, costs $25.00, too little",
            id="less than the margin",
        ),
        pytest.param(
            Choice(None, [], {"a": 50.0}),
            0.2,
            False,
            "loses 20.0 % alone, 1.00 % shared",
            id="loses more",
        ),
        pytest.param(
            Choice(GOOD, [DEARER, GOOD], {"a": 50.0}),
            0.0,
            False,
            "tried: fleet $676, not $649",
            id="the run said otherwise",
        ),
        pytest.param(
            Choice(None, [LOSING], {"a": 50.0}),
            0.0,
            False,
            "tried: all models lose 1.00 %, not 0.500 %",
            id="the others lose",
        ),
        pytest.param(
            Choice(None, [WORSE], {"a": 50.0}), 0.0, False, "tried: loses more", id="it loses then"
        ),
    ],
)
def test_the_reason_is_what_decided(
    choice: Choice, own_lost: float, moves: bool, says: str
) -> None:
    shared, own = Place(20.0, 6.0, 0.01), Place(25.0, 8.0, own_lost)
    assert why("a", choice, SHARED, shared, own) == (moves, says, choice.frees["a"])


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        pytest.param(Choice(GOOD, [GOOD], {}), "This saves 2.93 % of the bill.", id="little"),
        pytest.param(Choice(None, [DEARER], {}), "No set of models", id="none as played"),
        pytest.param(Choice(None, [], {}), "No model alone costs less", id="none by estimate"),
    ],
)
def test_what_is_said_of_the_fleet(choice: Choice, says: str) -> None:
    (note,) = notes_on(choice, SHARED)
    assert note.startswith(says)


def test_nothing_is_said_of_a_saving_that_is_more_than_chance() -> None:
    assert notes_on(Choice(LOSING, [LOSING], {}), SHARED) == []
