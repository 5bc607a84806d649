"""The report: figures, words, and a page that stands alone."""

import html.parser
import json
import re
from dataclasses import replace

import pytest

from icscaler.reasons import Reason
from icscaler_sim.report import (
    Requests,
    explain_change,
    explain_step,
    report_html,
    summary,
    summary_json,
)
from icscaler_sim.report.html import MOST_POINTS, document
from icscaler_sim.report.summary import percentile
from icscaler_sim.report.wording import WORDS
from tests.unit.report.made_up import made_up_run, unhealthy_run


class TestSummary:
    def test_holds_every_alternative_on_both_kinds_of_types(self) -> None:
        found = summary(made_up_run())

        for figure in ("gpu_hours", "instance_hours", "instance_gpu_hours", "dollars"):
            assert set(found[figure]) == {
                "icscaler",
                "icscaler_cheapest_type",
                "endpoint_per_model",
                "endpoint_per_model_cheapest_type",
            }
        assert found["dollars"]["icscaler"] == 100.0
        # A loss is shown as it is.
        assert found["dollars"]["endpoint_per_model_cheapest_type"] == 60.0

    def test_counts_requests_wakes_and_changes(self) -> None:
        found = summary(made_up_run())

        assert found["requests"] == {
            "total": 15_400,
            "in_time": 15_330,
            "late": 10,
            "refused": 60,
            "in_time_fraction": 0.995455,
        }
        assert (found["wakes"]["total"], found["wakes"]["p50_s"]) == (2, 100.0)
        assert (found["wakes"]["p90_s"], found["wakes"]["longest_s"]) == (240.0, 240.0)
        assert found["changes"] == {
            "total": 2,
            "scale_out": 1,
            "scale_in": 1,
            "to_zero": 1,
            "from_zero": 1,
            "not_accepted": 1,
        }
        assert found["invariant_violations"] == []

    def test_says_what_went_wrong(self) -> None:
        run = unhealthy_run()

        assert not run.healthy
        assert summary(run)["invariant_violations"] == ["2: AllTraffic would hold 40 GPUs of 32"]
        assert summary(run)["failed_looks"] == ["00:01 reconcile: boom"]

    def test_without_traffic(self) -> None:
        run = replace(made_up_run(), models=[], wakes=[], changes=[])
        found = json.loads(summary_json(run))

        assert found["requests"]["in_time_fraction"] == 1.0
        assert found["wakes"] == {
            "total": 0,
            "p50_s": None,
            "p90_s": None,
            "longest_s": None,
            "each": [],
        }


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        pytest.param([], 0.5, None, id="none"),
        pytest.param([7.0], 0.9, 7.0, id="one"),
        pytest.param([1.0, 2.0, 3.0, 4.0], 0.5, 2.0, id="nearest rank"),
        pytest.param([float(n) for n in range(1, 11)], 0.9, 9.0, id="p90 of ten"),
    ],
)
def test_percentile(values: list[float], fraction: float, expected: float | None) -> None:
    assert percentile(values, fraction) == expected


class TestWords:
    def test_every_reason_has_words(self) -> None:
        assert set(WORDS) == set(Reason)

    @pytest.mark.parametrize(
        ("step", "words"),
        [
            ("AboveTarget 3", "load per copy is above target: 3"),
            ("Displaced 0 by warm", "made room for a model worth more (warm): 0"),
            ("Paused", "paused"),
            ("FromTheFuture 2", "FromTheFuture: 2"),
        ],
    )
    def test_a_step(self, step: str, words: str) -> None:
        assert explain_step(step) == words

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            ((), "no reason recorded"),
            (("Idle 0",), "no request for the idle time"),
            (
                ("AboveTarget 9", "ScaleOutRate 3"),
                "load per copy is above target; no faster than the scale-out limit",
            ),
        ],
    )
    def test_a_change(self, steps: tuple[str, ...], words: str) -> None:
        assert explain_change(steps) == words


class _Page(html.parser.HTMLParser):
    """Collects ids, addresses and the data of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.data = ""
        self._in_data = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "id" in values:
            self.ids.append(str(values["id"]))
        self.addresses += [str(values[key]) for key in ("src", "href", "action") if key in values]
        self._in_data = tag == "script" and values.get("type") == "application/json"

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self._in_data = False


class TestPage:
    def test_needs_nothing_from_anywhere(self) -> None:
        text = report_html(made_up_run())
        page = _Page(text)

        assert page.addresses == []
        # The one address is the name of the SVG language, which nobody fetches.
        assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}
        assert "@import" not in text
        assert "url(" not in text

    def test_every_place_its_script_writes_to_exists(self) -> None:
        text = report_html(made_up_run())
        wanted = set(re.findall(r"\$\(\"([a-z-]+)\"\)", text))

        assert wanted
        assert wanted <= set(_Page(text).ids)
        assert not re.search(r"@[A-Z]+@", text)

    def test_texts_cannot_leave_their_place(self) -> None:
        text = report_html(made_up_run())

        assert "A &lt;made-up&gt; run" in text
        assert "</script><b>" not in text
        data = json.loads(_Page(text).data)
        assert data["changes"][1][6] == "</script><b>still updating"
        assert data["changes"][2][7] == ["4 min after use: 0 copies, weight 0.71, cost 12"]

    def test_data_is_the_run(self) -> None:
        run = made_up_run()
        data = json.loads(_Page(report_html(run)).data)

        assert data == json.loads(json.dumps(document(run)))
        assert [model["gpu_hours"] for model in data["models"]] == [2.0, 3.93]
        assert data["change_figures"]["total"] == 2
        (standing,) = data["standings"]
        assert standing["rules"] == [["1 x peak of 3 min", 2, 0.812, 61.2, 4.0, 1841]]
        assert standing["next_best"] == [[1, 75], [2, 0]]

    def test_long_runs_are_drawn_with_fewer_points(self) -> None:
        steps = 2 * MOST_POINTS + 1
        long = replace(
            made_up_run(),
            steps=steps,
            models=[
                replace(
                    made_up_run().models[0],
                    demand_rps=[1.0, 3.0] * MOST_POINTS + [2.0],
                    lost=[1] * steps,
                    held=[1.0] * steps,
                    ready=[1.0] * steps,
                )
            ],
            gpus_in_use=[1.0] * steps,
            gpu_capacity=[8.0] * steps,
        )
        data = document(long)
        model = data["models"][0]

        assert data["step_s"] == 180
        assert len(model["demand"]) == len(data["gpus_in_use"]) == 961
        assert sum(model["lost"]) == steps
        assert model["demand"][0] == pytest.approx((1 + 3 + 1) / 3, abs=0.001)

    def test_trouble_is_in_the_page(self) -> None:
        data = json.loads(_Page(report_html(unhealthy_run())).data)

        assert data["failed_looks"]
        assert data["invariant_violations"]


def test_requests_add_up() -> None:
    assert Requests(3, 1, 1, 1) + Requests(2, 2, 0, 0) == Requests(5, 3, 1, 1)
    assert Requests().in_time_fraction == 1.0
