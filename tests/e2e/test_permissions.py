"""Commands use the permissions that docs/deploy.md names for them: all of them, and no more."""

import re
from pathlib import Path

import pytest

from icscaler_localcloud.gateway import ApiCall
from tests.e2e.rig import FLEET, ROOT, Rig
from tests.e2e.rig import rig as open_rig
from tests.e2e.test_release import at_the_clock

ALSO = "the same, "
OTHERWISE_GRANTED = "cloudformation:DescribeStacks"  # of every command, with --stack
# IAM's action where it is not the API's name.
ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction"}
PREFIXES = {"stepfunctions": "states"}


def documented() -> dict[str, set[str]]:
    """Actions by command (`fleet publish`)."""
    text = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    before: set[str] = set()
    for names, cell in re.findall(r"^\| (`icscaler [^|]+) \| ([^|]+) \|$", text, re.M):
        actions = set(re.findall(r"`([a-z-]+:\w+)`", cell)) | (before if ALSO in cell else set())
        before = actions
        for name in re.findall(r"`icscaler ([^`]+)`", names):
            found[name] = actions
    return found


def used(stage: Rig, monkeypatch: pytest.MonkeyPatch, *lines: str) -> set[str]:
    """What these commands call, as IAM actions; what functions call meanwhile is not theirs."""
    operator = at_the_clock(stage, monkeypatch)
    calls: list[ApiCall] = []
    stage.cloud.gateway.listen(calls.append)
    for line in lines:
        result = operator.run(line)
        assert result.exit_code == 0, result.output
    own = [c for c in calls if c.principal is None]
    names = {f"{PREFIXES.get(c.service, c.service)}:{c.operation}" for c in own}
    return {ACTIONS.get(name, name) for name in names} - {OTHERWISE_GRANTED}


def test_every_operator_command_is_listed() -> None:
    commands = {
        "fleet show",
        "fleet publish",
        "fleet diff",
        "pause",
        "resume",
        "look",
        "export-history",
        "onboard",
        "release",
        "learned",
        "explain",
        "history",
        "status",
        "adopt",
        "compare",
        "endpoint apply",
        "rollout plan",
        "rollout start",
        "rollout watch",
        "rollout approve",
    }
    assert documented().keys() == commands


def test_commands_need_what_is_documented_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = documented()
    file = tmp_path / "new.yaml"
    file.write_text(
        FLEET.replace("idle_s: 600", "idle_s: 60").replace(
            "  - {name: inline", "  - {name: inline, spike_alarm: true"
        )
    )
    with open_rig(tmp_path) as stage:
        assert used(stage, monkeypatch, f"fleet publish {file} --yes") == wanted["fleet publish"]
        assert used(stage, monkeypatch, "fleet show") == wanted["fleet show"]
        assert used(stage, monkeypatch, "learned") == wanted["learned"]
        assert used(stage, monkeypatch, "status") == wanted["status"]
        assert used(stage, monkeypatch, "pause --model blocks") == wanted["pause"]
        assert used(stage, monkeypatch, "resume --model blocks") == wanted["resume"]
        assert used(stage, monkeypatch, "look") == wanted["look"]
        stage.play(9)
        assert stage.copies("blocks") == 0
        assert used(stage, monkeypatch, "explain blocks", "history blocks") <= wanted["explain"]
        assert used(stage, monkeypatch, "release --all --yes") == wanted["release"]


def test_rolling_updates_need_what_is_documented_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = documented()
    file = tmp_path / "rollout.yaml"
    patch = "patch: {Container: {Image: new}}\napprove_waves: [1]\ngate: {alarms: [slow]}\n"
    file.write_text("rollout_id: r1\ncomponents: {names: [inline]}\n" + patch)
    with open_rig(tmp_path) as stage:
        stage.cloud.client("cloudwatch").put_metric_alarm(
            AlarmName="slow",
            Namespace="Shop",
            MetricName="Waiting",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        stage.cloud.run_for(60)
        assert used(stage, monkeypatch, f"rollout plan {file}") == wanted["rollout plan"]
        assert used(stage, monkeypatch, f"rollout start {file}") == wanted["rollout start"]
        watched = ("rollout watch r1 --once", f"rollout report r1 --out {tmp_path}/r.html")
        assert used(stage, monkeypatch, *watched, "rollout list") == wanted["rollout watch"]
        stage.until(lambda: stage.store.token("r1") is not None)
        decided = ("rollout pause r1", "rollout resume r1", "rollout abort r1 --yes")
        assert used(stage, monkeypatch, "rollout approve r1", *decided) == wanted["rollout approve"]
