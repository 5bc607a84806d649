"""Who moves off a shared endpoint: estimates from packed copies, and what happens when the run that
was to confirm them says otherwise.
"""

from collections.abc import Callable, Mapping

import pytest

from icscaler_sim.advice import NOBODY, Group, Pool, Trial, choose
from icscaler_sim.advice.choose import best_set
from icscaler_sim.pricing import HeldCopies, InstanceType
from icscaler_sim.traces import copy_shape_for

BIG = InstanceType("ml.big", 8, "", 40.0, 24.0)
HOUR = 6
ONE = copy_shape_for(1)


def pool(copies: Mapping[str, float], least: int = 0) -> Pool:
    """An hour of steady copies of a GPU each, on instances of 8 GPUs for $24, packed perfectly."""
    held = HeldCopies(600, {name: [count] * HOUR for name, count in copies.items()})
    found = Pool([Group(BIG, held, least)], dict.fromkeys(copies, ONE), 0.0)
    return Pool(found.groups, found.shapes, found.packed())


Run = Callable[[frozenset[str]], Trial]


def world(
    one: Pool, own: Mapping[str, float], more: Mapping[frozenset[str], float] | None = None
) -> Run:
    """Plays: the shared endpoint as packed, and dearer by `more` for the sets it names."""

    def play(moved: frozenset[str]) -> Trial:
        shared = one.packed(moved) + (more or {}).get(moved, 0.0)
        mine = {name: own[name] for name in sorted(moved)}
        return Trial(moved, shared + sum(mine.values()), 0.01, {"shared": shared}, mine)

    return play


@pytest.mark.parametrize(
    ("copies", "own", "moves"),
    [
        pytest.param({"a": 8, "b": 2, "rest": 4}, {"a": 16, "b": 4}, {"a"}, id="one frees nothing"),
        pytest.param({"b": 2, "rest": 4}, {"b": 4}, set(), id="its share is not what it frees"),
        pytest.param({"a": 4, "b": 4, "rest": 8}, {"a": 8, "b": 8}, {"a", "b"}, id="only together"),
        pytest.param({"a": 8, "rest": 8}, {"a": 23.5}, set(), id="cheaper by less than the margin"),
        pytest.param({"a": 8, "rest": 8}, {"a": 22.5}, {"a"}, id="cheaper by the margin"),
        pytest.param({"a": 6, "b": 2}, {"a": 9, "b": 9}, {"a", "b"}, id="all of an endpoint"),
        pytest.param({"a": 8}, {}, set(), id="no candidates"),
    ],
)
def test_what_moves_frees_instances_that_cost_more(
    copies: Mapping[str, float], own: Mapping[str, float], moves: set[str]
) -> None:
    assert best_set({"shared": pool(copies)}, own) == moves


def test_every_endpoint_is_chosen_from_by_itself() -> None:
    pools = {"one": pool({"a": 8, "x": 8}), "two": pool({"b": 2, "y": 4})}
    assert best_set(pools, {"a": 16.0, "b": 1.0}) == {"a"}


def test_instances_that_always_run_are_not_freed() -> None:
    assert best_set({"shared": pool({"a": 8, "x": 1}, least=2)}, {"a": 16.0}) == NOBODY


def test_an_estimate_is_exact_where_it_was_measured() -> None:
    """Perfect packing: $48, and $24 without `a`; it really was $60, and $50 without both."""
    both = frozenset({"a", "b"})
    one = pool({"a": 8, "b": 4, "rest": 4})
    measured = Pool(one.groups, one.shapes, 60.0, both, 50.0)
    assert measured.cost(NOBODY) == pytest.approx(60.0)
    assert measured.cost(both) == pytest.approx(50.0)
    rest = 12.0 + (26.0 - 12.0) * 8 / 12
    assert measured.cost(frozenset({"a"})) == pytest.approx(24.0 + rest)


def test_the_set_that_pays_is_played_once_and_what_each_frees_is_said() -> None:
    one = pool({"a": 8, "b": 2, "rest": 4})
    play = world(one, {"a": 16.0, "b": 4.0})
    found = choose({"shared": one}, play(NOBODY), play(frozenset("ab")), play)
    assert found.moved == {"a"}
    assert [trial.moved for trial in found.tried] == [{"a"}]
    assert found.frees == {"a": pytest.approx(24.0), "b": pytest.approx(0.0)}


def test_all_that_were_alone_are_not_played_again() -> None:
    one = pool({"a": 8, "b": 8, "rest": 4})
    play = world(one, {"a": 16.0, "b": 16.0})
    everybody = play(frozenset("ab"))
    found = choose({"shared": one}, play(NOBODY), everybody, lambda _: pytest.fail("played"))
    assert found.best is everybody


def test_where_the_run_says_otherwise_the_least_useful_comes_back() -> None:
    """`a`, `b` and `c` each free an instance, but for trouble that only the runs show."""
    one = pool({"a": 8, "b": 8, "c": 8, "d": 1, "rest": 4})
    own = {"a": 10.0, "b": 12.0, "c": 20.0, "d": 90.0}
    play = world(one, own, {frozenset("abc"): 31.0})
    found = choose({"shared": one}, play(NOBODY), play(frozenset("abcd")), play)
    assert [sorted(trial.moved) for trial in found.tried] == [["a", "b", "c"], ["a", "b"]]
    assert found.moved == {"a", "b"}


def test_where_nothing_seems_to_pay_any_more_the_useful_half_is_tried_and_runs_are_bounded() -> (
    None
):
    names = "abcdefgh"
    one = pool({**dict.fromkeys(names, 8), "rest": 4, "z": 1})
    own = {name: 10.0 + at for at, name in enumerate(names)} | {"z": 90.0}
    played: list[list[str]] = []
    run = world(one, own)

    def play(moved: frozenset[str]) -> Trial:
        played.append(sorted(moved))
        trial = run(moved)
        trouble = {"shared": trial.pools["shared"] + 400.0}
        return Trial(moved, trial.dollars + 400.0, 0.01, trouble, trial.own)

    found = choose({"shared": one}, run(NOBODY), run(frozenset(own)), play)
    assert played == [list("abcdefgh"), list("abcd"), list("ab")]
    assert found.best is None
    assert found.moved == NOBODY
    assert len(found.tried) == 3


def test_who_loses_more_stays_and_a_fleet_that_loses_more_does_not_pay() -> None:
    one = pool({"a": 8, "b": 8, "rest": 4})
    run = world(one, {"a": 16.0, "b": 16.0})

    def play(moved: frozenset[str]) -> Trial:
        got = run(moved)
        lost = 0.0125 if "b" in moved else 0.01
        return Trial(moved, got.dollars, lost, got.pools, got.own, moved & {"a"})

    alone = play(frozenset("ab"))
    found = choose({"shared": one}, play(NOBODY), alone, play)
    assert [sorted(trial.moved) for trial in found.tried] == [["b"]], "never with a"
    assert found.best is None, "0.25 points more of all are lost"
