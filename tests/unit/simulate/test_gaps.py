"""Holes in a recording, filled from their neighbours."""

from icscaler_sim.simulate.gaps import fill_gaps
from icscaler_sim.traces import Gap
from tests.unit.simulate.builders import trace


def counts(of, name: str) -> list[int]:
    found = [0] * (of.period_s // of.width_s)
    for at_s, width_s, arrivals in of.iter_bins():
        for model, requests, _, _ in arrivals:
            if model == name:
                found[at_s // width_s] = requests
    return found


def test_a_hole_is_filled_from_both_sides_mirrored() -> None:
    played = trace({"a": [1, 2, 3, 0, 0, 0, 0, 7, 8, 9], "b": [5] * 10})
    filled = fill_gaps(played, [Gap("x", 180, 420)], {"a": "x", "b": "y"})
    assert counts(filled, "a") == [1, 2, 3, 3, 2, 8, 7, 7, 8, 9]
    assert counts(filled, "b") == [5] * 10


def test_a_hole_at_the_end_takes_what_there_is() -> None:
    played = trace({"a": [4, 5, 6, 0, 0], "b": [1] * 5})
    filled = fill_gaps(played, [Gap("x", 180, 600)], {"a": "x", "b": None})
    assert counts(filled, "a") == [4, 5, 6, 6, 0]


def test_nothing_changes_without_a_hole_or_its_category() -> None:
    played = trace({"a": [4, 0, 6]})
    assert counts(fill_gaps(played, [], {}), "a") == [4, 0, 6]
    assert counts(fill_gaps(played, [Gap("x", 60, 120)], {"a": "y"}), "a") == [4, 0, 6]
