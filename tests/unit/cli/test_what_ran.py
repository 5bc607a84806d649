"""Copies over time from the changes that were made and seen."""

from dataclasses import replace

import pytest

from icscaler.ports import DecisionRecord, Sighting
from icscaler_cli.compare.ran import ran, refused_of

FROM_S, TO_S = 10_000, 13_600


def seen(at_s: int, before: int | None, after: int) -> Sighting:
    return Sighting("e", "m", at_s, before, after, "somebody else")


def made(at_s: int, before: int, after: int) -> DecisionRecord:
    return DecisionRecord("e", "m", at_s, before, after, "Accepted", (), "v", "a")


@pytest.mark.parametrize(
    ("records", "sightings", "hours", "known_s"),
    [
        pytest.param([], [], 0, 0, id="nobody ever looked"),
        pytest.param([], [seen(5, None, 2)], 2, 3600, id="the same all the time"),
        pytest.param([], [seen(11_800, None, 2)], 1, 1800, id="first seen in the middle"),
        pytest.param([], [seen(11_800, 4, 2)], 3, 3600, id="what was before is told by the change"),
        pytest.param([made(11_800, 2, 0)], [seen(5, None, 2)], 1, 3600, id="we scaled in"),
        pytest.param([], [seen(5, None, 2), seen(14_000, 2, 9)], 2, 3600, id="later is no matter"),
    ],
)
def test_copy_hours(records, sightings, hours: float, known_s: int) -> None:
    found = ran(records, sightings, FROM_S, TO_S)
    assert found.copy_hours == pytest.approx(hours)
    assert found.known_s == known_s


def test_what_was_not_written_did_not_run() -> None:
    wished = replace(made(11_000, 1, 8), outcome="Observed")
    refused = replace(made(11_000, 1, 8), outcome="NoRoom")
    assert ran([wished, refused], [seen(5, None, 1)], FROM_S, TO_S).copy_hours == 1


def test_refusals_of_adapters_are_their_bases_and_counted_once() -> None:
    refused = {"base": {0: 5, 60: 1}, "a": {0: 2, 120: 3}, "b": {0: 1}, "other": {0: 9}}
    assert refused_of(refused, "base", ["a", "b"]) == {0: 5, 60: 1, 120: 3}
    assert refused_of(refused, "other", []) == {0: 9}
    assert refused_of(refused, "silent", []) == {}
