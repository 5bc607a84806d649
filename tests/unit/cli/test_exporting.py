"""Reading history: pages are put together, half a series is none, tokens stand for time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from icscaler_cli.exporting.parts import Parts, Plan, UnusablePartsError
from icscaler_cli.exporting.percentages import Percentages
from icscaler_cli.exporting.reserved import measured
from icscaler_cli.exporting.series import History, read_span, sources
from icscaler_cli.exporting.trace import gaps, tokens_of
from icscaler_cli.output import AwsTroubleError
from icscaler_sim.traces import copy_shape_for

EVERY = sources(["a"], [("shared", "main")])
MANY = sources([f"m{number}" for number in range(200)], [])


def test_a_variants_requests_are_read_from_its_own_series() -> None:
    found = sources(["a", "b"], [("own", "blue")], {"b": ("own", "blue")})
    of_b = [one for one in found if one.model == "b"]
    assert [one.says for one in of_b] == ["accepted", "latency"]
    assert all(one.dimensions == {"EndpointName": "own", "VariantName": "blue"} for one in of_b)
    assert {one.dimensions["InferenceComponentName"] for one in found if one.model == "a"} == {"a"}


def test_what_copies_use_is_asked_for_as_mean_and_most_and_tells_that_they_live() -> None:
    found = sources(["a", "b"], [], {"b": ("own", "blue")}, used=["a", "b"])
    uses = [(one.model, one.metric, one.stat) for one in found if one.of is not None]
    for name, memory in (("a", "MemoryUtilizationNormalized"), ("b", "MemoryUtilization")):
        mine = {(metric, stat) for model, metric, stat in uses if model == name}
        assert mine == {
            (metric, stat)
            for metric in (
                "CPUUtilizationNormalized",
                memory,
                "GPUUtilizationNormalized",
                "GPUMemoryUtilizationNormalized",
            )
            for stat in ("Average", "Maximum")
        }
    assert "alive" not in {one.says for one in found}
    places = {one.namespace for one in found if one.of is not None and one.model == "b"}
    assert places == {"/aws/sagemaker/Endpoints"}


class Pages:
    """A CloudWatch that answers with prepared pages of (series, status, {time: value})."""

    def __init__(self, *pages: list[tuple[int, str, dict[int, float]]]) -> None:
        self._pages = list(pages)
        self.asked: list[int] = []

    def get_metric_data(self, **arguments: Any) -> Any:
        self.asked.append(len(arguments["MetricDataQueries"]))
        page = self._pages.pop(0) if self._pages else []
        results = [
            {
                "Id": f"m{series}",
                "StatusCode": status,
                "Timestamps": [datetime.fromtimestamp(at_s, UTC) for at_s in values],
                "Values": list(values.values()),
            }
            for series, status, values in page
        ]
        more = {"NextToken": "more"} if self._pages else {}
        return {"MetricDataResults": results, **more}


def read(*pages: list[tuple[int, str, dict[int, float]]]) -> History:
    client: Any = Pages(*pages)
    return read_span(client, EVERY, 0, 300, 60)


def test_pages_and_series_are_summed_and_every_sign_is_heard() -> None:
    history = read(
        [(0, "PartialData", {0: 5.0}), (1, "Complete", {60: 2.0}), (2, "Complete", {0: 2e6})],
        [(0, "Complete", {60: 1.0}), (4, "Complete", {120: 1.0, 300: 1.0})],
    )
    assert history.requests == {"a": {0: 5, 60: 3}}
    assert history.latency_s == {"a": {0: 2.0}}
    assert history.heard == {0, 60, 120}, "what is past the span's end is the next one's"


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_half_a_series_is_no_history(status: str) -> None:
    with pytest.raises(AwsTroubleError):
        read([(0, status, {0: 5.0}), (1, "Complete", {})])


def test_five_hundred_series_a_call() -> None:
    client: Any = Pages()
    read_span(client, MANY, 0, 300, 60)
    assert client.asked == [500, 300]


def test_gaps_are_joined_and_silence_of_one_model_is_none() -> None:
    plan = Plan(("a", "b"), 600, 1200, 60)
    history = History(heard={600, 660, 840, 1140})
    assert gaps(plan, history) == [(120, 240), (300, 540)]


def test_a_period_is_read_by_the_day_of_minutes() -> None:
    assert Plan(("a",), 0, 200_000, 60).spans == [
        (0, 86_400),
        (86_400, 172_800),
        (172_800, 200_000),
    ]
    assert Plan(("a",), 0, 600_000, 300).spans == [(0, 432_000), (432_000, 600_000)]


@pytest.mark.parametrize("gpus", [0, 1, 2, 4])
def test_tokens_take_the_usual_latency(gpus: int) -> None:
    tokens = tokens_of({0: 3.0, 60: 3.0, 120: 90.0}, gpus)
    profile = copy_shape_for(max(1, gpus)).profile
    assert profile.service_s(0, tokens) == pytest.approx(3.0, abs=profile.output_token_s)
    assert tokens_of({}, gpus) == 0


def test_parts_are_kept_as_they_were_and_damage_is_told(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "out.csv")
    plan = Plan(("a",), 0, 172_800, 60)
    assert parts.open(plan) == plan
    history = History({"a": {0: 3, 60: 1}}, {"a": {0: 0.25}}, {0, 60, 120})
    history.used = {"a": {"cpus": Percentages(2, 30.0, 25.5, {10: 1, 26: 1})}}
    span = plan.spans[0]
    assert parts.read(span) is None
    parts.keep(span, history)
    assert parts.read(span) == history
    later = Plan(("a",), 0, 180_000, 60)
    assert parts.open(later) == plan, "it is finished as it was begun"
    (parts.folder / "0-86400.json").write_text("[]")
    with pytest.raises(UnusablePartsError, match=r"damaged part 0-86400\.json"):
        parts.read(span)


def test_percentages_of_spans_add_up_and_are_never_below_the_truth() -> None:
    whole, first, second = Percentages(), Percentages(), Percentages()
    for number in range(200):
        for one in (whole, first if number < 70 else second):
            one.take_mean(number / 4)
            one.take_most(number / 2)
    first.add(second)
    assert first == whole
    assert (whole.mean, whole.most) == (24.875, 99.5)
    assert 98.5 <= whole.percentile(0.99) <= 99.5
    assert whole.percentile(1.0) == 99.5


def test_a_row_for_what_was_measured_and_of_how_much() -> None:
    used = {"a": {"cpus": Percentages(2, 30.0, 25.5, {10: 1, 26: 1}), "gpus": Percentages(1, 5.0)}}
    (row,) = measured(used, {"a": {"cpus": 8.0, "gpus": 1}}, 300)
    assert (row.model, row.resource, row.reserved, row.mean_percent) == ("a", "cpus", 8.0, 15.0)
    assert 25.5 <= row.most_percent <= 25.51
    assert row.measured_s == 600
    (unknown,) = measured({"b": {"cpus": used["a"]["cpus"]}}, {"b": {"cpus": 0.0}}, 60)
    assert unknown.reserved is None
