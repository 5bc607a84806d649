"""What icscaler costs: priced right, counted by size, and the document says what was counted."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recorded
from benchmarks.costs.__main__ import document_tables, main, stored, with_tables
from benchmarks.costs.bill import SHIPPED, Line, PriceFileError, bill, load_prices, total
from benchmarks.costs.count import Counts, item_size, metrics_of
from icscaler_sim.traces import generate_fleet


def test_the_document_has_the_tables_of_the_stored_counts(repository: Path) -> None:
    text = (repository / "docs" / "costs.md").read_text(encoding="utf-8")
    assert text == with_tables(text, document_tables(stored(), load_prices()))


def test_a_hundred_models_were_counted_in_full() -> None:
    (hundred,) = [one for one in stored() if one.models == 100]
    assert hundred.about["failed_invocations"] == 0
    assert hundred.flows["metrics_requested"] > 100 * hundred.minutes / 2
    assert hundred.stocks["own_metrics"] > 9 * hundred.endpoints


def by_unit(lines: list[Line]) -> dict[str, tuple[float, float]]:
    return {line.unit: (round(line.quantity, 6), round(line.usd, 6)) for line in lines}


def test_flows_grow_with_the_month_and_stocks_do_not() -> None:
    counts = Counts(
        models=1,
        endpoints=1,
        minutes=438,  # a hundredth of a month
        flows={"metrics_requested": 1000, "sqs_requests": 3430, "record_bytes": 1024**3},
        stocks={"own_metrics": 2, "alarm_metrics": 3},
        waits={"sagemaker": 10, "dynamodb": 100},
    )
    lines = bill(counts, load_prices())
    found = by_unit(lines)
    assert found["metrics_requested"] == (100_000, 1.0)
    assert found["own_metrics"] == (2, 0.6)
    assert found["alarm_metrics"] == (3, 0.3)
    assert found["sqs_requests"] == (343_000 + 657_000, 0.5)
    assert found["stored_gb"][0] == pytest.approx(100 * 720 / 730)
    assert found["lambda_gb_s"][0] == pytest.approx(100 * (10 * 0.060 + 100 * 0.015))
    assert total(lines) == pytest.approx(sum(usd for _, usd in found.values()))


def test_what_has_no_price_is_not_free() -> None:
    with pytest.raises(KeyError, match="no price for pigeons"):
        bill(Counts(1, 1, 1, flows={"pigeons": 1}), load_prices())


def without_price(document: Any) -> None:
    del document["prices"]["events"]["usd"]


def negative(document: Any) -> None:
    document["prices"]["events"]["usd"] = -1


def undated(document: Any) -> None:
    document["as_of"] = "lately"


def strange(document: Any) -> None:
    document["assumptions"]["moon"] = 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_price, "'usd' is missing"),
        (negative, "events: 'usd' must be 0 or more"),
        (undated, "lately"),
        (strange, "moon"),
    ],
)
def test_a_bad_price_file_is_told_by_name(
    spoil: Callable[[Any], None], told: str, tmp_path: Path
) -> None:
    document = json.loads(SHIPPED.read_text())
    spoil(document)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document))
    with pytest.raises(PriceFileError, match=f"mine.json: .*{told}"):
        load_prices(path)


def test_own_prices_price_the_stored_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(SHIPPED.read_text())
    for price in document["prices"].values():
        price["usd"] = 0
    path = tmp_path / "free.json"
    path.write_text(json.dumps(document))
    assert main(["--no-count", "--prices", str(path)]) == 0
    together = next(line for line in capsys.readouterr().out.splitlines() if "together" in line)
    assert set(together.split("|")[2:-1]) == {" **0.00** "}


def test_items_have_the_size_of_their_bytes() -> None:
    data = b64encode(bytes(3000)).decode()
    item = {"pk": {"S": "endpoint#x"}, "data": {"B": data}, "at_s": {"N": "5"}}
    assert item_size(item) == 2 + 10 + 4 + 3000 + 4 + 21


def test_metrics_are_told_apart_by_dimensions() -> None:
    def line(endpoint: str) -> dict[str, Any]:
        metrics = [{"Name": "Looks", "Unit": "Count"}, {"Name": "Copies", "Unit": "Count"}]
        group = {"Namespace": "icscaler", "Dimensions": [["endpoint"]], "Metrics": metrics}
        return {"_aws": {"CloudWatchMetrics": [group]}, "endpoint": endpoint}

    assert len(metrics_of(line("a")) | metrics_of(line("b")) | metrics_of(line("a"))) == 4


def test_a_large_fleet_is_the_recording_on_several_days(monkeypatch: pytest.MonkeyPatch) -> None:
    week = generate_fleet(6, 1, days=3, mean_rps=20)
    monkeypatch.setattr(recorded, "recording", lambda: week)
    trace = recorded.traffic(models=15, hours=2, from_h=5)
    assert len(trace.models) == 15
    assert trace.period_s == 2 * 3600
    found = trace.totals()
    for day, suffix in enumerate(("", "-d1")):
        start_s = day * 86_400 + 5 * 3600
        expected = week.window(start_s, start_s + 2 * 3600).totals()
        for name in week.models:
            assert found[name + suffix] == expected[name]
    assert sum(name.endswith("-d2") for name in trace.models) == 3
