"""`icscaler advise` on traffic made so that the answer is known: steady and heavy alone, bursty and
rare together, and the fleet file that comes out is one that can be played.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_sim.traces import build_trace
from icscaler_sim.traces.write import write_trace

COMMAND = Path(sys.executable).with_name("icscaler")
HOURS = 6
FLEET = """
version: 1
defaults:
  policy: {target_tracking: {metric: concurrency, target_value: 28}}
  idle_s: 600
  max_copies: 8
  resources: {gpus: 1, cpus: 8, memory_mb: 32768}
endpoints:
  shared: {variants: {AllTraffic: {instance_type: ml.p4d.24xlarge, max_instances: 4}}}
  home: {variants: {AllTraffic: {instance_type: ml.g5.2xlarge, max_instances: 3}}}
models:
  - {name: steady, endpoint: shared, class: interactive, observe: true}
  - {name: bursty, endpoint: shared, class: interactive, max_copies: 5}
  - {name: bursty-lora, adapter_of: bursty}
  - {name: spiky, endpoint: shared, class: interactive, max_copies: 2}
  - {name: rare, endpoint: shared, class: batch, max_copies: 1}
  - {name: settled, kind: variant, endpoint: home, max_copies: 3}
"""
PRICES = {
    "as_of": "2026-11-01",
    "region": "nowhere",
    "source": "made up: a small type that serves as fast, for less than its share of a large one",
    "instance_types": [
        {"name": "ml.p4d.24xlarge", "gpus": 8, "gpu_memory_gb": 40, "usd_per_hour": 24.0},
        {"name": "ml.g5.2xlarge", "gpus": 1, "gpu_memory_gb": 24, "usd_per_hour": 1.5},
    ],
}


COPY = 26 * 60
"""Requests a minute of a second each that keep a copy at 26 in flight, of a target of 28."""
MINUTES = np.arange(HOURS * 60)


def write_made(path: Path, counts: dict[str, npt.NDArray[np.int64]]) -> None:
    """Requests of a second each: so many in each minute, by model."""
    rows = np.array(
        [
            (at, who, count)
            for who, line in enumerate(counts.values())
            for at, count in enumerate(line)
            if count
        ],
        dtype=np.int64,
    )
    nothing = np.zeros(len(rows), dtype=np.int64)
    tokens = 63 * rows[:, 2]  # 50 ms and 63 tokens of 15 ms: a second
    trace = build_trace(
        "made",
        tuple(counts),
        60,
        HOURS * 3600,
        rows[:, 0] * 60,
        rows[:, 1],
        rows[:, 2],
        nothing,
        tokens,
    )
    write_trace(trace, path)


def steady(copies: int) -> npt.NDArray[np.int64]:
    """So many copies' worth all the time."""
    return np.full(len(MINUTES), copies * COPY)


