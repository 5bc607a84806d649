"""The traffic of a simulation: a file or a generator, cut to a period, its holes filled or not."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from icscaler_sim.simulate import SimulationError, strata_of
from icscaler_sim.simulate.book import STEP_S
from icscaler_sim.simulate.gaps import fill_gaps
from icscaler_sim.traces import (
    Gap,
    Trace,
    generate_ensemble,
    generate_fleet,
    models_file_beside,
    read_gaps,
    read_models,
    read_trace,
)

GENERATE = "generate:"
MINUTE_S = 60
EVERYBODY = "*"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([smhd])\s*")
_GENERATORS: Mapping[str, Mapping[str, float]] = {
    "ensemble": {"days": 1.0},
    "fleet": {"days": 1.0, "models": 40.0, "mean_rps": 0.0},
}
_FORM = "write generate:ensemble,days=2 or generate:fleet,models=40,days=1,mean_rps=200"
_MOST_DAYS = 366.0
_MOST_MODELS = 10_000.0
_SILENT_REQUESTS = 1000
"""A silence in which so many requests would be usual is likely a hole in the recording."""


@dataclass(frozen=True, slots=True)
class Period:
    """The part to play, as it was asked for."""

    start: str | None = None
    end: str | None = None
    warm_up: str | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is played. `filled`: the same with its gaps filled, where gaps were named.

    The traces begin `warm_s` before `from_s`, which is where scoring begins.
    `ensemble`: it was generated for the models of `examples/codegen-ensemble.yaml`.
    """

    title: str
    trace: Trace
    from_s: int
    warm_s: int
    strata: Mapping[str, str]
    ensemble: bool = False
    filled: Trace | None = None
    notes: tuple[str, ...] = field(default=())


def read_traffic(source: str, gaps: Path | None, period: Period, seed: int) -> Traffic:
    """Read or generate, fill, cut. Raises `SimulationError` or `TraceError`."""
    generator = source.removeprefix(GENERATE) if source.startswith(GENERATE) else None
    strata: dict[str, str] = {}
    categories: dict[str, str | None] = {}
    if generator is not None:
        whole = _generated(generator, seed)
    else:
        path = Path(source)
        whole = read_trace(path)
        beside = models_file_beside(path)
        for row in read_models(beside) if beside else ():
            categories[row.name] = row.category
            if row.stratum:
                strata[row.name] = row.stratum
    from_s, to_s, notes = _period(whole, period.start, period.end)
    warm_s = _warm_up(period, from_s, whole.width_s)
    first_s = from_s - warm_s
    filled = None
    if gaps is not None:
        inside = _inside(read_gaps(gaps), first_s, to_s)
        if inside:
            filled = fill_gaps(whole, inside, _categories(whole, gaps, inside, categories))
            filled = filled.window(first_s, to_s)
        else:
            notes.append(f"No gap of {gaps.name} lies within the period: played as recorded.")
    trace = whole.window(first_s, to_s)
    if gaps is None:
        notes += _silences(trace, first_s)
    return Traffic(
        title=whole.source,
        trace=trace,
        from_s=from_s,
        warm_s=warm_s,
        strata={**strata_of(whole), **strata},
        ensemble=generator is not None and generator.startswith("ensemble"),
        filled=filled,
        notes=tuple(notes),
    )


def seconds(option: str, text: str) -> int:
    """`36h` as seconds. Raises `SimulationError`."""
    if not re.fullmatch(f"(?:{_TIME.pattern})+", text.strip()):
        raise SimulationError(
            f"{option} {text} is no time", "write a number and its unit: 90m, 36h, 1d12h or 5400s"
        )
    return round(sum(float(number) * _UNITS[unit] for number, unit in _TIME.findall(text)))


