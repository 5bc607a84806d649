"""Fixtures every kind of test may use."""

import gc
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline per example: cores are shared, and a slow one would fail a law that holds. Elsewhere
# Hypothesis's own choice stays, which is reproducible examples where CI is set.
settings.register_profile("icscaler", settings(), deadline=None)
settings.load_profile("icscaler")

# Every recorded file some test opens. A folder without one is a broken set-up, no reason to skip.
TRACE_FILES = (
    "azure2023_code_10s.csv.gz",
    "azure2023_code_requests.csv.gz",
    "servegen_fleet_dev_w1_600s.csv.gz",
    "servegen_fleet_dev_w1_60s.csv.gz",
    "servegen_fleet_dev_w1_models.csv",
)


def pytest_collection_finish() -> None:
    """What is imported by now stays: a collection that walks it all takes half a second."""
    gc.collect()
    gc.freeze()


def trace_faults(folder: Path) -> list[str]:
    """What is wrong with a folder of recorded traffic; empty when it is complete and unchanged."""
    if not folder.is_dir():
        return [f"{folder} is not a folder"]
    expected = dict.fromkeys(TRACE_FILES, "")
    sums = folder / "SHA256SUMS"
    if sums.is_file():
        for line in sums.read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition("  ")
            expected[name] = digest
    faults = []
    for name, digest in sorted(expected.items()):
        file = folder / name
        if not file.is_file():
            faults.append(f"{name} is missing")
        elif digest and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} differs from its checksum in SHA256SUMS")
    return faults


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def traces_dir() -> Path:
    """The recorded traffic ICSCALER_TRACES names: unset skips, set but incomplete fails."""
    named = os.environ.get("ICSCALER_TRACES")
    if not named:
        pytest.skip("ICSCALER_TRACES names no folder of recorded traffic")
    if faults := trace_faults(Path(named)):
        pytest.fail(f"ICSCALER_TRACES={named}: " + "; ".join(faults), pytrace=False)
    return Path(named)
