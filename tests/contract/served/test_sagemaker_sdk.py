"""The `sagemaker` SDK in an environment of its own, against a served cloud without a controller."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from toolbox import python_tool

from .conftest import Up, up

SCRIPT = Path(__file__).with_name("sagemaker_sdk.py")


@pytest.mark.slow
@pytest.mark.timeout(900)  # its environment has 190 MB
def test_a_model_deployed_scaled_and_deleted_by_the_sdk(tmp_path: Path) -> None:
    python = python_tool("sagemaker") / "python"
    with up() as cloud:
        done = run(python, cloud, tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert json.loads(done.stdout[done.stdout.index("{") :]) == {
        "answer": ["generated_text", "latency_s", "queued_s", "usage"],
        "listed": ["sdk"],
        "memory": 2048,
        "copies": 2,
        "status": "InService",
        "scaled in": 1,
        "endpoints": [],
    }


def run(python: Path, cloud: Up, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-W", "ignore", SCRIPT],
        env=cloud.client_environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
