"""`icscaler demo` through the whole stack: the real template and handlers, little traffic."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from icscaler_cli.demo.run import Request, run_demo
from icscaler_cli.main import app
from icscaler_sim.traces import read_trace, write_trace

ROOT = Path(__file__).parents[2]


def _played(out: Path, **wanted: Any) -> tuple[dict[str, Any], str]:
    """The summary, and what was printed."""
    said = io.StringIO()
    result = run_demo(Request(out=out, **wanted), Console(file=said, width=100))
    assert result.healthy, (result.invariant_violations, result.failed_looks)
    return json.loads((out / "summary.json").read_text()), said.getvalue()


def _reported(out: Path) -> dict[str, Any]:
    """What the report in that folder is drawn from."""
    page = (out / "report.html").read_text()
    data: dict[str, Any] = json.loads(
        page.split('type="application/json">')[1].split("</script>")[0]
    )
    return data


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    """The morning of the generated day: summary, what was printed, and the folder."""
    out = tmp_path_factory.mktemp("demo")
    summary, said = _played(out, start_h=7.0, hours=1.5)
    return summary, said, out


def _tracked(folder: Path) -> Path:
    """The demo's fleet with every model by target tracking: unused ones go after 15 minutes."""
    fleet = yaml.safe_load((ROOT / "examples" / "hybrid-ensemble.yaml").read_text("utf-8"))
    del fleet["defaults"]["concurrent_requests_per_copy"]
    tracking = {"target_tracking": {"metric": "concurrency", "target_value": 28}}
    fleet["defaults"] |= {"policy": tracking, "idle_s": 900}
    path = folder / "tracked.yaml"
    path.write_text(yaml.safe_dump(fleet), "utf-8")
    return path


