"""The figures at the end of a demo, for a terminal."""

from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from icscaler_sim.pricing import Alternative
from icscaler_sim.report import OURS, Requests, RunResult
from icscaler_sim.report.clock import span_text
from icscaler_sim.report.summary import change_figures, wake_figures

MODELS_SHOWN = 20
TROUBLES_SHOWN = 10
SAME_FRACTION = 0.005


def print_result(console: Console, run: RunResult, out: Path, took_s: float) -> None:
    """Costs, requests, wakes, changes, and where the report is."""
    console.print()
    kind = run.reference_type.removeprefix("ml.")
    console.print(f"Dollars on {kind}, and each on its cheapest fitting types:", style="dim")
    console.print(_cost_table(run))
    for note in run.notes:
        console.print(note, style="dim")
    for line in _verdicts(run):
        console.print(line)
    console.print()
    console.print(_request_table(run))
    console.print()
    for said in (_wakes(run), _changes(run), _invariants(run)):
        console.print(said)
    hours = run.steps * run.step_s / 3600
    console.print(
        f"{hours:g} h played in {span_text(took_s)}. Open {out / 'report.html'}", style="bold"
    )


def _cost_table(run: RunResult) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for title in ("GPU-hours", "instance-hours", "dollars", "cheapest types"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in run.alternatives:
        estimated = " est." if one.on_cheapest.estimated_price else ""
        table.add_row(
            one.label,
            f"{one.on_reference.gpu_hours:,.1f}",
            f"{one.on_reference.instance_hours:,.1f}",
            f"{one.on_reference.dollars:,.0f}",
            f"{one.on_cheapest.dollars:,.0f}{estimated}",
            style="bold" if one.name == OURS else "",
        )
    return table


def _verdicts(run: RunResult) -> list[Text]:
    """Savings and losses in words; a loss is shown as one."""
    ours = run.alternative(OURS)
    if not run.requests.total:
        return [Text("Nobody called any model, so there is nothing to compare with.", "dim")]
    lines = []
    for one in run.alternatives:
        if one.name != OURS:
            lines.append(
                Text.assemble(
                    f"against {one.label}: ",
                    *_against(ours.on_reference.dollars, one.on_reference.dollars),
                    f" on {run.reference_type.removeprefix('ml.')}, ",
                    *_against(ours.on_cheapest.dollars, one.on_cheapest.dollars),
                    " on the cheapest fitting types",
                )
            )
    best = min(run.alternatives, key=_cheapest_dollars)
    if best.name != OURS:
        lines.append(
            Text(f"A loss: {best.label} on its cheapest fitting types would cost least.", "red")
        )
    return lines


def _cheapest_dollars(one: Alternative) -> float:
    return min(one.on_cheapest.dollars, one.on_reference.dollars)


def _against(ours: float, other: float) -> list[tuple[str, str]]:
    share = ours / other - 1
    if abs(share) < SAME_FRACTION:
        return [("about the same", "")]
    if share <= 0:
        return [(f"{-share:.0%} less", "green")]
    return [(f"{share:.0%} more", "red")]


def _request_table(run: RunResult) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("model", "requests", "in time", "late", "refused", "share in time"):
        justify: Literal["left", "right"] = "left" if title == "model" else "right"
        table.add_column(title, justify=justify, no_wrap=True)
    busiest = sorted(run.models, key=lambda model: -model.requests.total)[:MODELS_SHOWN]
    for model in busiest:
        table.add_row(model.name, *_request_cells(model.requests))
    if len(busiest) < len(run.models):
        table.add_row(f"and {len(run.models) - len(busiest)} less busy")
    table.add_row("all", *_request_cells(run.requests), style="bold")
    return table


def _request_cells(requests: Requests) -> list[str]:
    counts = (requests.total, requests.in_time, requests.late, requests.refused)
    share = f"{requests.in_time_fraction:.3%}" if requests.total else "never called"
    return [*(f"{value:,}" for value in counts), share]


def _wakes(run: RunResult) -> str:
    figures = wake_figures(run.wakes)
    if not run.wakes:
        return "No model was asked for at zero copies."
    return (
        f"{figures['total']} wakes from zero: half within {span_text(figures['p50_s'])}, "
        f"90 % within {span_text(figures['p90_s'])}, the longest {span_text(figures['longest_s'])} "
        "from the first refused request to a copy that serves."
    )


def _changes(run: RunResult) -> str:
    figures = change_figures(run.changes)
    return (
        f"{figures['total']} changes: {figures['scale_out']} out, {figures['scale_in']} in, "
        f"{figures['to_zero']} to zero, {figures['from_zero']} from zero; "
        f"{figures['not_accepted']} not accepted."
    )


def _invariants(run: RunResult) -> Text:
    if run.healthy:
        return Text(f"All invariants held; {run.looks:,} looks, none failed.", "green")
    lines = [*run.invariant_violations, *run.failed_looks]
    shown = "\n".join(f"  {line}" for line in lines[:TROUBLES_SHOWN])
    more = f"\n  and {len(lines) - TROUBLES_SHOWN} more" if len(lines) > TROUBLES_SHOWN else ""
    return Text(
        f"{len(run.invariant_violations)} invariant violations, "
        f"{len(run.failed_looks)} failed looks of {run.looks:,}:\n{shown}{more}",
        "red",
    )
