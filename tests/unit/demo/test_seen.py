"""What people see: the live table, plain lines, the figures at the end, exit codes."""

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from icscaler_cli.demo import run as demo_run
from icscaler_cli.demo.look_log import LoggedChange
from icscaler_cli.demo.play import Minute
from icscaler_cli.demo.printed import print_result
from icscaler_cli.demo.scenario import Scenario, Wanted, build_scenario
from icscaler_cli.demo.view import LEAST_HEIGHT, LiveView, PlainView, open_view
from icscaler_cli.main import app
from icscaler_sim.pricing import load_prices
from icscaler_sim.report import RunResult
from icscaler_sim.simulate.default_fleet import fleet_text
from icscaler_sim.simulate.places import Copies
from icscaler_sim.traces import default_copy_shape, generate_fleet, write_trace
from tests.unit.report.made_up import bill, made_up_run, unhealthy_run


@pytest.fixture
def scenario(repository: Path, tmp_path: Path) -> Scenario:
    wanted = Wanted(trace=None, fleet=None, hours=2.0, start_h=9.0, seed=0)
    return build_scenario(wanted, repository, tmp_path, load_prices())


def _minute(number: int, at_s: int, *, ready: int = 2) -> Minute:
    seen = {"inline-completion": Copies(5, ready, settled=False)}
    change = LoggedChange(
        at_s - 30, "inline-completion", 2, 5, "Accepted", ("AboveTarget 9", "ScaleOutRate 5")
    )
    return Minute(number, at_s, seen, {"inline-completion": 81.25}, [change], 12.0, 16.0)


def _drawn(view: LiveView, width: int = 110, height: int = 30) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, record=True)
    console.print(view.picture())
    return console.export_text()


class TestLiveView:
    def test_shows_copies_demand_and_why(self, scenario: Scenario) -> None:
        view = LiveView(Console(width=110, height=30), scenario)
        view.minute(_minute(30, scenario.start_s + 1800))
        drawn = _drawn(view)

        assert "Mon 09:30" in drawn
        assert "12 in use of 16" in drawn
        row = next(line for line in drawn.splitlines() if line.startswith("inline-completion"))
        assert "██░░░ 2 → 5" in row
        assert "81.2" in row
        assert "09:29 2 → 5 load per copy is above target; no faster than" in row

    def test_a_change_is_forgotten_after_a_while(self, scenario: Scenario) -> None:
        view = LiveView(Console(width=110, height=30), scenario)
        view.minute(_minute(30, scenario.start_s + 1800))
        later = replace(_minute(90, scenario.start_s + 5400), changes=[])
        view.minute(later)

        assert "above target" not in _drawn(view)

    def test_more_models_than_lines_shows_those_that_changed(self, tmp_path: Path) -> None:
        trace = generate_fleet(60, 1, days=0.1, mean_rps=5.0)
        write_trace(trace, tmp_path / "many.csv")
        wanted = Wanted(tmp_path / "many.csv", None, None, 0.0, 0)
        scenario = build_scenario(wanted, tmp_path, tmp_path, load_prices())
        view = LiveView(Console(width=100, height=LEAST_HEIGHT), scenario)
        last = list(scenario.models())[-1]
        change = LoggedChange(scenario.start_s, last, 0, 1, "InFlight", ("Idle 0",))
        view.minute(replace(_minute(1, scenario.start_s + 60), copies={}, changes=[change]))
        drawn = _drawn(view, 100, LEAST_HEIGHT)

        assert len(drawn.rstrip().splitlines()) <= LEAST_HEIGHT
        assert last in drawn
        assert "(InFlight)" in drawn


def test_plain_view_has_a_line_an_hour(scenario: Scenario) -> None:
    said = io.StringIO()
    view = PlainView(Console(file=said, width=100), scenario)
    for number in range(1, 121):
        view.minute(_minute(number, scenario.start_s + 60 * number))

    lines = said.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Mon 11:00:00     292,500 requests    2 copies    12 of 16 GPUs")


