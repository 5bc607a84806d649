"""Asking for a component: once per interval and process, and never in the way of a request."""

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from icscaler.adapters import triggers
from icscaler.client import WakeSender
from icscaler.dispatch import Cause
from tests.unit.client.wire import Bus, Time


def sender(bus: Bus, time: Time, **changes) -> WakeSender:
    return WakeSender("icscaler", events=bus, timing=time.timing, **changes)  # type: ignore[arg-type]


def test_what_is_sent_is_what_dispatch_understands(repository: Path) -> None:
    bus = Bus()
    assert sender(bus, Time()).wake("flow-generation")
    (entry,) = bus.entries
    sample = json.loads((repository / "events/dispatch_wake_requested.json").read_text("utf-8"))
    assert entry["EventBusName"] == "icscaler"
    event = sample | {
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "detail": json.loads(entry["Detail"]),
    }
    parsed = triggers.dispatch_event(EventBridgeEvent(event), "request", 2_000_000_000)
    assert (parsed.cause, parsed.components) == (Cause.WAKE_REQUESTED, ("flow-generation",))


@pytest.mark.parametrize(
    ("chance", "again_after_s"),
    [pytest.param(0.0, 60.0, id="least"), pytest.param(1.0, 75.0, id="most")],
)
def test_a_component_is_asked_for_once_per_interval(chance: float, again_after_s: float) -> None:
    bus, time = Bus(), Time(chance)
    wake = sender(bus, time)
    sent = []
    for _ in range(160):
        if wake.wake("a"):
            sent.append(time.now_s - 1000.0)
        time.now_s += 0.5
    assert sent == [0.0, again_after_s]
    assert bus.asked == ["a", "a"]


def test_components_do_not_wait_for_each_other() -> None:
    bus, time = Bus(), Time()
    wake = sender(bus, time)
    assert [wake.wake(name) for name in ("a", "b", "a", "b")] == [True, True, False, False]


@pytest.mark.parametrize("partly", [False, True], ids=["the call fails", "the entry fails"])
def test_a_failure_is_logged_and_tried_again_soon(
    partly: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bus, time = Bus(failures=1, partly=partly), Time()
    wake = sender(bus, time)
    with caplog.at_level(logging.WARNING):
        assert not wake.wake("a")
    assert "a could not be asked for" in caplog.text
    time.now_s += 4.9
    assert not wake.wake("a")
    assert len(bus.entries) == 1
    time.now_s += 0.2
    assert wake.wake("a")


def test_many_threads_ask_once() -> None:
    bus, barrier = Bus(), Barrier(16)
    wake = sender(bus, Time())

    def ask(_: int) -> int:
        barrier.wait()
        return sum(wake.wake("a") for _ in range(50))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    assert bus.asked == ["a"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icscaler.client._MOST_REMEMBERED", 10)
    bus, time = Bus(), Time()
    wake = sender(bus, time)
    for number in range(100):
        wake.wake(f"model-{number}")
        time.now_s += 30
    assert len(wake._next_s) <= 10
    assert len(bus.asked) == 100


def test_importing_it_imports_no_sdk_and_nothing_of_the_functions() -> None:
    heavy = ("boto3", "botocore", "aws_lambda_powertools", "msgspec", "pydantic", "yaml")
    code = f"import sys, icscaler.client; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
