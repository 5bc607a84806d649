"""Laws of traces: nothing is lost or invented by cutting, widening, writing and reading."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from icscaler_sim.traces import Trace, TraceError, build_trace, read_trace, write_trace

MODELS = ("a", "b", "c")


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    cells = draw(
        st.dictionaries(
            st.tuples(st.integers(0, 40), st.integers(0, 2)),
            st.tuples(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 10**9)),
            min_size=1,
            max_size=60,
        )
    )
    rows = np.array([(*cell, *counts) for cell, counts in cells.items()], dtype=np.int64)
    return build_trace(
        "made up", MODELS, 10, 410, rows[:, 0] * 10, rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4]
    )


@given(traces(), st.integers(1, 50))
def test_wider_bins_hold_the_same_requests(trace: Trace, factor: int) -> None:
    wide = trace.rebin(10 * factor)

    assert wide.totals() == trace.totals()
    assert wide.period_s >= trace.period_s
    starts = [at_s for at_s, _, _ in wide.iter_bins()]
    assert starts == sorted(set(starts))


@given(traces(), st.integers(1, 10), st.integers(1, 10))
def test_widening_twice_is_widening_once(trace: Trace, first: int, second: int) -> None:
    twice = trace.rebin(10 * first).rebin(10 * first * second)

    assert list(twice.iter_bins()) == list(trace.rebin(10 * first * second).iter_bins())


@given(traces(), st.integers(1, 40))
def test_two_windows_hold_all_requests_once(trace: Trace, cut: int) -> None:
    before = trace.window(0, cut * 10).total()
    after = trace.window(cut * 10, 410).total()

    assert before.requests + after.requests == trace.total().requests
    assert before.output_tokens + after.output_tokens == trace.total().output_tokens


@given(traces())
@settings(max_examples=40)
def test_written_trace_reads_the_same(trace: Trace) -> None:
    # A file whose only bin starts at second 0 does not tell how wide its bins are.
    assume(trace.t_start_s.any())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.csv")
        write_trace(trace, path)
        again = read_trace(path)
    assert again.total() == trace.total()
    assert not again.width_s % trace.width_s


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_file_is_read_or_refused_with_its_name(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.csv")
        path.write_bytes(content)
        said = str(path)
        try:
            read_trace(path)
        except TraceError as error:
            said = str(error)
    assert said.startswith(str(path))
