"""What only real processes show: crashes, real time, memory, and that nothing of them stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from icscaler_localcloud import subprocesses
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.gateway import Gateway

from .conftest import TEMPLATES, Plumbing


@pytest.fixture
def plumbing() -> Iterator[Plumbing]:
    with LocalCloud(runner="subprocess", enforce_iam=False) as cloud:
        yield Plumbing(cloud, cloud.deploy(TEMPLATES / "plumbing.yaml", name="test"))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        pytest.param(
            {"do": "exit", "status": 3},
            "Runtime exited with error: exit status 3",
            id="exit with a status",
        ),
        pytest.param(
            {"do": "exit", "status": 0}, "Runtime exited without providing a reason", id="exit"
        ),
        pytest.param(
            {"do": "signal", "number": 9}, "Runtime exited with error: signal: killed", id="signal"
        ),
    ],
)
def test_a_process_that_ends_is_told_and_replaced(
    plumbing: Plumbing, event: dict[str, object], told: str
) -> None:
    done = plumbing.call(event)
    assert done.error == f"Runtime.ExitError: RequestId: {done.request_id} Error: {told}"
    again = plumbing.call({})
    assert (again.ok, again.cold, again.result["calls"]) == (True, True, 1)


def test_a_busy_loop_ends_at_the_timeout_in_real_time(plumbing: Plumbing) -> None:
    assert plumbing.call({}).ok
    plumbing.cloud.functions.get("Worker").timeout_s = 1
    done = plumbing.call({"do": "spin"})
    assert done.error == (
        f"Sandbox.Timedout: RequestId: {done.request_id} Error: Task timed out after 1.00 seconds"
    )
    assert done.real_ms >= 1000
    assert done.ended_s == done.at_s  # it computed: no virtual time went by
    plumbing.cloud.functions.get("Worker").timeout_s = 30
    assert plumbing.call({}).cold


def test_all_that_is_printed_is_kept(plumbing: Plumbing) -> None:
    """More than a pipe holds."""
    done = plumbing.call({"do": "print much"})
    assert [len(line) for line in done.lines] == [1_000_000, 3]


def test_invocations_of_one_instant_run_side_by_side(plumbing: Plumbing) -> None:
    functions = plumbing.cloud.functions
    functions.invoke_async("Worker", {"do": "meet", "me": "a", "other": "b"}, trigger="test")
    functions.invoke_async("Worker", {"do": "meet", "me": "b", "other": "a"}, trigger="test")
    plumbing.cloud.run_for(1)
    first, second = plumbing.log(trigger="test")
    assert (first.ok, second.ok) == (True, True)
    assert (first.cold, second.cold) == (True, True)
    assert first.at_s == second.at_s


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_memory_and_start_are_measured(plumbing: Plumbing) -> None:
    cold, warm = plumbing.call({}), plumbing.call({})
    assert cold.init_ms is not None
    assert 0 < cold.init_ms <= cold.real_ms
    assert warm.init_ms is None
    for done in (cold, warm):
        assert done.max_memory_mb is not None
        assert 10 < done.max_memory_mb < 1000


def test_the_client_for_systems_without_the_native_one(plumbing: Plumbing, tmp_path: Path) -> None:
    ours = "from icscaler_localcloud.lambda_worker.runtime_client import *\n"
    (tmp_path / "runtime_client.py").write_text(ours)
    function = plumbing.cloud.functions.get("Worker")
    function.layer_paths = (*function.layer_paths, tmp_path)
    first, second = plumbing.call({"do": "log"}), plumbing.call({"do": "raise"})
    assert (first.result["calls"], first.result["remaining_ms"]) == (1, 30_000)
    assert second.error == "RuntimeError: as asked"
    assert (tmp_path / "__pycache__").exists(), "it was not imported"


def test_a_bug_of_the_cloud_reaches_whoever_runs_it(
    plumbing: Plumbing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Gateway, "handle", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        plumbing.call({"do": "put"})


def test_nothing_is_left_behind() -> None:
    before = threading.active_count()
    with LocalCloud(runner="subprocess") as cloud:
        plumbing = Plumbing(cloud, cloud.deploy(TEMPLATES / "plumbing.yaml", name="test"))
        plumbing.call({"do": "put"})
        runner = cloud.runner
        assert isinstance(runner, subprocesses.SubprocessRunner)
        (pid,) = runner.pids()
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(timeout=5)
    assert threading.active_count() <= before


def test_without_the_runtime_client_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocesses, "find_spec", lambda name: None)
    with pytest.raises(subprocesses.RunnerUnavailable, match="awslambdaric"):
        LocalCloud(runner="subprocess")
    LocalCloud().close()
