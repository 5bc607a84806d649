"""Tables and sentences of a comparison."""

from __future__ import annotations

import math
from typing import Any

import pytest

from icscaler_sim.comparison import (
    COLUMNS,
    at_losses,
    losses,
    lost_fraction,
    markdown,
    name_text,
    rows,
    share,
    short_columns,
    spreads,
    verdicts,
)
from tests.unit.comparison.made_up import content


def policy(name: str, gpu_hours: float, lost: int, **more: Any) -> dict[str, Any]:
    """A policy's figures, out of 1000 requests."""
    requests = {"total": 1000, "in_time": 1000 - lost, "late": 0, "refused": lost}
    usual = {
        "kind": "policy",
        "gaps": None,
        "settings": {},
        "seed": 0,
        "cheapest": {"dollars": 10.0},
    }
    return {"name": name, "gpu_hours": gpu_hours, "requests": requests, **usual, **more}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0.0, "0 %"),
        (0.5, "50.0 %"),
        (0.0123, "1.23 %"),
        (0.00123, "0.123 %"),
        (0.0000123, "0.0012 %"),
        (1e-9, "<0.0001 %"),
    ],
)
def test_shares_have_the_digits_they_need(value: float | None, text: str) -> None:
    assert share(value) == text


def test_what_is_not_a_default_is_part_of_the_name() -> None:
    usual = {"window_s": 1800, "headroom": 1.0, "keep_s": None}
    assert name_text(policy("keep-alive", 1, 1, settings=usual)) == "keep-alive (keep_s=none)"
    assert name_text(policy("hpa", 1, 1, gaps="filled")) == "hpa (gaps filled)"
    assert name_text(policy("icscaler", 1, 1, settings={"idle_s": 60})) == "icscaler (idle_s=60)"


def test_every_column_has_a_cell_for_every_kind_of_run() -> None:
    policies = content()["policies"]
    found = rows(policies)
    assert {len(row) for row in found} == {len(COLUMNS)}
    assert all(cell for row in found for cell in row)
    assert {len(row) for row in rows(policies, short_columns())} == {len(short_columns())}


def test_markdown_shows_ours_in_bold() -> None:
    lines = markdown(content()["policies"], short_columns()).splitlines()
    assert lines[1].startswith("| --- | ---: |")
    assert lines[2].startswith("| **icscaler** | **")
    assert lines[3].startswith("| keep-alive | ")


def test_seeds_are_told_as_a_range() -> None:
    [spread] = spreads(
        [policy("icscaler", 10, 5), policy("icscaler", 12, 3, seed=1), policy("hpa", 9, 1)]
    )
    assert (spread.seeds, spread.gpu_hours, spread.lost) == (2, (10, 12), (0.003, 0.005))


def test_gains_and_losses_are_both_said() -> None:
    ours = policy("icscaler", 10, 5)
    others = [
        policy("hpa", 20, 0, cheapest={"dollars": 9.0}),
        policy("keda", 8, 4),
        policy("kpa", 10, 50, cheapest={"dollars": 1.0}),
    ]
    assert list(verdicts([ours, *others])) == [
        "against hpa: 50 % fewer GPU-hours, 0.500 % lost instead of 0 %",
        "against keda: 25 % more GPU-hours, 0.500 % lost instead of 0.400 %",
        "against kpa: as many GPU-hours, 0.500 % lost instead of 5.00 %",
    ]
    assert losses([ours, *others]) == [
        "A loss: keda held fewer GPUs, and lost less.",
        "A loss: hpa would cost less on the cheapest types, and lost less.",
    ]


def test_bounds_do_not_count_as_losses_and_gaps_are_compared_alike() -> None:
    ours = policy("icscaler", 10, 5, gaps="filled")
    bound = policy("clairvoyant", 5, 0, kind="bound", gaps="filled")
    other = policy("keda", 5, 0, gaps="recorded")
    assert losses([ours, bound, other]) == []
    assert len(list(verdicts([ours, bound, other]))) == 1


def test_nobody_called() -> None:
    nothing = {"total": 0, "in_time": 0, "late": 0, "refused": 0}
    assert lost_fraction(policy("x", 0, 0) | {"requests": nothing}) == 0.0


def test_policies_are_compared_at_equal_loss_over_their_settings() -> None:
    runs = [policy("keda", 10, 100), policy("keda", 20, 10), policy("keda", 40, 1)]
    (name, hours), (_, other) = at_losses([*runs, policy("hpa", 30, 5)])
    assert name == "keda"
    assert hours[1] == pytest.approx(20)
    assert hours[0] == pytest.approx(20 - 10 * math.log10(2))
    assert hours[2] == pytest.approx(20 + 20 * math.log10(2))
    assert other == [30, 30, 30, None]
