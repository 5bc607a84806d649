"""The price table: the shipped one, and what a broken one is told."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from icscaler_sim.pricing import PriceTableError, load_prices

P4D = {"name": "ml.p4d.24xlarge", "gpus": 8, "gpu_memory_gb": 40, "usd_per_hour": 25.0}


def test_shipped_table_is_dated_and_says_what_is_estimated() -> None:
    table = load_prices()

    assert table.as_of == date(2026, 9, 1)
    assert table.get("ml.p4d.24xlarge").usd_per_hour == 25.251286
    assert {kind.name for kind in table.types if kind.estimated} == {
        "ml.g6e.xlarge",
        "ml.g6e.2xlarge",
        "ml.g6e.4xlarge",
        "ml.g6e.12xlarge",
        "ml.g6e.24xlarge",
        "ml.g6e.48xlarge",
        "ml.p5en.48xlarge",
    }
    assert "us-west-2" in table.source
    with pytest.raises(KeyError, match=r"no price for ml\.x1"):
        table.get("ml.x1")


@pytest.mark.parametrize(
    ("gpus", "memory_gb", "cheapest"),
    [
        pytest.param(1, 20, "ml.g6.xlarge", id="one small GPU"),
        pytest.param(1, 30, "ml.g6e.xlarge", id="one GPU with more memory"),
        pytest.param(2, 20, "ml.g6.12xlarge", id="two on one instance"),
        pytest.param(2, 60, "ml.g7e.12xlarge", id="size is not GPU count"),
        pytest.param(8, 20, "ml.g6.48xlarge", id="eight small ones"),
        pytest.param(8, 40, "ml.p4d.24xlarge", id="eight of 40 GB"),
        pytest.param(8, 141, "ml.p5en.48xlarge", id="the largest memory"),
    ],
)
def test_cheapest_fitting_type(gpus: int, memory_gb: float, cheapest: str) -> None:
    assert load_prices().fitting(gpus, memory_gb)[0].name == cheapest


def test_nothing_fits_what_no_instance_has() -> None:
    assert load_prices().fitting(16, 20) == ()
    assert load_prices().fitting(1, 500) == ()


def test_own_table_replaces_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"as_of": "2027-01-02", "instance_types": [P4D]}))

    table = load_prices(path)

    assert table.as_of == date(2027, 1, 2)
    assert [kind.name for kind in table.types] == ["ml.p4d.24xlarge"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param("[]", "one JSON object", id="a list"),
        pytest.param({"as_of": "2027-01-02"}, "instance_types", id="no types"),
        pytest.param({"as_of": "2027-01-02", "instance_types": []}, "not empty", id="no type"),
        pytest.param({"as_of": "soon", "instance_types": [P4D]}, "as_of", id="no date"),
        pytest.param(
            {"as_of": "2027-01-02", "instance_types": [P4D, P4D]}, "two prices", id="twice"
        ),
        pytest.param(
            {"as_of": "2027-01-02", "instance_types": [7]}, "instance_types[0]", id="no object"
        ),
        *(
            pytest.param(
                {"as_of": "2027-01-02", "instance_types": [{**P4D, key: value}]},
                key,
                id=f"{key} is {value!r}",
            )
            for key, value in [
                ("name", "p4d"),
                ("gpus", 0),
                ("gpus", 1.5),
                ("gpu_memory_gb", None),
                ("usd_per_hour", -1),
                ("usd_per_hour", "25"),
                ("usd_per_hour", True),
            ]
        ),
    ],
)
def test_broken_table_is_told_which_entry(tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))

    with pytest.raises(PriceTableError) as caught:
        load_prices(path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(PriceTableError, match="cannot be read"):
        load_prices(tmp_path / "none.json")
