"""Readers: what is accepted, and what every kind of broken file is told."""

import gzip
from pathlib import Path

import pytest

from icscaler_sim.traces import TraceError, read_gaps, read_models, read_trace

HEADER = "model,t_start_s,requests,input_tokens_sum,output_tokens_sum\n"
REQUESTS_HEADER = "t_s,model,input_tokens,output_tokens\n"
GOOD = HEADER + "a,0,2,20,4\na,60,1,10,2\nb,60,5,50,5\n"


def _file(folder: Path, text: str, name: str = "traffic.csv") -> Path:
    path = folder / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["traffic.csv", "traffic.csv.gz"])
def test_bins_come_in_time_order_with_all_models_of_a_bin(tmp_path: Path, name: str) -> None:
    trace = read_trace(_file(tmp_path, GOOD, name))

    assert (trace.models, trace.width_s, trace.period_s) == (("a", "b"), 60, 120)
    assert list(trace.iter_bins()) == [
        (0, 60, [("a", 2, 20, 4)]),
        (60, 60, [("a", 1, 10, 2), ("b", 5, 50, 5)]),
    ]


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "traffic.csv"
    path.write_bytes(gzip.compress(GOOD.encode()))

    assert len(read_trace(path)) == 3


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "output_tokens_sum,extra,t_start_s,requests,model,input_tokens_sum\n"
            "4,x,0,2,a,20\n2,,60,1,a,10\n5,y,60,5,b,50\n",
            id="columns in another order, one more",
        ),
        pytest.param("\ufeff" + GOOD.replace("\n", "\r\n"), id="byte order mark, CRLF"),
        pytest.param(GOOD.replace("a,60", "b,0,0,0,0\na,60") + "\n", id="zero row, blank line"),
    ],
)
def test_harmless_differences_read_the_same(tmp_path: Path, text: str) -> None:
    same = read_trace(_file(tmp_path, GOOD, "plain.csv"))
    other = read_trace(_file(tmp_path, text))

    assert list(other.iter_bins()) == list(same.iter_bins())


def test_requests_are_summed_into_bins(tmp_path: Path) -> None:
    text = REQUESTS_HEADER + "0.5,a,10,1\n9.999,a,20,2\n9.999,b,1,1\n25,a,5,5\n"

    trace = read_trace(_file(tmp_path, text))

    assert (trace.width_s, trace.period_s) == (10, 30)
    assert list(trace.iter_bins()) == [
        (0, 10, [("a", 2, 30, 3), ("b", 1, 1, 1)]),
        (20, 10, [("a", 1, 5, 5)]),
    ]
    assert list(read_trace(_file(tmp_path, text), width_s=60).iter_bins()) == [
        (0, 60, [("a", 3, 35, 8), ("b", 1, 1, 1)])
    ]


def test_models_file_beside_the_trace_adds_models_never_called(tmp_path: Path) -> None:
    _file(tmp_path, "model,stratum\nb,hot\na,cold\nsilent,idle\n", "fleet_models.csv")

    trace = read_trace(_file(tmp_path, GOOD, "fleet_60s.csv"))

    assert trace.models == ("b", "a", "silent")
    assert trace.totals()["silent"].requests == 0


