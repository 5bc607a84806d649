"""The table of docs/rolling-updates.md is the benchmark's, figure by figure."""

import re
from pathlib import Path

from benchmarks import rollout_cost


def test_the_documented_costs_are_those_measured(repository: Path) -> None:
    text = (repository / "docs" / "rolling-updates.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- begin cost -->\n(.+?)<!-- end cost -->", text, re.DOTALL)
    assert found is not None
    lines = [line.strip("|").split("|") for line in found[1].splitlines()[2:]]
    documented = [tuple(cell.strip() for cell in line) for line in lines]
    assert documented == rollout_cost.rows()


def test_batches_never_need_more_instances_than_blue_green() -> None:
    by_way = {row[0]: row for row in rollout_cost.rows()}
    most = int(by_way["blue/green, the whole endpoint"][2])
    assert all(int(row[2]) < most for way, row in by_way.items() if way.startswith("icscaler"))
