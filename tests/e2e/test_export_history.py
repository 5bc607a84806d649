"""`icscaler export-history` on a deployed controller's fleet, in virtual time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli import clock
from icscaler_cli.exporting import series
from icscaler_cli.main import app
from icscaler_sim.traces import copy_shape_for, read_gaps, read_models, read_trace, read_usage
from tests.e2e.rig import ENDPOINT, FLEET, Rig
from tests.e2e.rig import rig as open_rig

MINUTES = 12
DAY_S = 86_400
READ_SPAN = series.read_span


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Some minutes of traffic, of which nothing is missing any more; `flows` was never called."""
    with open_rig(tmp_path_factory.mktemp("fleet")) as opened:
        opened.cloud.run_until(-(-opened.cloud.clock.now_s // 60) * 60)
        opened.play(MINUTES, inline=120, blocks=7)
        opened.cloud.run_for(900)
        yield opened


@pytest.fixture
def run(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command as it is typed; an exception that gets out is a stack trace for its user."""
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)

    def invoke(*words: object) -> Any:
        result: Any = CliRunner().invoke(app, ["export-history", *map(str, words)])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return invoke


def test_what_was_asked_comes_back_as_a_trace(stage: Rig, run: Any, tmp_path: Path) -> None:
    out = tmp_path / "history_60s.csv.gz"
    result = run(out, "--days", 1)
    assert result.exit_code == 0, result.output
    trace = read_trace(out)
    asked = {name: stage.cloud.world.tally.requests(name).arrived for name in trace.models}
    assert asked == {"inline": 120 * MINUTES, "blocks": 7 * MINUTES, "flows": 0}
    for index, name in enumerate(trace.models):
        mine = trace.model_index == index
        assert trace.requests[mine].sum() == asked[name]
    assert trace.width_s == 60
    models = read_models(tmp_path / "history_models.csv")
    assert [(one.name, one.category) for one in models] == [
        ("inline", ENDPOINT),
        ("blocks", ENDPOINT),
        ("flows", ENDPOINT),
    ]
    assert list(tmp_path.iterdir()) != []
    assert not (tmp_path / "history_60s.csv.gz.parts").exists()


def test_second_zero_is_a_midnight_and_every_bin_is_where_it_was(
    stage: Rig, run: Any, tmp_path: Path
) -> None:
    run(tmp_path / "h_60s.csv", "--days", 1, "--model", "inline")
    trace = read_trace(tmp_path / "h_60s.csv")
    midnight_s = (int(stage.cloud.clock.now_s) // DAY_S - 1) * DAY_S
    busy_s = sorted(int(start_s) + midnight_s for start_s in trace.t_start_s)
    assert len(busy_s) == MINUTES
    assert busy_s[-1] - busy_s[0] == 60 * (MINUTES - 1)
    assert all(int(count) == 120 for count in trace.requests)


def test_requests_take_as_long_in_a_replay_as_they_did(run: Any, tmp_path: Path) -> None:
    run(tmp_path / "h_60s.csv", "--days", 1, "--model", "inline")
    trace = read_trace(tmp_path / "h_60s.csv")
    tokens = trace.output_tokens.sum() / trace.requests.sum()
    # The rig's requests: 0.05 s, 4,500 input tokens at 10,000 a second, 100 tokens of 15 ms.
    service_s = copy_shape_for(1).profile.service_s(0, tokens)
    assert service_s == pytest.approx(2.0, abs=0.05)


def test_what_copies_used_is_measured_and_advice_follows_it(
    stage: Rig, run: Any, tmp_path: Path
) -> None:
    out = tmp_path / "h_60s.csv.gz"
    result = run(out, "--days", 1)
    assert "h_usage.csv: what copies used of what they reserve, 3 models" in result.output
    found = read_usage(tmp_path / "h_usage.csv")
    inline = found["inline"]
    assert {name: one.reserved for name, one in inline.items()} == {
        "cpus": 4.0,
        "memory_mb": 16384.0,
        "gpus": 1.0,
        "gpu_memory": None,
    }
    # The world's copies use 40 % of their memory, and 10 % more when they are busy.
    assert 40 < inline["memory_mb"].mean_percent < inline["memory_mb"].most_percent < 50
    assert inline["gpus"].most_percent > found["flows"]["gpus"].most_percent == 0
    assert inline["cpus"].measured_s >= 60 * MINUTES

    fleet, advised = tmp_path / "fleet.yaml", tmp_path / "advised.yaml"
    fleet.write_text(FLEET)
    busy_h = int(read_trace(out).t_start_s[0] // 3600)
    words = [
        *("advise", "--history", out, "--fleet", fleet, "--type", "ml.p4d.24xlarge", "--resize"),
        *("--from", f"{busy_h}h", "--to", f"{busy_h + 1}h", "--least-measured", "0.2"),
        *("--json", "-", "--write-fleet", advised),
    ]
    told = CliRunner().invoke(app, list(map(str, words)))
    assert told.exit_code == 0, told.output
    models = {one["name"]: one for one in json.loads(told.stdout)["models"]}
    memory = models["inline"]["reservations"]["memory_mb"]
    assert memory["lower"]
    assert memory["used_most_percent"] == inline["memory_mb"].most_percent
    assert memory["used_most"] * 1.25 <= memory["could_reserve"] < memory["used_most"] * 1.25 + 256
    assert models["flows"]["reservations"]["memory_mb"]["why"] == "nobody called it"
    compiled = compile_fleet(load_fleet(advised)).endpoints[ENDPOINT].models
    assert compiled["inline"].resources.memory_mb == memory["could_reserve"]
    assert compiled["flows"].resources.memory_mb == 16384
    assert "memory_mb 16384 -> " in advised.read_text()


def test_without_leave_to_describe_only_percent_are_known(
    stage: Rig, run: Any, tmp_path: Path
) -> None:
    stage.cloud.faults.fail(
        "sagemaker", "DescribeInferenceComponent", code="AccessDenied", message="no", status=400
    )
    result = run(tmp_path / "h_60s.csv", "--days", 1, "--model", "inline")
    assert result.exit_code == 0
    assert "inline: no" in result.output
    use = read_usage(tmp_path / "h_usage.csv")["inline"]["cpus"]
    assert use.reserved is None
    assert use.most_percent > 0


def test_time_without_any_metric_is_a_gap_silence_is_none(
    stage: Rig, run: Any, tmp_path: Path
) -> None:
    result = run(tmp_path / "h_60s.csv", "--days", 1)
    (gap,) = read_gaps(tmp_path / "h_gaps.csv")
    assert gap.category == "*"
    assert gap.start_s == 0, "the account was empty before"
    midnight_s = (int(stage.cloud.clock.now_s) // DAY_S - 1) * DAY_S
    first_request_s = min(read_trace(tmp_path / "h_60s.csv").t_start_s)
    assert gap.end_s <= first_request_s
    # After the traffic nobody called for minutes, but copies were there and said so.
    assert gap.end_s + midnight_s < stage.cloud.clock.now_s - 900
    assert "h_gaps.csv" in result.output


def refuse_the_third_span(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = iter(range(9))

    def read_span(*arguments: Any) -> Any:
        if next(spans) == 2:
            stage.cloud.faults.fail(
                "cloudwatch", "GetMetricData", code="AccessDenied", message="no", status=400
            )
        return READ_SPAN(*arguments)

    monkeypatch.setattr(series, "read_span", read_span)


def test_an_interrupted_export_goes_on_where_it_stood(
    stage: Rig, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "h_60s.csv"
    gate = stage.cloud.service("cloudwatch").gate
    before = gate.calls["GetMetricData"]
    whole = run(out, "--days", 3)
    calls = gate.calls["GetMetricData"] - before
    assert whole.exit_code == 0
    expected = out.read_bytes()
    out.unlink()
    refuse_the_third_span(stage, monkeypatch)
    broken = run(out, "--days", 3)
    monkeypatch.setattr(series, "read_span", READ_SPAN)
    assert broken.exit_code == 3
    assert "not allowed" in broken.output
    assert not out.exists()
    before = gate.calls["GetMetricData"]
    assert run(out, "--days", 3).exit_code == 0
    assert 0 < gate.calls["GetMetricData"] - before < calls
    assert out.read_bytes() == expected


def test_parts_of_another_export_are_not_mixed_in(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "h_60s.csv.parts"
    folder.mkdir()
    (folder / "plan.json").write_text(
        '{"models": ["other"], "start_s": 0, "end_s": 60, "width_s": 60}'
    )
    result = run(tmp_path / "h_60s.csv", "--days", 1)
    assert result.exit_code == 3
    assert "is of another export" in result.output
    (folder / "plan.json").write_text("{")
    assert "cannot be read" in run(tmp_path / "h_60s.csv", "--days", 1).output


def test_a_fleet_file_needs_no_deployed_stack(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    out = tmp_path / "h_60s.csv"
    assert run(out, "--fleet", file, "--stack", "no-such", "--days", 1).exit_code == 0
    assert set(read_trace(out).models) == {"inline", "blocks", "flows"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--width", "30"], 2, "--width 30 is not 60, 300 or 3600"),
        (["--days", "20"], 2, "take at most --days 14, or --width 300"),
        (["--days", "460"], 2, "455"),
        (["--model", "inlin"], 1, "did you mean inline?"),
        (["--model", "flows", "--days", "1"], 3, "but no request"),
        (["--stack", "no-such"], 3, "there is no such stack"),
    ],
)
def test_what_cannot_be_exported_is_said(
    run: Any, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    result = run(tmp_path / "h_60s.csv", *words)
    assert result.exit_code == code, result.output
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run(tmp_path / "file" / "h_60s.csv", "--days", 1)
    assert result.exit_code == 3
    assert "cannot write" in result.output
