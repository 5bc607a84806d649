"""Sweeps: runs are found again, frontiers and bars say what the records say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.sweeps import plan, scenes
from benchmarks.sweeps.ablations import ABLATIONS, without
from benchmarks.sweeps.bars import Bar, against_peers
from benchmarks.sweeps.lines import frontier, gpu_hours_at, loss_at, reached_first
from benchmarks.sweeps.picture import picture
from benchmarks.sweeps.play import play
from benchmarks.sweeps.records import Ledger, Record, Run
from benchmarks.sweeps.scenes import SceneKey
from benchmarks.sweeps.tables import tables
from icscaler.policies.tournament import rules, vote
from icscaler.policies.tournament.learn import fresh_memory
from icscaler_sim.baselines import PEERS
from icscaler_sim.simulate import Job


@pytest.fixture(autouse=True)
def little_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICSCALER_TRACES", raising=False)
    monkeypatch.setitem(scenes.GENERATED, "fleet", "generate:fleet,models=8,days=1,mean_rps=20")


def record(gpu_hours: float, lost: float, policy: str = "keep-alive") -> Record:
    told = {"policy": policy, "settings": {}}
    return Record("", "", told, {"gpu_hours": gpu_hours, "lost": lost, "model_lost": lost})


POINTS = [record(100, 0.04), record(200, 0.01), record(150, 0.05), record(400, 0.0025)]


class TestLines:
    def test_a_frontier_leaves_out_what_is_beaten(self) -> None:
        assert [one.gpu_hours for one in frontier(POINTS)] == [100, 200, 400]

    @pytest.mark.parametrize(
        ("level", "hours"),
        [
            pytest.param(0.04, 100, id="a point itself"),
            pytest.param(0.02, 150, id="halfway in the logarithm"),
            pytest.param(0.005, 300, id="halfway further on"),
            pytest.param(0.1, 100, id="looser than all: the leanest"),
            pytest.param(0.001, None, id="tighter than all"),
        ],
    )
    def test_hours_at_a_loss(self, level: float, hours: float | None) -> None:
        found = gpu_hours_at(POINTS, level)
        assert found == (None if hours is None else pytest.approx(hours))

    @pytest.mark.parametrize(
        ("hours", "lost"), [(99, None), (100, 0.04), (150, 0.02), (300, 0.005), (999, 0.0025)]
    )
    def test_loss_at_hours(self, hours: float, lost: float | None) -> None:
        found = loss_at(POINTS, hours)
        assert found == (None if lost is None else pytest.approx(lost))

    def test_reached_as_played(self) -> None:
        assert reached_first(POINTS, 0.02) is POINTS[1]
        assert reached_first(POINTS, 0.001) is None


class TestBars:
    def test_the_best_peer_of_each_level_counts(self) -> None:
        ours = [record(90, 0.03), record(160, 0.003)]
        peers = [POINTS, [record(180, 0.01, "hpa")]]
        first, second, third, last = against_peers(ours, peers)
        assert isinstance(first, Bar)
        assert (second.met, second.bar) == (True, "<= 0.90")
        assert float(second.figure) == pytest.approx(gpu_hours_at(ours, 0.01) / 180, abs=1e-3)
        assert third.met
        assert last.met

    def test_missed_and_not_measured(self) -> None:
        dear = [record(500, 0.0025)]
        assert [bar.met for bar in against_peers(dear, [POINTS])] == [False] * 4
        assert [bar.met for bar in against_peers([], [POINTS])] == [None] * 4

    def test_nobody_else_gets_there(self) -> None:
        bars = list(against_peers([record(100, 0.001)], [[record(50, 0.02)]]))
        assert bars[0].met is False
        assert bars[3] == Bar(bars[3].claim, "no peer gets there", "<= 0.70", True)


def test_the_picture_has_every_setting_and_every_policy() -> None:
    ours = [record(hours, share, "icscaler") for hours, share in ((90, 0.03), (160, 0.003))]
    for one in (*ours, *POINTS):
        one.figures["gpus"] = one.gpu_hours / 24
    drawn = ElementTree.fromstring(picture({"icscaler": ours, "a & b": POINTS[:3]}, "t", {"x": 4}))
    tags = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert tags.count("circle") == 2 * (len(ours) + 3), "by requests and by models"
    assert tags.count("polyline") == 4
    assert {"icscaler", "a & b", "x"} <= {element.text for element in drawn.iter()}


class TestRecords:
    def run(self, **keys: Any) -> Run:
        return Run(SceneKey(to_day=0.25), Job("keep-alive", **keys))

    def test_everything_that_determines_a_run_is_in_its_key(self) -> None:
        other_scene = Run(SceneKey(to_day=0.5), Job("keep-alive"))
        runs = [
            self.run(),
            self.run(seed=1),
            self.run(settings={"keep_s": 60}),
            other_scene,
            Run(SceneKey(to_day=0.25), Job("keda")),
            Run(SceneKey(to_day=0.25, start_s=15.0), Job("keep-alive")),
        ]
        assert len({run.key for run in runs}) == len(runs)
        assert self.run(settings={"keep_s": 1200}).key == self.run().key, "that is the default"

    def test_a_kept_run_is_found_again_after_an_interruption(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.jsonl"
        Ledger(path).keep(self.run(), {"gpu_hours": 1.0})
        with path.open("a") as file:
            file.write('{"key": "cut o')
        again = Ledger(path)
        assert again.of(self.run()).figures == {"gpu_hours": 1.0}
        again.keep(self.run(seed=1), {"gpu_hours": 2.0})
        assert Ledger(path).of(self.run(seed=1)).figures == {"gpu_hours": 2.0}
        assert Ledger(path).of(self.run(seed=2)) is None

    def test_other_code_counts_only_when_asked(self, tmp_path: Path) -> None:
        path = tmp_path / "runs.jsonl"
        Ledger(path).keep(self.run(), {"gpu_hours": 1.0})
        line = json.loads(path.read_text()) | {"code": "older"}
        path.write_text(json.dumps(line) + "\n")
        assert Ledger(path).of(self.run()) is None
        assert Ledger(path).of(self.run(), any_code=True).figures == {"gpu_hours": 1.0}


class TestAblations:
    def test_each_is_a_run_of_its_own_and_is_named(self) -> None:
        whole, *others = plan.ablations(plan.FULL_GRID)
        assert len({run.key for run in (whole, *others)}) == 1 + len(ABLATIONS)
        assert "without" not in whole.told()
        assert [run.told()["without"] for run in others] == list(ABLATIONS)
        assert not list(plan.ablations(plan.REDUCED_GRID))

    @pytest.mark.parametrize("name", [name for name, one in ABLATIONS.items() if one.replaced])
    def test_the_part_is_out_for_that_run_only(self, name: str) -> None:
        places = ABLATIONS[name].replaced
        before = {place: getattr(*place) for place in places}
        with without(name):
            assert all(getattr(*place) is not before[place] for place in places)
        assert all(getattr(*place) is before[place] for place in places)

    def test_one_fixed_rule_for_all_is_one_rule(self) -> None:
        memory, terms = fresh_memory(used=True), vote.Terms(slots=10.0, gpus=1, price=30.0)
        with without("both: one fixed rule for all"):
            level = vote.weights(vote.level_costs(memory, terms), 0.1)
            keep = vote.weights(vote.keep_costs(memory, terms), 0.1)
        chosen = rules.LEVEL_RULES[level.index(1.0)], rules.KEEP_RULES[keep.index(1.0)]
        assert [rule.name for rule in chosen] == ["1 x peak of 20 min", "20 min after use"]


class TestPlan:
    def test_every_peer_is_swept_and_starts_with_its_defaults(self) -> None:
        assert set(plan.PAIRS) == set(plan.REDUCED) == {one.name for one in PEERS}
        for one in PEERS:
            usual = {knob.name: knob.default for knob in one.knobs}
            reduced = list(plan.settings_of(one.name, full=False))
            full = list(plan.settings_of(one.name, full=True))
            assert reduced[0] == full[0] == usual
            assert len(full) > len(reduced) > 1
            for settings in (*reduced, *full):
                assert one.settings(settings) == settings
            tried = {knob.name: {settings[knob.name] for settings in full} for knob in one.knobs}
            assert all(tried[knob.name] >= set(knob.values) for knob in one.knobs)

    def test_without_recorded_traffic_the_generator_is_played(self, tmp_path: Path) -> None:
        run = plan.other(SceneKey(to_day=0.25), "keep-alive", {})
        figures = play(run)
        assert figures["requests"] > 10_000
        assert 0 < figures["lost"] < 0.5
        (part,) = figures["parts"]
        assert part["gpu_hours"] == pytest.approx(figures["gpu_hours"], rel=0.01)
        assert part["requests"] == figures["requests"]
        assert part["lost"] == pytest.approx(figures["late"] + figures["refused"], rel=0.01)
        instances = scenes.share_of_peak(figures["peak_gpus"], 0.6)
        short = plan.other(SceneKey(to_day=0.25, instances=instances), "keep-alive", {})
        assert play(short)["gpu_hours"] <= figures["gpu_hours"]

    def test_start_up_times_are_what_was_asked_for(self) -> None:
        scenario = scenes.build(SceneKey(to_day=0.25, start_s=60.0))
        settings = scenario.settings
        median_s = 15 * settings.weights_load_s_per_gb.at(0.5) + settings.engine_start_s.at(0.5)
        assert median_s == pytest.approx(60)


def test_tables_of_nothing_say_that_nothing_was_measured(tmp_path: Path) -> None:
    from benchmarks.sweeps.bars import Results

    text = "\n".join(tables(Results(plan.REDUCED_GRID, Ledger(tmp_path / "none"), False)))
    assert "GENERATED traffic" in text
    assert "not measured" in text
    assert "met" not in text.replace("metric", "")
