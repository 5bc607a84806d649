"""`icscaler simulate` as a process of its own, with processes of its own: an hour of traffic."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[2] / "docs" / "simulate.schema.json"
COMMAND = Path(sys.executable).with_name("icscaler")


def test_policies_are_compared_and_everything_is_written(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(COMMAND, "simulate", "--from", "8h", "--to", "9h", "--processes", "2"),
            *("--policy", "icscaler", "--policy", "kpa", "--policy", "clairvoyant"),
            *("--json", tmp_path / "out.json", "--html", tmp_path / "out.html"),
        ],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out.json").read_text())
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(content)
    assert [one["name"] for one in content["policies"]] == ["icscaler", "kpa", "clairvoyant"]
    for policy in content["policies"]:
        assert policy["requests"]["total"] == content["run"]["requests"] > 100_000
        assert policy["never_woken"] == []
    assert "against kpa:" in done.stdout
    assert "3 of 3: " in done.stderr
    assert "<title>3 policies on ensemble (seed 0)</title>" in (tmp_path / "out.html").read_text()


def test_interrupted_it_stops_at_once_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    process = subprocess.Popen(
        [COMMAND, "simulate", "--compare", "all", "--processes", "2", "--json", out],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert "16 runs" in process.stderr.readline()
    time.sleep(1.0)
    os.killpg(process.pid, signal.SIGINT)

    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert "Interrupted: nothing was written." in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())
