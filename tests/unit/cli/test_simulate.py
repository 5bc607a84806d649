"""`icscaler simulate` as a new user would try it: short traces, bad traces, bad options."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from icscaler_cli.simulate.traffic import seconds, time_text
from icscaler_sim.simulate import NAMES
from tests.unit.cli.shell import run

HEADER = "model,t_start_s,requests,input_tokens_sum,output_tokens_sum\n"
FLEET = """
version: 1
defaults:
  {policy: {target_tracking: {metric: concurrency, target_value: 24}}}
endpoints: {e: {variants: {v: {instance_type: TYPE, max_instances: 2}}}}
models: [{name: a, max_copies: 4, resources: {gpus: 1, cpus: 4, memory_mb: 8192}}]
"""


def rows(name: str, minutes: int, requests: int, *, start: int = 0) -> str:
    return "".join(
        f"{name},{60 * minute},{requests},{requests * 500},{requests * 50}\n"
        for minute in range(start, start + minutes)
    )


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Forty minutes: one busy model, one that is called once."""
    path = tmp_path / "made_60s.csv"
    path.write_text(HEADER + rows("busy", 40, 300) + rows("seldom", 1, 2, start=25))
    (tmp_path / "made_models.csv").write_text(
        "model,stratum,source_category\nbusy,hot,big\nseldom,rare,small\nnever,idle,small\n"
    )
    return path


def simulate(*arguments: object, code: int = 0) -> Any:
    result = run("simulate", "--processes", "1", *map(str, arguments))
    assert result.exit_code == code, result.output
    return result


