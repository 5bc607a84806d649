"""A rolling update that is to start later: planned at once, started when its time has come."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import Rig
from tests.workflow.rollouts import IMAGE, NEW_IMAGE, Rollouts, learn, lost, scene, traffic
from tests.workflow.test_rollout import alarm


def from_now(rig: Rig, seconds: int) -> str:
    return datetime.fromtimestamp(int(rig.cloud.clock.now_s) + seconds, UTC).isoformat()


def until_ended(rollouts: Rollouts, limit_s: int = 4 * 3600) -> Any:
    return rollouts.end(limit_s=limit_s, step_s=60)


def started_after_s(rollouts: Rollouts) -> int:
    """From the execution's start to that of the update."""
    log = {entry.what: entry.at_s for entry in rollouts.record().log}
    return log["Started"] - log["Scheduled"]


def still(rig: Rig) -> None:
    """No looks, so that hours pass quickly."""
    for schedule in rig.cloud.client("scheduler").list_schedules()["Schedules"]:
        rig.cloud.client("scheduler").delete_schedule(Name=schedule["Name"])


def test_it_waits_for_its_time_and_runs_then(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=2) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 2)
        traffic(rig, chat=300)
        kinds = ("RolloutStarted", "WaveCompleted", "RolloutCompleted")
        told = {kind: rig.listen(kind) for kind in kinds}
        rollouts.start(components={"names": ["chat"]}, start_at=from_now(rig, 1800))
        rig.cloud.run_for(1700)
        assert rollouts.record().status == "Scheduled"
        assert (rollouts.jobs(), rollouts.holds()) == ({}, {})
        assert rig.calls("UpdateInferenceComponent") == 0
        assert until_ended(rollouts)["status"] == "SUCCEEDED"
        assert 1780 <= started_after_s(rollouts) <= 1860
        assert (rollouts.image("chat"), lost(rig, "chat")) == (NEW_IMAGE, 0)
        details = {kind: [event["detail"] for event in told[kind]()] for kind in kinds}
        assert details == {
            "RolloutStarted": [{"RolloutId": "r1", "Status": "Running", "Components": ["chat"]}],
            "WaveCompleted": [
                {"RolloutId": "r1", "Status": "Baking", "Wave": 1, "Components": ["chat"]}
            ],
            "RolloutCompleted": [
                {
                    "RolloutId": "r1",
                    "Status": "Completed",
                    "Reason": "",
                    "Components": {"chat": "Updated"},
                }
            ],
        }


def test_it_can_be_aborted_while_it_waits(tmp_path: Path) -> None:
    with scene(tmp_path, "chat") as rollouts:
        rig = rollouts.rig
        told = rig.listen("RolloutRolledBack")
        rollouts.start(components={"names": ["chat"]}, start_at=from_now(rig, 7200))
        rig.cloud.run_for(60)
        rig.store.abort_rollout("r1", "ada", "not tonight")
        rollouts.answer("r1")
        ended = until_ended(rollouts, 600)
        assert (ended["error"], ended["cause"]) == ("RolledBack", "aborted by ada: not tonight")
        assert [event["detail"]["Reason"] for event in told()] == [ended["cause"]]
        assert rig.calls("UpdateInferenceComponent") == 0
        assert rig.store.listed(active=True) == ()


def test_what_cannot_be_done_any_more_is_refused_when_its_time_has_come(tmp_path: Path) -> None:
    with scene(tmp_path, "chat") as rollouts:
        rig = rollouts.rig
        alarm(rig, "complaints", "OK")
        gate = {"alarms": ["complaints"], "bake_s": 60, "no_traffic_wait_s": 0}
        rollouts.start(components={"names": ["chat"]}, gate=gate, start_at=from_now(rig, 1800))
        rig.cloud.run_for(900)
        alarm(rig, "complaints", "ALARM")
        ended = until_ended(rollouts, 1800)
        assert (ended["error"], "complaints" in ended["cause"]) == ("Refused", True)
        assert rollouts.record().status == "Refused"
        assert rollouts.image("chat") == IMAGE
        assert rig.store.listed(active=True) == ()


def test_what_cannot_be_done_at_all_is_refused_at_once(tmp_path: Path) -> None:
    with scene(tmp_path, "chat") as rollouts:
        start_at = from_now(rollouts.rig, 7200)
        rollouts.start(components={"names": ["chart"]}, start_at=start_at)
        assert until_ended(rollouts, 120)["error"] == "Refused"
        assert rollouts.rig.store.rollout("r1") is None


@pytest.mark.slow
def test_nothing_left_to_do_when_its_time_has_come_is_a_success(tmp_path: Path) -> None:
    with scene(tmp_path, "chat") as rollouts:
        rig = rollouts.rig
        rollouts.start("r1", components={"names": ["chat"]})
        rig.until(lambda: rollouts.holds() != {}, step_s=10)
        # Held by another rollout now, which is no obstacle for later.
        rollouts.start("late", components={"names": ["chat"]}, start_at=from_now(rig, 1800))
        assert until_ended(rollouts)["status"] == "SUCCEEDED"
        assert rollouts.record("late").status == "Scheduled"
        assert rollouts.end("late")["status"] == "SUCCEEDED"
        assert "nothing to do" in rollouts.record("late").reason
        assert rig.calls("UpdateInferenceComponent") == 1


@pytest.mark.parametrize("on_peak", ["refuse", pytest.param("ignore", marks=pytest.mark.slow)])
def test_it_waits_for_the_quieter_time(tmp_path: Path, on_peak: str) -> None:
    """Yesterday was busy for two hours from now on. Refused now, it is not refused then."""
    with scene(tmp_path, "chat") as rollouts:
        still(rollouts.rig)
        learn(rollouts.rig, "chat", busy_hours=2)
        rollouts.start(components={"names": ["chat"]}, on_peak=on_peak, start_at="quieter")
        assert until_ended(rollouts)["status"] == "SUCCEEDED"
        assert 2 * 3600 <= started_after_s(rollouts) <= 2 * 3600 + 900
