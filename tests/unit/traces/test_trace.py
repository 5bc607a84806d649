"""Cutting, choosing and widening a trace."""

from pathlib import Path

import numpy as np
import pytest

from icscaler_sim.traces import Trace, build_trace, read_trace, write_trace
from icscaler_sim.traces.write import trace_csv


def _trace() -> Trace:
    def column(*values: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array(values, dtype=np.int64)

    return build_trace(
        "made up",
        ("a", "b", "silent"),
        10,
        60,
        column(30, 0, 10, 30),
        column(1, 0, 0, 0),
        column(4, 1, 2, 3),
        column(40, 10, 20, 30),
        column(8, 2, 4, 6),
    )


@pytest.mark.parametrize(
    ("start_s", "end_s", "starts"),
    [
        pytest.param(0, 60, [0, 10, 30], id="whole"),
        pytest.param(10, 30, [10], id="end is left out"),
        pytest.param(11, 31, [30], id="bins that start inside"),
        pytest.param(40, 60, [], id="silence"),
        pytest.param(50, 10, [], id="backwards"),
    ],
)
def test_iter_bins_gives_bins_that_start_in_the_span(
    start_s: int, end_s: int, starts: list[int]
) -> None:
    assert [at_s for at_s, _, _ in _trace().iter_bins(start_s, end_s)] == starts


def test_window_counts_from_its_own_start() -> None:
    window = _trace().window(10, 40)

    assert window.period_s == 30
    assert list(window.iter_bins()) == [
        (0, 10, [("a", 2, 20, 4)]),
        (20, 10, [("a", 3, 30, 6), ("b", 4, 40, 8)]),
    ]


@pytest.mark.parametrize(("start_s", "end_s"), [(5, 40), (20, 20), (-10, 20)])
def test_window_refuses_to_cut_a_bin_or_be_empty(start_s: int, end_s: int) -> None:
    with pytest.raises(ValueError, match=r"multiple|no period"):
        _trace().window(start_s, end_s)


def test_select_orders_and_keeps_silent_models() -> None:
    chosen = _trace().select(["silent", "b"])

    assert chosen.models == ("silent", "b")
    assert list(chosen.iter_bins()) == [(30, 10, [("b", 4, 40, 8)])]
    with pytest.raises(KeyError, match="nobody"):
        _trace().select(["nobody"])


def test_rebin_sums_and_refuses_narrower_bins() -> None:
    wide = _trace().rebin(40)

    assert (wide.width_s, wide.period_s) == (40, 80)
    assert list(wide.iter_bins()) == [(0, 40, [("a", 6, 60, 12), ("b", 4, 40, 8)])]
    for width_s in (5, 25, 0):
        with pytest.raises(ValueError, match="multiple of 10"):
            _trace().rebin(width_s)


def test_written_trace_reads_back(tmp_path: Path) -> None:
    trace = _trace()
    for name in ("again.csv", "again.csv.gz"):
        write_trace(trace, tmp_path / name)
        again = read_trace(tmp_path / name)
        assert list(again.iter_bins()) == list(trace.iter_bins())
    assert trace_csv(trace).splitlines()[1] == "a,0,1,10,2"


def test_written_gzip_is_the_same_every_time(tmp_path: Path) -> None:
    write_trace(_trace(), tmp_path / "one.csv.gz")
    write_trace(_trace(), tmp_path / "two.csv.gz")

    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        build_trace("x", ("a", "a"), 10, 10, *(np.array([], dtype=np.int64),) * 5)
