"""Holes in a recording filled with neighbouring traffic, for statements about idle models.

In each hole the models of its category repeat what they did just before (first half) and just after
(second half), mirrored at the edges, so that level and time of day stay about right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from icscaler_sim.traces import Gap, Trace, build_trace


def fill_gaps(trace: Trace, gaps: Sequence[Gap], category_of: Mapping[str, str | None]) -> Trace:
    """The trace with every gap filled; what a gap contains already is replaced."""
    for gap in gaps:
        trace = _filled(trace, gap, category_of)
    return trace


def _filled(trace: Trace, gap: Gap, category_of: Mapping[str, str | None]) -> Trace:
    width_s = trace.width_s
    start, end = gap.start_s // width_s, -(-gap.end_s // width_s)
    end = min(end, trace.period_s // width_s)
    mine = np.array([category_of.get(name) == gap.category for name in trace.models], dtype=bool)
    bins = trace.t_start_s // width_s
    ours = mine[trace.model_index]
    keep = ~(ours & (bins >= start) & (bins < end))
    middle = (start + end) // 2
    # Bin start + k takes what bin start - 1 - k had, bin end - 1 - k what bin end + k had.
    before = ours & (bins >= 2 * start - middle) & (bins < start)
    after = ours & (bins >= end) & (bins < 2 * end - middle)
    rows = np.concatenate([np.flatnonzero(part) for part in (keep, before, after)])
    at = np.concatenate([bins[keep], 2 * start - 1 - bins[before], 2 * end - 1 - bins[after]])

    def taken(column: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.take(column, rows)

    return build_trace(
        trace.source,
        trace.models,
        width_s,
        trace.period_s,
        at * width_s,
        taken(trace.model_index),
        taken(trace.requests),
        taken(trace.input_tokens),
        taken(trace.output_tokens),
    )
