"""`icscaler local` and its clients as processes: what is printed, what works, what stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from .conftest import ICSCALER, ROOT, Up, up

PLAIN_BOTO3 = Path(__file__).with_name("plain_boto3.py")


def icscaler(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ICSCALER, "local", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_plain_boto3_in_a_process_of_its_own(served: Up, tmp_path: Path) -> None:
    began = datetime.fromisoformat(served.steer("GET", "status")["virtual_time"])
    done = subprocess.run(
        [sys.executable, PLAIN_BOTO3],
        env=served.client_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    created = datetime.fromisoformat(seen.pop("created"))
    assert (created - began).total_seconds() == pytest.approx(600, abs=1)
    assert seen == {
        "status": "InService",
        "unsigned answer": ["generated_text", "latency_s", "queued_s", "usage"],
        "refused": "ValidationException",
        "listed": ["llm"],
        "metrics": ["m"],
        "account": "123456789012",
        "s3": ["llm/a file", 7000, 7000],
        "sqs": "hello",
        "sns": "arn:aws:sns:us-east-1:123456789012:t",
        "dynamodb": 1,
        "iam": [],
        "logs": [],
        "unknown": "UnknownOperationException",
    }


def test_ctrl_c_ends_it_and_its_processes_and_frees_the_port(tmp_path: Path) -> None:
    fleet = ROOT / "examples" / "codegen-ensemble.yaml"
    with up("--fleet", str(fleet), "--processes") as running:
        running.advance(130)
        invoked = running.steer("GET", "status")["invocations"]
        assert invoked["DispatchFunction"] >= 2
        assert invoked["ReconcileFunction"] >= 2
        workers = children(running.process.pid)
        assert len(workers) >= 2
        code, said = running.interrupt()
        assert code == 0
        assert said.rstrip().endswith("Down. Nothing is kept.")
        assert not [pid for pid in workers if alive(pid)]
        with socket.create_server(("127.0.0.1", int(running.url.rpartition(":")[2]))):
            pass


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_port_in_use_is_said(served: Up) -> None:
    done = icscaler("up", "--port", served.url.rpartition(":")[2])
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_steer_a_cloud_that_is_up(served: Up) -> None:
    port = ("--port", served.url.rpartition(":")[2])
    before_s = json.loads(icscaler("status", *port).stdout)["virtual_time_s"]
    assert icscaler("advance", "90", *port).returncode == 0
    assert json.loads(icscaler("status", *port).stdout)["virtual_time_s"] == before_s + 90
    assert icscaler("fault", "throttle", "sagemaker", "ListEndpoints", *port).returncode == 0
    wrong = icscaler("fault", "explode", *port)
    assert (wrong.returncode, "throttle" in wrong.stderr) == (3, True)
    assert icscaler("fault", "off", *port).returncode == 0


def test_without_a_cloud_commands_say_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    done = icscaler("status", "--port", port)
    assert done.returncode == 3
    assert "icscaler local up" in done.stderr
    assert "Traceback" not in done.stderr


def test_traffic_of_a_trace_arrives(tmp_path: Path) -> None:
    trace = tmp_path / "traffic.csv"
    rows = "".join(f"{t},chat,400,50\n" for t in range(0, 600, 2))
    trace.write_text(f"t_s,model,input_tokens,output_tokens\n{rows}", encoding="utf-8")
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "version: 1\n"
        "endpoints:\n"
        "  shared: {variants: {main: {instance_type: ml.p4d.24xlarge, max_instances: 1}}}\n"
        "models:\n"
        "  - name: chat\n"
        "    max_copies: 4\n"
        "    resources: {gpus: 1, cpus: 4, memory_mb: 16384}\n"
        "    policy: {target_tracking: {metric: concurrency, target_value: 8}}\n",
        encoding="utf-8",
    )
    with up("--fleet", str(fleet), "--trace", str(trace)) as running:
        assert running.steer("GET", "status")["virtual_time"].startswith("2026-05-31T23:")
        running.advance(400)
        seen = running.steer("GET", "status")
        assert seen["invocations"]["ReconcileFunction"] >= 4
        assert seen["model_requests"]["chat"] >= 100
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=30) == 0
