"""A comparison as a table: for a terminal, for Markdown, for the page.

Works on the document's policies (plain JSON), so that stored results can be shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icscaler_sim.scoring import LOSS_LEVELS, gpu_hours_at
from icscaler_sim.simulate.policies import ICSCALER, changed

Policy = Mapping[str, Any]
NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """`cell` gives the text of one policy; `short` is for tables with little room."""

    title: str
    cell: Callable[[Policy], str]
    short: bool = False
    left: bool = False


def settings_text(policy: Policy) -> str:
    """`keep_s=600, headroom=1.2`: what is not the default."""
    shown = changed(policy["name"], policy["settings"])
    text = ", ".join(f"{key}={_value(value)}" for key, value in shown.items())
    return text if policy["gaps"] is None else f"{text}{', ' if text else ''}gaps {policy['gaps']}"


def name_text(policy: Policy) -> str:
    """The policy and what is special about its settings."""
    said = settings_text(policy)
    return f"{policy['name']} ({said})" if said else str(policy["name"])


def share(value: float | None) -> str:
    """A share in percent, with as many digits as small losses need."""
    if value is None:
        return NOTHING
    percent = 100 * value
    if percent == 0:
        return "0 %"
    digits = 1 if percent >= 10 else 2 if percent >= 1 else 3 if percent >= 0.1 else 4
    return f"{percent:.{digits}f} %" if percent >= 0.0001 else "<0.0001 %"


def lost_fraction(policy: Policy) -> float:
    """Of all requests, exactly."""
    requests = policy["requests"]
    lost = requests["late"] + requests["refused"]
    return float(lost / requests["total"]) if requests["total"] else 0.0


def wakes_text(policy: Policy) -> str:
    """`12: 280 / 340 s`."""
    wakes = policy["wakes"]
    if policy["kind"] == "bound" or not wakes["total"]:
        return NOTHING
    return f"{wakes['total']}: {wakes['p50_s']:.0f} / {wakes['p90_s']:.0f} s"


def _wake_p90(policy: Policy) -> str:
    p90_s = policy["wakes"]["p90_s"]
    return NOTHING if p90_s is None else f"{p90_s:.0f} s"


COLUMNS: tuple[Column, ...] = (
    Column("policy", name_text, short=True, left=True),
    Column("GPU-hours", lambda one: f"{one['gpu_hours']:,.1f}", short=True),
    Column("instance GPU-hours", lambda one: f"{one['instance_gpu_hours']:,.0f}"),
    Column("dollars", lambda one: f"{one['dollars']:,.0f}", short=True),
    Column("on cheapest types", lambda one: f"{one['cheapest']['dollars']:,.0f}"),
    Column("lost", lambda one: share(lost_fraction(one)), short=True),
    Column("late", lambda one: f"{one['requests']['late']:,}"),
    Column("refused", lambda one: f"{one['requests']['refused']:,}"),
    Column("lost per model", lambda one: share(one["model_lost_mean"]), short=True),
    Column("served p5", lambda one: share(one["model_served"]["p5"])),
    Column("cold minutes", lambda one: f"{one['cold_minutes']:,}"),
    Column("wakes: p50 / p90", wakes_text),
    Column("starts", lambda one: f"{one['starts']:,}"),
    Column("young kills", lambda one: f"{one['young_kills']:,}"),
    Column("changes", lambda one: f"{one['changes']['total']:,}"),
    Column("AWS calls", lambda one: f"{sum(one['aws_calls'].values()):,}"),
)


def short_columns() -> tuple[Column, ...]:
    """Those that fit a narrow terminal."""
    chosen = [column for column in COLUMNS if column.short]
    return (*chosen, Column("wake p90", _wake_p90))


def rows(policies: Sequence[Policy], columns: Sequence[Column] = COLUMNS) -> list[list[str]]:
    """The cells, a row for each policy."""
    return [[column.cell(policy) for column in columns] for policy in policies]


def markdown(policies: Sequence[Policy], columns: Sequence[Column] = COLUMNS) -> str:
    """A Markdown table; our rows are bold."""
    lines = [
        "| " + " | ".join(column.title for column in columns) + " |",
        "| " + " | ".join("---" if column.left else "---:" for column in columns) + " |",
    ]
    for policy, cells in zip(policies, rows(policies, columns), strict=True):
        shown = [f"**{cell}**" for cell in cells] if policy["name"] == ICSCALER else cells
        lines.append("| " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def at_losses(policies: Sequence[Policy]) -> list[tuple[str, list[float | None]]]:
    """Of each policy, over its settings: GPU-hours at the usual losses (`LOSS_LEVELS`).

    None where it never loses as little; interpolated between two settings.
    """
    groups: dict[tuple[str, str | None], list[Policy]] = {}
    for policy in policies:
        groups.setdefault((policy["name"], policy["gaps"]), []).append(policy)
    return [
        (
            name if gaps is None else f"{name} (gaps {gaps})",
            [gpu_hours_at(mine, lost_fraction, level, _gpu_hours) for level in LOSS_LEVELS],
        )
        for (name, gaps), mine in groups.items()
    ]


def _gpu_hours(policy: Policy) -> float:
    return float(policy["gpu_hours"])


@dataclass(frozen=True, slots=True)
class Spread:
    """The same policy and settings over several seeds."""

    policy: Policy
    seeds: int
    gpu_hours: tuple[float, float]
    lost: tuple[float, float]


def spreads(policies: Sequence[Policy]) -> list[Spread]:
    """Lowest and highest over the seeds, for what was played with more than one."""
    groups: dict[str, list[Policy]] = {}
    for policy in policies:
        groups.setdefault(name_text(policy), []).append(policy)
    return [
        Spread(
            mine[0],
            len(mine),
            _ends([one["gpu_hours"] for one in mine]),
            _ends([lost_fraction(one) for one in mine]),
        )
        for mine in groups.values()
        if len(mine) > 1
    ]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