@pytest.mark.parametrize(
    ("options", "kind", "told"),
    [
        pytest.param({"force_terminal": True, "width": 100, "height": 30}, LiveView, "", id="live"),
        pytest.param({"force_terminal": True, "width": 60, "height": 30}, PlainView,
                     "60 x 30 characters", id="narrow"),
        pytest.param({"force_terminal": True, "width": 100, "height": 8}, PlainView,
                     "100 x 8 characters", id="low"),
        pytest.param({"width": 100, "height": 30}, PlainView, "", id="no terminal"),
    ],
)  # fmt: skip
def test_the_view_fits_the_terminal(
    scenario: Scenario, options: dict[str, Any], kind: type, told: str
) -> None:
    said = io.StringIO()
    with open_view(Console(file=said, **options), scenario, plain=False) as view:
        assert isinstance(view, kind)
    assert told in said.getvalue().replace("\n", " ")


class TestPrinted:
    def _said(self, run: RunResult) -> str:
        said = io.StringIO()
        print_result(Console(file=said, width=120), run, Path("build/demo"), 95.0)
        return said.getvalue()

    def test_figures_and_verdicts(self) -> None:
        said = self._said(made_up_run())

        assert "75% less on p4d.24xlarge, 50% more on the cheapest fitting types" in said
        assert "A loss: one endpoint per model" in said
        assert "2 wakes from zero" in said
        assert "2 changes: 1 out, 1 in, 1 to zero, 1 from zero; 1 not accepted." in said
        assert "2 h played in 1 min 35 s. Open build/demo/report.html" in said

    def test_a_saving_is_no_loss(self) -> None:
        run = made_up_run()
        dear = replace(run.alternatives[1], on_cheapest=bill(95.0))
        said = self._said(replace(run, alternatives=[run.alternatives[0], dear]))

        assert "A loss" not in said

    def test_trouble_is_told(self) -> None:
        said = self._said(unhealthy_run())

        assert "1 invariant violations, 1 failed looks of 120" in said
        assert "AllTraffic would hold 40 GPUs of 32" in said

    def test_without_traffic(self) -> None:
        said = self._said(replace(made_up_run(), wakes=[], changes=[], models=[]))

        assert "No model was asked for at zero copies." in said
        assert "nothing to compare with" in said
        assert "A loss" not in said


class TestExitCodes:
    @pytest.mark.parametrize(
        ("outcome", "code", "told"),
        [
            pytest.param(made_up_run(), 0, "", id="healthy"),
            pytest.param(unhealthy_run(), 4, "not healthy", id="unhealthy"),
            pytest.param(KeyboardInterrupt(), 130, "Interrupted", id="interrupted"),
        ],
    )
    def test_code(
        self, outcome: Any, code: int, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def played(*_: object) -> RunResult:
            if isinstance(outcome, BaseException):
                raise outcome
            assert isinstance(outcome, RunResult)
            return outcome

        monkeypatch.setattr(demo_run, "run_demo", played)
        result = CliRunner().invoke(app, ["demo"])

        assert result.exit_code == code
        assert told in result.output


def test_a_fleet_that_cannot_be_played_is_told(tmp_path: Path) -> None:
    shapes = {"a": default_copy_shape("a")}
    text = fleet_text("x", shapes, {"a": 1}, load_prices())
    (tmp_path / "cpu.yaml").write_text(re.sub(r"gpus: \d", "gpus: 0", text))
    write_trace(generate_fleet(1, 1, days=0.1).select(["model-000"]), tmp_path / "t.csv")

    result = CliRunner().invoke(
        app, ["demo", "--trace", str(tmp_path / "t.csv"), "--fleet", str(tmp_path / "cpu.yaml"),
              "--out", str(tmp_path)],
    )  # fmt: skip

    assert result.exit_code == 1
    assert "a model without GPUs" in result.output
