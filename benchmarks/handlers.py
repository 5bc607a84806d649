"""Import, first and warm call of each function.

Import is measured in a fresh interpreter with only the layer and the function on the path, against
importing boto3 alone; calls in the local cloud, whose AWS answers in the same process.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.fleets import ROOT, fleet

ROUNDS = 5
_CHILD = """
import json, resource, sys, time
sys.path[:0] = json.loads(sys.argv[2])
began = time.perf_counter()
__import__(sys.argv[1])
took = time.perf_counter() - began
try:  # the figure of getrusage begins with the parent's size
    lines = open("/proc/self/status").read().splitlines()
    kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
except OSError:
    kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"ms": took * 1000, "mb": kb / 1024}))
"""


def functions() -> list[Path]:
    """The folders of the functions."""
    return sorted(file.parent for file in (ROOT / "functions").glob("*/app.py"))


def run() -> None:
    """Print the tables."""
    base_ms, base_mb = imported("boto3", [])
    print(f"{'import':<22}{'ms':>8}{'x boto3':>9}{'peak MB':>9}{'x boto3':>9}")
    print(f"{'boto3 (baseline)':<22}{base_ms:>8.0f}{1:>9.2f}{base_mb:>9.0f}{1:>9.2f}")
    for folder in functions():
        ms, mb = imported("app", [str(folder), str(ROOT / "layers" / "core")])
        print(f"{folder.name:<22}{ms:>8.0f}{ms / base_ms:>9.2f}{mb:>9.0f}{mb / base_mb:>9.2f}")
    calls()


def imported(module: str, path: list[str]) -> tuple[float, float]:
    """Median import time in ms and peak memory in MB of fresh interpreters."""
    command = [sys.executable, "-c", _CHILD, module, json.dumps(path)]
    rounds = []
    for _ in range(ROUNDS):
        done = subprocess.run(  # noqa: S603 (our own interpreter and code)
            command, capture_output=True, text=True, check=True, env=_environment()
        )
        rounds.append(json.loads(done.stdout))
    return (
        statistics.median(one["ms"] for one in rounds),
        statistics.median(one["mb"] for one in rounds),
    )


def _environment() -> dict[str, str]:
    return {"POWERTOOLS_SERVICE_NAME": "bench", "AWS_DEFAULT_REGION": "us-east-1"}


def calls() -> None:
    """First and warm calls, warm as the ratio's baseline."""
    with fleet(10) as (cloud, _):
        cloud.run_for(1800)
        print(f"\n{'call (10 components)':<22}{'first ms':>10}{'warm ms':>9}{'first / warm':>14}")
        names = sorted({done.logical_id for done in cloud.lambda_log})
        for name in names:
            done = [one for one in cloud.lambda_log if one.logical_id == name]
            first = next(one.real_ms for one in done if one.cold)
            warm = statistics.median(one.real_ms for one in done if not one.cold)
            print(f"{name:<22}{first:>10.1f}{warm:>9.1f}{first / warm:>14.1f}")
