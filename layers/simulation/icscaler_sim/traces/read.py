"""Readers of trace files: requests per time bin, or one row per request; plain or gzip.

The format is described in docs/traces.md. A file is judged by its content, never by its name: the
header tells the kind, the first bytes tell gzip. Whatever is wrong raises `TraceError`.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from icscaler_sim.traces.errors import TraceError
from icscaler_sim.traces.table import COUNT_HINT, SCHEMA_HINT, Table, open_table
from icscaler_sim.traces.trace import IntArray, Trace, build_trace

BINNED_COLUMNS = ("model", "t_start_s", "requests", "input_tokens_sum", "output_tokens_sum")
REQUEST_COLUMNS = ("t_s", "model", "input_tokens", "output_tokens")
DEFAULT_REQUEST_BIN_S = 10
WIDEST_BIN_S = 3600


def read_trace(path: Path, *, width_s: int | None = None, models_file: Path | None = None) -> Trace:
    """Read a trace file whole, in bins of `width_s`.

    `width_s` None keeps the bins of a binned file and gives requests bins of 10 s. `models_file`
    lists the deployed models, those never called included, and then no other may appear in the
    trace; None looks for `*_models.csv` beside the trace (see `models_file_beside`).
    """
    models_file = models_file or models_file_beside(path)
    known = [row.name for row in read_models(models_file)] if models_file else None
    rows = _Rows(path, known, models_file)
    with open_table(path, _either_schema) as table:
        if "t_s" in table.columns:
            width = width_s or DEFAULT_REQUEST_BIN_S
            _read_requests(table, rows, width)
            rows.require_any()
            return rows.build(width)
        _read_bins(table, rows)
    rows.require_any()
    trace = rows.build(_bin_width(path, rows.t_start_s))
    if width_s is None:
        return trace
    try:
        return trace.rebin(width_s)
    except ValueError as error:
        raise TraceError(path, str(error), "Choose another width") from error


def models_file_beside(path: Path) -> Path | None:
    """`NAME_models.csv` for a trace called `NAME_60s.csv.gz` (or any last part), if it exists."""
    return beside(path, "models")


def beside(path: Path, what: str) -> Path | None:
    """`NAME_<what>.csv` for a trace called `NAME_60s.csv.gz` (or any last part), if it exists."""
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    for base in (stem.rpartition("_")[0], stem):
        candidate = path.with_name(f"{base}_{what}.csv")
        if base and candidate != path and candidate.is_file():
            return candidate
    return None


# ---------------------------------------------------------------- models and gaps


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One deployed model of a `*_models.csv`; `stratum` and `category` are None when not given."""

    name: str
    stratum: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A span [start_s, end_s) in which a whole category shows nothing: a hole in the logging."""

    category: str
    start_s: int
    end_s: int


def read_models(path: Path) -> list[ModelRow]:
    """The deployed models of a `*_models.csv`, in its order (busiest first)."""
    found: dict[str, ModelRow] = {}
    with open_table(path, lambda _: ("model",)) as table:
        for row in table:
            name = table.text(row, "model")
            if name in found:
                raise table.error("model", f"model '{name}' is listed twice", "Remove one row")
            found[name] = ModelRow(
                name, table.optional(row, "stratum"), table.optional(row, "source_category")
            )
    if not found:
        raise TraceError(path, "no model is listed", SCHEMA_HINT)
    return list(found.values())


def read_gaps(path: Path) -> list[Gap]:
    """The spans of a `*_gaps_*.csv`; none at all is allowed."""
    gaps = []
    with open_table(path, lambda _: ("source_category", "start_s", "end_s")) as table:
        for row in table:
            gap = Gap(
                table.text(row, "source_category"),
                table.second(row, "start_s"),
                table.second(row, "end_s"),
            )
            if gap.end_s <= gap.start_s:
                raise table.error("end_s", "the gap ends before it starts", "Swap the two numbers")
            gaps.append(gap)
    return gaps


# ---------------------------------------------------------------- the two kinds of trace


@dataclass(slots=True)
class _Rows:
    """Rows as they are read, as machine integers."""

    path: Path
    known: list[str] | None
    models_file: Path | None
    places: dict[str, int] = field(default_factory=dict)
    t_start_s: "array[int]" = field(default_factory=lambda: array("q"))
    model_index: "array[int]" = field(default_factory=lambda: array("q"))
    requests: "array[int]" = field(default_factory=lambda: array("q"))
    input_tokens: "array[int]" = field(default_factory=lambda: array("q"))
    output_tokens: "array[int]" = field(default_factory=lambda: array("q"))

    def __post_init__(self) -> None:
        self.places = {name: place for place, name in enumerate(self.known or ())}

    def place(self, table: Table, name: str) -> int:
        place = self.places.get(name)
        if place is None:
            if self.known is not None:
                raise table.error(
                    "model",
                    f"unknown model '{name}'",
                    f"It is not listed in {self.models_file}; add it there or correct the name",
                )
            place = self.places[name] = len(self.places)
        return place

    def add(
        self, t_start_s: int, place: int, requests: int, input_tokens: int, output_tokens: int
    ) -> None:
        self.t_start_s.append(t_start_s)
        self.model_index.append(place)
        self.requests.append(requests)
        self.input_tokens.append(input_tokens)
        self.output_tokens.append(output_tokens)

    def require_any(self) -> None:
        if not self.t_start_s:
            raise TraceError(self.path, "no request in the whole file", SCHEMA_HINT)

    def build(self, width_s: int) -> Trace:
        t_start_s = _int64(self.t_start_s)
        return build_trace(
            self.path.name,
            tuple(self.places),
            width_s,
            int(t_start_s.max()) + width_s,
            t_start_s,
            _int64(self.model_index),
            _int64(self.requests),
            _int64(self.input_tokens),
            _int64(self.output_tokens),
        )


def _read_bins(table: Table, rows: _Rows) -> None:
    newest: dict[int, int] = {}
    for row in table:
        place = rows.place(table, table.text(row, "model"))
        t_start_s = table.second(row, "t_start_s")
        before = newest.get(place, -1)
        if t_start_s <= before:
            problem = "this bin was given already" if t_start_s == before else "time runs backwards"
            raise table.error(
                "t_start_s",
                f"{problem} ({t_start_s} after {before} for model '{row[table.columns['model']]}')",
                "Sort the file by model and t_start_s, and sum rows of the same bin",
            )
        newest[place] = t_start_s
        requests = table.count(row, "requests")
        tokens_in = table.count(row, "input_tokens_sum")
        tokens_out = table.count(row, "output_tokens_sum")
        if requests:
            rows.add(t_start_s, place, requests, tokens_in, tokens_out)
        elif tokens_in or tokens_out:
            raise table.error("requests", "tokens without a request", COUNT_HINT)


def _read_requests(table: Table, rows: _Rows, width_s: int) -> None:
    """Requests are summed as they are read: memory grows with bins, not with requests."""
    newest_s = 0.0
    bin_start_s = 0
    sums: dict[int, list[int]] = {}

    def flush() -> None:
        for place, (requests, tokens_in, tokens_out) in sums.items():
            rows.add(bin_start_s, place, requests, tokens_in, tokens_out)
        sums.clear()

    for row in table:
        t_s = table.seconds(row, "t_s")
        if t_s < newest_s:
            raise table.error(
                "t_s", f"time runs backwards ({t_s:g} after {newest_s:g})", "Sort the file by t_s"
            )
        newest_s = t_s
        start_s = int(t_s // width_s) * width_s
        if start_s != bin_start_s:
            flush()
            bin_start_s = start_s
        place = rows.place(table, table.text(row, "model"))
        tokens_in = table.count(row, "input_tokens")
        tokens_out = table.count(row, "output_tokens")
        known = sums.setdefault(place, [0, 0, 0])
        known[0] += 1
        known[1] += tokens_in
        known[2] += tokens_out
    flush()


def _bin_width(path: Path, starts: Sequence[int]) -> int:
    """The width of the bins: the largest one that all their starts are multiples of."""
    width_s = 0
    for start_s in set(starts):
        width_s = math.gcd(width_s, start_s)
    if 0 < width_s <= WIDEST_BIN_S:
        return width_s
    raise TraceError(
        path,
        "the width of the bins cannot be told"
        + (f": all start at multiples of {width_s} s" if width_s else ": all start at second 0"),
        f"A trace needs bins of at most {WIDEST_BIN_S} s and requests in more than one of them",
        column="t_start_s",
    )


def _int64(values: "array[int]") -> IntArray:
    return np.frombuffer(values, dtype=np.int64).copy()


def _either_schema(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns to expect: a request file has `t_s`, or more of its columns than of the other."""
    shared = set(columns)
    if "t_start_s" in shared:
        return BINNED_COLUMNS
    requests = len(shared.intersection(REQUEST_COLUMNS))
    return (
        REQUEST_COLUMNS if requests > len(shared.intersection(BINNED_COLUMNS)) else BINNED_COLUMNS
    )
