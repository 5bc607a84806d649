"""The watch sees what must not happen; and excuses what may."""

import json
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.ports import DecisionRecord
from icscaler_cli.demo.look_log import LookLog
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.watch import Watch
from icscaler_sim.simulate.places import Copies
from icscaler_sim.traces import copy_shape_for, generate_ensemble
from icscaler_sim.world.specs import Wake

FLEET = """
version: 1
defaults: {max_copies: 5, policy: {target_tracking: {metric: concurrency, target_value: 24}}}
endpoints:
  e: {variants: {v: {instance_type: ml.p4d.24xlarge, max_instances: 1}}}
models:
  - {name: warm, class: critical, resources: {gpus: 1, memory_mb: 1024}}
  - {name: rare, resources: {gpus: 4, memory_mb: 1024}}
"""
AT_S = 1_780_272_060


def _watch() -> Watch:
    shapes = {"warm": copy_shape_for(1), "rare": copy_shape_for(4)}
    fleet = compile_fleet(load_fleet(FLEET))
    scenario = Scenario("t", "t", AT_S, generate_ensemble(0).select(()), fleet, shapes, {}, 0)
    return Watch(scenario)


def _views(**copies: int) -> dict[str, Copies]:
    return {name: Copies(count, count, settled=True) for name, count in copies.items()}


@pytest.mark.parametrize(
    ("views", "says"),
    [
        pytest.param(_views(warm=2, rare=1), None, id="all is well"),
        pytest.param(_views(warm=6, rare=0), "1: Mon 00:01:00 warm has 6 copies, above 5",
                     id="above the ceiling"),
        pytest.param(_views(warm=0, rare=1), "1: Mon 00:01:00 warm is protected and has 0 copies",
                     id="protected below its floor"),
        pytest.param(_views(warm=1, rare=2), "2: Mon 00:01:00 e is asked for 9 GPUs of 8",
                     id="more than the endpoint"),
        pytest.param(_views(warm=1), "9: Mon 00:01:00 rare is gone", id="component gone"),
    ],
)  # fmt: skip
def test_a_minute(views: dict[str, Copies], says: str | None) -> None:
    watch = _watch()
    watch.minute(views, AT_S)

    if says is None:
        assert watch.violations == []
    else:
        assert len(watch.violations) == 1
        assert watch.violations[0].startswith(says)


class _NoSnapshots:
    """A state table with records only."""

    def __init__(self, records: list[DecisionRecord]) -> None:
        self._records = records

    def records(self, endpoint: str, from_s: int, until_s: int) -> tuple[DecisionRecord, ...]:
        return tuple(r for r in self._records if from_s <= r.at_s < until_s)

    def snapshot(self, endpoint: str, at_s: int) -> None:
        return None


def _log(**fields: Any) -> LookLog:
    line = json.dumps({"message": "Look: Looked", "endpoint": "e", "at_s": AT_S + 300, **fields})
    log: deque[Any] = deque()
    reader = LookLog(SimpleNamespace(lambda_log=log))  # type: ignore[arg-type]
    log.append(
        SimpleNamespace(
            request_id="1",
            ok=True,
            at_s=float(AT_S),
            logical_id="ReconcileFunction",
            error=None,
            lines=("START", line, "{not json"),
        )
    )
    return reader


def _finished(
    watch: Watch, records: list[DecisionRecord], wakes: list[Wake], log: LookLog
) -> list[str]:
    watch.finish(_NoSnapshots(records), (0, 2 * AT_S), log, wakes)  # type: ignore[arg-type]
    return watch.violations


def test_a_change_without_a_record_is_told() -> None:
    watch = _watch()
    watch.minute(_views(warm=1, rare=1), AT_S)
    watch.minute(_views(warm=2, rare=1), AT_S + 60)

    assert _finished(watch, [], [], _log()) == [
        "9: Mon 00:02:00 warm went to 2 copies and no record says why"
    ]


def test_a_record_without_a_snapshot_is_told() -> None:
    record = DecisionRecord("e", "warm", AT_S, 1, 2, "Accepted", ("AboveTarget 2",), "v1", "a")
    watch = _watch()
    watch.minute(_views(warm=1, rare=1), AT_S)
    watch.minute(_views(warm=2, rare=1), AT_S + 60)

    assert _finished(watch, [record], [], _log()) == [
        "9: Mon 00:01:00 no snapshot explains the look at e"
    ]


@pytest.mark.parametrize(
    ("decision_s", "gpu_price", "violated"),
    [
        pytest.param(120.0, 0.0, False, id="noticed in time"),
        pytest.param(600.0, 0.0, True, id="noticed late"),
        pytest.param(600.0, 2.5, False, id="a shortage was reported"),
    ],
)
def test_wakes(decision_s: float, gpu_price: float, violated: bool) -> None:
    log = _log(gpu_price=gpu_price)
    log.read()
    wake = Wake("rare", AT_S, AT_S + decision_s + 100, {"decision": decision_s, "engine": 100.0})

    found = _finished(_watch(), [], [wake], log)

    assert bool(found) is violated
    assert all(text.startswith("8: ") for text in found)


class TestLookLog:
    def test_reads_changes_and_counts_looks(self) -> None:
        change = {
            "component": "rare",
            "from_copies": 0,
            "to_copies": 1,
            "outcome": "Accepted",
            "steps": ["WokenByRefusedRequest 1"],
        }
        log = _log(changes=[change], gpu_price=0)

        (found,) = log.read()
        assert (found.component, found.to_copies, found.steps) == (
            "rare",
            1,
            ("WokenByRefusedRequest 1",),
        )
        assert (log.looks, log.failures, log.shortages) == (1, [], {})
        assert log.read() == []

    def test_a_look_that_failed_is_told(self) -> None:
        log = _log(kind="Failed", problem="DynamoDB: throttled")
        log.read()

        assert log.failures == ["Mon 00:01:00 look at e: DynamoDB: throttled"]
