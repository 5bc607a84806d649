"""From what CloudWatch kept to the files that `icscaler simulate` and `demo` read.

CloudWatch counts no tokens. So that a replay serves as fast as the models did, every request of a
model gets as many output tokens as take its usual ModelLatency on a copy of its size by the default
service profile. Usual is the median of the bins: waiting in overload is not a longer service.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from icscaler_cli.exporting.parts import Plan
from icscaler_cli.exporting.series import History
from icscaler_sim.traces import (
    MeasuredUse,
    Trace,
    build_trace,
    copy_shape_for,
    write_trace,
    write_usage,
)

EVERY_CATEGORY = "*"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, for the last words."""

    trace: Path
    models: Path
    gaps: Path | None
    requests: int
    called: int
    gap_s: int
    usage: Path | None


def write(
    out: Path,
    plan: Plan,
    history: History,
    gpus: Mapping[str, int],
    homes: Mapping[str, str],
    uses: Sequence[MeasuredUse] = (),
) -> Written:
    """Write trace, models, what copies used and, where nothing was recorded at all, gaps. Raises
    `OSError`.

    `gpus`: of one copy; `homes`: the endpoint, by model. There is at least one request.
    """
    totals = {model: sum(bins.values()) for model, bins in history.requests.items()}
    write_trace(trace_of(out.name, plan, history, gpus), out)
    stem = _stem(out)
    models = out.with_name(f"{stem}_models.csv")
    busiest = sorted(plan.models, key=lambda model: (-totals.get(model, 0), model))
    _write_rows(
        models,
        ("model", "requests", "source_category"),
        [(model, totals.get(model, 0), homes[model]) for model in busiest],
    )
    usage = out.with_name(f"{stem}_usage.csv")
    usage.unlink(missing_ok=True)
    if uses:
        write_usage(usage, uses)
    spans = gaps(plan, history)
    file = out.with_name(f"{stem}_gaps.csv")
    file.unlink(missing_ok=True)
    if spans:
        rows = [(EVERY_CATEGORY, start_s, end_s) for start_s, end_s in spans]
        _write_rows(file, ("source_category", "start_s", "end_s"), rows)
    return Written(
        out,
        models,
        file if spans else None,
        sum(totals.values()),
        sum(total > 0 for total in totals.values()),
        sum(end_s - start_s for start_s, end_s in spans),
        usage if uses else None,
    )


def gaps(plan: Plan, history: History) -> list[tuple[int, int]]:
    """Spans of the period, in its seconds, in which CloudWatch has nothing of anything.

    A model without requests is silent as long as anything else was recorded meanwhile.
    """
    found: list[tuple[int, int]] = []
    for start_s in range(plan.start_s, plan.end_s, plan.width_s):
        if start_s in history.heard:
            continue
        begin_s = start_s - plan.start_s
        if found and found[-1][1] == begin_s:
            begin_s = found.pop()[0]
        found.append((begin_s, start_s - plan.start_s + plan.width_s))
    return found


def tokens_of(latency_s: Mapping[int, float], gpus: int) -> int:
    """Output tokens of a request that takes as long as this model's usually did."""
    profile = copy_shape_for(max(1, gpus)).profile
    if not latency_s:
        return 0
    return max(0, round((median(latency_s.values()) - profile.base_s) / profile.output_token_s))


def trace_of(name: str, plan: Plan, history: History, gpus: Mapping[str, int]) -> Trace:
    """The period's requests as traffic to replay."""
    tokens = {
        model: tokens_of(history.latency_s.get(model, {}), gpus[model]) for model in plan.models
    }
    rows = [
        (start_s - plan.start_s, index, count, count * tokens[model])
        for index, model in enumerate(plan.models)
        for start_s, count in sorted(history.requests.get(model, {}).items())
        if count
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return build_trace(
        name,
        plan.models,
        plan.width_s,
        plan.end_s - plan.start_s,
        columns[:, 0],
        columns[:, 1],
        columns[:, 2],
        np.zeros(len(rows), dtype=np.int64),
        columns[:, 3],
    )


def _stem(out: Path) -> str:
    """`history` of `history_60s.csv.gz`, which is how readers find what lies beside a trace."""
    name = out.name.removesuffix(".gz").removesuffix(".csv")
    return name.rpartition("_")[0] or name


def _write_rows(file: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([header, *rows])
