"""The reference part of `docs/simulate.md`, written from the catalog of policies."""

from __future__ import annotations

from collections.abc import Iterator

from icscaler_sim.baselines import PEERS, Knob, Value
from icscaler_sim.simulate.policies import (
    BOUNDS,
    ICSCALER,
    NAMES,
    STATIC,
    SWITCHES,
    documented,
    knobs_of,
    label_of,
)

BEGINS = (
    "<!-- Below this line everything is written from the catalog: run tests/unit/simulate with "
    "ICSCALER_GOLDEN=1. -->"
)


def reference() -> str:
    """Every policy: how it looks at its models, and its knobs with defaults and swept values."""
    lines = [BEGINS, "", "## Policies and their knobs", ""]
    lines += ["| policy | what it is | metrics |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {label_of(name)} | {_metrics(name)} |" for name in NAMES]
    for name in NAMES:
        lines += ["", f"### `{name}`", "", *_knobs(name)]
    return "\n".join(lines) + "\n"


def _metrics(name: str) -> str:
    if name == ICSCALER:
        return "60 s, and events"
    if name in STATIC:
        return "none"
    if name in BOUNDS:
        return "knows the traffic"
    own = next(one for one in PEERS if one.name == name)
    held = ", holds requests in a proxy" if own.holds_requests else ""
    return f"{own.period_s} s{held}"


def _knobs(name: str) -> Iterator[str]:
    if name == ICSCALER:
        yield "Settings are those of the fleet file, by the names of the compiled configuration"
        yield "(`idle_s`, `target_value`, `minimum_life_s`, ...), set on all models at once."
        yield ""
        yield from _table([Knob(key, False, (False, True), SWITCHES[key]) for key in SWITCHES])
        return
    knobs = knobs_of(name)
    if not knobs:
        yield "No knobs."
        return
    yield from _table(knobs)
    if documented(name):
        given = ", ".join(f"{key}={_text(value)}" for key, value in documented(name).items())
        yield ""
        yield f"As documented by AWS: `{given}`; `--compare all` plays that too."


def _table(knobs: tuple[Knob, ...] | list[Knob]) -> Iterator[str]:
    yield "| knob | meaning | default | swept |"
    yield "| --- | --- | --- | --- |"
    for knob in knobs:
        swept = ", ".join(_text(value) for value in knob.values)
        yield f"| `{knob.name}` | {knob.meaning} | {_text(knob.default)} | {swept} |"


def _text(value: Value) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else f"{value}"