def advised(
    folder: Path, fleet: str, prices: dict[str, Any], counts: dict[str, npt.NDArray[np.int64]]
) -> dict[str, Any]:
    """What the command says of this traffic: its JSON, what it printed, and the file it wrote."""
    write_made(folder / "made.csv", counts)
    (folder / "fleet.yaml").write_text(fleet)
    (folder / "prices.json").write_text(json.dumps(prices))
    done = subprocess.run(
        [
            *(COMMAND, "advise", "--history", folder / "made.csv"),
            *("--fleet", folder / "fleet.yaml", "--prices", folder / "prices.json"),
            *("--speed", "ml.g5.2xlarge=1.0"),
            *("--write-fleet", folder / "advised.yaml", "--json", folder / "out.json"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return content | {
        "said": done.stdout,
        "notes_said": done.stderr,
        "file": (folder / "advised.yaml").read_text(),
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`steady` all the time; `bursty` as much for ten minutes of every two hours, and `spiky` a
    little with it, in the same instance; `rare`: one request. Twenty minutes of an instance cost
    less than six hours of the smallest.
    """
    counts = {
        "steady": steady(5),
        "bursty": np.where(MINUTES % 120 < 10, steady(5), 0),
        "spiky": np.where(MINUTES % 120 < 10, steady(1), 0),
        "rare": (MINUTES == 125).astype(np.int64),
    }
    return advised(tmp_path_factory.mktemp("advise"), FLEET, PRICES, counts)


def test_steady_and_heavy_comes_out_alone_bursty_and_rare_are_packed(told: dict[str, Any]) -> None:
    models = {one["name"]: one for one in told["models"]}
    assert {name for name, one in models.items() if one["own_endpoint"]} == {"steady"}
    steady = models["steady"]
    assert steady["instance_type"] == "ml.g5.2xlarge"
    assert steady["alone"]["dollars"] < 0.95 * steady["shared"]["dollars"]
    assert steady["floor"] == 1
    assert 0.4 < steady["used_gpu_hours"] / steady["reserved_gpu_hours"] <= 1.0
    assert models["rare"]["why"]


def test_what_is_advised_costs_least_and_its_file_is_what_was_played(told: dict[str, Any]) -> None:
    fleets = {one["name"]: one for one in told["fleets"]}
    (advised,) = (one for one in told["fleets"] if one["advised"])
    assert advised["dollars"] < fleets["as given"]["dollars"]
    assert advised["lost_fraction"] <= fleets["as given"]["lost_fraction"] + 0.002
    endpoints = compile_fleet(load_fleet(told["file"])).endpoints
    assert sorted(endpoints) == ["home", "shared", "steady-own"]
    own = endpoints["steady-own"].models["steady"]
    assert (own.kind, own.observe) == ("variant", True)
    assert sorted(endpoints["shared"].models) == ["bursty", "bursty-lora", "rare", "spiky"]


def test_adapters_are_their_bases_and_what_is_alone_stays_so(told: dict[str, Any]) -> None:
    models = {one["name"]: one for one in told["models"]}
    assert set(models) == {"steady", "bursty", "spiky", "rare", "settled"}
    assert models["bursty"]["why"] == "has adapters"
    assert models["settled"]["why"] == "has its own"
    assert "settled             alone already" in told["said"]
    assert "1 adapter counted for 1 base" in told["notes_said"]
    assert "Played as if nothing were observed or paused." in told["notes_said"]


def test_what_was_not_measured_is_said_so(told: dict[str, Any]) -> None:
    assert "CPU, memory and GPU use: not measured." in told["said"]
    found = {one["name"]: one["reservations"] for one in told["models"]}
    assert found["steady"]["cpus"]["reserved"] == 8
    assert {one["why"] for one in found["steady"].values()} == {"not measured"}


def test_the_picture_shows_every_instance(told: dict[str, Any]) -> None:
    lines = told["said"].splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("steady-own: "))
    rows = [line for line in lines[at + 1 : at + 9] if line == "  [A]"]
    assert len(rows) >= 5, "five copies' worth: as many instances of one GPU"
    assert "A steady x" in told["said"]


FREEING = """
version: 1
defaults:
  policy: {target_tracking: {metric: concurrency, target_value: 28}}
  resources: {gpus: 1, cpus: 8, memory_mb: 32768}
endpoints:
  shared: {variants: {AllTraffic: {instance_type: ml.p4d.24xlarge, max_instances: 4}}}
models:
  - {name: first, max_copies: %d}
  - {name: small, max_copies: 2}
  - {name: four, max_copies: 1, resources: {gpus: 4, cpus: 32, memory_mb: 131072}}
"""


@pytest.fixture(scope="module")
def one_pays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`first` fills an instance. `small` has room in that of `four`, which stays in any case."""
    counts = {"first": steady(8), "small": steady(2), "four": steady(1)}
    return advised(tmp_path_factory.mktemp("one"), FREEING % 8, PRICES, counts)


def test_of_two_that_cost_less_than_their_share_only_one_frees_instances(
    one_pays: dict[str, Any],
) -> None:
    models = {one["name"]: one for one in one_pays["models"]}
    for name in ("first", "small"):
        assert models[name]["alone"]["dollars"] < 0.95 * models[name]["shared"]["dollars"]
    assert {name for name, one in models.items() if one["own_endpoint"]} == {"first"}
    assert models["first"]["frees_dollars"] > models["first"]["alone"]["dollars"]
    assert models["small"]["frees_dollars"] < models["small"]["alone"]["dollars"]
    assert models["four"]["why"] == "~1.7 x its share"


def test_why_each_candidate_moved_or_stayed_is_printed(one_pays: dict[str, Any]) -> None:
    said = [" ".join(line.split()) for line in one_pays["said"].splitlines()]
    assert any(line.startswith("first ") and "moves: frees $" in line for line in said)
    assert any(line.startswith("small ") and "stays: frees $" in line for line in said)


def test_both_alone_is_dearer_than_what_is_advised(one_pays: dict[str, Any]) -> None:
    dollars = {one["name"]: one["dollars"] for one in one_pays["fleets"]}
    assert dollars["1 alone"] < dollars["all that might be, alone"] < dollars["as given"]
    (best,) = (one["name"] for one in one_pays["fleets"] if one["advised"])
    assert best == "1 alone"


def test_runs_are_counted_and_bounded_and_each_is_told(one_pays: dict[str, Any]) -> None:
    assert (one_pays["runs"], one_pays["most_runs"]) == (3, 6)
    assert "At most 6 runs of 6h of traffic each." in one_pays["notes_said"]
    assert "Run 1 of at most 6: as given, $" in one_pays["notes_said"]
    assert "Run 3 of at most 6: 1 alone, $" in one_pays["notes_said"]


def test_where_nobody_frees_anything_nobody_moves(tmp_path: Path) -> None:
    counts = {"first": steady(1), "small": steady(2), "four": steady(1)}
    found = advised(tmp_path, FREEING % 1, PRICES, counts)
    assert not any(one["own_endpoint"] for one in found["models"])
    models = {one["name"]: one for one in found["models"]}
    assert models["small"]["alone"]["dollars"] < models["small"]["shared"]["dollars"]
    assert "frees $0.00, costs $" in models["small"]["why"]
    (best,) = (one["name"] for one in found["fleets"] if one["advised"])
    assert best == "as given"
    assert "No model alone costs less than it frees: nothing is moved." in found["said"]
    assert sorted(compile_fleet(load_fleet(found["file"])).endpoints) == ["shared"]


@pytest.mark.parametrize(
    ("arguments", "trouble"),
    [
        (["--type", "ml.p4.24xlarge"], "there is no instance type 'ml.p4.24xlarge'"),
        (["--speed", "ml.g5.2xlarge"], "--speed ml.g5.2xlarge cannot be read"),
        (["--trace", "nowhere.csv"], "nowhere.csv"),
        (["--usage", "nowhere_usage.csv"], "nowhere_usage.csv"),
        (["--resize"], "--resize needs what copies used"),
        (["--fleet", "nowhere.yaml"], "nowhere.yaml"),
        (["--write-fleet", "/nowhere/at/all.yaml", "--slowest", "0"], "slowest"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_played(
    arguments: list[str], trouble: str
) -> None:
    done = subprocess.run(
        [COMMAND, "advise", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2)
    assert trouble in done.stderr
    assert "Traceback" not in done.stderr