def test_model_that_the_models_file_does_not_list_is_refused(tmp_path: Path) -> None:
    models = _file(tmp_path, "model\na\n", "fleet_models.csv")

    with pytest.raises(TraceError) as caught:
        read_trace(_file(tmp_path, GOOD, "fleet_60s.csv"))

    assert (caught.value.line, caught.value.column) == (4, "model")
    assert "unknown model 'b'" in str(caught.value)
    assert str(models) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        pytest.param("", None, None, "the file is empty", id="empty file"),
        pytest.param(HEADER, None, None, "no request", id="header only"),
        pytest.param(HEADER + "a,0,0,0,0\n", None, None, "no request", id="zeros only"),
        pytest.param("model,t_start_s\na,0\n", 1, None, "'requests', 'input_tok", id="columns"),
        pytest.param("t_s,model\n0,a\n", 1, None, "'input_tokens'", id="columns of requests"),
        pytest.param("1,2,3\n4,5,6\n", 1, None, "missing columns", id="no header"),
        pytest.param("model,model\na,a\n", 1, None, "named twice", id="column twice"),
        pytest.param(HEADER + "a,0,1,1\n", 2, None, "4 fields", id="field missing"),
        pytest.param(HEADER + "a,0,1,1,1,1\n", 2, None, "6 fields", id="field too many"),
        pytest.param(HEADER + "a,0,-3,1,1\n", 2, "requests", "negative", id="negative count"),
        pytest.param(HEADER + "a,0,1,1,-1\n", 2, "output_tokens_sum", "neg", id="negative tokens"),
        pytest.param(HEADER + "a,0,many,1,1\n", 2, "requests", "'many'", id="not a number"),
        pytest.param(HEADER + "a,0,1.5,1,1\n", 2, "requests", "whole", id="fraction"),
        pytest.param(HEADER + "a,0,,1,1\n", 2, "requests", "whole", id="nothing there"),
        pytest.param(HEADER + "a,0,1,99999999999999999999,1\n", 2, "input_tokens_sum", "too large",
                     id="too large"),
        pytest.param(HEADER + ",0,1,1,1\n", 2, "model", "nothing there", id="no model"),
        pytest.param(HEADER + "a,60,1,1,1\na,0,1,1,1\n", 3, "t_start_s", "backwards",
                     id="unsorted"),
        pytest.param(HEADER + "a,60,1,1,1\na,60,1,1,1\n", 3, "t_start_s", "already",
                     id="same bin twice"),
        pytest.param(HEADER + "a,1700000000,1,1,1\n", 2, "t_start_s", "period", id="epoch seconds"),
        pytest.param(HEADER + "a,0,0,9,0\n", 2, "requests", "tokens without", id="tokens alone"),
        pytest.param(HEADER + "a,0,1,1,1\n", None, "t_start_s", "width", id="one bin at 0"),
        pytest.param(HEADER + "a,86400,1,1,1\n", None, "t_start_s", "86400", id="too wide"),
        pytest.param(REQUESTS_HEADER + "5,a,1,1\n4,a,1,1\n", 3, "t_s", "backwards",
                     id="requests unsorted"),
        pytest.param(REQUESTS_HEADER + "-1,a,1,1\n", 2, "t_s", "not a time", id="before the start"),
        pytest.param(REQUESTS_HEADER + "nan,a,1,1\n", 2, "t_s", "not a time", id="not a time"),
        pytest.param(REQUESTS_HEADER + "x,a,1,1\n", 2, "t_s", "'x'", id="time not a number"),
    ],
)  # fmt: skip
def test_broken_file_is_told_where_and_what(
    tmp_path: Path, text: str, line: int | None, column: str | None, says: str
) -> None:
    path = _file(tmp_path, text)

    with pytest.raises(TraceError) as caught:
        read_trace(path)

    error = caught.value
    assert (error.path, error.line, error.column) == (path, line, column)
    assert says in error.problem
    place = str(path) + (f":{line}" if line else "")
    assert str(error).startswith(place)
    assert len(error.remedy) > 8


def test_broken_gzip_is_told(tmp_path: Path) -> None:
    rows = "".join(f"a,{at * 10},{at + 1},1,1\n" for at in range(50_000))
    packed = gzip.compress((HEADER + rows).encode())
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(packed[: len(packed) // 2])
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(packed[:200] + b"\x00" * 64 + packed[264:])

    for path in (cut, damaged):
        with pytest.raises(TraceError, match=r"gzip|CSV|text|field|number"):
            read_trace(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(None, "cannot be read", id="missing file"),
        pytest.param(b"PAR1\xff\xfe\x00\x80binary", "not text", id="binary file"),
    ],
)
def test_file_of_another_kind_is_told(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "traffic.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(TraceError, match=says):
        read_trace(path)
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path)


def test_width_that_does_not_divide_is_told(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="multiple of 60"):
        read_trace(_file(tmp_path, GOOD), width_s=90)


def test_models_file_errors(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="listed twice"):
        read_models(_file(tmp_path, "model\na\na\n"))
    with pytest.raises(TraceError, match="no model"):
        read_models(_file(tmp_path, "model\n"))


def test_gaps(tmp_path: Path) -> None:
    gaps = read_gaps(_file(tmp_path, "source_category,start_s,end_s\nm-mid,10,20\n"))

    assert [(gap.category, gap.start_s, gap.end_s) for gap in gaps] == [("m-mid", 10, 20)]
    with pytest.raises(TraceError, match="ends before"):
        read_gaps(_file(tmp_path, "source_category,start_s,end_s\nm-mid,20,20\n"))


class TestRecorded:
    """The recorded files, against the totals their own description gives."""

    def test_code_completion_reads_the_same_from_requests_and_from_bins(
        self, traces_dir: Path
    ) -> None:
        requests = read_trace(traces_dir / "azure2023_code_requests.csv.gz")
        bins = read_trace(traces_dir / "azure2023_code_10s.csv.gz")

        total = requests.total()
        assert (total.requests, total.input_tokens, total.output_tokens) == (
            8_819,
            18_059_974,
            245_896,
        )
        # Stamps rounded to the millisecond moved one request over the edge of its bin.
        counts = [
            {at_s: arrivals[0][1] for at_s, _, arrivals in trace.iter_bins()}
            for trace in (requests, bins)
        ]
        assert counts[0].keys() == counts[1].keys()
        assert sum(abs(counts[0][at_s] - counts[1][at_s]) for at_s in counts[0]) <= 2

    def test_fleet_counts_the_models_never_called(self, traces_dir: Path) -> None:
        trace = read_trace(traces_dir / "servegen_fleet_dev_w1_600s.csv.gz")

        never = [name for name, total in trace.totals().items() if not total.requests]
        assert (len(trace.models), len(never)) == (157, 24)
        assert trace.total().requests == 1_016_383_560
