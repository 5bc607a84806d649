"""`icscaler rollout`: files that can't be used, and what plans, progress and reports show.

What the commands do on a deployed controller: tests/workflow/test_rollout_cli.py.
"""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from icscaler.rollout.entities import (
    Control,
    Entry,
    GateValue,
    Job,
    JobPhase,
    Plan,
    Rollout,
    Status,
)
from icscaler.rollout.plan import make_plan
from icscaler_cli.rollout.report import html
from icscaler_cli.rollout.view import duration, plan_view, progress_view, room_text
from tests.unit.cli.shell import run
from tests.unit.rollout.sights import AT_S, component, request, sight


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("rollout_id: [", "YAML", id="no yaml"),
        pytest.param("- a", "mapping", id="a list"),
        pytest.param("rollout_id: r1\n", "components: ", id="incomplete"),
        pytest.param(
            "rollout_id: r1\ncomponents: {names: [a]}\npatch: {}\nwaits: 1\n",
            "waits: unknown key",
            id="unknown key",
        ),
    ],
)
@pytest.mark.parametrize("command", ["plan", "start"])
def test_a_file_that_cannot_be_used(tmp_path: Path, command: str, content: str, says: str) -> None:
    file = tmp_path / "rollout.yaml"
    file.write_text(content, encoding="utf-8")
    result = run("rollout", command, str(file))
    assert (result.exit_code, says in result.stderr) == (1, True)
    assert str(file) in result.stderr.replace("\n", "")


def test_a_missing_file() -> None:
    result = run("rollout", "plan", "nowhere.yaml")
    assert (result.exit_code, "cannot be read" in result.stderr) == (1, True)


def test_abort_asks_first() -> None:
    result = run("rollout", "abort", "r1")
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)


def shown(view: object) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(view)
    return console.file.getvalue()  # type: ignore[attr-defined]


def rollout() -> tuple[Rollout, dict[str, Job]]:
    """Three components: one updated, one under way, one waiting; a gate was breached."""
    asked = request("a", "b", "c")
    plan = make_plan(asked, sight(*(component(name) for name in "abc"), most=2))
    jobs = {name: Job(name, "shared", plan.steps[name]) for name in "abc"}
    log = (Entry(AT_S + 10, "Held"), Entry(AT_S + 20, "Update", "<1 copy>"))
    jobs["a"] = replace(jobs["a"], phase=JobPhase.UPDATED, attempt=1, ended_s=AT_S + 400, log=log)
    jobs["b"] = replace(jobs["b"], phase=JobPhase.UPDATING, attempt=1, log=log)
    value = GateValue("a", "latency", 1e6, 2e6, 1.25e6, "breach")
    found = Rollout(
        asked,
        plan,
        status=Status.ROLLING_BACK,
        started_s=AT_S,
        reason="gate of wave 1: slow",
        gates=((0, AT_S + 450, (value,)),),
        log=(Entry(AT_S, "Started"), Entry(AT_S + 450, "GateBreached", "a & b")),
    )
    return found, jobs


def test_a_plan_shows_waves_room_and_cost() -> None:
    seen = sight(component("a", copies=8), most=2, prices_per_hour={"ml.p4d.24xlarge": 25.25})
    text = shown(plan_view(make_plan(request("a"), seen)))
    assert "sure with 1 more instance" in text
    assert "8 of 1" in text
    assert "Container.Image" in text
    assert "extra instance-minutes ($" in text


def test_progress_shows_status_reason_and_gate() -> None:
    found, jobs = rollout()
    text = shown(progress_view(found, jobs, Control(aborted=True), AT_S + 600))
    assert "r1: RollingBack, wave 1 of 3, 1 of 3 updated, 10 min (asked for: aborted)" in text
    assert "a: latency 2 s is above 1.25 s (before: 1 s)" in text


def test_the_report_has_waves_components_and_gates_and_no_foreign_markup() -> None:
    found, jobs = rollout()
    page = html(found, jobs, AT_S + 600)
    for piece in ("wave 1", "wave 3", "GateBreached", "a &amp; b", "&lt;1 copy&gt;", "latency 2 s"):
        assert piece in page
    assert "<1 copy>" not in page
    assert page.count("<svg") == 1
    assert "http" not in page


def test_words() -> None:
    assert [duration(1), duration(60), duration(3700)] == ["1 min", "1 min", "1 h 02 min"]
    found, _ = rollout()
    assert room_text(found.plan.waves[0].room) == "sure now"


def test_one_that_is_to_start_later_or_never_did() -> None:
    later = Rollout(request("a"), Plan((), {}), Status.SCHEDULED, starts_s=AT_S + 3600)
    assert (
        shown(progress_view(later, {}, Control(), AT_S)) == "r1: starts at 2026-06-01T01:00:00Z\n"
    )
    never = replace(later, status=Status.REFUSED, reason="a: is paused", ended_s=AT_S + 3600)
    told = shown(progress_view(never, {}, Control(), AT_S))
    assert told == "r1: Refused, nothing was started: a: is paused\n"
    assert "nothing was started" in html(never, {}, AT_S)