def time_text(at_s: int) -> str:
    """`2d 3h`, `90m`."""
    parts = []
    left = at_s
    for unit in ("d", "h", "m", "s"):
        number, left = divmod(left, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0h"


def _period(trace: Trace, start: str | None, end: str | None) -> tuple[int, int, list[str]]:
    notes: list[str] = []
    step_s = math.lcm(trace.width_s, MINUTE_S)
    from_s = seconds("--from", start) if start is not None else 0
    to_s = seconds("--to", end) if end is not None else trace.period_s
    long = f"the traffic is {time_text(trace.period_s)} long"
    if from_s >= trace.period_s:
        raise SimulationError(f"--from {start} is behind the end of the traffic", long)
    if to_s <= from_s:
        raise SimulationError(
            f"nothing lies between --from {start or '0h'} and --to {end}", f"{long}; swap them?"
        )
    for option, text, at_s in (("--from", start, from_s), ("--to", end, to_s)):
        if text is not None and at_s % step_s:
            raise SimulationError(
                f"{option} {text} cuts a bin or a minute in two",
                f"choose a multiple of {time_text(step_s)}, the width of this traffic's bins"
                if step_s > MINUTE_S
                else "choose whole minutes",
            )
    if to_s > trace.period_s:
        notes.append(f"--to {end} is after the end of the traffic: {long}, played to its end.")
        to_s = trace.period_s
    return from_s, to_s, notes


def _warm_up(period: Period, from_s: int, width_s: int) -> int:
    if period.warm_up is None:
        return 0
    warm_s = seconds("--warm-up", period.warm_up)
    step_s = math.lcm(width_s, STEP_S)
    if warm_s % step_s:
        raise SimulationError(
            f"--warm-up {period.warm_up} is no multiple of {time_text(step_s)}", "round it up"
        )
    if warm_s > from_s:
        raise SimulationError(
            f"--warm-up {period.warm_up} begins before the traffic",
            f"scoring begins at --from {period.start or '0h'}: begin later, or warm up less",
        )
    return warm_s


def _inside(gaps: list[Gap], from_s: int, to_s: int) -> list[Gap]:
    return [gap for gap in gaps if gap.start_s < to_s and gap.end_s > from_s]


def _categories(
    trace: Trace, path: Path, gaps: list[Gap], known: Mapping[str, str | None]
) -> Mapping[str, str | None]:
    """Every model's category, as the gaps name it."""
    if all(gap.category == EVERYBODY for gap in gaps):
        return dict.fromkeys(trace.models, EVERYBODY)
    for gap in gaps:
        if gap.category not in known.values():
            raise SimulationError(
                f"{path}: no model is of category '{gap.category}'",
                "the trace's *_models.csv gives models a source_category; "
                f"{EVERYBODY} in every row of the gaps file means all models",
            )
    return known


def _silences(trace: Trace, from_s: int) -> list[str]:
    """The longest time in which nobody was called, if many requests would be usual in it."""
    edges = np.concatenate(
        ([0], np.unique(trace.t_start_s) + trace.width_s, [trace.period_s])
    ).astype(np.int64)
    begins = np.concatenate(([0], np.unique(trace.t_start_s), [trace.period_s])).astype(np.int64)
    spans = begins[1:] - edges[:-1]
    place = int(spans.argmax())
    longest_s = int(spans[place])
    usual = int(trace.requests.sum()) * longest_s / trace.period_s
    if usual < _SILENT_REQUESTS:
        return []
    since_s = from_s + int(edges[place])
    return [
        f"Nobody was called from {time_text(since_s)} to {time_text(since_s + longest_s)}. If that "
        "is a hole in the recording, name it in a gaps file: --gaps (docs/traces.md)."
    ]


def _generated(text: str, seed: int) -> Trace:
    kind, *options = text.split(",")
    if kind not in _GENERATORS:
        raise SimulationError(f"there is no generator '{kind}'", _FORM)
    values = dict(_GENERATORS[kind])
    for option in options:
        name, _, number = option.partition("=")
        if name not in values:
            names = ", ".join(values)
            raise SimulationError(f"the generator {kind} has no '{name}': it has {names}", _FORM)
        values[name] = _number(name, number)
    days = values["days"]
    if not MINUTE_S / 86_400 <= days <= _MOST_DAYS:
        raise SimulationError(f"{days:g} days cannot be generated", "a minute to 366 days can")
    days = round(days * 1440) / 1440
    if kind == "ensemble":
        return generate_ensemble(seed, days=days)
    models = values["models"]
    if not models.is_integer() or not 1 <= models <= _MOST_MODELS:
        raise SimulationError(f"{models:g} models cannot be generated", "1 to 10,000 can")
    return generate_fleet(int(models), seed, days=days, mean_rps=values["mean_rps"] or None)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not math.isfinite(value) or value <= 0:
        raise SimulationError(f"{name}={text} of the generator is no number above 0", _FORM)
    return value