class TestEnsemble:
    """Models go and come back, others scale out."""

    def test_every_request_is_accounted_for(self, played: tuple[dict[str, Any], str, Path]) -> None:
        requests = played[0]["requests"]

        assert requests["total"] > 10_000
        assert requests["total"] == sum(requests[fate] for fate in ("in_time", "late", "refused"))
        assert requests["in_time_fraction"] > 0.97

    def test_unused_models_were_unloaded_and_came_back(self, tmp_path: Path) -> None:
        summary, _ = _played(tmp_path, fleet=_tracked(tmp_path), start_h=5.0, hours=1.5)

        assert summary["changes"]["to_zero"] >= 5
        woken = {wake["component"] for wake in summary["wakes"]["each"]}
        assert {"block-generation", "flow-generation", "text-evaluation"} <= woken
        for wake in summary["wakes"]["each"]:
            assert sum(wake["phases_s"].values()) == pytest.approx(wake["took_s"], abs=1.0)

    def test_the_warm_model_lost_nothing(self, played: tuple[dict[str, Any], str, Path]) -> None:
        assert played[0]["models"]["inline-completion"]["refused"] == 0

    def test_costs_stand_beside_the_alternatives(
        self, played: tuple[dict[str, Any], str, Path]
    ) -> None:
        summary, said, _ = played

        for figure in ("gpu_hours", "instance_hours", "instance_gpu_hours", "dollars"):
            assert {"icscaler", "endpoint_per_model", "always_on"} <= set(summary[figure])
        assert summary["gpu_hours"]["icscaler"] <= summary["instance_gpu_hours"]["icscaler"]
        # Most of the morning runs on one-GPU instances of the steady model's own endpoint.
        price = summary["dollars"]["icscaler"] / summary["instance_hours"]["icscaler"]
        assert 1.52 < price < 25.251286
        assert "ml.g5.2xlarge, ml.p4d.24xlarge" in " ".join(said.split())
        assert "one endpoint per model" in said
        assert "All invariants held" in said

    def test_the_report_shows_the_tournament_of_every_model_by_objective(
        self, played: tuple[dict[str, Any], str, Path]
    ) -> None:
        summary, _, out = played
        standings = _reported(out)["standings"]

        tracked = {"inline-completion"}
        assert {one["component"] for one in standings} == set(summary["models"]) - tracked
        blocks = [one for one in standings if one["component"] == "block-generation"]
        assert [one["at_s"] // 3600 % 24 for one in blocks] == [7, 8]
        # It learns: the heaviest rule was charged for GPUs, and no other is cheaper.
        costs = [rule[5] for rule in blocks[-1]["rules"]]
        assert costs[0] == min(costs) > 0

    def test_the_report_tells_every_change(self, played: tuple[dict[str, Any], str, Path]) -> None:
        summary, _, out = played
        data = _reported(out)

        accepted = [change for change in data["changes"] if change[5] == "Accepted"]
        assert len(accepted) == summary["changes"]["total"] > 5
        assert all(change[4] for change in data["changes"])
        assert sum(data["gpus_in_use"]) / 60 == pytest.approx(
            summary["gpu_hours"]["icscaler"], rel=0.01
        )


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    first, _ = _played(tmp_path / "first", start_h=8.0, hours=0.3, seed=4)
    second, _ = _played(tmp_path / "second", start_h=8.0, hours=0.3, seed=4)

    assert first == second
    pages = [(tmp_path / name / "report.html").read_text() for name in ("first", "second")]
    assert pages[0] == pages[1]


class TestRecorded:
    def test_code_completion(self, traces_dir: Path, tmp_path: Path) -> None:
        trace = traces_dir / "azure2023_code_requests.csv.gz"

        summary, _ = _played(tmp_path, trace=trace, hours=0.5)

        expected = read_trace(trace).window(0, 1800).total().requests
        assert summary["requests"]["total"] == expected
        assert summary["requests"]["in_time_fraction"] > 0.99
        assert "azure-code" in (tmp_path / "fleet.yaml").read_text()

    def test_idle_models_of_the_fleet_go_to_zero_and_come_back(
        self, traces_dir: Path, tmp_path: Path
    ) -> None:
        """Models silent for 40 minutes and more between 09:00 and 13:00, and two others."""
        silent = ["sg-m-large-082", "sg-m-large-144", "sg-m-mid-069", "sg-m-small-040"]
        week = read_trace(traces_dir / "servegen_fleet_dev_w1_60s.csv.gz")
        never = next(name for name, total in week.totals().items() if not total.requests)
        chosen = week.select([*silent, "sg-m-small-018", never]).window(9 * 3600, 13 * 3600)
        write_trace(chosen, tmp_path / "slice_60s.csv.gz")
        (tmp_path / "slice_models.csv").write_text("model\n" + "\n".join(chosen.models) + "\n")

        summary, _ = _played(tmp_path, trace=tmp_path / "slice_60s.csv.gz")

        woken = {wake["component"] for wake in summary["wakes"]["each"]}
        assert set(silent) <= woken
        assert summary["changes"]["to_zero"] >= len(silent) + 1
        assert summary["models"][never]["total"] == 0
        assert summary["models"]["sg-m-small-018"]["in_time_fraction"] > 0.99
        assert summary["gpu_hours"]["icscaler"] < summary["gpu_hours"]["always_on"]


class TestBadInput:
    """Each ends with a message that says what to do, exit code 1, and no report."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            pytest.param(["--trace", "{tmp}/none.csv"], "cannot be read", id="no trace"),
            pytest.param(["--trace", "{tmp}/empty.csv"], "is empty", id="empty trace"),
            pytest.param(["--trace", "{tmp}/bad.csv"], "bad.csv:2: column 'requests'", id="broken"),
            pytest.param(["--trace", "{tmp}/good.csv", "--start", "9"], "--start 9", id="start"),
            pytest.param(["--trace", "{tmp}/names.csv"], "not a valid name", id="model's name"),
            pytest.param(
                ["--trace", "{tmp}/good.csv", "--fleet", "{repo}/examples/codegen-ensemble.yaml"],
                "does not know a",
                id="model not in the fleet",
            ),
            pytest.param(["--fleet", "{tmp}/none.yaml"], "cannot be read", id="no fleet file"),
            pytest.param(["--fleet", "{tmp}/bad.csv"], "bad.csv", id="not a fleet file"),
            pytest.param(["--prices", "{tmp}/bad.csv"], "not JSON", id="not a price table"),
            pytest.param(
                ["--prices", "{tmp}/few.json"], "no price for ml.g5.2xlarge", id="price missing"
            ),
            pytest.param(["--out", "{tmp}/good.csv"], "cannot be made", id="out is a file"),
        ],
    )
    def test_is_told(
        self, arguments: list[str], says: str, tmp_path: Path, repository: Path
    ) -> None:
        header = "model,t_start_s,requests,input_tokens_sum,output_tokens_sum\n"
        (tmp_path / "empty.csv").write_text("")
        (tmp_path / "bad.csv").write_text(header + "a,0,-1,1,1\n")
        (tmp_path / "good.csv").write_text(header + "a,0,1,1,1\na,60,1,1,1\n")
        (tmp_path / "names.csv").write_text(header + "meta/llama,0,1,1,1\nmeta/llama,60,1,1,1\n")
        kind = {"name": "ml.g6.xlarge", "gpus": 1, "gpu_memory_gb": 24, "usd_per_hour": 1.0}
        few = {"as_of": "2027-01-01", "instance_types": [kind]}
        (tmp_path / "few.json").write_text(json.dumps(few))
        filled = [part.format(tmp=tmp_path, repo=repository) for part in arguments]
        out = [] if "--out" in filled else ["--out", str(tmp_path / "out")]

        result = CliRunner().invoke(app, ["demo", *filled, *out])

        assert result.exit_code == 1, result.output
        assert says in result.output.replace("\n", " ")
        assert not list(tmp_path.glob("**/report.html"))
