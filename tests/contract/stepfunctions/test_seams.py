"""What is replaced in moto's interpreter, and what moto would do without it."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import pytest

from icscaler_localcloud.stepfunctions import blocking, flow, integrations, matching, seams
from tests.contract.stepfunctions.conftest import Machines


def test_no_module_of_the_interpreter_blocks_or_reads_the_clock_for_real(
    machines: Machines,
) -> None:
    machines.output({"States": {"P": {"Type": "Pass", "End": True}}})
    modules = seams.interpreter_modules()
    assert len(modules) > 200
    assert blocking.real_primitives(modules) == []


@pytest.mark.parametrize("seam", [flow, matching, integrations])
def test_every_replaced_method_is_still_there(seam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto is pinned: a method that is no longer there would be replaced in vain."""
    seams.install()
    replaced: list[tuple[Any, str]] = []
    monkeypatch.setattr(
        seam, "setattr", lambda owner, name, value: replaced.append((owner, name)), raising=False
    )
    seam.install()
    assert replaced
    for owner, name in replaced:
        assert hasattr(owner, name), f"{owner.__name__}.{name}"


def test_the_interpreters_own_words_for_waiting_are_all_known(machines: Machines) -> None:
    """Every way moto's interpreter has of waiting goes through a stand-in."""
    machines.output({"States": {"P": {"Type": "Pass", "End": True}}})
    offered = set(vars(blocking._threading))
    used = {
        word
        for module in seams.interpreter_modules()
        if vars(module).get("threading") is blocking._threading
        for word in ("Thread", "Event", "Lock", "RLock", "Condition", "Timer", "Semaphore", "local")
        if f"threading.{word}(" in inspect.getsource(module)
    }
    assert used <= offered
    assert "Thread" in used


def test_blocking_without_a_cloud_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="only in an open local cloud"):
        blocking.Event().wait(1)


def test_a_lock_that_is_held_while_waiting_is_found(machines: Machines) -> None:
    troupe = machines.cloud.service("stepfunctions").troupe  # type: ignore[attr-defined]
    lock = blocking.Lock()

    def holds() -> None:
        with lock:
            troupe.sleep(10)

    def wants() -> None:
        with lock:
            pass

    troupe.start(holds, "holds")
    troupe.start(wants, "wants")
    with pytest.raises(RuntimeError, match="holds parked> waits while it holds a lock"):
        machines.cloud.run_for(1)


def test_a_runaway_expression_is_given_up_with_its_place(machines: Machines) -> None:
    machines.cloud.service("stepfunctions").troupe.guard_s = 0.3  # type: ignore[attr-defined]
    endless = "{% ($f := function($n) { $f($n + 1) }; $f(0)) %}"
    machines.start(
        {"States": {"P": {"Type": "Pass", "Output": endless, "End": True}}}, name="endless"
    )
    with pytest.raises(RuntimeError, match=r"execution endless has not come back for 0\.3 s"):
        machines.cloud.run_for(1)
    machines.cloud.close()  # and it computes no longer
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("state-machine-")]
