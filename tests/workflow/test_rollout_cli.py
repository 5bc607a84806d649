"""`icscaler rollout` on the deployed controller, in virtual time: from plan to report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler_cli import clock
from icscaler_cli.main import app
from tests.e2e.rig import Rig
from tests.workflow.rollouts import IMAGE, NEW_IMAGE, Rollouts, learn, scene

REQUEST = f"""
rollout_id: two
components: {{names: [a, b]}}
patch: {{Container: {{Image: "{NEW_IMAGE}"}}}}
waves: [{{components: [a]}}, {{percent: 100}}]
approve_waves: [2]
wait_interval_s: 30
on_peak: ignore
gate: {{bake_s: 60, no_traffic_wait_s: 0}}
"""


class Operator:
    """Somebody at the command line, on the clock of the local cloud."""

    def __init__(self, rig: Rig, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(clock, "now_s", lambda: rig.cloud.clock.now_s)
        monkeypatch.setattr(clock, "sleep", rig.cloud.sleep)
        self.file = folder / "rollout.yaml"
        self.file.write_text(REQUEST, encoding="utf-8")

    def run(self, *words: str, code: int = 0) -> Any:
        result: Any = CliRunner().invoke(app, ["rollout", *words])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        assert result.exit_code == code, result.output
        return result


def watched(operator: Operator, code: int = 0) -> Any:
    return json.loads(operator.run("watch", "two", "--json", code=code).stdout)


def test_from_plan_to_report_with_approval_and_abort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path, "a", "b") as rollouts:
        rig, operator = rollouts.rig, Operator(rollouts.rig, monkeypatch, tmp_path)
        planned = operator.run("plan", str(operator.file)).stdout
        assert "2 (approval)" in planned
        assert "Container.Image" in planned
        assert rig.store.rollout("two") is None, "a plan changes nothing"

        started = operator.run("start", str(operator.file)).stderr
        rig.cloud.run_for(5)
        again = operator.run("start", str(operator.file)).stderr
        assert (started[:8], again[:5]) == ("Started:", "Runs,")
        assert started.split()[1] == again.split()[-5].rstrip(), "the same execution"
        rig.until(lambda: watched(operator)["status"] == "WaitingForApproval")
        assert watched(operator)["components"]["a"]["phase"] == "Updated"

        assert "1 to 2" in operator.run("approve", "two", "--wave", "7", code=3).stderr
        assert "wave 2" in operator.run("approve", "two").stderr
        rig.until(lambda: watched(operator)["components"]["b"]["phase"] == "Updating")
        operator.run("pause", "two")
        operator.run("resume", "two")
        assert "asked for" not in operator.run("watch", "two", "--once").stdout
        operator.run("abort", "two", "--yes", "--reason", "too early")
        # Follows until the end; not completed is an exit code of its own.
        text = operator.run("watch", "two", code=4).stdout
        assert "RolledBack" in text
        assert "too early" in text
        assert (rollouts.image("a"), rollouts.image("b")) == (IMAGE, IMAGE)

        page = tmp_path / "rollout.html"
        operator.run("report", "two", "--out", str(page))
        assert "GatePassed" in page.read_text(encoding="utf-8")
        assert "two  RolledBack" in operator.run("list").stdout
        assert Rollouts(rig).holds() == {}
        operator.run("watch", "three", code=3)
        for late in (("abort", "two", "--yes"), ("pause", "two"), ("resume", "two")):
            assert "has ended: RolledBack" in operator.run(*late, code=3).stderr


def test_a_refused_plan_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene(tmp_path, "a", "b", instances=1) as rollouts:
        operator = Operator(rollouts.rig, monkeypatch, tmp_path)
        rollouts.scale("a", 7)
        refused = operator.run("plan", str(operator.file), code=1).stderr
        assert "a: has no room for 1 more copies" in refused
        operator.run("start", str(operator.file))
        told = operator.run("watch", "two", code=3).stderr
        assert "two ended before it began: Refused: a: has no room for 1 more copies" in told


def test_a_start_at_another_time_is_planned_watched_and_called_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path, "a", "b") as rollouts:
        rig, operator = rollouts.rig, Operator(rollouts.rig, monkeypatch, tmp_path)
        learn(rig, "a", "b", busy_hours=1)
        wrong = operator.run("start", str(operator.file), "--at", "2 Europe/Berlin", code=1).stderr
        assert "start_at: " in wrong
        assert "Starts at " not in operator.run("plan", str(operator.file)).stderr
        assert "Starts at " in operator.run("plan", str(operator.file), "--at", "quieter").stderr
        text = operator.file.read_text(encoding="utf-8")
        operator.file.write_text(f"{text}start_at: quieter\n", encoding="utf-8")
        operator.run("start", str(operator.file))
        # Also while it is still being planned.
        assert "two: starts at " in operator.run("watch", "two", "--once").stdout
        assert watched(operator)["status"] == "Scheduled"
        operator.run("abort", "two", "--yes")
        assert "aborted by" in operator.run("watch", "two", code=4).stdout


def test_a_plan_knows_what_the_objective_has_learned_of_yesterday(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four copies' load in this hour of yesterday, next to nothing in all others."""
    with scene(tmp_path, "a", "b") as rollouts:
        rig = rollouts.rig
        learn(rig, "a", "b", busy_hours=1)
        operator = Operator(rig, monkeypatch, tmp_path)
        text = operator.file.read_text(encoding="utf-8")
        operator.file.write_text(text.replace("on_peak: ignore", "on_peak: raise"), "utf-8")
        shown = operator.run("plan", str(operator.file)).stdout
        assert "1 to 4" in shown
        assert "Quieter: start at " in shown
        assert "2 % of the demand" in shown
