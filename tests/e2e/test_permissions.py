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
    names = {f"{c.service}:{c.operation}" for c in calls if c.principal is None}
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