def document(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


class TestRuns:
    def test_a_trace_without_a_fleet_file(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        result = simulate("--trace", trace, "--policy", "keep-alive", "--json", out)

        content = document(out)
        [policy] = content["policies"]
        assert policy["requests"]["total"] == content["run"]["requests"] == 40 * 300 + 2
        # Of three models the three busiest are critical.
        assert content["run"]["classes"] == {"critical": 3}
        assert policy["strata"].keys() == {"hot", "rare", "idle"}
        assert "keep-alive" in result.stdout
        assert f"Wrote {out}" in result.stderr

    def test_a_period_and_a_class_rule(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"
        rule = "critical=1,batch"

        simulate(
            "--trace", trace, "--from", "20m", "--to", "30m", "--class-rule", rule, "--json", out
        )

        content = document(out)
        assert content["run"]["period"] == {
            "from_s": 1200,
            "to_s": 1800,
            "hours": 0.1667,
            "starts_at_s": 1_780_272_000 + 1200,
            "warm_up_s": 0,
        }
        assert content["run"]["requests"] == 10 * 300 + 2
        assert content["run"]["classes"] == {"batch": 2, "critical": 1}

    def test_a_warm_up_is_played_and_not_scored(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        simulate(
            *("--trace", trace, "--from", "20m", "--warm-up", "20m", "--policy", "keep-alive"),
            *("--policy", "clairvoyant", "--json", out),
        )

        content = document(out)
        assert content["run"]["period"]["warm_up_s"] == 1200
        assert content["run"]["period"]["starts_at_s"] == 1_780_272_000 + 1200
        for policy in content["policies"]:
            assert policy["requests"]["total"] == 20 * 300 + 2 == content["run"]["requests"]
            # Six GPUs for the floors of the three models, for twenty minutes and not for forty.
            assert policy["gpu_hours"] == pytest.approx(2.0)

    def test_several_policies_settings_and_seeds(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        result = simulate(
            *("--trace", trace, "--policy", "keep-alive", "--policy", "static-packed"),
            *("--set", "keep_s=60,none", "--seed", 1, "--seed", 2, "--json", out),
        )

        policies = document(out)["policies"]
        assert [(p["name"], p["settings"].get("keep_s"), p["seed"]) for p in policies] == [
            ("keep-alive", 60, 1),
            ("keep-alive", 60, 2),
            ("keep-alive", None, 1),
            ("keep-alive", None, 2),
            ("static-packed", None, 1),
            ("static-packed", None, 2),
        ]
        assert "keep-alive (keep_s=60), 2 seeds:" in result.stdout

    def test_gaps_are_played_both_ways(self, trace: Path, tmp_path: Path) -> None:
        trace.write_text(HEADER + rows("busy", 10, 300) + rows("busy", 20, 300, start=20))
        gaps = tmp_path / "gaps.csv"
        gaps.write_text("source_category,start_s,end_s\nbig,600,1200\n")
        out, page = tmp_path / "out.json", tmp_path / "out.html"

        simulate(
            *("--trace", trace, "--gaps", gaps, "--policy", "static-packed"),
            *("--json", out, "--html", page),
        )

        recorded, filled = document(out)["policies"]
        assert (recorded["gaps"], filled["gaps"]) == ("recorded", "filled")
        assert filled["requests"]["total"] - recorded["requests"]["total"] == 10 * 300
        assert "gaps filled" in page.read_text()

    def test_limits_by_class(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        simulate("--trace", trace, "--in-time", "20", "--in-time", "critical=5", "--json", out)

        assert document(out)["run"]["in_time_s"] == {"usual": 20.0, "classes": {"critical": 5.0}}

    def test_the_default_fleet_can_be_written_and_played(self, trace: Path, tmp_path: Path) -> None:
        fleet, first, second = (tmp_path / name for name in ("fleet.yaml", "1.json", "2.json"))

        simulate("--trace", trace, "--write-fleet", fleet, "--json", first)
        simulate("--trace", trace, "--fleet", fleet, "--json", second)

        one, two = document(first)["policies"][0], document(second)["policies"][0]
        assert "class: critical" in fleet.read_text()
        assert {**one, "speed": 0} == {**two, "speed": 0}

    def test_folders_are_made(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "some" / "where" / "out.json"

        simulate("--trace", trace, "--policy", "clairvoyant", "--json", out)

        assert document(out)["policies"]

    def test_our_frontier_by_price(self, trace: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        simulate("--trace", trace, "--price", "1,300", "--json", out)

        policies = document(out)["policies"]
        assert [one["settings"] for one in policies] == [{"price": 1}, {"price": 300}]
        assert policies[0]["gpu_hours"] >= policies[1]["gpu_hours"]

    def test_the_json_alone_on_stdout(self, trace: Path) -> None:
        result = simulate("--trace", trace, "--policy", "clairvoyant", "--json", "-")

        assert json.loads(result.stdout)["policies"][0]["kind"] == "bound"

    def test_generated_traffic(self, tmp_path: Path) -> None:
        out = tmp_path / "out.json"

        simulate(
            *("--trace", "generate:fleet,models=5,days=0.02,mean_rps=3", "--policy", "hpa"),
            *("--json", out),
        )

        assert document(out)["run"]["models"] == 5

    def test_a_silence_is_told(self, trace: Path) -> None:
        trace.write_text(HEADER + rows("busy", 10, 900) + rows("busy", 10, 900, start=60))

        result = simulate("--trace", trace, "--policy", "static-packed")

        assert "Nobody was called from 10m to 1h" in result.stderr

    def test_a_period_beyond_the_end_is_told(self, trace: Path) -> None:
        result = simulate("--trace", trace, "--policy", "clairvoyant", "--to", "7d")

        assert "--to 7d is after the end of the traffic" in result.stderr


def test_policies_are_listed_with_their_knobs() -> None:
    result = simulate("--list-policies")

    for name in NAMES:
        assert name in result.stdout
    assert "keep_s=1200" in result.stdout
    assert "wake_at_refusals=2" in result.stdout


class TestBadInput:
    """Each ends with what is wrong, where, and what to do; exit code 1; nothing written."""

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            pytest.param("", "the file is empty", id="empty"),
            pytest.param(HEADER, "no request in the whole file", id="no rows"),
            pytest.param(
                "model,t_start_s\na,0\n", "missing columns 'requests'", id="missing columns"
            ),
            pytest.param(HEADER + "a,0,-3,1,1\n", ":2: column 'requests': -3", id="negative"),
            pytest.param(HEADER + "a,0,x,1,1\n", "'x' is not a whole number", id="no number"),
            pytest.param(
                HEADER + "a,60,1,1,1\na,0,1,1,1\n", ":3: column 't_start_s': time", id="unsorted"
            ),
            pytest.param(HEADER + "a,0,1,1\n", "4 fields where the header has 5", id="short row"),
            pytest.param(HEADER + "a,0,1,1,1\n", "the width of the bins", id="one bin"),
            pytest.param(
                HEADER + "meta/llama,0,1,1,1\nmeta/llama,60,1,1,1\n",
                "'meta/llama' is not a valid name",
                id="name",
            ),
        ],
    )
    def test_traces(self, text: str, says: str, tmp_path: Path) -> None:
        path = tmp_path / "bad.csv"
        path.write_text(text)

        self._refused(tmp_path, says, "--trace", path)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            pytest.param("möd,t".encode("latin-1"), "not text", id="encoding"),
            pytest.param(gzip.compress(HEADER.encode())[:30], "broken gzip", id="cut gzip"),
        ],
    )
    def test_files_that_are_no_text(self, content: bytes, says: str, tmp_path: Path) -> None:
        path = tmp_path / "bad.csv"
        path.write_bytes(content)

        self._refused(tmp_path, says, "--trace", path)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            pytest.param(("--from", "3d"), "behind the end of the traffic", id="from"),
            pytest.param(("--from", "30m", "--to", "10m"), "nothing lies between", id="swapped"),
            pytest.param(("--from", "12"), "write a number and its unit", id="no unit"),
            pytest.param(("--from", "20m", "--warm-up", "30m"), "before the traffic", id="warm"),
            pytest.param(("--from", "20m", "--warm-up", "5m"), "no multiple of 10m", id="warm 5"),
            pytest.param(("--from", "90s"), "cuts a bin or a minute", id="cut bin"),
            pytest.param(("--policy", "kedaa"), "did you mean keda", id="policy"),
            pytest.param(("--policy", "keda", "--set", "keda.x=1"), "no knob 'x'", id="knob"),
            pytest.param(("--set", "nonsense"), "cannot be read", id="setting"),
            pytest.param(("--set", "icscaler.idl_s=4"), "did you mean idle_s", id="our knob"),
            pytest.param(
                ("--policy", "keda", "--set", "cooldown_s=soon"), "cannot be 'soon'", id="value"
            ),
            pytest.param(("--price", "free"), "is no price", id="price"),
            pytest.param(("--in-time", "gold=5"), "no model is of class gold", id="class"),
            pytest.param(("--in-time", "soon"), "cannot be read", id="limit"),
            pytest.param(("--class-rule", "gold=1,batch"), "cannot be read", id="class rule"),
            pytest.param(("--gaps", "{tmp}/none.csv"), "cannot be read", id="no gaps file"),
            pytest.param(("--gaps", "{tmp}/gaps.csv"), "no model is of category", id="gaps"),
            pytest.param(("--fleet", "{tmp}/fleet.yaml"), "does not know busy", id="models"),
            pytest.param(("--fleet", "{tmp}/none.yaml"), "cannot be read", id="no fleet"),
            pytest.param(
                ("--fleet", "{tmp}/fleet.yaml", "--class-rule", "batch"), "without a fleet", id="2"
            ),
            pytest.param(("--html", "{tmp}/gaps.csv/x.html"), "is no folder", id="no folder"),
            pytest.param(("--html", "{tmp}"), "is a folder", id="a folder"),
            pytest.param(("--prices", "{tmp}/gaps.csv"), "not JSON", id="price table"),
            pytest.param(("--trace", "{tmp}/none.csv"), "cannot be read", id="no trace"),
            pytest.param(("--trace", "{tmp}"), "cannot be read", id="a folder as trace"),
            pytest.param(("--trace", "generate:x"), "no generator 'x'", id="generator"),
            pytest.param(("--trace", "generate:fleet,models=0"), "no number above 0", id="zero"),
            pytest.param(("--trace", "generate:fleet,size=3"), "has no 'size'", id="option"),
            pytest.param(("--trace", "generate:fleet,models=1.5"), "1.5 models", id="half"),
            pytest.param(("--trace", "generate:ensemble,days=900"), "900 days", id="too long"),
            pytest.param(
                ("--write-fleet", "{tmp}/f.yaml", "--trace", "generate:ensemble"),
                "there is a fleet file",
                id="nothing to write",
            ),
        ],
    )
    def test_options(
        self, arguments: tuple[str, ...], says: str, trace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "gaps.csv").write_text("source_category,start_s,end_s\nhuge,600,1200\n")
        (tmp_path / "fleet.yaml").write_text(FLEET.replace("TYPE", "ml.p4d.24xlarge"))
        filled = [part.format(tmp=tmp_path) for part in arguments]
        own = [] if "--trace" in filled else ["--trace", str(trace)]

        self._refused(tmp_path, says, *own, *filled)

    def test_compare_knows_only_all(self, trace: Path) -> None:
        result = simulate("--trace", trace, "--compare", "some", code=1)
        assert "--compare knows only all" in result.output

    def test_a_full_disk_leaves_nothing_half_written(
        self, trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out.json"
        out.write_text("what was there")
        monkeypatch.setattr(Path, "replace", self._full)

        result = simulate("--trace", trace, "--policy", "clairvoyant", "--json", out, code=1)

        assert "cannot be written: No space left" in result.output
        assert out.read_text() == "what was there"
        assert not list(tmp_path.glob(".*"))

    @staticmethod
    def _full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    @staticmethod
    def _refused(tmp_path: Path, says: str, *arguments: object) -> None:
        before = sorted(tmp_path.rglob("*"))
        out = () if "--html" in arguments else ("--html", tmp_path / "report.html")
        result = simulate(*arguments, *out, "--json", tmp_path / "out.json", code=1)
        assert says in result.output.replace("\n", " ")
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("36h", 129_600),
        ("2d", 172_800),
        ("90m", 5400),
        ("0.5h", 1800),
        ("0s", 0),
        ("1d12h", 129_600),
        ("1h 30m", 5400),
    ],
)
def test_times(text: str, value: int) -> None:
    assert seconds("--from", text) == value


@pytest.mark.parametrize(
    ("at_s", "text"), [(0, "0h"), (90, "1m 30s"), (93_600, "1d 2h"), (172_800, "2d")]
)
def test_times_in_words(at_s: int, text: str) -> None:
    assert time_text(at_s) == text
