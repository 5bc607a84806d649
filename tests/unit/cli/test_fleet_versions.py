"""`icscaler fleet versions`, `rollback`, `diff` and `calendar` as a new user meets them."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.cli.shell import TABLE, run
from tests.unit.cli.test_fleet_commands import FLEET, in_force


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    return path


@pytest.mark.usefixtures("stack")
class TestVersions:
    def test_before_anything_is_published(self) -> None:
        assert "Nothing is published" in run("fleet", "versions").stderr
        result = run("fleet", "rollback", "--yes")
        assert (result.exit_code, "there is no version before" in result.stderr) == (2, True)
        assert run("fleet", "rollback", "abc", "--yes").exit_code == 2

    def test_back_and_forth_with_the_condition_of_publish(self, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        first = in_force()["version"]
        assert run("fleet", "rollback", "--yes").exit_code == 2, "there is nothing before it"
        file.write_text(FLEET + "    max_copies: 2\n", "utf-8")
        run("fleet", "publish", str(file), "--yes")
        second = in_force()["version"]

        result = run("fleet", "rollback", "--yes")
        assert "~ shared/chat: max_copies 2 -> 4" in result.stderr
        assert in_force()["version"] == first
        refused = run("fleet", "rollback", second, "--yes", "--expect", second)
        assert (refused.exit_code, in_force()["version"]) == (3, first)
        assert run("fleet", "rollback", second, "--yes", "--expect", first).exit_code == 0
        assert "nothing to do" in run("fleet", "rollback", second, "--yes").stderr
        unknown = run("fleet", "rollback", "000000000000", "--yes")
        assert unknown.exit_code == 2
        assert first in unknown.stderr
        listed = {
            one["version"]: one for one in json.loads(run("fleet", "versions", "--json").stdout)
        }
        assert {v: one["in_force"] for v, one in listed.items()} == {first: False, second: True}
        assert listed[first]["models"] == 2

    def test_nobody_to_confirm_goes_nowhere(self, file: Path) -> None:
        for text in (FLEET, FLEET + "    max_copies: 2\n"):
            file.write_text(text, "utf-8")
            run("fleet", "publish", str(file), "--yes")
        before = in_force()
        assert run("fleet", "rollback").exit_code == 2
        assert in_force() == before


class TestDiff:
    def test_a_wrong_file_is_told_before_any_account_is_asked(self, file: Path) -> None:
        file.write_text(FLEET + "    max_copies: -1\n", "utf-8")
        assert run("fleet", "diff", str(file)).exit_code == 1

    def test_what_is_in_force_differs_in_nothing(self, stack: None, file: Path) -> None:
        run("fleet", "publish", str(file), "--yes")
        result = run("fleet", "diff", str(file))
        assert "is in force already" in result.stderr
        assert "No setting changes." in result.stderr
        found = json.loads(run("fleet", "diff", str(file), "--json").stdout)
        assert (found["changes"], found["effects"]) == ([], [])

    @pytest.mark.parametrize(
        "command", [["diff", "FILE"], ["versions"], ["rollback", "x"], ["calendar"]]
    )
    def test_without_region_credentials_or_stack(
        self, file: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
    ) -> None:
        line = ["fleet", *(str(file) if word == "FILE" else word for word in command)]
        assert "no AWS Region" in run(*line).stderr
        region = [*line, "--region", "us-east-1"]
        assert "no usable AWS credentials" in run(*region).stderr
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        assert run(*region, "--table", TABLE).exit_code == 3


# ---------------------------------------------------------------- calendar

SCHEDULED = (
    FLEET
    + """
schedules:
  - name: always-on-weekdays
    select: {name: chat}
    time_zone: Asia/Kolkata
    start: 0 9 * * mon-fri
    lasts_s: 3600
    min_copies: 1
  - {name: all-year, select: {name: code}, until: 2099-12-31T00:00:00Z, max_copies: 2}
  - {name: prompt, select: {name: code}, until: 2099-12-31T00:00:00Z, in_time_fraction: 0.995,
     deadline_s: 5, ready_by_start: false}
overrides:
  - {select: {name: code}, until: 2099-01-01T00:00:00Z, reason: a fair, paused: true}
"""
)


def test_the_calendar_of_a_file_needs_no_account(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(SCHEDULED, "utf-8")
    result = run("fleet", "calendar", str(file))
    assert result.exit_code == 0
    assert "  on UTC  all-year: at most 2: code\n" in result.stdout
    assert "  on UTC  prompt: 99.5 % in time within 5 s: code\n" in result.stdout
    assert "  on UTC  override: a fair: paused: code\n" in result.stdout
    hours = result.stdout.count(
        "09:00 to 10:00 Asia/Kolkata  always-on-weekdays: at least 1, ready"
    )
    assert hours == 5
    found = json.loads(run("fleet", "calendar", str(file), "--model", "chat", "--json").stdout)
    assert {entry["what"] for entry in found} == {"always-on-weekdays"}
    assert found[0]["from"].endswith("T03:30:00Z")


def test_the_calendar_says_what_comes_of_it_for_a_model(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(SCHEDULED, "utf-8")
    out = run("fleet", "calendar", str(file), "--model", "chat").stdout
    assert out.count("1 (always-on-weekdays)") == 5
    assert re.search(r"now +0 \(MinCopies\) +4 \(MaxCopies\)", out) or "now  " in out


def test_an_unknown_model_has_no_calendar(file: Path) -> None:
    result = run("fleet", "calendar", str(file), "--model", "chta")
    assert result.exit_code == 2
    assert 'did you mean "chat"?' in result.output


def test_the_calendar_of_the_fleet_in_force(stack: None, file: Path) -> None:
    assert "Nothing is scheduled in the next 7 days." in run("fleet", "calendar").output
    run("fleet", "publish", str(file), "--yes")
    assert "Nothing is scheduled for code" in run("fleet", "calendar", "--model", "code").output
    file.write_text(SCHEDULED, "utf-8")
    run("fleet", "publish", str(file), "--yes")
    assert "all-year" in run("fleet", "calendar", "--days", "1").stdout
