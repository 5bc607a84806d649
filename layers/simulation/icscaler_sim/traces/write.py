"""Writing a trace as the binned CSV that `read_trace` reads."""

import gzip
import io
from pathlib import Path

import numpy as np

from icscaler_sim.traces.read import BINNED_COLUMNS
from icscaler_sim.traces.trace import Trace


def trace_csv(trace: Trace) -> str:
    """The binned CSV, by model, then time: the same trace gives the same text."""
    lines = [",".join(BINNED_COLUMNS)]
    order = np.lexsort((trace.t_start_s, trace.model_index))
    columns = (
        trace.model_index,
        trace.t_start_s,
        trace.requests,
        trace.input_tokens,
        trace.output_tokens,
    )
    for index, *numbers in zip(*(column[order].tolist() for column in columns), strict=True):
        lines.append(",".join([trace.models[index], *map(str, numbers)]))
    return "\n".join(lines) + "\n"


def write_trace(trace: Trace, path: Path) -> None:
    """Write `path`, packed when its name ends in `.gz`. Models never called are not in it."""
    text = trace_csv(trace).encode()
    if path.suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
            file.write(text)
        text = packed.getvalue()
    path.write_bytes(text)
