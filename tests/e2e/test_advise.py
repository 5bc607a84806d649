"""`icscaler advise` on traffic made so that the answer is known: steady and heavy alone, bursty and
rare together, and the fleet file that comes out is one that can be played.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
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
  - {name: bursty, endpoint: shared, class: interactive}
  - {name: bursty-lora, adapter_of: bursty}
  - {name: rare, endpoint: shared, class: batch, max_copies: 2}
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


def made_trace(path: Path) -> None:
    """Requests of a second each. `steady`: five copies' worth all the time. `bursty`: as much for
    ten minutes of every two hours. `rare`: one request in three hours.
    """
    minutes = np.arange(HOURS * 60)
    busy = 5 * 32 * 60 * 8 // 10
    lines = [(at, 0, busy) for at in minutes]
    lines += [(at, 1, busy if at % 120 < 10 else 0) for at in minutes]
    lines += [(at, 2, 1) for at in minutes[60::180]]
    rows = np.array([line for line in lines if line[2]], dtype=np.int64)
    nothing = np.zeros(len(rows), dtype=np.int64)
    tokens = 63 * rows[:, 2]  # 50 ms and 63 tokens of 15 ms: a second
    trace = build_trace(
        "made",
        ("steady", "bursty", "rare"),
        60,
        HOURS * 3600,
        rows[:, 0] * 60,
        rows[:, 1],
        rows[:, 2],
        nothing,
        tokens,
    )
    write_trace(trace, path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("advise")
    made_trace(folder / "made.csv")
    (folder / "fleet.yaml").write_text(FLEET)
    (folder / "prices.json").write_text(json.dumps(PRICES))
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
    assert sorted(endpoints["shared"].models) == ["bursty", "bursty-lora", "rare"]


def test_adapters_are_their_bases_and_what_is_alone_stays_so(told: dict[str, Any]) -> None:
    models = {one["name"]: one for one in told["models"]}
    assert set(models) == {"steady", "bursty", "rare", "settled"}
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
