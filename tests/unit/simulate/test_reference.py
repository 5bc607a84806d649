"""docs/simulate.md has every knob of every policy as the catalog has it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from icscaler_sim.simulate import NAMES, knobs_of
from icscaler_sim.simulate.reference import BEGINS, reference

PAGE = Path(__file__).parents[3] / "docs" / "simulate.md"


def test_the_page_has_every_knob() -> None:
    head, mark, _ = PAGE.read_text().partition(BEGINS)
    if os.environ.get("ICSCALER_GOLDEN"):
        PAGE.write_text(head + reference())
    assert mark
    assert PAGE.read_text() == head + reference(), "run this test with ICSCALER_GOLDEN=1"


def test_defaults_are_among_the_values_of_a_sweep() -> None:
    """Else a frontier would not contain what the project documents."""
    for name in NAMES:
        for knob in knobs_of(name):
            assert knob.default in knob.values, (name, knob.name)
            assert len(set(map(repr, knob.values))) == len(knob.values) >= 2, (name, knob.name)


def test_every_option_is_described() -> None:
    command = (PAGE.parents[1] / "cli/icscaler_cli/simulate/options.py").read_text()
    options = set(re.findall(r'"(--[a-z-]+)"', command))
    told = set(re.findall(r"--[a-z-]+", PAGE.read_text().partition(BEGINS)[0]))
    assert len(options) > 15
    assert options - told == set()
