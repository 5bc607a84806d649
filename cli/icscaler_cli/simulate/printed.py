"""The figures at the end of a simulation, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from icscaler_sim.comparison import (
    COLUMNS,
    Column,
    at_losses,
    losses,
    name_text,
    rows,
    share,
    short_columns,
    spreads,
    verdicts,
)
from icscaler_sim.report.clock import span_text
from icscaler_sim.scoring import LOSS_LEVELS
from icscaler_sim.simulate import ICSCALER

WIDE = 180
NAME_WIDTH = 22
VERDICTS_SHOWN = 20
TROUBLES_SHOWN = 10


def print_comparison(console: Console, content: Mapping[str, Any], took_s: float) -> None:
    """The table, what it says of icscaler, and what went wrong."""
    policies: Sequence[Mapping[str, Any]] = content["policies"]
    console.print(_table(policies, COLUMNS if console.width >= WIDE else short_columns()))
    for spread in spreads(policies):
        low, high = spread.gpu_hours
        console.print(
            f"{name_text(spread.policy)}, {spread.seeds} seeds: {low:,.1f} to {high:,.1f} "
            f"GPU-hours, {share(spread.lost[0])} to {share(spread.lost[1])} lost"
        )
    if len(content["run"]["seeds"]) == 1:
        _print_verdicts(console, policies)
    for policy in policies:
        _print_troubles(console, policy)
    hours = content["run"]["period"]["hours"]
    console.print(
        f"{len(policies)} x {span_text(hours * 3600)} played in {span_text(took_s)}. Lost: not "
        "begun within the time limit; lost per model: every called model counts alike.",
        style="dim",
    )


def _table(policies: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        if column.left:
            table.add_column(column.title, min_width=NAME_WIDTH, overflow="fold")
        else:
            table.add_column(column.title, justify="right", no_wrap=True)
    for policy, cells in zip(policies, rows(policies, columns), strict=True):
        style = "bold" if policy["name"] == ICSCALER else ""
        table.add_row(*cells, style="dim" if policy["kind"] == "bound" else style)
    return table


def _print_verdicts(console: Console, policies: Sequence[Mapping[str, Any]]) -> None:
    lines = list(verdicts(policies))
    for line in lines if len(lines) <= VERDICTS_SHOWN else ():
        console.print(line)
    frontiers = at_losses(policies)
    if len(frontiers) < len(policies):
        console.print(_levels(frontiers))
    for line in losses(policies):
        console.print(Text(line, "red"))


def _levels(frontiers: Sequence[tuple[str, Sequence[float | None]]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("GPU-hours to lose at most", min_width=NAME_WIDTH, overflow="fold")
    for level in LOSS_LEVELS:
        table.add_column(f"{100 * level:g} %", justify="right", no_wrap=True)
    for name, hours in frontiers:
        cells = ["-" if value is None else f"{value:,.1f}" for value in hours]
        table.add_row(name, *cells, style="bold" if name.startswith(ICSCALER) else "")
    return table


def _print_troubles(console: Console, policy: Mapping[str, Any]) -> None:
    if policy["never_woken"]:
        names = ", ".join(policy["never_woken"][:5])
        console.print(Text(f"{name_text(policy)}: called and never woken: {names}", "red"))
    violations = policy["invariant_violations"]
    for line in violations[:TROUBLES_SHOWN]:
        console.print(Text(f"{name_text(policy)}: invariant violated: {line}", "red"))
